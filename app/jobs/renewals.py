"""Renewing subscriptions as a job: those that were ticked, or all that the work list has found."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from flask import current_app
from sqlalchemy import Table
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import enqueue_over, keys_over
from app.jobs.leftovers import clear_leftovers, list_leftovers
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
    """Renew chunk by chunk, along the ids; a killed run goes on after its last chunk."""
    listing = due_listing(date.fromisoformat(context.params["today"]))
    found = keys_over(listing, cast(Table, Subscription.__table__), context.params)
    size = current_app.config["SETTINGS"].chunk_rows
    so_far = context.cursor or {"after": 0, "renewed": 0, "refused": 0}
    context.progress(so_far["renewed"] + so_far["refused"], phase="Renewing subscriptions")
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["after"]:
                clear_leftovers(session, context.job_id)  # those of a former run
            chunk = found.where(Subscription.id > so_far["after"]).limit(size)
            ids: Sequence[int] = session.scalars(chunk).all()
            if not ids:
                break
            outcome = renew_subscriptions(session, ids, actor=context.actor)
            list_leftovers(
                session, context.job_id, [("subscriptions", *one) for one in outcome.refused]
            )
            so_far = {
                "after": ids[-1],
                "renewed": so_far["renewed"] + outcome.renewed,
                "refused": so_far["refused"] + len(outcome.refused),
            }
            context.checkpoint(session, so_far, so_far["renewed"] + so_far["refused"])
        context.progress(so_far["renewed"] + so_far["refused"])
    return {"renewed": so_far["renewed"], "refused": so_far["refused"]}
