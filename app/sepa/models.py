"""Mandates, creditor accounts, collection runs, their collections and bank files."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Operator
from app.billing.models import Invoice
from app.core.database import Base, BigId, Identified, UtcDateTime, Versioned
from app.core.models import StoredFile
from app.core.money import Cents
from app.customers.models import Customer


class Scheme(StrEnum):
    """The direct-debit scheme; also the local instrument in the file."""

    CORE = "CORE"
    B2B = "B2B"


class MandateType(StrEnum):
    """Whether a mandate serves many collections or a single one."""

    RECURRENT = "recurrent"
    ONE_OFF = "one-off"


class MandateState(StrEnum):
    """The life of a mandate (sepa.md)."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    USED = "used"


class SequenceType(StrEnum):
    """The place of a collection in the life of its mandate."""

    FIRST = "FRST"
    RECURRENT = "RCUR"
    FINAL = "FNAL"
    ONE_OFF = "OOFF"


class RunState(StrEnum):
    """The steps of a collection run."""

    CREATED = "created"
    RELEASED = "released"
    FILED = "filed"
    HANDED_IN = "handed in"
    ANSWERED = "answered"
    CLOSED = "closed"
    VOID = "void"


class CollectionState(StrEnum):
    """What became of one collection; void and the refused ones free their invoice."""

    LIVE = "live"
    SETTLED = "settled"
    REJECTED = "rejected"
    RETURNED = "returned"
    VOID = "void"


