"""Taking back what a finished job changed, as a job: what was edited since is left and listed."""

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, taking_back
from app.core.actor import Actor
from app.core.errors import NotAllowed, Refused
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.leftovers import count_leftovers, list_units
from app.jobs.models import Job, JobState, JobUndo
from app.jobs.pace import Pace
from app.jobs.registry import OnAbandoned

KIND = "undo"


def register() -> None:
    """Make the kind of job known. It needs no taking back, and runs to its end once begun."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME, stoppable=False)


def undo_until(job: Job) -> datetime:
    """Until when the before-images of a job are kept: its oldest may be as old as the job."""
    return job.created_at + timedelta(days=current_app.config["SETTINGS"].retention_days)


def undone_by(session: Session, job_id: int) -> Job | None:
    """The job that took this one back, or is about to."""
    return session.scalar(
        select(Job).join(JobUndo, JobUndo.undo_job_id == Job.id).where(JobUndo.job_id == job_id)
    )


def may_undo(session: Session, job: Job, actor: Actor) -> bool:
    """Whether this person may take the job back now."""
    return _against(session, job, actor) is None and taking_back.has_notes(session, job.id)


def start_undo(session: Session, job_id: int, *, actor: Actor, foreground: bool = False) -> Job:
    """Have what a job changed taken back by a job of its own, once, while before-images are kept.

    Raises NotFound for a job that the actor may not see, NotAllowed without the permission of its
    kind, Refused with the reason for one that cannot be taken back, or not any more.
    """
    operations.find(session, job_id, actor=actor)
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    against = _against(session, job, actor)
    if against is not None:
        raise against
    records = taking_back.count_units(session, job_id)
    if not records:
        raise Refused.because("This job has changed nothing that could be taken back")
    undo = operations.enqueue(
        session,
        KIND,
        {"job_id": job_id, "records": records},
        actor=actor,
        title=f"Undo: {job.title}"[:255],
        total=records,
        foreground=foreground,
    )
    session.add(JobUndo(job_id=job_id, undo_job_id=undo.id))
    session.flush()
    return undo


def _against(session: Session, job: Job, actor: Actor) -> Exception | None:
    """Why this person cannot take the job back, as what is to be raised; None if nothing is."""
    kind = registry.find(job.kind)
    if kind is None or kind.undo is None:
        return Refused.because("A job of this kind cannot be taken back")
    if not actor.may(kind.undo(job.params)):
        return NotAllowed("You are not allowed to take this job back")
    if job.state != JobState.DONE:
        return Refused.because(f"This job is {job.state}; only one that is done can be taken back")
    if clock.now() > undo_until(job):
        return Refused.because("The time in which this job could be taken back is over")
    earlier = undone_by(session, job.id)
    if earlier is not None:
        return Refused.because(f"{earlier.created_by_label} has taken this job back already")
    return None


def run(context: JobContext) -> dict[str, Any]:
    """Take back in short commits. A killed run goes on: what is done has left the journal."""
    job_id, records = context.params["job_id"], context.params["records"]
    pace = Pace(current_app.config["SETTINGS"].chunk_rows, rows=250)
    done = context.cursor["done"] if context.cursor else 0
    context.progress(done, records, "Taking back")
    while True:
        with context.chunk(journal=False) as session:
            some = taking_back.take_back(
                session,
                job_id,
                actor=context.actor,
                why=f"Job {job_id} was taken back",
                most=pace.rows,
            )
            list_units(session, context.job_id, some.left)
            done += len(some)
            context.checkpoint(session, {"done": done}, done)
        pace.learn(pace.rows, context.held_seconds)
        context.progress(done)
        if not some:
            break
    with context.chunk(journal=False) as session:
        left = count_leftovers(session, context.job_id)
        result = {"taken_back": records - left, "left": left}
        job = session.get_one(Job, job_id)
        kind = registry.find(job.kind)
        if kind and kind.on_undone:
            kind.on_undone(session, job, result)
    return result
