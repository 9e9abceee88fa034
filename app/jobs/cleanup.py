"""The daily clean-up: files, before-images, forms sent and old log-ins go when their time is over.

The database's own statistics are renewed on the way: its plans for large lists rest on them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.accounts import operations_sessions
from app.core import clock, storage, submissions
from app.core.actor import SYSTEM
from app.core.database import refresh_statistics
from app.core.models import StoredFile, UndoEntry
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobUndo
from app.jobs.registry import OnAbandoned

KIND = "cleanup"
EVERY = timedelta(hours=24)
BATCH = 500


# What features add: the phase as people read it, and what deletes at most so many and counts them.
Forget = Callable[[Session, int], int]
_others: dict[str, tuple[str, Forget]] = {}


def add(name: str, phase: str, forget: Forget) -> None:
    """Have a feature's own old rows deleted as well; `name` is what the result counts them by."""
    _others[name] = (phase, forget)


def register() -> None:
    """Make the clean-up known as a kind of job."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME)


def enqueue_if_due() -> None:
    """Queue the clean-up unless one was queued within the last day.

    By the age of the last one, not by the hour of the clock: a machine that is off at night
    cleans up too.
    """
    if _was_queued_lately(db.session()):
        return
    with transaction() as session:
        if not _was_queued_lately(session):
            operations.enqueue(session, KIND, {}, actor=SYSTEM, title="Daily clean-up")


def _was_queued_lately(session: Session) -> bool:
    newest = session.scalar(
        select(Job.created_at).where(Job.kind == KIND).order_by(Job.id.desc()).limit(1)
    )
    return newest is not None and clock.now() - newest < EVERY


def run(context: JobContext) -> dict[str, Any]:
    """Delete in short commits; doing it twice does no harm."""
    days = current_app.config["SETTINGS"].retention_days
    with transaction() as session:
        refresh_statistics(session)
    return {
        "files": _remove_files(context),
        "before_images": _remove_before_images(context, days),
        "forms": _remove_forms(context),
        "sessions": _remove_sessions(context, days),
        **{name: _remove(context, *other) for name, other in _others.items()},
    }


def _remove(context: JobContext, phase: str, forget: Forget) -> int:
    removed = 0
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            gone = forget(session, BATCH)
        removed += gone
        context.progress(removed, phase=phase)
        if gone < BATCH:
            return removed


def _remove_files(context: JobContext) -> int:
    """Delete the bytes of expired files; their rows stay as a receipt of what was there."""
    removed = 0
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            expired = session.scalars(
                select(StoredFile)
                .where(StoredFile.expires_at < clock.now(), StoredFile.removed_at.is_(None))
                .limit(BATCH)
            ).all()
            for stored in expired:
                storage.remove(stored)
        removed += len(expired)
        context.progress(removed, phase="Deleting expired files")
        if len(expired) < BATCH:
            return removed


def _remove_before_images(context: JobContext, days: int) -> int:
    removed = 0
    limit = clock.now() - timedelta(days=days)
    # A taking back that began in time is not robbed of what it needs.
    needed = (
        select(JobUndo.job_id)
        .join(Job, Job.id == JobUndo.undo_job_id)
        .where(Job.state.in_(operations.ACTIVE))
    )
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            old = session.scalars(
                select(UndoEntry.id)
                .where(UndoEntry.created_at < limit, UndoEntry.job_id.not_in(needed))
                .limit(BATCH)
            ).all()
            session.execute(delete(UndoEntry).where(UndoEntry.id.in_(old)))
        removed += len(old)
        context.progress(removed, phase="Deleting before-images")
        if len(old) < BATCH:
            return removed


def _remove_forms(context: JobContext) -> int:
    removed = 0
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            gone = submissions.forget(session, BATCH)
        removed += gone
        context.progress(removed, phase="Deleting marks of forms sent")
        if gone < BATCH:
            return removed


def _remove_sessions(context: JobContext, days: int) -> int:
    """Delete where operators were logged in long ago; the history keeps that they were."""
    removed = 0
    # A session lives some hours: one that began before the retention cannot be alive.
    lifetime = current_app.permanent_session_lifetime
    limit = clock.now() - max(timedelta(days=days), lifetime)
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            done = operations_sessions.forget_old(session, begun_before=limit, most=BATCH)
        removed += done
        context.progress(removed, phase="Deleting old sessions")
        if done < BATCH:
            return removed
