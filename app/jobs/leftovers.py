"""The records that a job left as they were: each with the reason, listed on the job's page."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.core.taking_back import Unit
from app.jobs.models import JobLeftover


def list_units(session: Session, job_id: int, units: Iterable[Unit]) -> None:
    """List records that were left as they are at a job."""
    list_leftovers(session, job_id, [(one.table, one.id, one.label, one.left) for one in units])


def list_leftovers(
    session: Session, job_id: int, rows: Iterable[tuple[str, int | None, str, str]]
) -> None:
    """List records (table, id, label, reason) that a job left as they are."""
    values = [
        {"job_id": job_id, "entity": entity, "entity_id": id_, "label": label[:120],
         "reason": reason}
        for entity, id_, label, reason in rows
    ]  # fmt: skip
    if values:
        session.execute(insert(JobLeftover), values)


def count_leftovers(session: Session, job_id: int) -> int:
    """How many records a job left as they are."""
    found = select(func.count(JobLeftover.id)).where(JobLeftover.job_id == job_id)
    return session.scalar(found) or 0


def leftovers(session: Session, job_id: int, offset: int, limit: int) -> Sequence[JobLeftover]:
    """Some of the records that a job left as they were, in the order in which it came by them."""
    found = select(JobLeftover).where(JobLeftover.job_id == job_id).order_by(JobLeftover.id)
    return session.scalars(found.offset(offset).limit(limit)).all()