class CreditorAccount(Identified, Versioned, Base):
    """An account of ours that direct debits are paid into."""

    __tablename__ = "creditor_accounts"
    __table_args__ = (
        Index("uq_creditor_accounts_label", text("lower(label)"), unique=True),
        CheckConstraint("scheme IN ('CORE', 'B2B')", name="scheme"),
        CheckConstraint("max_transactions > 0", name="max_transactions"),
        CheckConstraint("max_amount > 0", name="max_amount"),
        Index(
            "uq_creditor_accounts_is_default",
            "is_default",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    label: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(70))
    creditor_identifier: Mapped[str] = mapped_column(String(35))
    iban: Mapped[str] = mapped_column(String(34), info={"audit": "mask"})
    bic: Mapped[str | None] = mapped_column(String(11))
    scheme: Mapped[str] = mapped_column(String(4), default=Scheme.CORE)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    # Limits of one file, agreed on with the bank; a run past them gets several files.
    max_transactions: Mapped[int] = mapped_column(Integer, default=50_000)
    max_amount: Mapped[Decimal] = mapped_column(Cents, default=Decimal("999999999.99"))
    # Until when the bank takes files for the next day; empty: the setting of the installation.
    cutoff: Mapped[time | None] = mapped_column(Time)
    # Some banks take one payment block in a file: another sequence type gets a file of its own.
    one_block_per_file: Mapped[bool] = mapped_column(Boolean, default=False)
    # Town and country beside address lines, as EPC allows and Austrian banks refuse.
    hybrid_addresses: Mapped[bool] = mapped_column(Boolean, default=False)
    # For mandate forms and letters; no bank file carries it.
    street: Mapped[str | None] = mapped_column(String(70))
    postcode: Mapped[str | None] = mapped_column(String(16))
    place: Mapped[str | None] = mapped_column(String(35))
    country: Mapped[str | None] = mapped_column(String(2))

    def __str__(self) -> str:
        return self.label


class Mandate(Identified, Versioned, Base):
    """A customer's permission to collect from an account."""

    __tablename__ = "mandates"
    __table_args__ = (
        Index("uq_mandates_reference", text("lower(reference)"), unique=True),
        CheckConstraint("scheme IN ('CORE', 'B2B')", name="scheme"),
        CheckConstraint("type IN ('recurrent', 'one-off')", name="type"),
        CheckConstraint(
            "state IN ('draft', 'active', 'suspended', 'cancelled', 'expired', 'used')",
            name="state",
        ),
        CheckConstraint("state = 'draft' OR signed_on IS NOT NULL", name="signed_on"),
        Index("ix_mandates_customer_id", "customer_id", "state"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    reference: Mapped[str] = mapped_column(String(35))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    iban: Mapped[str] = mapped_column(String(34), info={"audit": "mask"})
    bic: Mapped[str | None] = mapped_column(String(11))
    account_holder: Mapped[str] = mapped_column(String(140))
    scheme: Mapped[str] = mapped_column(String(4), default=Scheme.CORE)
    type: Mapped[str] = mapped_column(String(10), default=MandateType.RECURRENT)
    state: Mapped[str] = mapped_column(String(10), default=MandateState.DRAFT)
    signed_on: Mapped[date | None] = mapped_column(Date)
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_files.id"), info={"audit": "skip"}
    )
    last_collected_on: Mapped[date | None] = mapped_column(Date)
    # Values before an amendment; the next collection tells the bank of them, once.
    original_reference: Mapped[str | None] = mapped_column(String(35))
    original_iban: Mapped[str | None] = mapped_column(String(34), info={"audit": "mask"})
    # When the IBAN was last changed; the preview points to what changed lately.
    iban_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    # Why it is suspended or cancelled, and the bank's code where a return did it.
    state_reason: Mapped[str | None] = mapped_column(String(200))
    state_code: Mapped[str | None] = mapped_column(String(4))
    # B2B: the debtor's bank has registered the mandate, or refuses every collection.
    bank_registered_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    customer: Mapped[Customer] = relationship()
    document: Mapped[StoredFile | None] = relationship()

    def __str__(self) -> str:
        return self.reference


class CollectionRun(Identified, Versioned, Base):
    """One collection from many customers, for one creditor account and one scheme."""

    __tablename__ = "collection_runs"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("scheme IN ('CORE', 'B2B')", name="scheme"),
        CheckConstraint(
            "state IN ('created', 'released', 'filed', 'handed in', 'answered', 'closed', 'void')",
            name="state",
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    number: Mapped[str] = mapped_column(String(20))
    creditor_account_id: Mapped[int] = mapped_column(ForeignKey("creditor_accounts.id"), index=True)
    # Frozen when the run is created: what the bank and the debtors will have seen.
    creditor_name: Mapped[str] = mapped_column(String(70))
    creditor_identifier: Mapped[str] = mapped_column(String(35))
    creditor_iban: Mapped[str] = mapped_column(String(34), info={"audit": "mask"})
    creditor_bic: Mapped[str | None] = mapped_column(String(11))
    scheme: Mapped[str] = mapped_column(String(4))
    collection_date: Mapped[date] = mapped_column(Date, index=True)
    state: Mapped[str] = mapped_column(String(10), default=RunState.CREATED)
    collection_count: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Decimal] = mapped_column(Cents)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    created_by_label: Mapped[str] = mapped_column(String(255))
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    released_by_label: Mapped[str | None] = mapped_column(String(255))
    filed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    handed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})

    creditor_account: Mapped[CreditorAccount] = relationship()
    created_by: Mapped[Operator | None] = relationship(foreign_keys=[created_by_id])
    files: Mapped[list["RunFile"]] = relationship(order_by="RunFile.part")

    def __str__(self) -> str:
        return self.number


_ASKED_OF_RETURNS = (
    "state", "worked_off_at", "reason_code", "amount", "fee", "customer_id", "run_id",
)  # fmt: skip


