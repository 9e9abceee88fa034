"""Renewing subscriptions as a job: those that were ticked, or all that the work list has found."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Select, Table
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import MAX_ID
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.core.walking import along_key
from app.jobs import operations, registry
from app.jobs.context import JobContext
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
    listing = due_listing(today)
    listing.where(criteria)
    if not 0 < max_id <= MAX_ID or not 0 < found <= MAX_ID:
        raise Refused.because("There is no subscription that this would renew")
    conditions = [list(pair) for pair in listing.describe(criteria, session)]
    if ids:
        conditions.append(["Chosen", f"{len(ids):,}"])
    params = {
        "search": criteria.search,
        "filters": dict(criteria.filters),
        "ids": list(ids),
        "conditions": conditions,
        "today": today.isoformat(),
        "max_id": max_id,
    }
    many = "1 subscription" if found == 1 else f"{found:,} subscriptions"
    return operations.once(
        session,
        f"{actor.operator_id}:{token}",
        lambda: operations.enqueue(
            session, KIND, params, actor=actor, title=f"Renew {many}", total=found
        ),
    )


def run(context: JobContext) -> dict[str, Any]:
    """Renew chunk by chunk, along the ids; a killed run goes on after its last chunk."""
    found = _found(context.params)
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


def _found(params: Mapping[str, Any]) -> Select[int]:
    criteria = Criteria(
        search=params["search"],
        filters=params["filters"],
        zone=ZoneInfo(current_app.config["SETTINGS"].timezone),
    )
    wanted = due_listing(date.fromisoformat(params["today"])).where(criteria)
    if params["ids"]:
        wanted = wanted.where(Subscription.id.in_(params["ids"]))
    found = along_key(wanted, cast(Table, Subscription.__table__))
    return found.where(Subscription.id <= params["max_id"])
