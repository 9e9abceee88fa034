"""Reports of the bank, and each entry of them with the collection that it was matched to."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Identified, UtcDateTime
from app.core.models import StoredFile
from app.core.money import Cents
from app.sepa.models import Collection


class ReportKind(StrEnum):
    """The message that the bank sent."""

    STATUS = "pain.002"
    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"


class EntryOutcome(StrEnum):
    """What an entry of a report did; the last two are for a person to look at, or for nobody."""

    ACCEPTED = "accepted"
    SETTLED = "settled"
    REJECTED = "rejected"
    RETURNED = "returned"
    KNOWN = "known before"
    UNMATCHED = "unmatched"
    OTHER = "not a direct debit of ours"


class Told(StrEnum):
    """What the bank says of a direct debit, whatever we know of it."""

    ACCEPTED = "accepted"
    SETTLED = "settled"
    REJECTED = "rejected"
    RETURNED = "returned"
    OTHER = "other"


class MatchedBy(StrEnum):
    """How an entry found its collection, the surest first (sepa.md, "Run", step 4)."""

    END_TO_END_ID = "end-to-end id"
    BLOCK = "message and payment block"
    MANDATE_AND_AMOUNT = "mandate and amount"
    PERSON = "a person"


class BankReport(Identified, Base):
    """One file of the bank, read once: the same bytes are never read a second time."""

    __tablename__ = "bank_reports"
    __table_args__ = (
        UniqueConstraint("sha256"),
        CheckConstraint("kind IN ('pain.002', 'camt.053', 'camt.054')", name="kind"),
        Index("ix_bank_reports_received_at", "received_at", "id"),
    )

    kind: Mapped[str] = mapped_column(String(10))
    # The variant of the message, for example "001.08".
    variant: Mapped[str] = mapped_column(String(10))
    message_id: Mapped[str | None] = mapped_column(String(35))
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sha256: Mapped[str] = mapped_column(String(64))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_files.id"))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    received_by_label: Mapped[str] = mapped_column(String(255))
    # How many statements of the file are worked in; a killed reading goes on after them.
    items_done: Mapped[int] = mapped_column(Integer, default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What a person should know of the whole file, a line each.
    remarks: Mapped[str | None] = mapped_column(String(2000))
    # Entries of each outcome.
    entries: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    settled: Mapped[int] = mapped_column(Integer, default=0)
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    returned: Mapped[int] = mapped_column(Integer, default=0)
    known: Mapped[int] = mapped_column(Integer, default=0)
    unmatched: Mapped[int] = mapped_column(Integer, default=0)
    other: Mapped[int] = mapped_column(Integer, default=0)

    file: Mapped[StoredFile | None] = relationship()

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id or self.id}"


class ReportEntry(Identified, Base):
    """What a report says of one collection, or of something else; as the bank wrote it.

    A whole file or block that was refused, or booked as a sum, gives an entry for each of its
    collections. The amount is negative where the account was debited.
    """

    __tablename__ = "bank_report_entries"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('accepted', 'settled', 'rejected', 'returned', 'known before',"
            " 'unmatched', 'not a direct debit of ours')",
            name="outcome",
        ),
        UniqueConstraint("report_id", "position"),
        Index("ix_bank_report_entries_collection_id", "collection_id", "id"),
        Index("ix_bank_report_entries_outcome", "outcome", "worked_off_at", "id"),
    )

    report_id: Mapped[int] = mapped_column(ForeignKey("bank_reports.id"))
    position: Mapped[int] = mapped_column(Integer)
    told: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(30))
    # Why nobody but a person can say what this means.
    problem: Mapped[str | None] = mapped_column(String(300))
    collection_id: Mapped[int | None] = mapped_column(ForeignKey("collections.id"))
    matched_by: Mapped[str | None] = mapped_column(String(30))
    end_to_end_id: Mapped[str | None] = mapped_column(String(35))
    message_id: Mapped[str | None] = mapped_column(String(35))
    block_id: Mapped[str | None] = mapped_column(String(35))
    mandate_reference: Mapped[str | None] = mapped_column(String(35))
    amount: Mapped[Decimal | None] = mapped_column(Cents)
    # How many transactions a sum is said to hold.
    transactions: Mapped[int | None] = mapped_column(Integer)
    currency: Mapped[str | None] = mapped_column(String(3))
    booked_on: Mapped[date | None] = mapped_column(Date)
    bank_reference: Mapped[str | None] = mapped_column(String(70))
    reason_code: Mapped[str | None] = mapped_column(String(35))
    reason_text: Mapped[str | None] = mapped_column(String(500))
    fee: Mapped[Decimal | None] = mapped_column(Cents)
    party_name: Mapped[str | None] = mapped_column(String(140))
    party_iban: Mapped[str | None] = mapped_column(String(34), info={"audit": "mask"})
    remittance_text: Mapped[str | None] = mapped_column(String(500))
    # A person looked at an entry that could not be matched, and what came of it.
    worked_off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worked_off_by_label: Mapped[str | None] = mapped_column(String(255))
    worked_off_note: Mapped[str | None] = mapped_column(String(500))

    report: Mapped[BankReport] = relationship()
    collection: Mapped[Collection | None] = relationship()
