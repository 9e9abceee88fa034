"""Marking invoices as paid or cancelling them as a job: the ticked ones, or all that were found."""

from collections.abc import Sequence
from typing import Any, Final

from flask import current_app
from sqlalchemy.orm import Session

from app.billing.mass import LABELS, Step, take_step
from app.billing.models import Invoice
from app.billing.operations import INVOICES as TABLE
from app.billing.queries import INVOICES
from app.core.actor import Actor
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import enqueue_over, keys_over
from app.jobs.leftovers import clear_leftovers, list_leftovers
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
    """Chunk by chunk, along the ids; a killed run goes on after its last chunk."""
    step = Step(context.params["step"])
    found = keys_over(INVOICES, TABLE, context.params)
    size = current_app.config["SETTINGS"].chunk_rows
    so_far = context.cursor or {"after": 0, "changed": 0, "same": 0, "refused": 0}
    context.progress(_done(so_far), phase="Changing invoices")
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["after"]:
                clear_leftovers(session, context.job_id)  # those of a former run
            chunk = found.where(Invoice.id > so_far["after"]).limit(size)
            ids: Sequence[int] = session.scalars(chunk).all()
            if not ids:
                break
            outcome = take_step(
                session, ids, step, actor=context.actor, reason=context.params["reason"]
            )
            list_leftovers(session, context.job_id, [("invoices", *one) for one in outcome.refused])
            so_far = {
                "after": ids[-1],
                "changed": so_far["changed"] + outcome.changed,
                "same": so_far["same"] + outcome.same,
                "refused": so_far["refused"] + len(outcome.refused),
            }
            context.checkpoint(session, so_far, _done(so_far))
        context.progress(_done(so_far))
    return {
        "changed": so_far["changed"],
        "had_it_already": so_far["same"],
        "refused": so_far["refused"],
    }


def _done(so_far: dict[str, int]) -> int:
    return so_far["changed"] + so_far["same"] + so_far["refused"]
