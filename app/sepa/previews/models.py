"""Previews that were worked out in the background and are kept to be looked at."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, BigId, Identified, UtcDateTime
from app.sepa.models import CollectionRun, CreditorAccount


class RunPreview(Identified, Base):
    """What a run for one account and day would have taken and left at one moment.

    `after_entry` is the last entry of the history before it was begun: later ones tell what has
    changed since. `totals` are its sums, as app/sepa/previews/totals.py writes them.
    """

    __tablename__ = "run_previews"
    __table_args__ = (
        CheckConstraint("state IN ('working', 'done', 'failed')", name="state"),
        Index("ix_run_previews_asked", "creditor_account_id", "collection_date", "id"),
    )

    creditor_account_id: Mapped[int] = mapped_column(ForeignKey("creditor_accounts.id"))
    collection_date: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10), default="working")
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})
    account_version: Mapped[int] = mapped_column(Integer)
    after_entry: Mapped[int] = mapped_column(BigId)
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The jobs that work it out, and that make a run of it; jobs are forgotten before histories.
    job_id: Mapped[int | None] = mapped_column(BigId)
    creating_job_id: Mapped[int | None] = mapped_column(BigId)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("collection_runs.id"))

    creditor_account: Mapped[CreditorAccount] = relationship()
    run: Mapped[CollectionRun | None] = relationship()


class PreviewLine(Base):
    """An invoice in one section of a preview: what is collected, a reason, or a caution.

    The invoice and the mandate are no foreign keys: what is deleted since is no longer shown.
    `mark` tells whether what the bank would be told is still the same (Candidate.mark).
    """

    __tablename__ = "run_preview_lines"
    __table_args__ = {"sqlite_with_rowid": False}

    preview_id: Mapped[int] = mapped_column(ForeignKey("run_previews.id"), primary_key=True)
    section: Mapped[str] = mapped_column(String(24), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigId)
    mandate_id: Mapped[int | None] = mapped_column(BigId)
    attempt: Mapped[int] = mapped_column(Integer)
    mark: Mapped[int] = mapped_column(BigId)
