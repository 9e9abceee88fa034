"""Everything that changes a job from outside: enqueue, cancel, run again, run at once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.database import after_commit
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import liveness, queue, registry, runner
from app.jobs.models import Job, JobRequest, JobState
from app.jobs.story import tell

ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})
ENDED_BADLY = frozenset({JobState.FAILED, JobState.CANCELLED})


def enqueue(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    *,
    actor: Actor,
    title: str,
    total: int | None = None,
    input_file: StoredFile | None = None,
    foreground: bool = False,
) -> Job:
    """Add a job; a worker gets it once the transaction is committed.

    `params` must be JSON and should hold ids, not records. With `foreground` no worker gets it:
    this process holds it from the start and calls `run_now` after the commit.
    """
    if registry.find(kind) is None:
        raise LookupError(f"no feature has registered jobs of the kind {kind!r}")
    now = clock.now()
    job = Job(
        kind=kind,
        title=title,
        state=JobState.RUNNING if foreground else JobState.QUEUED,
        worker=liveness.own_name() if foreground else None,
        heartbeat_at=now if foreground else None,
        started_at=now if foreground else None,
        attempts=1 if foreground else 0,
        params=dict(params),
        events=[],
        total=total,
        created_by_id=actor.operator_id,
        created_by_label=actor.label,
        permissions=sorted(actor.permissions),
        channel=actor.channel,
        created_at=now,
        file=input_file,
    )
    tell(job, "Started" if foreground else "Waits for a worker")
    session.add(job)
    session.flush()
    if not foreground:
        after_commit(session, partial(_send, job.id))
    return job


def once(session: Session, token: str, enqueue: Callable[[], Job]) -> Job:
    """Enqueue a job unless the same token has given one already, which is returned then.

    A page draws the token with its form, so that a form sent twice starts one job.
    """
    try:
        with session.begin_nested():
            # A second form that comes at the same moment waits here for the first.
            session.execute(insert(JobRequest).values(token=token[:120]))
    except IntegrityError:
        first = session.scalar(select(JobRequest.job_id).where(JobRequest.token == token[:120]))
        return session.get_one(Job, first)
    job = enqueue()
    session.execute(update(JobRequest).where(JobRequest.token == token[:120]).values(job_id=job.id))
    return job


def forget_requests(session: Session, *, before: datetime, most: int) -> int:
    """Delete at most so many marks of forms that asked for jobs long ago; how many it were."""
    old = session.scalars(
        select(JobRequest.token)
        .join(Job, Job.id == JobRequest.job_id)
        .where(Job.created_at < before)
        .limit(most)
    ).all()
    session.execute(delete(JobRequest).where(JobRequest.token.in_(old)))
    return len(old)


def run_now(job_id: int) -> Job:
    """Run a job to its end in this process, without a worker, and return it.

    Raises Refused when a worker has it, or when it has ended.
    """
    job = db.session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}")
    held = job.state == JobState.RUNNING and job.worker == liveness.own_name()
    with liveness.at_work(job_id):
        if not held and not runner.claim(job_id):
            raise Refused.because(f"Job {job_id} is {job.state} and cannot be started here")
        runner.run_claimed(job_id)
    db.session.expire_all()
    return db.session.get_one(Job, job_id)


def find(session: Session, job_id: int, *, actor: Actor) -> Job:
    """The job, if this person may see it: one's own, or all with the permission to see all.

    Raises NotFound for both kinds of absence, which must not be told apart.
    """
    actor.require(Permission.JOBS_VIEW)
    job = session.get(Job, job_id)
    if job is None or not _may_see(job, actor):
        raise NotFound(f"There is no job {job_id}")
    return job


def cancel(session: Session, job_id: int, *, actor: Actor) -> Job:
    """Ask a job to stop. A queued one ends at once, a running one at its next safe point.

    Raises Refused when it has ended already.
    """
    job = _change(session, job_id, actor)
    if job.state not in ACTIVE:
        raise Refused.because(f"This job is {job.state} already")
    if not stoppable(job):
        raise Refused.because("This job cannot be stopped midway; it runs to its end")
    if job.cancel_requested:
        return job
    job.cancel_requested = True
    tell(job, f"{actor.label} asked for the job to stop")
    if job.state == JobState.QUEUED and job.cursor is None:
        job.state = JobState.CANCELLED
        job.finished_at = clock.now()
        tell(job, "Cancelled before it had begun")
        kind = registry.find(job.kind)
        if kind and kind.on_end:
            kind.on_end(session, job)
    session.flush()
    return job


def stoppable(job: Job) -> bool:
    """Whether a job of this kind can be stopped before its end."""
    kind = registry.find(job.kind)
    return kind is None or kind.stoppable


def run_again(session: Session, job_id: int, *, actor: Actor) -> Job:
    """Queue a failed or cancelled job once more, from its beginning.

    Raises Refused for one that is done or still under way.
    """
    job = _change(session, job_id, actor)
    if job.state not in ENDED_BADLY:
        raise Refused.because(f"This job is {job.state}; only a failed or cancelled one runs again")
    job.state = JobState.QUEUED
    job.cursor = job.result = job.error = job.worker = None
    job.started_at = job.finished_at = job.heartbeat_at = None
    job.done = job.attempts = 0
    job.phase = ""
    job.cancel_requested = False
    tell(job, f"{actor.label} asked for the job to run again")
    session.flush()
    after_commit(session, partial(_send, job.id))
    return job


def _change(session: Session, job_id: int, actor: Actor) -> Job:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None or not _may_see(job, actor):
        raise NotFound(f"There is no job {job_id}")
    # A person who has lost a permission since must not use it through an old job.
    lost = {p for p in job.permissions if p in set(Permission)} - actor.permissions
    if lost and not actor.may(Permission.JOBS_VIEW_ALL):
        raise NotAllowed("Your permissions have changed since this job was started")
    return job


def _may_see(job: Job, actor: Actor) -> bool:
    if actor.may(Permission.JOBS_VIEW_ALL):
        return True
    return actor.operator_id is not None and job.created_by_id == actor.operator_id


def _send(job_id: int) -> None:
    queue.current().send(job_id)
