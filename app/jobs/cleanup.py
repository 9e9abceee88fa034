"""The daily clean-up: files, before-images, marks, log-ins, mail and links go in their time.

The database's own statistics are renewed on the way: its plans for large lists rest on them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.accounts import links, operations_sessions
from app.core import clock, storage, submissions
from app.core.actor import SYSTEM
from app.core.database import refresh_statistics
from app.core.models import StoredFile, UndoEntry
from app.core.portions import portions
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobUndo
from app.jobs.registry import OnAbandoned
from app.outbox import operations as outbox

KIND = "cleanup"
EVERY = timedelta(hours=24)
BATCH = 500


# What features add: the phase as people read it, and what deletes `most` rows at most and counts.
Forget = Callable[..., int]
_others: list[tuple[str, str, Forget]] = []


def add(name: str, phase: str, forget: Forget) -> None:
    """Have a feature's own old rows deleted as well; `name` is what the result counts them by."""
    _others[:] = [*(other for other in _others if other[0] != name), (name, phase, forget)]


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
    settings = current_app.config["SETTINGS"]
    now = clock.now()
    kept_since = now - timedelta(days=settings.retention_days)
    mail_since = now - timedelta(days=settings.mail_days)
    # A session lives some hours: one that began before the retention cannot be alive.
    sessions_since = min(kept_since, now - current_app.permanent_session_lifetime)
    with transaction() as session:
        refresh_statistics(session)
    steps: list[tuple[str, str, Callable[[Session], int]]] = [
        ("files", "Deleting expired files", _forget_files),
        ("before_images", "Deleting before-images", partial(_forget_images, kept_since)),
        ("forms", "Deleting marks of forms sent", lambda s: submissions.forget(s, BATCH)),
        ("requests", "Deleting marks of jobs asked for",
         lambda s: operations.forget_requests(s, before=kept_since, most=BATCH)),
        ("sessions", "Deleting old sessions",
         lambda s: operations_sessions.forget_old(s, begun_before=sessions_since, most=BATCH)),
        ("mail", "Deleting old mail",
         lambda s: outbox.forget_old(s, before=mail_since, most=BATCH)),
        ("links", "Deleting one-time links that ended long ago",
         lambda s: links.forget_old(s, ended_before=mail_since, most=BATCH)),
        *((name, phase, partial(forget, most=BATCH)) for name, phase, forget in _others),
    ]  # fmt: skip
    removed = {name: _remove(context, phase, forget) for name, phase, forget in steps}
    return removed | {"strays": _forget_strays(context)}


def _remove(context: JobContext, phase: str, forget: Callable[[Session], int]) -> int:
    """Let `forget` delete up to a batch at a time, each in a commit, until nothing is left."""
    removed = 0
    while True:
        context.stop_if_cancelled()
        with transaction() as session:
            gone = forget(session)
        removed += gone
        context.progress(removed, phase=phase)
        if gone < BATCH:
            return removed


def _forget_files(session: Session) -> int:
    """Delete the bytes of expired files; their rows stay as a receipt of what was there."""
    expired = session.scalars(
        select(StoredFile)
        .where(StoredFile.expires_at < clock.now(), StoredFile.removed_at.is_(None))
        .limit(BATCH)
    ).all()
    for stored in expired:
        storage.remove(stored)
    return len(expired)


def _forget_strays(context: JobContext) -> int:
    """Delete stored bytes that no row tells of: a process was killed before it could.

    Bytes come before their row, so that those of today may still get one.
    """
    removed = 0
    for keys in portions(storage.storage.keys_before(clock.now() - EVERY), BATCH):
        context.stop_if_cancelled()
        with transaction() as session:
            known = select(StoredFile.key).where(StoredFile.key.in_(keys))
            strays = set(keys).difference(session.scalars(known))
        for key in strays:
            storage.storage.remove(key)
        removed += len(strays)
        context.progress(removed, phase="Deleting bytes that belong to no file")
    return removed


def _forget_images(limit: datetime, session: Session) -> int:
    # A taking back that began in time is not robbed of what it needs.
    needed = (
        select(JobUndo.job_id)
        .join(Job, Job.id == JobUndo.undo_job_id)
        .where(Job.state.in_(operations.ACTIVE))
    )
    old = session.scalars(
        select(UndoEntry.id)
        .where(UndoEntry.created_at < limit, UndoEntry.job_id.not_in(needed))
        .limit(BATCH)
    ).all()
    session.execute(delete(UndoEntry).where(UndoEntry.id.in_(old)))
    return len(old)
