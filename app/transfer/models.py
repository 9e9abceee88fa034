"""Imports, the cells they refused, and what clerks have said of other headings."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Identified, UtcDateTime
from app.core.models import StoredFile
from app.jobs.models import Job


class ImportState(StrEnum):
    """The steps of an import: check, choose, run, result."""

    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    TAKEN_BACK = "taken back"


class Import(Identified, Base):
    """One uploaded workbook, from its check to its result."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('checking', 'checked', 'running', 'done', 'refused', 'cancelled',"
            " 'taken back')",
            name="state",
        ),
        Index("ix_imports_sha256", "sha256", "kind"),
        Index("ix_imports_created_by_id", "created_by_id", "id"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12), default=ImportState.CHECKING)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_files.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # What was read: sheets with their headings as uploaded, and the unknown ones.
    layout: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rows: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    refused_rows: Mapped[int] = mapped_column(Integer, default=0)
    message: Mapped[str | None] = mapped_column(Text)
    plan_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_files.id"))
    report_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_files.id"))
    check_job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    run_job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    created_by_label: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    file: Mapped[StoredFile] = relationship(foreign_keys=[file_id])
    report_file: Mapped[StoredFile | None] = relationship(foreign_keys=[report_file_id])
    check_job: Mapped[Job | None] = relationship(foreign_keys=[check_job_id])
    run_job: Mapped[Job | None] = relationship(foreign_keys=[run_job_id])


class ImportRefusal(Identified, Base):
    """One refused cell: where it is, what stands there, what is wrong, what would be right."""

    __tablename__ = "import_refusals"
    __table_args__ = (Index("ix_import_refusals_import_id", "import_id", "id"),)

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    sheet: Mapped[str] = mapped_column(String(255))
    row: Mapped[int] = mapped_column(Integer)
    column: Mapped[str] = mapped_column(String(255))
    value: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)


class ColumnMapping(Identified, Base):
    """Which column each heading of a file means; kept for the next file with these headings.

    `sheet` is the title in the template, `headings_key` stands for all headings together, and
    `columns` gives the field of each, or "" for one that is left out.
    """

    __tablename__ = "column_mappings"
    __table_args__ = (UniqueConstraint("kind", "sheet", "headings_key"),)

    kind: Mapped[str] = mapped_column(String(20))
    sheet: Mapped[str] = mapped_column(String(40))
    headings_key: Mapped[str] = mapped_column(String(64))
    columns: Mapped[dict[str, str]] = mapped_column(JSON)
    changed_by_label: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
