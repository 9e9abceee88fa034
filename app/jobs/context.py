"""What a running job is given: its parameters, its actor, progress, cancel and checkpoints."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.database import (
    immediate_begin,
    is_writing,
    let_others_write,
    somebody_waits,
    write_back,
)
from app.extensions import transaction
from app.jobs.models import Job, JobState
from app.jobs.pace import BLOCKED_SECONDS

# Progress is written at most this often; a person does not see more.
PROGRESS_SECONDS = 0.5
# What a long write has written is brought into SQLite's database this often, between two commits.
WRITE_BACK_SECONDS = 2.0


class JobCancelled(Exception):
    """Somebody asked for this job to stop."""


class JobLost(Exception):
    """Another worker holds this job by now; this one must write nothing more."""


@contextmanager
def own_transaction(engine: Engine) -> Iterator[Session]:
    """A short write of its own, on a connection of its own, beside the job's transactions."""
    with immediate_begin(), Session(engine) as session, session.begin():
        yield session


class JobContext:
    """One run of one job."""

    def __init__(
        self, job: Job, *, actor: Actor, engine: Engine, worker: str, pause_seconds: float
    ) -> None:
        self.job_id = job.id
        self.params: dict[str, Any] = dict(job.params)
        # Where a former run stopped, as its last checkpoint wrote it; None at the first start.
        self.cursor: dict[str, Any] | None = dict(job.cursor) if job.cursor else None
        self.actor = actor
        self._engine = engine
        self._worker = worker
        self._pause_seconds = pause_seconds
        # For how long the last chunk kept others from writing, and since when this one does.
        self.held_seconds = 0.0
        self._held_since = 0.0
        self._pending: dict[str, Any] = {}
        self._phase = job.phase
        self._written_at = float("-inf")
        self._written_back_at = time.monotonic()
        self._asked_at = float("-inf")

    @contextmanager
    def chunk(self, *, journal: bool = True) -> Iterator[Session]:
        """One short commit of a long write: journalled for undo, with a pause after it if need be.

        In the pause, whoever waits to save does. What takes back is written without a `journal`:
        it needs no taking back itself.
        """
        with transaction() as session:
            session.connection()  # begins: from here on, others wait
            self._held_since = time.monotonic()
            if journal:
                session.info["undo_journal"] = self.job_id
            try:
                yield session
            finally:
                session.info.pop("undo_journal", None)
        self.held_seconds = time.monotonic() - self._held_since
        let_others_write(self._engine, self._pause_seconds)
        if time.monotonic() - self._written_back_at >= WRITE_BACK_SECONDS:
            write_back(self._engine)
            self._written_back_at = time.monotonic()

    def holds_others_up(self) -> bool:
        """Tell, inside of a chunk, whether it should come to its end for the sake of others.

        SQLite's are seen waiting; elsewhere a chunk is to end before anybody waits for long.
        """
        return somebody_waits(
            self._engine, otherwise=time.monotonic() - self._held_since >= BLOCKED_SECONDS
        )

    def checkpoint(self, session: Session, cursor: dict[str, Any], done: int) -> None:
        """Write where a killed job goes on, in the transaction of the chunk it follows.

        Raises JobLost when another worker has taken the job over: the chunk is rolled back.
        """
        found = session.execute(
            update(Job)
            .where(Job.id == self.job_id, Job.worker == self._worker)
            .where(Job.state == JobState.RUNNING)
            .values(cursor=cursor, done=done, heartbeat_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if found.rowcount != 1:  # type: ignore[attr-defined]
            raise JobLost
        self.cursor = cursor
        self._pending.pop("done", None)

    def progress(self, done: int, total: int | None = None, phase: str = "") -> None:
        """Tell how far the job is. Cheap to call for every row: it is written now and then.

        Inside a transaction it is only remembered: on SQLite a second writer would wait for the
        first, which is this job itself.
        """
        self._pending["done"] = done
        if total is not None:
            self._pending["total"] = total
        new_phase = bool(phase) and phase != self._phase
        if new_phase:
            self._pending["phase"] = self._phase = phase
        if is_writing():
            return
        if new_phase or time.monotonic() - self._written_at >= PROGRESS_SECONDS:
            self._write(self._pending)
            self._pending = {}
            self._written_at = time.monotonic()

    def stop_if_cancelled(self) -> None:
        """Raise JobCancelled when somebody has asked for the end. Cheap to call for every row.

        Inside a transaction it does nothing: the end of the chunk is the safe point.
        """
        if is_writing() or time.monotonic() - self._asked_at < PROGRESS_SECONDS:
            return
        self._asked_at = time.monotonic()
        with Session(self._engine) as session:
            if session.scalar(select(Job.cancel_requested).where(Job.id == self.job_id)):
                raise JobCancelled

    def _write(self, values: dict[str, Any]) -> None:
        with own_transaction(self._engine) as session:
            session.execute(
                update(Job)
                .where(Job.id == self.job_id, Job.worker == self._worker)
                .values(heartbeat_at=clock.now(), **values)
                .execution_options(synchronize_session=False)
            )
