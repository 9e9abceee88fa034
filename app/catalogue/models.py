"""Products and services, their price levels, and journals with their coverages."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Identified, Versioned, key_string
from app.core.money import Cents


class ProductKind(StrEnum):
    """Goods or work."""

    PRODUCT = "product"
    SERVICE = "service"


class PriceLevel(Identified, Versioned, Base):
    """A column of the price list, such as A, B or C."""

    __tablename__ = "price_levels"
    __table_args__ = (UniqueConstraint("name"),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(String(200), default="")

    def __str__(self) -> str:
        return self.name


class Product(Identified, Versioned, Base):
    """A product or service that customers use or order."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("uq_products_name", text("lower(name)"), unique=True),
        CheckConstraint("kind IN ('product', 'service')", name="kind"),
        CheckConstraint("vat_rate >= 0 AND vat_rate <= 100", name="vat_rate"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    number: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10), default=ProductKind.PRODUCT)
    discountable: Mapped[bool] = mapped_column(Boolean, default=True)
    vat_rate: Mapped[Decimal] = mapped_column(Numeric(4, 1), default=Decimal("19.0"))
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    prices: Mapped[list["ProductPrice"]] = relationship(
        cascade="all, delete-orphan", order_by="ProductPrice.price_level_id"
    )

    def __str__(self) -> str:
        return self.name


class ProductPrice(Base):
    """The price of a product at a price level, in euros before tax."""

    __tablename__ = "product_prices"
    __table_args__ = (CheckConstraint("price >= 0", name="price"),)

    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    price_level_id: Mapped[int] = mapped_column(ForeignKey("price_levels.id"), primary_key=True)
    price: Mapped[Decimal] = mapped_column(Cents)


class Journal(Identified, Versioned, Base):
    """A journal, known by its print or online ISSN (NNNN-NNNC)."""

    __tablename__ = "journals"
    __table_args__ = (
        CheckConstraint("print_issn IS NOT NULL OR online_issn IS NOT NULL", name="has_issn"),
        Index("uq_journals_print_issn", "print_issn", unique=True),
        Index("ix_journals_online_issn", "online_issn"),
        Index("ix_journals_sort_title", "sort_title", "id"),
        Index("ix_journals_title_key", "title_key"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    print_issn: Mapped[str | None] = mapped_column(String(9))
    online_issn: Mapped[str | None] = mapped_column(String(9))
    title: Mapped[str] = mapped_column(String(500))
    # The folded title, for finding (whole) and for sorting (its beginning).
    title_key: Mapped[str] = mapped_column(key_string(500), info={"audit": "skip"})
    sort_title: Mapped[str] = mapped_column(key_string(80), info={"audit": "skip"})
    publisher: Mapped[str | None] = mapped_column(String(255))
    title_id: Mapped[str | None] = mapped_column(String(80))
    title_url: Mapped[str | None] = mapped_column(String(500))
    access_type: Mapped[str | None] = mapped_column(String(1))
    volumes_per_year: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str | None] = mapped_column(Text)

    coverages: Mapped[list["JournalCoverage"]] = relationship(
        cascade="all, delete-orphan", order_by="JournalCoverage.first_day"
    )
    former_titles: Mapped[list["JournalTitle"]] = relationship(
        cascade="all, delete-orphan", order_by="JournalTitle.id"
    )

    def __str__(self) -> str:
        return self.title


class JournalTitle(Identified, Base):
    """A title that a journal has borne before."""

    __tablename__ = "journal_titles"
    __table_args__ = (UniqueConstraint("journal_id", "title_key"), Index(None, "title_key"))

    journal_id: Mapped[int] = mapped_column(ForeignKey("journals.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(500))
    title_key: Mapped[str] = mapped_column(key_string(500))


class JournalCoverage(Identified, Base):
    """A span of issues that the publisher holds, as KBART states it.

    `first` and `last` keep the precision given (2010, 2010-03, 2010-03-15; None is open);
    `first_day` and `last_day` are what they mean in days, for comparing.
    """

    __tablename__ = "journal_coverages"

    journal_id: Mapped[int] = mapped_column(
        ForeignKey("journals.id", ondelete="CASCADE"), index=True
    )
    first: Mapped[str | None] = mapped_column(String(10))
    last: Mapped[str | None] = mapped_column(String(10))
    first_day: Mapped[date | None] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    first_volume: Mapped[str | None] = mapped_column(String(20))
    first_issue: Mapped[str | None] = mapped_column(String(20))
    last_volume: Mapped[str | None] = mapped_column(String(20))
    last_issue: Mapped[str | None] = mapped_column(String(20))
    embargo: Mapped[str | None] = mapped_column(String(40))
    coverage_depth: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)


class JournalPackage(Identified, Versioned, Base):
    """Journals that are sold together."""

    __tablename__ = "journal_packages"
    __table_args__ = (Index("uq_journal_packages_name", text("lower(name)"), unique=True),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(120))
    note: Mapped[str | None] = mapped_column(Text)

    journals: Mapped[list[Journal]] = relationship(
        secondary="journal_package_journals", order_by=(Journal.sort_title, Journal.id)
    )

    def __str__(self) -> str:
        return self.name


class PackageJournal(Base):
    """One journal of a package."""

    __tablename__ = "journal_package_journals"

    package_id: Mapped[int] = mapped_column(
        ForeignKey("journal_packages.id", ondelete="CASCADE"), primary_key=True
    )
    journal_id: Mapped[int] = mapped_column(
        ForeignKey("journals.id", ondelete="CASCADE"), primary_key=True, index=True
    )
