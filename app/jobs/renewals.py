"""Renewing subscriptions as a job: those that were ticked, or all that the work list has found."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from sqlalchemy import Table
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import Taken, enqueue_over, keys_over, work_through
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned
from app.subscriptions.models import Subscription
from app.subscriptions.renewals import due_listing, renew_subscriptions

KIND: Final = "renewal"


def register() -> None:
    """Make the kind of job known; whoever may renew may take it back."""
    registry.register(
        KIND, run, on_abandoned=OnAbandoned.RESUME, undo=Permission.SUBSCRIPTIONS_EDIT
    )


def start_renewal(
    session: Session,
    criteria: Criteria,
    today: date,
    *,
    ids: Sequence[int] = (),
    max_id: int,
    found: int,
    token: str,
    actor: Actor,
) -> Job:
    """Have all renewed that the work list of that day finds up to `max_id`; with `ids` only those.

    A second call with the same token gives the first one's job. Raises NotAllowed, and Refused for
    criteria that cannot be followed.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    actor.require(Permission.JOBS_VIEW)
    many = "1 subscription" if found == 1 else f"{found:,} subscriptions"
    return enqueue_over(
        session,
        KIND,
        due_listing(today),
        criteria,
        ids=ids,
        max_id=max_id,
        found=found,
        noun="subscription",
        params={"today": today.isoformat()},
        title=f"Renew {many}",
        total=found,
        token=token,
        actor=actor,
    )


def run(context: JobContext) -> dict[str, Any]:
    """Renew the subscriptions; see `work_through`."""

    def take(session: Session, ids: Sequence[int]) -> Taken:
        outcome = renew_subscriptions(session, ids, actor=context.actor)
        return {"renewed": outcome.renewed}, outcome.refused

    table = cast(Table, Subscription.__table__)
    found = keys_over(
        due_listing(date.fromisoformat(context.params["today"])), table, context.params
    )
    return work_through(
        context, found, table, take, counts=("renewed",), phase="Renewing subscriptions"
    )
