"""Marking invoices as paid or cancelling them as a job: the ticked ones, or all that were found."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from app.billing.mass import LABELS, Step, take_step
from app.billing.operations import INVOICES as TABLE
from app.billing.queries import INVOICES
from app.core.actor import Actor
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import Taken, enqueue_over, keys_over, work_through
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned

KIND: Final = "invoice-steps"


def register() -> None:
    """Make the kind of job known; whoever may change invoices may take it back."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME, undo=Permission.INVOICES_EDIT)


def start_step(
    session: Session,
    step: Step,
    reason: str,
    criteria: Criteria,
    *,
    ids: Sequence[int] = (),
    max_id: int,
    found: int,
    token: str,
    actor: Actor,
) -> Job:
    """Have all take a step that the criteria find up to `max_id`; with `ids` only those of them.

    A second call with the same token gives the first one's job. Raises NotAllowed, and Refused for
    criteria that cannot be followed.
    """
    actor.require(Permission.INVOICES_EDIT)
    actor.require(Permission.JOBS_VIEW)
    conditions = [["Reason", reason]] if reason else []
    return enqueue_over(
        session,
        KIND,
        INVOICES,
        criteria,
        ids=ids,
        max_id=max_id,
        found=found,
        noun="invoice",
        params={"step": step.value, "reason": reason, "conditions": conditions},
        title=f"Invoices: {LABELS[step].lower()}",
        total=found,
        token=token,
        actor=actor,
    )


def run(context: JobContext) -> dict[str, Any]:
    """Change the invoices; see `work_through`."""
    step, reason = Step(context.params["step"]), context.params["reason"]

    def take(session: Session, ids: Sequence[int]) -> Taken:
        outcome = take_step(session, ids, step, actor=context.actor, reason=reason)
        return {"changed": outcome.changed, "same": outcome.same}, outcome.refused

    found = keys_over(INVOICES, TABLE, context.params)
    came = work_through(
        context, found, TABLE, take, counts=("changed", "same"), phase="Changing invoices"
    )
    return {
        "changed": came["changed"], "had_it_already": came["same"], "refused": came["refused"],
    }  # fmt: skip