class Collection(Identified, Base):
    """One invoice's collection within a run, with everything the bank is told, frozen.

    The partial unique index is the last word against collecting twice: an invoice has at most
    one collection that is live or settled.
    """

    __tablename__ = "collections"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "state IN ('live', 'settled', 'rejected', 'returned', 'void')", name="state"
        ),
        UniqueConstraint("end_to_end_id"),
        Index(
            "uq_collections_live_invoice",
            "invoice_id",
            unique=True,
            sqlite_where=text("state IN ('live', 'settled')"),
            postgresql_where=text("state IN ('live', 'settled')"),
        ),
        Index("ix_collections_run_id", "run_id", "id"),
        Index("ix_collections_mandate_id", "mandate_id"),
        Index("ix_collections_invoice_id", "invoice_id", "state"),
        Index("ix_collections_customer_id", "customer_id", "state"),
        # The lists of returns: in their order, with all that conditions, counts and sums ask for.
        Index(
            "ix_collections_to_work_off",
            "ended_on",
            "id",
            *_ASKED_OF_RETURNS,
            sqlite_where=text("state IN ('rejected', 'returned') AND worked_off_at IS NULL"),
            postgresql_where=text("state IN ('rejected', 'returned') AND worked_off_at IS NULL"),
        ),
        Index(
            "ix_collections_worked_off",
            "id",
            "ended_on",
            *_ASKED_OF_RETURNS,
            sqlite_where=text("state IN ('rejected', 'returned') AND worked_off_at IS NOT NULL"),
            postgresql_where=text(
                "state IN ('rejected', 'returned') AND worked_off_at IS NOT NULL"
            ),
        ),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("collection_runs.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    mandate_id: Mapped[int] = mapped_column(ForeignKey("mandates.id"))
    state: Mapped[str] = mapped_column(String(10), default=CollectionState.LIVE)
    end_to_end_id: Mapped[str] = mapped_column(String(35))
    sequence_type: Mapped[str] = mapped_column(String(4))
    amount: Mapped[Decimal] = mapped_column(Cents)
    debtor_name: Mapped[str] = mapped_column(String(140))
    iban: Mapped[str] = mapped_column(String(34), info={"audit": "mask"})
    bic: Mapped[str | None] = mapped_column(String(11))
    mandate_reference: Mapped[str] = mapped_column(String(35))
    mandate_signed_on: Mapped[date] = mapped_column(Date)
    original_reference: Mapped[str | None] = mapped_column(String(35))
    original_iban: Mapped[str | None] = mapped_column(String(34), info={"audit": "mask"})
    remittance_text: Mapped[str] = mapped_column(String(140))
    street: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(20))
    place: Mapped[str | None] = mapped_column(String(120))
    country: Mapped[str | None] = mapped_column(String(2))
    # What the bank answered: booked on; rejected or returned on, why, and what it charged for it.
    settled_on: Mapped[date | None] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    reason_code: Mapped[str | None] = mapped_column(String(35))
    reason_text: Mapped[str | None] = mapped_column(String(500))
    fee: Mapped[Decimal | None] = mapped_column(Cents)
    # Who worked off a rejection or return, and what came of it.
    worked_off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worked_off_by_label: Mapped[str | None] = mapped_column(String(255))
    worked_off_note: Mapped[str | None] = mapped_column(String(500))

    run: Mapped[CollectionRun] = relationship()
    invoice: Mapped[Invoice] = relationship()
    customer: Mapped[Customer] = relationship()
    mandate: Mapped[Mandate] = relationship()


class RunFile(Identified, Base):
    """A bank file of a run; its bytes stay as they are for ever."""

    __tablename__ = "run_files"
    __table_args__ = (UniqueConstraint("message_id"), UniqueConstraint("run_id", "part"))

    run_id: Mapped[int] = mapped_column(ForeignKey("collection_runs.id"))
    part: Mapped[int] = mapped_column(Integer)
    message_id: Mapped[str] = mapped_column(String(35))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_files.id"))
    collection_count: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Decimal] = mapped_column(Cents)
    # The group status of the bank's pain.002, for example ACCP, PART or RJCT.
    bank_status: Mapped[str | None] = mapped_column(String(4))

    file: Mapped[StoredFile] = relationship()


class PreNotification(Identified, Base):
    """The notice of a run to one customer: by mail, or in the letters that are printed."""

    __tablename__ = "pre_notifications"
    __table_args__ = (
        CheckConstraint("channel IN ('email', 'letter')", name="channel"),
        # Not unique: of two customers who were both told, one may be merged into the other.
        Index("ix_pre_notifications_run_id", "run_id", "customer_id"),
        Index("ix_pre_notifications_customer_id", "customer_id", "id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("collection_runs.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    channel: Mapped[str] = mapped_column(String(6))
    # The outbox forgets messages after a time; so this is no foreign key.
    message_id: Mapped[int | None] = mapped_column(BigId)
    collection_count: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Decimal] = mapped_column(Cents)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    run: Mapped[CollectionRun] = relationship()
    customer: Mapped[Customer] = relationship()
