"""Sending the notices of a collection run as a job: every customer of it is told once."""

from typing import Any, Final

from flask import current_app
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned
from app.sepa.models import CollectionRun
from app.sepa.notices import customers_of, lock_notifiable, send_notices

KIND: Final = "run-notices"


def register() -> None:
    """Make the kind of job known. What was sent cannot be taken back."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME)


def start_notices(
    session: Session,
    run: CollectionRun,
    *,
    letters: bool = False,
    actor: Actor,
    foreground: bool = False,
) -> Job:
    """Have the customers of a run told who have not been; `letters` sends no mail at all.

    Raises Refused for a run that the bank has already, or that was cancelled.
    """
    run = lock_notifiable(session, run.id, actor=actor)
    how = "Letters" if letters else "Notices"
    return operations.enqueue(
        session, KIND, {"run_id": run.id, "run": run.number, "letters": letters}, actor=actor,
        title=f"{how} of run {run.number}", total=len(customers_of(session, run.id)),
        foreground=foreground,
    )  # fmt: skip


def run(context: JobContext) -> dict[str, Any]:
    """Tell them chunk by chunk; a killed run goes on after its last chunk."""
    run_id, letters = context.params["run_id"], context.params["letters"]
    size = current_app.config["SETTINGS"].chunk_rows
    so_far = context.cursor or {"place": 0, "mails": 0, "letters": 0}
    context.progress(so_far["place"], phase="Notifying customers")
    with context.chunk(journal=False) as session:
        customers = customers_of(session, run_id)
    while so_far["place"] < len(customers):
        context.stop_if_cancelled()
        with context.chunk(journal=False) as session:
            some = customers[so_far["place"] : so_far["place"] + size]
            found = session.get_one(CollectionRun, run_id)
            sent = send_notices(session, found, some, letters=letters, actor=context.actor)
            so_far = {
                "place": so_far["place"] + len(some),
                "mails": so_far["mails"] + sent.mails,
                "letters": so_far["letters"] + sent.letters,
            }
            context.checkpoint(session, so_far, so_far["place"])
        context.progress(so_far["place"])
    told = so_far["mails"] + so_far["letters"]
    return {
        "by_email": so_far["mails"],
        "by_letter": so_far["letters"],
        "had_been_told_already": len(customers) - told,
    }
