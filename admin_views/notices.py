"""What has ended since one looked last: shown above every page until it was opened or put away."""

from dataclasses import dataclass

from flask_login import current_user

from app.extensions import db, transaction
from app.jobs import notices
from app.jobs.models import Job, JobState


@dataclass(frozen=True, slots=True)
class Notice:
    """One job that has ended; `kind` is the kind of alert."""

    job_id: int
    kind: str
    text: str


def job_notices() -> list[Notice]:
    """The notices of the present operator."""
    operator_id = _operator_id()
    if operator_id is None:
        return []
    return [_notice(job) for job in notices.waiting(db.session(), operator_id)]


def seen(job_id: int) -> None:
    """The present operator has seen what became of a job. Writes only where a notice waits."""
    operator_id = _operator_id()
    if notices.is_waiting(db.session(), job_id, operator_id):
        with transaction() as session:
            notices.take_away(session, job_id, operator_id)


def _operator_id() -> int | None:
    return current_user.id if current_user.is_authenticated else None


def _notice(job: Job) -> Notice:
    if job.state != JobState.DONE:
        return Notice(job.id, "danger", f"{job.title}: could not be written.")
    return Notice(job.id, "success", f"{job.title}: ready, {(job.result or {})['rows']:,} rows.")
