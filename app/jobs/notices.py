"""Notices in the panel that a job has ended; each waits until whoever asked for it has seen it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from app.jobs.models import Job, JobNotice

MOST_SHOWN: Final = 3
# Asked for by every page, so it is written once.
_WAITING = (
    select(Job)
    .join(JobNotice, JobNotice.job_id == Job.id)
    .where(JobNotice.operator_id == bindparam("operator"))
    .order_by(Job.id.desc())
    .limit(MOST_SHOWN)
)


def leave(session: Session, job: Job) -> None:
    """Leave a notice for the operator who asked for a job; none where it was nobody's."""
    if job.created_by_id is not None:
        session.merge(JobNotice(job_id=job.id, operator_id=job.created_by_id))
        session.flush()


def waiting(session: Session, operator_id: int) -> Sequence[Job]:
    """The jobs that an operator has not seen the end of, the latest first; only a few."""
    return session.scalars(_WAITING, {"operator": operator_id}).all()


def is_waiting(session: Session, job_id: int, operator_id: int | None) -> bool:
    """Whether an operator has yet to see the end of a job."""
    wanted = (JobNotice.job_id == job_id, JobNotice.operator_id == operator_id)
    return session.scalar(select(JobNotice.job_id).where(*wanted)) is not None


def take_away(session: Session, job_id: int, operator_id: int | None) -> None:
    """The operator has seen it. Nothing where there is none, or where it is another's."""
    wanted = (JobNotice.job_id == job_id, JobNotice.operator_id == operator_id)
    session.execute(delete(JobNotice).where(*wanted))
