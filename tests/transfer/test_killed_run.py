"""kill -9 of the real worker in check, run and undo of an import: resumed, or taken back whole."""

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

from app.audit.models import Action, AuditEntry
from app.core.actor import COMMAND_LINE
from app.core.models import UndoEntry
from app.customers.models import Address, Customer
from app.extensions import db, transaction
from app.jobs import recovery, runner, undoing
from app.jobs.models import Job, JobState
from app.jobs.operations import run_now
from app.sepa.models import Mandate
from app.transfer.imports import operations
from app.transfer.models import Import, ImportRefusal, ImportState
from tests.transfer.conftest import DATA

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 100


@pytest.fixture
def kill_at(app: Flask) -> Iterator[Callable[[str], None]]:
    """Let a real worker run until it is at a point (halting_worker.py), then kill -9 it."""
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "KONTOR_INSTANCE": settings.instance,
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "KONTOR_CHUNK_PAUSE_MS": "0",
        "KONTOR_CHUNK_ROWS": str(CHUNK),
    }
    running: list[subprocess.Popen[str]] = []

    def kill(point: str) -> None:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.transfer.halting_worker"],
            cwd=ROOT,
            env=environment | {"KONTOR_TEST_HALT": point},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(worker)
        assert worker.stdout
        assert worker.stdout.readline().strip() == f"halted at {point}"
        worker.kill()
        worker.wait(10)

    yield kill
    for worker in running:
        worker.kill()
        worker.wait(10)
        if worker.stdout:
            worker.stdout.close()


def uploaded(file: str, *, foreground: bool = False) -> tuple[int, int]:
    """An import of a file that waits for its check, and the job of the check."""
    with (DATA / file).open("rb") as content, transaction() as session:
        found = operations.start_check(
            session, "individual", BytesIO(content.read()), name=file, actor=COMMAND_LINE,
            foreground=foreground,
        )  # fmt: skip
        return found.id, found.check_job_id or 0


def checked(file: str) -> int:
    """A checked import of a file with good rows only."""
    import_id, job_id = uploaded(file, foreground=True)
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


def set_right(job_id: int) -> list[str]:
    """What the next worker does; the story of the job then."""
    db.session.rollback()  # a worker that begins has seen nothing yet
    recovery.set_abandoned_right()
    runner.run_queued(job_id)
    with transaction() as session:
        return [sentence for _, sentence in session.get_one(Job, job_id).events]


@pytest.mark.parametrize("point", ["1", "300", "Keeping the result"])
def test_a_check_killed_anywhere_begins_again_and_finds_the_same(
    session: Session, basics: None, kill_at: Callable[[str], None], point: str
) -> None:
    import_id, job_id = uploaded("individual_customers.xlsx")
    kill_at(f"check {point}")
    assert session.get_one(Import, import_id).state == ImportState.CHECKING

    story = set_right(job_id)

    session.rollback()
    found = session.get_one(Import, import_id)
    assert (found.state, found.rows, found.refused_rows) == (ImportState.CHECKED, 400, 13)
    assert count(session, ImportRefusal) == 13
    assert count(session, Customer) == 0
    assert any(sentence.startswith("The worker ended") for sentence in story)
    assert story[-1] == "Done"


@pytest.mark.parametrize("chunk", [1, 3, 4])
def test_a_killed_import_goes_on_where_it_stood(
    session: Session, basics: None, kill_at: Callable[[str], None], chunk: int
) -> None:
    import_id = checked("individual_customers.xlsx")
    job_id = start(import_id, all_or_nothing=False)
    kill_at(f"run {chunk}")
    written = count(session, Customer)
    assert 0 < written <= chunk * CHUNK

    story = set_right(job_id)

    assert count(session, Customer) == count(session, Address) == 387
    assert session.scalar(select(func.count(func.distinct(Customer.email_key)))) == 387
    created = select(func.count()).where(AuditEntry.entity == "customer")
    assert session.scalar(created) == 387
    found = session.get_one(Import, import_id)
    assert (found.state, found.created, found.refused_rows) == (ImportState.DONE, 387, 13)
    assert f"The worker ended while the job was at {written} of 387" in story
    assert story[-2:] == ["Resumed", "Done"]


@pytest.mark.parametrize("also_in_taking_back", [False, True])
def test_a_killed_import_of_all_or_nothing_is_taken_back_whole(
    session: Session, basics: None, kill_at: Callable[[str], None], also_in_taking_back: bool
) -> None:
    import_id = checked("individual_customers.xlsx")
    job_id = start(import_id, all_or_nothing=True)
    kill_at("run 2")
    assert count(session, Customer) > 0
    if also_in_taking_back:
        kill_at("back 1")

    set_right(job_id)

    for model in (Customer, Address, Mandate, UndoEntry):
        assert count(session, model) == 0
    found = session.get_one(Import, import_id)
    assert found.state == ImportState.TAKEN_BACK
    assert "Nothing of it was kept" in (found.message or "")
    assert session.get_one(Job, job_id).state == JobState.FAILED


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_killed_undo_goes_on_and_leaves_nothing(
    session: Session, basics: None, kill_at: Callable[[str], None], chunk: int
) -> None:
    import_id = checked("individual_customers.xlsx")
    job_id = start(import_id, all_or_nothing=False)
    runner.run_queued(job_id)
    with transaction() as work:
        undo_id = undoing.start_undo(work, job_id, actor=COMMAND_LINE).id
    kill_at(f"undo {chunk}")
    assert 0 < count(session, Customer) < 387

    story = set_right(undo_id)

    for model in (Customer, Address, Mandate, UndoEntry):
        assert count(session, model) == 0
    assert session.get_one(Job, undo_id).result == {"taken_back": 387, "left": 0}
    assert session.get_one(Import, import_id).state == ImportState.TAKEN_BACK
    told = select(func.count()).where(
        AuditEntry.entity == "customer", AuditEntry.action == Action.TAKEN_BACK.value
    )
    assert session.scalar(told) == 387
    assert story[-2:] == ["Resumed", "Done"]
