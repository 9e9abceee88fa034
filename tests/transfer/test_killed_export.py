"""kill -9 of the real worker and of the web server in an export: begun again, never half a file."""

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select as select_ready

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import admin_views.exports
from app.audit.models import Action, AuditEntry
from app.core.models import StoredFile
from app.jobs import recovery, runner
from app.jobs.models import Job, JobState
from app.transfer.exports import operations
from tests.transfer.exporting import records, three_customers

PATIENCE = 60  # seconds
ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., subprocess.Popen[str]]
AsRole = Callable[..., FlaskClient]


@pytest.fixture
def start(app: Flask) -> Iterator[Start]:
    """Start a worker, a web server or the command, to stop after the first row of an export."""
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "KONTOR_INSTANCE": settings.instance,
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
    }
    running: list[subprocess.Popen[str]] = []

    def run(*what: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.transfer.halting_export", *what],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def line(process: subprocess.Popen[str]) -> str:
    """What the process says next; it must say it soon."""
    assert process.stdout
    assert select_ready([process.stdout], [], [], PATIENCE)[0], "the process says nothing"
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)


def files_and_receipts(session: Session, app: Flask) -> tuple[int, int, int]:
    """Files in the store, rows that tell of files, and receipts."""
    session.rollback()
    folder = Path(app.config["SETTINGS"].instance) / "files"
    receipts = select(func.count()).where(AuditEntry.action == Action.EXPORTED)
    return (
        sum(path.is_file() for path in folder.rglob("*")),
        session.scalar(select(func.count()).select_from(StoredFile)) or 0,
        session.scalar(receipts) or 0,
    )


def test_an_export_whose_worker_was_killed_begins_again_and_leaves_one_whole_file(
    app: Flask,
    session: Session,
    as_role: AsRole,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_views.exports, "ROWS_AT_ONCE", 2)
    three_customers()
    client = as_role("manager")
    progress = client.post("/admin/exports/run/?list_name=customers").headers["Location"]
    job_id = int(progress.partition("id=")[2])
    worker = start("worker")
    assert line(worker) == "first row"
    kill(worker)
    assert files_and_receipts(session, app) == (0, 0, 0)
    assert "Download</a>" not in client.get(progress).text

    recovery.set_abandoned_right()
    assert session.get_one(Job, job_id, populate_existing=True).state == JobState.QUEUED
    assert files_and_receipts(session, app) == (0, 0, 0)
    runner.run_queued(job_id)

    assert files_and_receipts(session, app) == (1, 1, 1)
    address = client.get(progress).headers["Location"]
    assert len(records(client.get(address.replace("details", "download")).data)) == 3
    story = [sentence for _, sentence in session.get_one(Job, job_id).events]
    assert any(sentence.startswith("The worker ended") for sentence in story)
    assert story[-1] == "Done"


def test_an_export_that_kills_every_worker_fails_and_says_so(
    app: Flask, session: Session, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_views.exports, "ROWS_AT_ONCE", 2)
    three_customers()
    client = as_role("manager")
    progress = client.post("/admin/exports/run/?list_name=customers").headers["Location"]
    job = session.get_one(Job, int(progress.partition("id=")[2]))
    # As the fifth worker leaves it that died of it.
    job.state, job.worker, job.attempts = JobState.RUNNING, "elsewhere:1:1", recovery.MOST_ATTEMPTS
    session.commit()
    recovery.set_abandoned_right()
    assert files_and_receipts(session, app) == (0, 0, 0)
    assert "The worker ended during the job, for the 5th time" in client.get(progress).text


def test_a_web_server_that_is_killed_in_a_direct_export_leaves_nothing(
    app: Flask, session: Session, as_role: AsRole, start: Start
) -> None:
    three_customers()
    client = as_role("manager")
    browser = client.get("/admin/clients/").request.user_agent.string
    cookie = client.get_cookie("kontor")
    assert cookie is not None
    server = start("web")
    connection = http.client.HTTPConnection("127.0.0.1", int(line(server)), timeout=60)
    connection.request(
        "GET",
        "/admin/exports/start/?list_name=customers",
        # As the browser that logged in: a session that changes its browser is ended.
        headers={"Cookie": f"kontor={cookie.value}", "User-Agent": browser},
    )
    assert line(server) == "first row"
    kill(server)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()
    assert files_and_receipts(session, app) == (0, 0, 0)
    answer = client.get("/admin/exports/start/?list_name=customers")
    assert len(records(answer.data)) == 3
    assert files_and_receipts(session, app) == (1, 1, 1)
    assert session.scalars(select(StoredFile.purpose)).one() == operations.PURPOSE


def test_a_killed_command_leaves_nothing_beside_its_place(
    tmp_path: Path, session: Session, start: Start
) -> None:
    three_customers()
    before = tmp_path / "customers.xlsx"
    before.write_bytes(b"that of yesterday")
    command = start("command", str(before))
    assert line(command) == "first row"
    kill(command)
    assert [path.name for path in tmp_path.iterdir()] == [before.name]
    assert before.read_bytes() == b"that of yesterday"


def test_a_command_puts_a_whole_file_in_the_place_of_another(
    tmp_path: Path, session: Session, runner: FlaskCliRunner
) -> None:
    three_customers()
    place = tmp_path / "customers.xlsx"
    place.write_bytes(b"that of yesterday")
    assert runner.invoke(args=["export", "customers", "--out", str(place)]).exit_code == 0
    assert len(records(place.read_bytes())) == 3
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
