"""kill -9 of the real worker in the middle of an import: resumed, or taken back whole."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.models import Address, Customer
from app.extensions import transaction
from app.jobs import recovery, runner
from app.jobs.models import Job, JobState
from app.jobs.operations import run_now
from app.transfer.imports import operations
from app.transfer.models import Import, ImportState
from tests.transfer.conftest import DATA

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 100


@pytest.fixture
def kill_after_first_chunk(app: Flask) -> Iterator[Callable[[], None]]:
    """Let a real worker run until it has committed one chunk of an import, then kill -9 it."""
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "KONTOR_INSTANCE": settings.instance,
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "KONTOR_CHUNK_PAUSE_MS": "0",
        "KONTOR_CHUNK_ROWS": str(CHUNK),
    }
    running: list[subprocess.Popen[str]] = []

    def kill() -> None:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.transfer.halting_worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(worker)
        assert worker.stdout
        assert worker.stdout.readline().strip() == f"committed {CHUNK}"
        worker.kill()
        worker.wait(10)

    yield kill
    for worker in running:
        worker.kill()
        worker.wait(10)
        if worker.stdout:
            worker.stdout.close()


def checked(file: str) -> int:
    """A checked import of a file with good rows only."""
    with (DATA / file).open("rb") as content, transaction() as session:
        found = operations.start_check(
            session,
            "individual",
            BytesIO(content.read()),
            name=file,
            actor=COMMAND_LINE,
            foreground=True,
        )
        import_id, job_id = found.id, found.check_job_id
    run_now(job_id)
    return import_id


def start(import_id: int, *, all_or_nothing: bool) -> int:
    with transaction() as session:
        found = session.get_one(Import, import_id)
        if all_or_nothing:
            found.refused_rows = 0  # as if the file had no bad rows: the plan holds the good ones
        operations.start_run(session, import_id, actor=COMMAND_LINE, all_or_nothing=all_or_nothing)
        return found.run_job_id


def count(session: Session, model: type) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_killed_import_goes_on_where_it_stood(
    session: Session, basics: None, kill_after_first_chunk: Callable[[], None]
) -> None:
    import_id = checked("individual_customers.xlsx")
    job_id = start(import_id, all_or_nothing=False)
    kill_after_first_chunk()
    assert count(session, Customer) == CHUNK

    recovery.set_abandoned_right()
    runner.run_queued(job_id)

    assert count(session, Customer) == count(session, Address) == 387
    assert session.scalar(select(func.count(func.distinct(Customer.email_key)))) == 387
    found = session.get_one(Import, import_id)
    assert (found.state, found.created, found.refused_rows) == (ImportState.DONE, 387, 13)
    story = [sentence for _, sentence in session.get_one(Job, job_id).events]
    assert "The worker ended while the job was at 100 of 387" in story
    assert story[-2:] == ["Resumed", "Done"]


def test_a_killed_import_of_all_or_nothing_is_taken_back_whole(
    session: Session, basics: None, kill_after_first_chunk: Callable[[], None]
) -> None:
    import_id = checked("individual_customers.xlsx")
    job_id = start(import_id, all_or_nothing=True)
    kill_after_first_chunk()
    assert count(session, Customer) == CHUNK

    recovery.set_abandoned_right()

    assert count(session, Customer) == count(session, Address) == 0
    found = session.get_one(Import, import_id)
    assert found.state == ImportState.TAKEN_BACK
    assert session.get_one(Job, job_id).state == JobState.FAILED
