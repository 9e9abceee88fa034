"""Uploads, exports and before-images go when their time is over; what they were stays known."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.accounts.links import make_link
from app.accounts.models import LinkPurpose, OneTimeLink
from app.core import storage
from app.core.actor import COMMAND_LINE, SYSTEM
from app.core.errors import NotFound
from app.core.models import StoredFile, UndoEntry
from app.extensions import transaction
from app.jobs import cleanup, operations
from app.jobs.duplicates import start_search
from app.jobs.models import Job, JobRequest, JobState
from app.outbox.models import OutboxMessage
from tests.outbox.letters import queued

Stop = Callable[[datetime], None]
RESET = LinkPurpose.CUSTOMER_PASSWORD_RESET
DAY_ONE = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def keep(name: str, days: int | None) -> int:
    with transaction() as session:
        return storage.save(session, b"content", name=name, purpose="upload", days=days).id


def clean_up(run_jobs: Callable[[], int]) -> dict[str, int]:
    """Run the daily clean-up; how much of what is no file went."""
    cleanup.enqueue_if_due()
    run_jobs()
    with transaction() as session:
        job = session.scalars(
            select(Job).where(Job.kind == cleanup.KIND).order_by(Job.id.desc()).limit(1)
        ).one()
        return {name: job.result[name] for name in ("mail", "links", "requests")}


def test_a_file_whose_time_is_over_loses_its_bytes_and_keeps_its_receipt(
    session: Session, clock: Stop, run_jobs: Callable[[], int]
) -> None:
    clock(DAY_ONE)
    old, kept = keep("old.xlsx", 30), keep("for ever.xml", None)
    clock(DAY_ONE + timedelta(days=31))
    young = keep("young.xlsx", 30)
    clean_up(run_jobs)
    with pytest.raises(NotFound):
        storage.read_bytes(session.get_one(StoredFile, old))
    assert session.get_one(StoredFile, old).sha256
    assert storage.read_bytes(session.get_one(StoredFile, young)) == b"content"
    assert storage.read_bytes(session.get_one(StoredFile, kept)) == b"content"


def test_bytes_that_a_killed_process_left_without_a_row_go_a_day_later(
    session: Session, instance: Path, run_jobs: Callable[[], int]
) -> None:
    row = session.get_one(StoredFile, keep("kept.xlsx", 30)).key
    stray, young = (storage.keep_bytes(b"content", purpose="import plan").key for _ in range(2))
    half = f"{stray}#1"  # as a file is called while it is written
    foreign = "notes/of/somebody/else.txt"
    folder = instance / "files"
    (folder / "notes/of/somebody").mkdir(parents=True)
    old = (datetime.now(UTC) - timedelta(hours=25)).timestamp()
    for key in (half, foreign):
        (folder / key).write_bytes(b"half")
    for key in (row, stray, half, foreign):
        os.utime(folder / key, (old, old))
    clean_up(run_jobs)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {row, young, foreign}
    assert session.scalars(select(Job)).one().result["strays"] == 2


def test_bytes_without_a_row_are_found_in_an_object_store_too(instance: Path) -> None:
    elsewhere = storage.Storage()
    elsewhere.open("memory:///", instance)
    key = f"import/2026/11/{'f' * 32}"
    for name in (key, "notes/of/somebody/else.txt"):
        elsewhere.put(name, io.BytesIO(b"content"))
    now = datetime.now(UTC)
    assert list(elsewhere.keys_before(now - timedelta(days=1))) == []
    assert list(elsewhere.keys_before(now + timedelta(minutes=1))) == [key]
    elsewhere.remove(key)
    assert list(elsewhere.keys_before(now + timedelta(minutes=1))) == []


def test_before_images_are_deleted_after_the_retention(
    session: Session, clock: Stop, run_jobs: Callable[[], int]
) -> None:
    entry = {"job_id": 1, "table_name": "groups", "row_key": [1], "before": None}
    with transaction() as work:
        work.execute(
            insert(UndoEntry),
            [
                entry | {"version_after": None, "created_at": DAY_ONE + timedelta(days=day)}
                for day in (0, 1, 20)
            ],
        )
    clock(DAY_ONE + timedelta(days=35))
    clean_up(run_jobs)
    assert session.scalars(select(UndoEntry.created_at)).all() == [DAY_ONE + timedelta(days=20)]
    job = session.scalars(select(Job)).one()
    assert job.state == JobState.DONE and job.result["before_images"] == 2


def test_mail_and_one_time_links_are_kept_for_a_year(
    session: Session, clock: Stop, run_jobs: Callable[[], int]
) -> None:
    clock(DAY_ONE)
    queued()
    with transaction() as work:
        make_link(work, RESET, 1, sent_to="a@example.com", valid=timedelta(1), actor=SYSTEM)
    clock(DAY_ONE + timedelta(days=360))
    kept = queued()
    with transaction() as work:
        make_link(work, RESET, 2, sent_to="b@example.com", valid=timedelta(1), actor=SYSTEM)
    assert clean_up(run_jobs) == {"mail": 0, "links": 0, "requests": 0}
    clock(DAY_ONE + timedelta(days=367))
    assert clean_up(run_jobs) == {"mail": 1, "links": 1, "requests": 0}
    session.rollback()
    assert session.scalars(select(OutboxMessage.id)).all() == [kept]
    assert session.scalars(select(OneTimeLink.subject_id)).all() == [2]


def test_the_marks_of_jobs_asked_for_go_with_the_retention(
    session: Session, clock: Stop, run_jobs: Callable[[], int]
) -> None:
    def ask(token: str) -> None:
        with transaction() as work:
            operations.once(work, token, lambda: start_search(work, actor=COMMAND_LINE))

    clock(DAY_ONE)
    ask("the first form")
    run_jobs()
    clock(DAY_ONE + timedelta(days=20))
    ask("the second form")
    run_jobs()
    clock(DAY_ONE + timedelta(days=31))
    assert clean_up(run_jobs)["requests"] == 1
    session.rollback()
    assert session.scalars(select(JobRequest.token)).all() == ["the second form"]


def test_the_clean_up_is_queued_once_a_day(session: Session, clock: Stop) -> None:
    clock(DAY_ONE)
    cleanup.enqueue_if_due()
    cleanup.enqueue_if_due()
    clock(DAY_ONE + timedelta(hours=23))
    cleanup.enqueue_if_due()
    assert session.query(Job).count() == 1
    clock(DAY_ONE + timedelta(hours=25))
    cleanup.enqueue_if_due()
    session.rollback()
    assert session.query(Job).count() == 2
