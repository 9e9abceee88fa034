"""The story of a job: what happened to it, in sentences, each with its moment."""

from datetime import datetime

from app.core import clock
from app.jobs.models import Job


def tell(job: Job, sentence: str) -> None:
    """Add one sentence to the story."""
    # A new list: a change inside a JSON value is not seen by the session.
    job.events = [*job.events, [clock.now().isoformat(), sentence]]


def story(job: Job) -> list[tuple[datetime, str]]:
    """The story so far, oldest first."""
    return [(datetime.fromisoformat(at), sentence) for at, sentence in job.events]


def how_far(job: Job) -> str:
    """'at 400 of 1,000', 'at 400', or '' for a job that had not counted anything yet."""
    if not job.done:
        return ""
    if job.total:
        return f"at {job.done:,} of {job.total:,}"
    return f"at {job.done:,}"
