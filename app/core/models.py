"""Tables that every room leans on: numbers given out, stored files, downloads, the undo journal."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, BigId, Identified, UtcDateTime


class NumberSeries(Base):
    """The last number given out of a series, such as customer numbers; never taken back."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class StoredFile(Identified, Base):
    """A file kept in the store under a key of our own making, never under a user's path."""

    __tablename__ = "stored_files"
    __table_args__ = (UniqueConstraint("key"), Index(None, "expires_at"), Index(None, "owner_id"))

    key: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(40))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Set when the retention job has removed the bytes; the row stays as a receipt.
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FileDownload(Identified, Base):
    """Who downloaded which stored file, and when. Kept after the file itself is gone."""

    __tablename__ = "file_downloads"

    file_id: Mapped[int] = mapped_column(ForeignKey("stored_files.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_label: Mapped[str] = mapped_column(String(255))
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))


class UndoEntry(Identified, Base):
    """The before-image of one row that a long write touched; `before` is None for a new row."""

    __tablename__ = "undo_entries"
    __table_args__ = (
        Index(None, "job_id", "id"),
        Index(None, "job_id", "unit"),
        Index(None, "created_at"),
    )

    job_id: Mapped[int] = mapped_column(BigId)
    # What is taken back or left as one: the row, or the record that it belongs to ("customers:17").
    unit: Mapped[str] = mapped_column(String(120), server_default="")
    table_name: Mapped[str] = mapped_column(String(60))
    row_key: Mapped[list[Any]] = mapped_column(JSON)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The row's version after the write: a higher one later means somebody edited it since.
    version_after: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
