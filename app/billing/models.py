"""Invoices."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Identified, UtcDateTime, Versioned
from app.core.money import Cents
from app.customers.models import Customer


class InvoiceState(StrEnum):
    """From open to settled."""

    OPEN = "open"
    IN_COLLECTION = "in collection"
    PAID = "paid"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Invoice(Identified, Versioned, Base):
    """What a customer owes, in euros."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("currency = 'EUR'", name="currency"),
        CheckConstraint(
            "state IN ('open', 'in collection', 'paid', 'returned', 'cancelled')", name="state"
        ),
        Index("ix_invoices_customer_id", "customer_id", "state"),
        Index("ix_invoices_due_on", "due_on", "id"),
        Index("ix_invoices_issued_on", "issued_on", "id"),
        # What many agree in, narrow and together: any combination is judged by this index alone.
        Index("ix_invoices_facets", "state", "due_on", "issued_on", "amount", "customer_id"),
        Index(
            "ix_invoices_open",
            "due_on",
            "customer_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_invoices_in_collection",
            "due_on",
            "customer_id",
            sqlite_where=text("state = 'in collection'"),
            postgresql_where=text("state = 'in collection'"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    number: Mapped[str] = mapped_column(String(35))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    amount: Mapped[Decimal] = mapped_column(Cents)
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    issued_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    remittance_text: Mapped[str | None] = mapped_column(String(140))
    state: Mapped[str] = mapped_column(String(15), default=InvoiceState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.number
