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
from app.jobs.found import Taken, enqueue_over, keys_over, work_through
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
    """Work off the returns; see `work_through`."""
    settings = current_app.config["SETTINGS"]
    step, policy = Step(context.params["step"]), retry_policy_of(settings)

    def take(session: Session, ids: Sequence[int]) -> Taken:
        outcome = work_off(
            session, ids, step, note=context.params["note"], policy=policy,
            today=clock.today(settings.timezone), actor=context.actor,
        )  # fmt: skip
        return {"done": outcome.done}, outcome.refused

    table = cast(Table, Collection.__table__)
    found = keys_over(WAITING, table, context.params)
    came = work_through(context, found, table, take, counts=("done",), phase="Working off returns")
    return {"worked_off": came["done"], "refused": came["refused"]}
