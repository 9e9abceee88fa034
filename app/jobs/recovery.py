"""Finds jobs that a dead worker left behind, or that a lost queue forgot, and sets them right."""

import logging

from sqlalchemy import select, update

from app.core import clock
from app.extensions import db, transaction
from app.jobs import liveness, queue, registry, runner
from app.jobs.models import Job, JobState
from app.jobs.registry import OnAbandoned
from app.jobs.story import how_far, tell

log = logging.getLogger(__name__)

# A job that ends its worker each time it runs, by lack of memory for instance, must end itself.
MOST_ATTEMPTS = 5


def set_abandoned_right() -> None:
    """Resume, take back or fail each job whose worker is dead, as its kind wants it."""
    running = db.session.scalars(select(Job).where(Job.state == JobState.RUNNING)).all()
    abandoned = [(job.id, job.worker) for job in running if liveness.is_abandoned(job)]
    db.session.rollback()
    for job_id, worker in abandoned:
        with liveness.at_work(job_id):
            if _take_over(job_id, worker):
                _decide(job_id)


def send_forgotten() -> None:
    """Send every queued job that the queue does not know, oldest first."""
    queued = db.session.scalars(
        select(Job.id).where(Job.state == JobState.QUEUED).order_by(Job.id)
    ).all()
    db.session.rollback()
    if not queued:
        return
    waiting = queue.current().waiting()
    for job_id in queued:
        if job_id not in waiting:
            queue.current().send(job_id)


def _take_over(job_id: int, dead: str | None) -> bool:
    """Hold a dead worker's job, so that of several that look, one sets it right."""
    with transaction() as session:
        taken = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == JobState.RUNNING, Job.worker == dead)
            .values(worker=liveness.own_name(), heartbeat_at=clock.now())
        )
        return bool(taken.rowcount == 1)  # type: ignore[attr-defined]


def _decide(job_id: int) -> None:
    job = db.session.get_one(Job, job_id)
    kind = registry.find(job.kind)
    policy = kind.on_abandoned(job.params) if kind else OnAbandoned.TAKE_BACK
    stopped = " ".join(filter(None, ["The worker ended while the job was", how_far(job)]))
    if not job.done:
        stopped = "The worker ended during the job"
    with transaction() as session:
        tell(session.get_one(Job, job_id), stopped)
    if job.cancel_requested:
        runner.end_without_result(job_id, JobState.CANCELLED)
    elif job.error is not None:
        runner.end_without_result(job_id, JobState.FAILED, error=job.error)
    elif policy is not OnAbandoned.RESUME:
        runner.end_without_result(job_id, JobState.FAILED, error=f"{stopped}. It can be run again.")
    elif job.attempts >= MOST_ATTEMPTS:
        runner.end_without_result(
            job_id, JobState.FAILED, error=f"{stopped}, for the {job.attempts}th time."
        )
    else:
        with transaction() as session:
            again = session.get_one(Job, job_id)
            again.state = JobState.QUEUED
            again.worker = None
            tell(again, "Waits to go on where it stood")
        log.warning("job %s is resumed after its worker ended", job_id)
