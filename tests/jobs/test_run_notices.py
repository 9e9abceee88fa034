"""Notices of a run as a job: stopped or killed midway it goes on, and nobody is told twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.jobs import operations, run_notices
from app.jobs.models import Job, JobState
from app.jobs.run_notices import start_notices
from app.outbox.models import OutboxMessage
from app.sepa.creating import create_run
from app.sepa.models import CollectionRun, PreNotification
from app.sepa.operations_runs import cancel_run
from tests.sepa import making

Run = Callable[[], int]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def small_chunks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], chunk_rows=2))


@pytest.fixture
def run_id(session: Session) -> int:
    """A run of five customers, the last without an email."""
    account = making.account(session)
    for number in range(4):
        making.debtor(session, customer={"email": f"c{number}@example.org"})
    making.debtor(session)
    run = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)[0]
    session.commit()
    return run.id


def start(run_id: int, **given: Any) -> int:
    with transaction() as session:
        run = session.get_one(CollectionRun, run_id)
        return start_notices(session, run, actor=COMMAND_LINE, **given).id


def result(session: Session, job_id: int) -> Job:
    session.rollback()
    session.expire_all()
    return session.get_one(Job, job_id)


def count(session: Session, model: Any) -> int:
    session.rollback()
    return session.scalar(select(func.count(model.id))) or 0


@pytest.mark.usefixtures("small_chunks")
def test_every_customer_is_told_once_however_often_it_is_asked_for(
    session: Session, run_jobs: Run, run_id: int
) -> None:
    first, second = start(run_id), start(run_id)
    run_jobs()
    told = {"by_email": 4, "by_letter": 1, "had_been_told_already": 0}
    assert result(session, first).result == told
    assert (result(session, first).done, result(session, first).total) == (5, 5)
    again = {"by_email": 0, "by_letter": 0, "had_been_told_already": 5}
    assert result(session, second).result == again
    assert (count(session, OutboxMessage), count(session, PreNotification)) == (4, 5)


@pytest.mark.usefixtures("small_chunks")
def test_a_job_that_ended_midway_keeps_what_was_sent_and_goes_on(
    session: Session, run_jobs: Run, run_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = run_notices.send_notices, []

    def then_break(*args: Any, **given: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("a fault")
        return whole(*args, **given)

    job_id = start(run_id)
    with monkeypatch.context() as patched:
        patched.setattr(run_notices, "send_notices", then_break)
        run_jobs()
    assert result(session, job_id).state == JobState.FAILED
    assert (count(session, OutboxMessage), count(session, PreNotification)) == (2, 2)
    with transaction() as own:
        operations.run_again(own, job_id, actor=COMMAND_LINE)
    run_jobs()
    found = result(session, job_id).result
    assert found == {"by_email": 2, "by_letter": 1, "had_been_told_already": 2}
    assert (count(session, OutboxMessage), count(session, PreNotification)) == (4, 5)


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_job_goes_on_after_its_last_chunk(
    session: Session, run_jobs: Run, run_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seen = run_notices.send_notices, []

    def noted(work: Session, run: CollectionRun, some: Any, **given: Any) -> Any:
        seen.append(list(some))
        return whole(work, run, some, **given)

    monkeypatch.setattr(run_notices, "send_notices", noted)
    job_id = start(run_id)
    with transaction() as work:  # as a worker leaves it that was killed after a chunk
        customers = run_notices.customers_of(work, run_id)
        run = work.get_one(CollectionRun, run_id)
        whole(work, run, customers[:2], actor=COMMAND_LINE)
        work.get_one(Job, job_id).cursor = {"place": 2, "mails": 2, "letters": 0}
    run_jobs()
    assert seen == [list(customers[2:4]), list(customers[4:])]
    assert (result(session, job_id).result or {})["by_email"] == 4


def test_a_run_cancelled_meanwhile_ends_the_job_in_words(
    session: Session, run_jobs: Run, run_id: int
) -> None:
    job_id = start(run_id)
    with transaction() as work:
        cancel_run(work, work.get_one(CollectionRun, run_id), actor=COMMAND_LINE)
    run_jobs()
    found = result(session, job_id)
    assert found.state == JobState.FAILED and "is void" in (found.error or "")
    assert count(session, PreNotification) == 0
