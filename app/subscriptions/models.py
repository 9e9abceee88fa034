"""Journal authorizations, subscriptions (ordinary and merged), and what a merged one came from."""

from datetime import date, datetime
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
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalogue.models import Journal
from app.core.database import Base, Identified, UtcDateTime, Versioned
from app.core.money import Cents
from app.customers.models import Address, Customer


class Basis(StrEnum):
    """Why a perpetual right exists."""

    PURCHASE = "purchase"
    POST_CANCELLATION = "post-cancellation"
    BACKFILE = "backfile"


class SubscriptionSource(StrEnum):
    """Where a row of the Subscriptions list comes from."""

    ORDINARY = "ordinary"
    PERPETUAL = "perpetual"


class SubscriptionStatus(StrEnum):
    """The life of an ordinary subscription; merged perpetual rights are always active."""

    DRAFT = "draft"
    ACTIVE = "active"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Format(StrEnum):
    """In which form the journal is delivered."""

    PRINT = "print"
    ONLINE = "online"
    BOTH = "print and online"


class Coverage:
    """The content that a right covers: dates with their precision, volumes and issues.

    `coverage_from` and `coverage_to` keep what was written (2010, 2010-03, 2010-03-15; None is
    open); `first_day` and `last_day` are what they mean in days.
    """

    coverage_from: Mapped[str | None] = mapped_column(String(10))
    coverage_to: Mapped[str | None] = mapped_column(String(10))
    first_day: Mapped[date | None] = mapped_column(Date, info={"audit": "skip"})
    last_day: Mapped[date | None] = mapped_column(Date, info={"audit": "skip"})
    first_volume: Mapped[str | None] = mapped_column(String(20))
    last_volume: Mapped[str | None] = mapped_column(String(20))
    first_issue: Mapped[str | None] = mapped_column(String(20))
    last_issue: Mapped[str | None] = mapped_column(String(20))


class Authorization(Identified, Coverage, Base):
    """A perpetual customer's right to a journal: the source that the merge starts from."""

    __tablename__ = "authorizations"
    __table_args__ = (
        CheckConstraint(
            "first_day IS NULL OR last_day IS NULL OR first_day <= last_day", name="coverage"
        ),
        Index("ix_authorizations_customer_journal", "customer_id", "journal_id"),
        Index("ix_authorizations_journal_id", "journal_id"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    journal_id: Mapped[int] = mapped_column(ForeignKey("journals.id"))
    basis: Mapped[str] = mapped_column(String(20))
    embargo: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    customer: Mapped[Customer] = relationship()
    journal: Mapped[Journal] = relationship()


class Subscription(Identified, Versioned, Coverage, Base):
    """A row of the Subscriptions list.

    Perpetual rows are merged from authorizations and can be changed by nobody; ordinary ones
    have a term, a price and a status.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("source IN ('ordinary', 'perpetual')", name="source"),
        CheckConstraint(
            "first_day IS NULL OR last_day IS NULL OR first_day <= last_day", name="coverage"
        ),
        CheckConstraint(
            "term_from IS NULL OR term_to IS NULL OR term_from <= term_to", name="term"
        ),
        CheckConstraint("source = 'perpetual' OR term_from IS NOT NULL", name="ordinary_term"),
        CheckConstraint("copies IS NULL OR copies > 0", name="copies"),
        CheckConstraint("price IS NULL OR price >= 0", name="price"),
        Index("ix_subscriptions_customer_journal", "customer_id", "journal_id"),
        Index("ix_subscriptions_journal_id", "journal_id", "id"),
        Index("ix_subscriptions_source", "source", "id"),
        Index(
            "ix_subscriptions_merged",
            *("customer_id", "journal_id"),
            sqlite_where=text("source = 'perpetual'"),
            postgresql_where=text("source = 'perpetual'"),
        ),
        Index("ix_subscriptions_days", "first_day", "last_day", "volume_only", "customer_id"),
        Index(
            "ix_subscriptions_facets",
            *("source", "status", "volume_only", "journal_id", "customer_id", "term_to"),
            *("first_day", "last_day"),
        ),
        Index(
            "ix_subscriptions_term_to",
            "term_to",
            "id",
            sqlite_where=text("source = 'ordinary'"),
            postgresql_where=text("source = 'ordinary'"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    journal_id: Mapped[int] = mapped_column(ForeignKey("journals.id"))
    source: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10), default=SubscriptionStatus.ACTIVE)
    # A right stated by volumes alone is never merged by date; people must look at it.
    volume_only: Mapped[bool] = mapped_column(Boolean, default=False)
    term_from: Mapped[date | None] = mapped_column(Date)
    term_to: Mapped[date | None] = mapped_column(Date)
    copies: Mapped[int | None] = mapped_column(Integer)
    format: Mapped[str | None] = mapped_column(String(20))
    price: Mapped[Decimal | None] = mapped_column(Cents)
    renewal: Mapped[bool] = mapped_column(Boolean, default=True)
    ship_to_address_id: Mapped[int | None] = mapped_column(
        ForeignKey("addresses.id", ondelete="SET NULL")
    )
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    customer: Mapped[Customer] = relationship()
    journal: Mapped[Journal] = relationship()
    ship_to_address: Mapped[Address | None] = relationship()
    sources: Mapped[list[Authorization]] = relationship(
        secondary="subscription_sources", order_by=Authorization.id, viewonly=True
    )


class SubscriptionSourceLink(Base):
    """Which authorizations a merged subscription came from."""

    __tablename__ = "subscription_sources"

    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    authorization_id: Mapped[int] = mapped_column(
        ForeignKey("authorizations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
