"""Working off returns as a job: those that were ticked, or all that the work list has found."""

from collections.abc import Sequence
from typing import Any, Final, cast

from flask import current_app
from sqlalchemy import Table
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import enqueue_over, keys_over
from app.jobs.leftovers import clear_leftovers, list_leftovers
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned
from app.sepa.models import Collection
from app.sepa.operations_returns import STEP_LABELS, Step, checked_note, work_off
from app.sepa.queries_returns import WAITING, retry_policy_of

KIND: Final = "working off returns"


def register() -> None:
    """Make the kind of job known. Each return tells what was done; there is no taking back."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME)


def start_working_off(
    session: Session,
    step: Step,
    note: str,
    criteria: Criteria,
    *,
    ids: Sequence[int] = (),
    max_id: int,
    found: int,
    token: str,
    actor: Actor,
) -> Job:
    """Take a step for all that the work list finds up to `max_id`; with `ids` only for those.

    A second call with the same token gives the first one's job. Raises NotAllowed, and Refused for
    a missing note and for criteria that cannot be followed.
    """
    actor.require(Permission.RETURNS_EDIT)
    actor.require(Permission.JOBS_VIEW)
    text = checked_note(step, note)
    many = "1 return" if found == 1 else f"{found:,} returns"
    return enqueue_over(
        session,
        KIND,
        WAITING,
        criteria,
        ids=ids,
        max_id=max_id,
        found=found,
        noun="return",
        params={
            "step": step.value,
            "note": text,
            "conditions": [["Step", STEP_LABELS[step]], *([["Note", text]] if text else [])],
        },
        title=f"{STEP_LABELS[step]}: {many}",
        total=found,
        token=token,
        actor=actor,
    )


def run(context: JobContext) -> dict[str, Any]:
    """Work off chunk by chunk, along the ids; a killed run goes on after its last chunk."""
    settings = current_app.config["SETTINGS"]
    step, policy = Step(context.params["step"]), retry_policy_of(settings)
    found = keys_over(WAITING, cast(Table, Collection.__table__), context.params)
    so_far = context.cursor or {"after": 0, "done": 0, "refused": 0}
    context.progress(so_far["done"] + so_far["refused"], phase="Working off returns")
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["after"]:
                clear_leftovers(session, context.job_id)  # those of a former run
            chunk = found.where(Collection.id > so_far["after"]).limit(settings.chunk_rows)
            ids: Sequence[int] = session.scalars(chunk).all()
            if not ids:
                break
            outcome = work_off(
                session, ids, step, note=context.params["note"], policy=policy,
                today=clock.today(settings.timezone), actor=context.actor,
            )  # fmt: skip
            list_leftovers(
                session, context.job_id, [("collections", *one) for one in outcome.refused]
            )
            so_far = {
                "after": ids[-1],
                "done": so_far["done"] + outcome.done,
                "refused": so_far["refused"] + len(outcome.refused),
            }
            context.checkpoint(session, so_far, so_far["done"] + so_far["refused"])
        context.progress(so_far["done"] + so_far["refused"])
    return {"worked_off": so_far["done"], "refused": so_far["refused"]}
