"""One mail about all the IBANs that a job has changed: an import, its undo, a merge."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.core.actor import Actor, Channel
from app.customers.iban_notices import anybody_is_told, tell_number
from app.jobs import registry
from app.jobs.models import Job, JobState

ENTITIES = ("customer", "mandate")


def register() -> None:
    """Make it known."""
    registry.at_every_end(tell_of_job)


def tell_of_job(session: Session, job: Job) -> None:
    """Queue the mail in the transaction that ends the job, where it has changed any.

    The history is what is counted: it tells of every change, whichever way it was made, and a
    job that was killed and resumed is one job. What was taken back again is no change.
    """
    if job.state != JobState.DONE or not anybody_is_told():
        return
    count = session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(
            AuditEntry.at >= job.created_at,
            AuditEntry.job_id == job.id,
            AuditEntry.entity.in_(ENTITIES),
            AuditEntry.action != Action.CREATED.value,
            AuditEntry.changes["iban"].as_string().is_not(None),
            # A record that an undo has removed took its IBAN with it.
            or_(
                AuditEntry.action != Action.TAKEN_BACK.value,
                AuditEntry.changes[("iban", 1)].as_string().is_not(None),
            ),
        )
    )
    if not count:
        return
    maker = Actor(
        job.created_by_label, frozenset(), Channel(job.channel), job.created_by_id, job.id
    )
    tell_number(
        session,
        count,
        actor=maker,
        how=f", by a job: {job.title}",
        address=f"/admin/jobs/details/?id={job.id}",
    )
