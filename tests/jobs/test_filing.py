"""Filing a run: killed anywhere, by a job, asked for twice; there is one set of files, or none."""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core import storage
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.models import StoredFile
from app.extensions import db, transaction
from app.jobs import filing, runner
from app.jobs.models import Job
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CollectionState, CreditorAccount, RunFile
from app.sepa.schema_check import check_file
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY

ROOT = Path(__file__).resolve().parents[2]
POINTS = ("before", "writing", "kept", "stored", "committed")


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def create(invoices: int = 3, **account: object) -> int:
    with transaction() as session:
        for _ in range(invoices):
            making.debtor(session)
        into = making.account(session, **account)
        return create_run(session, into, DAY, policy=POLICY, actor=COMMAND_LINE)[0].id


def _killed_at(app: Flask, point: str, run_id: int) -> None:
    settings = app.config["SETTINGS"]
    filer = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.halting_filing", str(run_id)],
        cwd=ROOT,
        env=os.environ
        | {
            "KONTOR_INSTANCE": settings.instance,
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
            "KONTOR_TEST_HALT": point,
            "KONTOR_TEST_NOW": NOW.isoformat(),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert filer.stdout
        assert filer.stdout.readline().strip() == f"halted at {point}"
    finally:
        filer.kill()
        filer.wait(10)
        if filer.stdout:
            filer.stdout.close()


def _whole(session: Session, run_id: int, *, filed: bool) -> None:
    """Either nothing of the files is there, or all of it; the invoices are claimed as before."""
    session.rollback()
    session.expire_all()
    run = session.get_one(CollectionRun, run_id)
    assert run.state == ("filed" if filed else "created")
    assert len(run.files) == (2 if filed else 0)
    assert session.scalar(select(func.count(StoredFile.id))) == len(run.files)
    for one in run.files:
        content = storage.read_bytes(one.file)
        assert hashlib.sha256(content).hexdigest() == one.file.sha256
        assert check_file(io.BytesIO(content)).count == one.collection_count
    assert sum(one.collection_count for one in run.files) in (0, run.collection_count)
    assert set(session.scalars(select(Collection.state))) == {CollectionState.LIVE.value}
    assert set(session.scalars(select(Invoice.state))) == {"in collection"}


@pytest.mark.parametrize("point", POINTS)
def test_filing_killed_anywhere_leaves_nothing_half_done(
    app: Flask, session: Session, point: str
) -> None:
    run_id = create(max_transactions=2)
    _killed_at(app, point, run_id)
    _whole(session, run_id, filed=point == "committed")
    assert filing.file_now(run_id, policy=POLICY, actor=COMMAND_LINE) is (point != "committed")
    _whole(session, run_id, filed=True)


def test_a_run_whose_filing_was_killed_can_be_cancelled(app: Flask, session: Session) -> None:
    run_id = create()
    _killed_at(app, "stored", run_id)
    with transaction() as fresh:
        runs.cancel_run(fresh, fresh.get_one(CollectionRun, run_id), actor=COMMAND_LINE)
    session.expire_all()
    assert set(session.scalars(select(Invoice.state))) == {"open"}


def start(run_id: int) -> int:
    with transaction() as session:
        run = session.get_one(CollectionRun, run_id)
        return filing.start(session, run, policy=POLICY, actor=COMMAND_LINE).id


def test_a_job_files_a_run_and_asked_twice_there_is_one_job(session: Session) -> None:
    run_id = create()
    job_id = start(run_id)
    assert start(run_id) == job_id
    runner.run_queued(job_id)
    session.expire_all()
    job, run = session.get_one(Job, job_id), session.get_one(CollectionRun, run_id)
    assert (job.state, job.result) == ("done", {"run": run.number, "files": 1})
    assert run.state == "filed"


def test_a_job_whose_run_was_cancelled_meanwhile_fails_and_keeps_no_file(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = create()
    job_id = start(run_id)
    write = filing.write_files

    def meanwhile(*given: object) -> object:
        written = write(*given)  # type: ignore[arg-type]
        db.session.rollback()
        with transaction() as fresh:
            runs.cancel_run(fresh, fresh.get_one(CollectionRun, run_id), actor=COMMAND_LINE)
        return written

    monkeypatch.setattr(filing, "write_files", meanwhile)
    runner.run_queued(job_id)
    session.expire_all()
    job = session.get_one(Job, job_id)
    assert (job.state, job.error) == (
        "failed", "This run was cancelled. Its invoices are open again")  # fmt: skip
    assert session.scalar(select(func.count(RunFile.id))) == 0
    assert not [p for p in _files(session) if p.is_file()]


def test_what_a_bank_would_refuse_is_told_by_the_job_and_it_can_be_tried_again(
    session: Session,
) -> None:
    run_id = create()
    first = start(run_id)
    with transaction() as fresh:
        fresh.scalars(select(CreditorAccount)).one().max_amount = 1
    runner.run_queued(first)
    session.expire_all()
    job = session.get_one(Job, first)
    assert job.state == "failed"
    assert "more than one file of this account may hold" in (job.error or "")
    second = start(run_id)
    assert second != first


def test_a_run_that_cannot_be_filed_starts_no_job(session: Session) -> None:
    run_id = create()
    with transaction() as fresh:
        runs.cancel_run(fresh, fresh.get_one(CollectionRun, run_id), actor=COMMAND_LINE)
    with pytest.raises(Refused, match="cancelled"):
        start(run_id)
    assert session.scalar(select(func.count(Job.id))) == 0


def _files(session: Session) -> list[Path]:
    from flask import current_app

    folder = Path(current_app.config["SETTINGS"].instance) / "files"
    return list(folder.rglob("*"))
