"""The file store: bytes come back as they were, under no path that anybody gave."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, storage
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound
from app.core.models import FileDownload
from app.extensions import transaction


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_bytes_come_back_as_they_were_with_their_sum(session: Session, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with transaction() as work:
        stored = storage.save(work, io.BytesIO(content), name="a.xml", purpose="test")
        assert (stored.size, stored.media_type) == (size, "application/xml")
        assert storage.read_bytes(stored) == content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\list.xlsx", "list.xlsx"),
        ("a\0b\n.csv", "ab .csv"),
        ("", "file"),
        ("x" * 500 + ".xlsx", "x" * 195 + ".xlsx"),
    ],
)
def test_a_name_is_shown_without_its_path_and_never_used_as_one(
    session: Session, instance: Path, given: str, kept: str
) -> None:
    with transaction() as work:
        stored = storage.save(work, b"x", name=given, purpose="test")
        assert stored.name == kept
        assert (instance / "files" / stored.key).read_bytes() == b"x"


def test_a_file_bears_its_day_of_expiry_and_its_downloads_are_told(session: Session) -> None:
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    with clock.frozen(now), transaction() as work:
        stored = storage.save(work, b"x", name="a", purpose="test", days=30)
        storage.log_download(work, stored, actor=COMMAND_LINE)
        assert stored.expires_at == now + timedelta(days=30)
    told = session.scalars(select(FileDownload)).one()
    assert (told.actor_label, told.at) == ("command line", now)


def test_a_removed_file_keeps_its_receipt_and_says_that_it_is_gone(session: Session) -> None:
    with transaction() as work:
        stored = storage.save(work, b"x", name="a", purpose="test")
        storage.remove(stored)
        assert stored.sha256
        with pytest.raises(NotFound, match="no longer kept"):
            storage.read_bytes(stored)
