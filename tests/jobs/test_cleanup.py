"""Uploads, exports and before-images go when their time is over; what they were stays known."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core import storage
from app.core.errors import NotFound
from app.core.models import StoredFile, UndoEntry
from app.extensions import transaction
from app.jobs import cleanup
from app.jobs.models import Job, JobState

Stop = Callable[[datetime], None]
DAY_ONE = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def keep(name: str, days: int | None) -> int:
    with transaction() as session:
        return storage.save(session, b"content", name=name, purpose="upload", days=days).id


def clean_up(run_jobs: Callable[[], int]) -> None:
    cleanup.enqueue_if_due()
    run_jobs()


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
