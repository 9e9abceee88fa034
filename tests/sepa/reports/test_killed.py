"""A reading that is killed in the middle goes on where it stood, and does nothing twice."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.config import Settings
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.jobs import recovery
from app.jobs.models import Job, JobState
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import RunState
from app.sepa.reports.models import BankReport
from tests.sepa import making
from tests.sepa.making import POLICY
from tests.sepa.reports.files import camt, entry, total
from tests.sepa.reports.reading import collections_of, outcomes, read, run_of, states

ROOT = Path(__file__).resolve().parents[3]
AMOUNTS = tuple(f"{10 + number}.00" for number in range(12))


def handed_in() -> str:
    """A run as of today, which is what the killed process has; its number."""
    from app.core import clock

    with transaction() as session:
        account = making.account(session)
        today = clock.today()
        for amount in AMOUNTS:
            making.debtor(session, amount, due_on=today, issued_on=today)
        run, _ = create_run(
            session, account, POLICY.next_collection_day(clock.now()), policy=POLICY,
            actor=COMMAND_LINE,
        )  # fmt: skip
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
        runs.hand_in_run(session, run, actor=COMMAND_LINE)
        return run.number


def kill_in_the_middle(app: Flask, file: Path) -> None:
    settings: Settings = app.config["SETTINGS"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sepa.reports.halting", str(file)],
        cwd=ROOT,
        env=os.environ
        | {
            "KONTOR_INSTANCE": settings.instance,
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
            "KONTOR_CHUNK_ROWS": "4",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().strip() == "halted"
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.mark.parametrize("summed", [False, True], ids=["one by one", "as a sum"])
def test_a_killed_reading_goes_on_and_does_nothing_twice(
    app: Flask, session: Session, tmp_path: Path, run_jobs: Callable[[], int], summed: bool
) -> None:
    number = handed_in()
    found = collections_of(session, number)
    if summed:
        content = camt(entry(amount=total(*AMOUNTS), block=f"{number}-1-RCUR", transactions=12))
    else:
        content = camt(
            *(entry(amount=str(one.amount), end_to_end_id=one.end_to_end_id) for one in found)
        )
    file = tmp_path / "camt.053.xml"
    file.write_bytes(content)
    kill_in_the_middle(app, file)
    session.rollback()
    assert [state for state, _ in states(session, number)] == ["settled"] * 8 + ["live"] * 4
    assert session.scalars(select(BankReport)).one().finished_at is None

    # Whoever uploads the file again goes on with it; so does the job that was killed.
    report = read(content)
    assert outcomes(session, report) == ["settled"] * 12
    recovery.set_abandoned_right()
    run_jobs()
    session.rollback()
    assert set(session.scalars(select(Job.state))) == {JobState.DONE}
    report = session.scalars(select(BankReport)).one()
    assert (report.entries, report.settled, report.known) == (12, 12, 0)
    assert states(session, number) == [("settled", "paid")] * 12
    assert run_of(session, number).state == RunState.CLOSED
    paid = select(func.count()).where(
        AuditEntry.entity == "invoice", AuditEntry.reason.startswith("Bank report")
    )
    assert session.scalar(paid) == 12
