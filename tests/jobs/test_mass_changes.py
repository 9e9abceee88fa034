"""A mass change of all found: by id, in chunks, once for each customer, and undone as a whole."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.core.actor import COMMAND_LINE, Actor
from app.core.errors import NotAllowed, Problem, Refused
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.customers import guards
from app.customers.drafts import CustomerUpdate
from app.customers.mass import MassChange, MassKind
from app.customers.models import Customer, Group
from app.customers.operations import update_customers
from app.customers.operations_reference import delete_groups
from app.extensions import transaction
from app.jobs import mass_changes, operations, recovery, runner, undoing
from app.jobs.leftovers import leftovers
from app.jobs.models import Job, JobState
from tests.customers.people import customer, history, many
from tests.jobs.conftest import ROOT, next_line

Run = Callable[[], int]


@pytest.fixture
def small_chunks(app: Flask) -> Iterator[None]:
    """Chunks of four customers."""
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, chunk_rows=4)
    yield
    app.config["SETTINGS"] = settings


def group(name: str) -> int:
    with transaction() as session:
        made = Group(name=name)
        session.add(made)
        session.flush()
        return made.id


def crowd(size: int, **values: Any) -> list[int]:
    return [
        one.id for one in many([("individual", {"name": f"N{n}", **values}) for n in range(size)])
    ]


def start(
    kind: MassKind,
    value: Any = None,
    *,
    actor: Actor = COMMAND_LINE,
    token: str = "one",
    search: str = "",
    listed: str = "individual",
    **conditions: str,
) -> int:
    with transaction() as session:
        newest = session.scalar(select(func.max(Customer.id))) or 1
        return mass_changes.start_mass_change(
            session,
            MassChange(kind, value),
            listed,
            Criteria(search=search, filters=conditions),
            max_id=newest,
            found=9,
            token=token,
            actor=actor,
        ).id


def job(session: Session, job_id: int) -> Job:
    session.rollback()
    return session.get_one(Job, job_id)


def in_group(session: Session, group_id: int | None) -> int:
    session.rollback()
    return session.scalar(select(func.count(Customer.id)).where(Customer.group_id == group_id)) or 0


def undo(job_id: int, run_jobs: Run) -> int:
    with transaction() as session:
        undo_id = undoing.start_undo(session, job_id, actor=COMMAND_LINE).id
    run_jobs()
    return undo_id


@pytest.mark.usefixtures("small_chunks")
def test_who_does_not_fit_the_conditions_any_more_once_changed_makes_nobody_be_missed(
    session: Session, run_jobs: Run
) -> None:
    old, new = group("Retail"), group("Library")
    ids = crowd(11, group_id=old)
    crowd(2)
    job_id = start(MassKind.GROUP, new, group=str(old))
    run_jobs()
    found = job(session, job_id)
    assert found.result == {"changed": 11, "had_it_already": 0, "refused": 0}
    assert (in_group(session, old), in_group(session, new)) == (0, 11)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.job_id == job_id)).all()
    assert sorted(entry.customer_id for entry in entries) == ids
    assert {entry.action for entry in entries} == {Action.CHANGED}


@pytest.mark.usefixtures("small_chunks")
def test_an_undone_change_leaves_no_trace_but_in_the_history(
    session: Session, run_jobs: Run
) -> None:
    old, new = group("Retail"), group("Library")
    ids = crowd(9, group_id=old)
    job_id = start(MassKind.GROUP, new)
    run_jobs()
    with transaction() as work:
        update_customers(work, [CustomerUpdate(ids[3], {"memo": "by hand"})], actor=COMMAND_LINE)
    undo_id = undo(job_id, run_jobs)
    assert job(session, undo_id).result == {"taken_back": 8, "left": 1}
    assert (in_group(session, old), in_group(session, new)) == (8, 1)
    told = history(session, ids[0])
    assert [entry.action for entry in told][1:] == [Action.CHANGED, Action.TAKEN_BACK]
    assert told[-1].changes == {"group_id": ["Library", "Retail"]}


def test_each_list_changes_its_own_customers_and_clients_change_all(
    session: Session, run_jobs: Run
) -> None:
    for kind in ("individual", "business", "perpetual"):
        customer(kind, name="Shared")
    for listed, expected in (("business", 1), ("perpetual", 1), ("customers", 3)):
        job_id = start(MassKind.LOCK, f"By {listed}", token=listed, search="shared", listed=listed)
        run_jobs()
        assert job(session, job_id).result["changed"] == expected
    with pytest.raises(Refused):
        start(MassKind.UNLOCK, listed="operators")


def test_who_is_made_after_the_preview_is_not_meant(session: Session, run_jobs: Run) -> None:
    crowd(2)
    job_id = start(MassKind.NEWSLETTER, False)
    crowd(2)
    run_jobs()
    assert job(session, job_id).result["changed"] == 2


def test_a_form_sent_twice_starts_one_job(session: Session, run_jobs: Run) -> None:
    crowd(2)
    first = start(MassKind.NEWSLETTER, False)
    assert start(MassKind.NEWSLETTER, False) == first
    assert start(MassKind.NEWSLETTER, False, token="another") != first
    assert run_jobs() == 2


def test_two_forms_at_one_moment_start_one_job(app: Flask, session: Session) -> None:
    crowd(2)
    session.rollback()
    found: list[int] = []

    def send() -> None:
        with app.app_context():
            found.append(start(MassKind.NEWSLETTER, False))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    session.rollback()
    assert session.scalar(select(func.count(Job.id))) == 1


def test_conditions_that_cannot_be_followed_start_nothing(session: Session) -> None:
    crowd(1)
    for bad in ({"group": "x"}, {"nothing": "1"}, {"created_from": "yesterday"}):
        with pytest.raises(Refused):
            start(MassKind.NEWSLETTER, False, **bad)
    session.rollback()
    assert session.scalar(select(Job.id)) is None


def test_a_change_needs_the_permission_when_it_is_started(session: Session) -> None:
    crowd(1)
    manager = Actor("somebody", frozenset({Permission.CUSTOMERS_VIEW, Permission.JOBS_VIEW}),
                    COMMAND_LINE.channel)  # fmt: skip
    with pytest.raises(NotAllowed):
        start(MassKind.NEWSLETTER, False, actor=manager)


def test_a_search_that_finds_nobody_ends_well(session: Session, run_jobs: Run) -> None:
    crowd(1)
    job_id = start(MassKind.NEWSLETTER, False, search="nobody has this name")
    run_jobs()
    found = job(session, job_id)
    assert (found.state, found.result["changed"]) == (JobState.DONE, 0)
    with pytest.raises(Refused, match="changed nothing"), transaction() as work:
        undoing.start_undo(work, job_id, actor=COMMAND_LINE)


@pytest.mark.usefixtures("small_chunks")
def test_who_must_stay_is_listed_and_the_others_are_deleted_and_come_back(
    session: Session, run_jobs: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = crowd(6)
    monkeypatch.setattr(guards, "_guards", {})
    guards.register_delete_guard(
        lambda work, wanted: {
            id_: Problem("", "A collection is under way") for id_ in wanted if id_ in ids[:2]
        },
        select(Customer.id).where(Customer.id.in_(ids[:2])),
    )
    job_id = start(MassKind.DELETE)
    run_jobs()
    assert job(session, job_id).result == {"changed": 4, "had_it_already": 0, "refused": 2}
    listed = leftovers(session, job_id, 0, 10)
    assert [(row.entity_id, row.reason) for row in listed] == [
        (id_, "A collection is under way") for id_ in ids[:2]
    ]
    undo(job_id, run_jobs)
    session.rollback()
    live = select(Customer.id).where(Customer.deleted_at.is_(None)).order_by(Customer.id)
    assert session.scalars(live).all() == ids


def test_a_group_that_is_gone_when_the_job_begins_fails_it_in_words(
    session: Session, run_jobs: Run
) -> None:
    crowd(1)
    gone = group("Library")
    job_id = start(MassKind.GROUP, gone)
    with transaction() as work:
        delete_groups(work, [gone], actor=COMMAND_LINE)
    run_jobs()
    found = job(session, job_id)
    assert found.state == JobState.FAILED
    assert "This group is not there" in (found.error or "")


@pytest.mark.usefixtures("small_chunks")
def test_a_stopped_change_is_taken_back_but_for_what_was_edited_meanwhile(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.context.PROGRESS_SECONDS", 0)
    ids = crowd(9)
    new = group("Library")
    job_id = start(MassKind.GROUP, new)
    whole = mass_changes.mass.change_customers

    def then_cancel(work: Session, wanted: Any, *args: Any, **given: Any) -> Any:
        done = whole(work, wanted, *args, **given)
        if ids[4] in wanted:
            work.get_one(Job, job_id).cancel_requested = True
        return done

    monkeypatch.setattr(mass_changes.mass, "change_customers", then_cancel)
    found = operations.run_now(job_id)
    assert found.state == JobState.CANCELLED
    assert in_group(session, new) == 0
    assert [entry.action for entry in history(session, ids[0])][-1] == Action.TAKEN_BACK
    assert [entry.action for entry in history(session, ids[8])] == [Action.CREATED]


@contextmanager
def halting_worker(app: Flask) -> Iterator["subprocess.Popen[str]"]:
    """A real worker that stops for good after its first committed chunk."""
    settings = app.config["SETTINGS"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.halting_mass_change"],
        cwd=ROOT,
        env=os.environ
        | {
            "KONTOR_INSTANCE": settings.instance,
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
            "KONTOR_CHUNK_PAUSE_MS": "0",
            "KONTOR_CHUNK_ROWS": "4",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait(10)
        if worker.stdout:
            worker.stdout.close()


@pytest.mark.parametrize("of_undo", [False, True])
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_does_nobody_twice(
    app: Flask, session: Session, run_jobs: Run, of_undo: bool
) -> None:
    old, new = group("Retail"), group("Library")
    ids = crowd(10, group_id=old)
    job_id = start(MassKind.GROUP, new, group=str(old))
    if of_undo:
        run_jobs()
        with transaction() as work:
            job_id = undoing.start_undo(work, job_id, actor=COMMAND_LINE).id
    expected = 10 if not of_undo else 0
    with halting_worker(app) as worker:
        assert next_line(worker) == f"halted {job_id}"
        worker.kill()
        worker.wait(10)
    assert in_group(session, new) == (4 if not of_undo else 6)

    recovery.set_abandoned_right()
    runner.run_queued(job_id)

    assert job(session, job_id).state == JobState.DONE
    assert in_group(session, new) == expected
    mine = select(AuditEntry.customer_id).where(AuditEntry.job_id == job_id)
    assert sorted(session.scalars(mine)) == ids
    assert "The worker ended while the job was at 4 of" in str(job(session, job_id).events)
