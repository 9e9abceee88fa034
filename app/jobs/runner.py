"""Runs one job: claims it, keeps its heartbeat, and brings it to an end, whichever it is."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.core import clock, taking_back, undo
from app.core.actor import Actor, Channel
from app.core.errors import KontorError
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs import liveness, registry
from app.jobs.context import JobCancelled, JobContext, JobLost, own_transaction
from app.jobs.leftovers import clear_leftovers, count_leftovers, list_units
from app.jobs.models import Job, JobState
from app.jobs.story import tell

log = logging.getLogger(__name__)

TAKING_BACK = "Taking back"
UNKNOWN_KIND = "This version of Kontor does not know this kind of job."
FAULT = "A fault of the program stopped it; the log of the worker tells more under job {number}."


def run_queued(job_id: int) -> None:
    """Run a job that is queued; do nothing when somebody else has it or it has ended."""
    with liveness.at_work(job_id):
        if claim(job_id):
            run_claimed(job_id)


def claim(job_id: int) -> bool:
    """Take a queued job for this process. Of several that try, one succeeds."""
    now = clock.now()
    with transaction() as session:
        taken = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == JobState.QUEUED)
            .values(
                state=JobState.RUNNING,
                worker=liveness.own_name(),
                attempts=Job.attempts + 1,
                heartbeat_at=now,
                started_at=now,
            )
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return False
        job = session.get_one(Job, job_id)
        tell(job, "Resumed" if job.cursor else "Started")
    return True


def run_claimed(job_id: int) -> None:
    """Run a job that this process holds, to its end."""
    job = db.session.get_one(Job, job_id)
    kind = registry.find(job.kind)
    if kind is None:
        finish(job_id, JobState.FAILED, error=UNKNOWN_KIND)
        return
    engine = db.engine
    context = JobContext(
        job,
        actor=_actor_of(job),
        engine=engine,
        worker=liveness.own_name(),
        pause_seconds=current_app.config["SETTINGS"].chunk_pause_ms / 1000,
    )
    db.session.rollback()
    try:
        with _heartbeat(engine, job_id):
            _run_to_an_end(kind, context)
    except JobLost:
        db.session.rollback()
        log.warning("job %s was taken over by another worker", job_id)


def _run_to_an_end(kind: registry.JobKind, context: JobContext) -> None:
    job_id = context.job_id
    try:
        context.stop_if_cancelled()
        result = kind.run(context)
    except JobLost:
        raise
    except JobCancelled:
        end_without_result(job_id, JobState.CANCELLED)
    except KeyboardInterrupt:
        # Somebody pressed Ctrl+C at the command line.
        end_without_result(job_id, JobState.CANCELLED)
        raise
    except KontorError as refused:
        end_without_result(job_id, JobState.FAILED, error=str(refused))
    except Exception:
        log.exception("job %s (%s) failed", job_id, kind.name)
        end_without_result(job_id, JobState.FAILED, error=FAULT.format(number=job_id))
    else:
        finish(job_id, JobState.DONE, result=dict(result or {}))


def end_without_result(job_id: int, state: JobState, *, error: str | None = None) -> None:
    """Take back what the job wrote, then end it as failed or cancelled.

    The decision is written down first: a worker that is killed while taking back is followed
    by one that goes on with taking back, never by one that resumes the job.
    """
    db.session.rollback()
    with transaction() as session:
        job = _held(session, job_id)
        job.cancel_requested = job.cancel_requested or state is JobState.CANCELLED
        job.error = error
        if job.phase != TAKING_BACK:
            # What it left out while it ran is no news of a job that left no trace.
            clear_leftovers(session, job_id)
        job.phase = TAKING_BACK
    taken_back = False
    while _take_back_some(job_id):
        taken_back = True
    finish(job_id, state, error=error, taken_back=taken_back)


def _take_back_some(job_id: int) -> int:
    """One short commit of taking back; the number of rows, 0 when all is done.

    Of a kind that people may take back later, records edited since are left alone here as well.
    """
    with transaction() as session:
        job = _held(session, job_id)
        kind = registry.find(job.kind)
        if kind is None or kind.undo is None:
            return undo.take_back(session, job_id)
        some = taking_back.take_back(
            session, job_id, actor=_actor_of(job), why=f"Job {job_id} was stopped and taken back"
        )
        list_units(session, job_id, some.left)
        return len(some)


def finish(
    job_id: int,
    state: JobState,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    taken_back: bool = False,
) -> None:
    """Write the final state, together with what the job belongs to."""
    with transaction() as session:
        job = _held(session, job_id)
        job.state = state
        job.result = result
        job.error = error
        job.phase = ""
        job.cursor = None
        job.finished_at = clock.now()
        if state is JobState.DONE:
            job.done = job.total = job.total if job.total is not None else job.done
        left = count_leftovers(session, job_id) if taken_back else 0
        tell(job, _last_words(state, taken_back, left))
        registry.tell_of_end(session, job)


def _held(session: Session, job_id: int) -> Job:
    """The job, while this process holds it. Raises JobLost when another has taken it over."""
    job = session.get_one(Job, job_id, with_for_update=True)
    if job.state != JobState.RUNNING or job.worker != liveness.own_name():
        raise JobLost
    return job


def _last_words(state: JobState, taken_back: bool, left: int) -> str:
    ended = {JobState.DONE: "Done", JobState.FAILED: "Failed", JobState.CANCELLED: "Cancelled"}
    if taken_back and left:
        return (
            f"{ended[state]}; what it had written was taken back, "
            f"but for {left:,} that were changed since"
        )
    if taken_back:
        return f"{ended[state]}; everything it had written was taken back"
    return ended[state]


def _actor_of(job: Job) -> Actor:
    """Who asked for the job, with the permissions of that moment."""
    known = set(Permission)
    return Actor(
        label=job.created_by_label,
        permissions=frozenset(Permission(p) for p in job.permissions if p in known),
        channel=Channel(job.channel),
        operator_id=job.created_by_id,
        job_id=job.id,
    )


@contextmanager
def _heartbeat(engine: Engine, job_id: int) -> Iterator[None]:
    """Write a sign of life now and then, also while the job is in one long step."""
    over = threading.Event()
    me = liveness.own_name()

    def beat() -> None:
        while not over.wait(liveness.HEARTBEAT_SECONDS):
            try:
                with own_transaction(engine) as session:
                    _beat(session, job_id, me)
            except Exception:
                log.exception("no heartbeat for job %s", job_id)

    thread = threading.Thread(target=beat, name=f"heartbeat-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(session: Session, job_id: int, worker: str) -> None:
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.worker == worker)
        .values(heartbeat_at=clock.now())
        .execution_options(synchronize_session=False)
    )
