"""Progress, checkpoints and cancel of a running job, as cheap as they must be."""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.models import Group
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext, JobLost
from app.jobs.models import Job, JobState
from app.jobs.pace import BLOCKED_SECONDS
from tests.jobs.kinds import groups, write_groups


def run(step: Callable[[JobContext], None]) -> int:
    """Run one step as a job; its number."""
    registry.register("test_step", step, on_abandoned="resume")
    with transaction() as session:
        job = operations.enqueue(
            session, "test_step", {"rows": 2}, actor=COMMAND_LINE, title="A test", foreground=True
        )
    operations.run_now(job.id)
    return job.id


def test_progress_for_every_row_is_written_now_and_then_only(session: Session) -> None:
    written: list[str] = []

    def counts(context: JobContext) -> None:
        def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
            written.append(statement)

        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            for row in range(10_000):
                context.progress(row, 10_000, "Reading")
                context.stop_if_cancelled()
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)

    run(counts)
    assert sum(statement.startswith("UPDATE jobs") for statement in written) < 5


def test_progress_inside_a_transaction_waits_for_its_end(session: Session) -> None:
    def reports_inside(context: JobContext) -> None:
        with context.chunk() as work:
            context.progress(1, 2, "Writing")
            context.checkpoint(work, {"row": 1}, 1)

    job_id = run(reports_inside)
    assert session.get_one(Job, job_id).state == JobState.DONE


def test_a_job_that_another_worker_holds_by_now_writes_nothing_more(session: Session) -> None:
    def loses(context: JobContext) -> None:
        with transaction() as work:
            work.execute(update(Job).values(worker="another-machine:1:1"))
        with pytest.raises(JobLost):
            write_groups(context)
        raise JobLost

    job_id = run(loses)
    assert groups() == 0
    assert session.get_one(Job, job_id).state == JobState.RUNNING


def test_a_long_write_ends_its_commit_when_somebody_waits_to_save(session: Session) -> None:
    seen: list[bool] = []

    def writes(context: JobContext) -> None:
        with context.chunk() as work:
            work.add(Group(name="Written"))
            seen.append(context.holds_others_up())
            if db.engine.dialect.name == "sqlite":
                with Path(f"{db.engine.url.database}-queue").open("w") as place:
                    fcntl.flock(place, fcntl.LOCK_SH)  # as whoever waits holds it
                    seen.append(context.holds_others_up())
            else:  # it cannot be seen there: after a moment somebody might wait
                time.sleep(BLOCKED_SECONDS)
                seen.append(context.holds_others_up())

    run(writes)
    assert seen == [False, True]
