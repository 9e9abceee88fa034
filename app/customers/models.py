"""Customers of three kinds, and what belongs to them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Operator
from app.catalogue.models import PriceLevel, Product
from app.core.database import Base, Identified, UtcDateTime, Versioned, key_string
from app.customers.choices import (
    AddressKind,
    ApprovalState,
    CustomerKind,
    Gender,
    PaymentMethod,
    Source,
)

LIVE = text("deleted_at IS NULL")
NO_HISTORY = {"audit": "skip"}
_LIVE: dict[str, Any] = {"sqlite_where": LIVE, "postgresql_where": LIVE}
# What many agree in, narrow and together: any combination is judged by this index alone.
_FACETS = (
    "kind", "source", "payment_method", "group_id", "price_level_id", "store_id",
    "dedicated_operator_id", "rebate", "locked", "restricted", "favourite", "newsletter",
    "active", "created_at", "changed_at", "sort_name", "deleted_at",
)  # fmt: skip
# With it PostgreSQL, too, tells the live ones by the index alone; it reads no row for them.
_ALONE: dict[str, Any] = {"postgresql_include": ["deleted_at"]}


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


class Store(Identified, Versioned, Base):
    """A shop or branch that customers come from; one is the default."""

    __tablename__ = "stores"
    __table_args__ = (
        Index("uq_stores_name", text("lower(name)"), unique=True),
        Index(
            "uq_stores_default",
            "is_default",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(80))
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    def __str__(self) -> str:
        return self.name


class Group(Identified, Versioned, Base):
    """A customer group; one with approval holds new shop customers back until approved."""

    __tablename__ = "groups"
    __table_args__ = (
        Index("uq_groups_name", text("lower(name)"), unique=True),
        CheckConstraint("length(name) BETWEEN 3 AND 32", name="name_length"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(32))
    approval_required: Mapped[bool] = mapped_column(Boolean, default=False)
    description: Mapped[str] = mapped_column(String(400), default="")

    def __str__(self) -> str:
        return self.name


class SecurityQuestion(Identified, Versioned, Base):
    """A question that a shop customer may choose to recover the account."""

    __tablename__ = "security_questions"
    __table_args__ = (
        Index("uq_security_questions_question", text("lower(question)"), unique=True),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    question: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    def __str__(self) -> str:
        return self.question


customer_products = Table(
    "customer_products",
    Base.metadata,
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Index(None, "product_id", "customer_id"),
)


# Answers that few customers have, by the name of their index.
_RARE = {
    "locked": "locked",
    "restricted": "restricted",
    "favourite": "favourite",
    "inactive": "NOT active",
}


class Customer(Identified, Versioned, Base):
    """Everything the company knows of one customer (domain.md, section 1).

    Uniqueness of email and mobile phone holds among live rows; the number is never reused.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("number"),
        _one_of("kind", CustomerKind),
        _one_of("gender", Gender),
        _one_of("source", Source),
        _one_of("payment_method", PaymentMethod),
        _one_of("approval_state", ApprovalState),
        CheckConstraint("rebate BETWEEN 0 AND 100", name="rebate"),
        CheckConstraint("term_of_payment BETWEEN 0 AND 365", name="term_of_payment"),
        CheckConstraint("length(memo) <= 200", name="memo"),
        CheckConstraint("kind <> 'individual' OR first_name IS NOT NULL", name="first_name"),
        CheckConstraint("kind = 'individual' OR company_name IS NOT NULL", name="company_name"),
        CheckConstraint(
            "payment_method <> 'SEPA direct debit' OR iban IS NOT NULL", name="direct_debit_iban"
        ),
        CheckConstraint("NOT invoices_by_email OR email IS NOT NULL", name="invoices_by_email"),
        CheckConstraint("NOT locked OR coalesce(lock_text, '') <> ''", name="lock_text"),
        Index(
            "uq_customers_email_key",
            "email_key",
            unique=True,
            postgresql_include=["id"],
            **_LIVE,
        ),
        Index(
            "uq_customers_mobile_phone",
            "mobile_phone",
            unique=True,
            postgresql_include=["id"],
            **_LIVE,
        ),
        Index("ix_customers_former_number", "former_number"),
        Index("ix_customers_name_key", "name_key"),
        Index("ix_customers_vat_id", "vat_id"),
        Index("ix_customers_iban", "iban"),
        Index("ix_customers_telephone_private", "telephone_private"),
        Index("ix_customers_business_telephone", "business_telephone"),
        Index("ix_customers_sort_name", "sort_name", "id", **_LIVE),
        Index("ix_customers_kind_sort_name", "kind", "sort_name", "id", **_LIVE),
        Index("ix_customers_kind_created", "kind", "created_at", "id", **_LIVE),
        Index("ix_customers_kind_changed", "kind", "changed_at", "id", **_LIVE),
        Index("ix_customers_kind_number", "kind", "number", **_LIVE),
        Index("ix_customers_number", "number", "id", **_LIVE),
        Index("ix_customers_created", "created_at", "id", **_LIVE),
        Index("ix_customers_changed", "changed_at", "id", **_LIVE),
        Index(
            "ix_customers_facets",
            *_FACETS,
            postgresql_include=["id"],
            **_LIVE,
        ),
        Index(
            "ix_customers_merged_into_id",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index("ix_customers_group_id", "group_id", "id", **_ALONE),
        Index("ix_customers_dedicated_operator_id", "dedicated_operator_id", "id", **_ALONE),
        Index(
            "ix_customers_deleted_at",
            "deleted_at",
            "id",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index("ix_customers_payment_method", "payment_method", "id", **_ALONE),
        *(
            Index(f"ix_customers_{name}", "id", sqlite_where=text(few), postgresql_where=text(few))
            for name, few in _RARE.items()
        ),
        Index(
            "ix_customers_approval_waiting",
            "id",
            sqlite_where=text("approval_state = 'waiting'"),
            postgresql_where=text("approval_state = 'waiting'"),
        ),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    # identity
    number: Mapped[str] = mapped_column(key_string(20))
    former_number: Mapped[str | None] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str | None] = mapped_column(String(40))
    first_name: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str | None] = mapped_column(String(120))
    alias: Mapped[str | None] = mapped_column(String(120))
    gender: Mapped[str | None] = mapped_column(String(10))
    date_of_birth: Mapped[date | None] = mapped_column(Date)
    company_name: Mapped[str | None] = mapped_column(String(200))
    vat_id: Mapped[str | None] = mapped_column(String(20))
    registration_number: Mapped[str | None] = mapped_column(String(60))
    contact_name: Mapped[str | None] = mapped_column(String(120))
    citizenship: Mapped[str | None] = mapped_column(String(60))
    id_number: Mapped[str | None] = mapped_column(String(60))
    id_number_issued_by: Mapped[str | None] = mapped_column(String(120))

    # reach; phones are E.164
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(key_string(254), info=NO_HISTORY)
    telephone_private: Mapped[str | None] = mapped_column(String(40))
    business_telephone: Mapped[str | None] = mapped_column(String(40))
    mobile_phone: Mapped[str | None] = mapped_column(String(40))
    fax: Mapped[str | None] = mapped_column(String(40))
    homepage: Mapped[str | None] = mapped_column(String(255))
    preferred_language: Mapped[str | None] = mapped_column(String(10))

    # commerce
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"), index=True)
    source: Mapped[str] = mapped_column(String(10), default=Source.TELEPHONE)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    dedicated_operator_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    rebate: Mapped[int | None] = mapped_column(Integer)
    price_level_id: Mapped[int | None] = mapped_column(ForeignKey("price_levels.id"))
    reason_for_loss: Mapped[str | None] = mapped_column(String(200))
    favourite: Mapped[bool] = mapped_column(Boolean, default=False)

    # payment
    payment_method: Mapped[str | None] = mapped_column(String(20))
    term_of_payment: Mapped[int | None] = mapped_column(Integer)
    iban: Mapped[str | None] = mapped_column(String(34), info={"audit": "mask"})
    bic: Mapped[str | None] = mapped_column(String(11))
    institute: Mapped[str | None] = mapped_column(String(120))
    account_holder: Mapped[str | None] = mapped_column(String(140))
    collection_hold: Mapped[bool] = mapped_column(Boolean, default=False)
    collection_hold_until: Mapped[date | None] = mapped_column(Date)
    collection_hold_reason: Mapped[str | None] = mapped_column(String(200))
    # Days of notice before a collection that the customer agreed on; empty: the setting.
    notice_days: Mapped[int | None] = mapped_column(Integer)

    # consent, with who set each and when
    newsletter: Mapped[bool] = mapped_column(Boolean, default=True)
    newsletter_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=NO_HISTORY)
    newsletter_set_by: Mapped[str | None] = mapped_column(String(255), info=NO_HISTORY)
    promotional_sms: Mapped[bool] = mapped_column(Boolean, default=False)
    promotional_sms_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=NO_HISTORY)
    promotional_sms_set_by: Mapped[str | None] = mapped_column(String(255), info=NO_HISTORY)
    invoices_by_email: Mapped[bool] = mapped_column(Boolean, default=False)
    invoices_by_email_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=NO_HISTORY)
    invoices_by_email_set_by: Mapped[str | None] = mapped_column(String(255), info=NO_HISTORY)

    # shop account
    login_allowed: Mapped[bool] = mapped_column(Boolean, default=False)
    password_hash: Mapped[str | None] = mapped_column(String(255), info={"audit": "secret"})
    security_question_id: Mapped[int | None] = mapped_column(ForeignKey("security_questions.id"))
    security_answer_hash: Mapped[str | None] = mapped_column(String(255), info={"audit": "secret"})
    restricted: Mapped[bool] = mapped_column(Boolean, default=False)
    approval_state: Mapped[str] = mapped_column(String(10), default=ApprovalState.NOT_NEEDED)
    suppress_registration_email: Mapped[bool] = mapped_column(Boolean, default=False)

    # notes and state
    memo: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    locked: Mapped[bool] = mapped_column(Boolean, default=False)
    lock_text: Mapped[str | None] = mapped_column(String(400))
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("customers.id", ondelete="SET NULL"), info=NO_HISTORY
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=NO_HISTORY)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, info=NO_HISTORY)

    # derived: what the search reads, what lists sort by, and the exact company name folded
    search_text: Mapped[str] = mapped_column(Text, info=NO_HISTORY)
    sort_name: Mapped[str] = mapped_column(key_string(120), info=NO_HISTORY)
    name_key: Mapped[str] = mapped_column(key_string(330), info=NO_HISTORY)

    store: Mapped[Store | None] = relationship()
    group: Mapped[Group | None] = relationship()
    price_level: Mapped[PriceLevel | None] = relationship()
    dedicated_operator: Mapped[Operator | None] = relationship()
    security_question: Mapped[SecurityQuestion | None] = relationship()
    addresses: Mapped[list["Address"]] = relationship(
        order_by="Address.id", back_populates="customer", passive_deletes=True
    )
    companies: Mapped[list["CustomerCompany"]] = relationship(
        order_by="CustomerCompany.id",
        foreign_keys="CustomerCompany.customer_id",
        passive_deletes=True,
    )
    products: Mapped[list[Product]] = relationship(
        secondary=customer_products, order_by=Product.name, passive_deletes=True
    )

    @property
    def display_name(self) -> str:
        """The name a person would call this customer by."""
        if self.kind != CustomerKind.INDIVIDUAL and self.company_name:
            return self.company_name
        return " ".join(part for part in (self.first_name, self.name) if part)

    def __str__(self) -> str:
        return self.display_name


class Address(Identified, Base):
    """One of a customer's addresses; one of each kind is the default."""

    __tablename__ = "addresses"
    __table_args__ = (
        _one_of("kind", AddressKind),
        CheckConstraint("length(country) = 2", name="country"),
        Index(
            "uq_addresses_default",
            "customer_id",
            "kind",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
        # All that lists ask of a customer's addresses, so that the rows need not be looked at.
        Index("ix_addresses_of_customer", "customer_id", "country", "postcode", "place_key"),
        Index("ix_addresses_country", "country", "customer_id"),
        Index("ix_addresses_postcode", "postcode", "customer_id"),
        Index("ix_addresses_place_key", "place_key", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), info=NO_HISTORY
    )
    kind: Mapped[str] = mapped_column(String(10), default=AddressKind.MAIN)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    label: Mapped[str | None] = mapped_column(String(80))
    street: Mapped[str | None] = mapped_column(String(200))
    line_2: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(key_string(20))
    place: Mapped[str | None] = mapped_column(String(120))
    place_key: Mapped[str | None] = mapped_column(key_string(120), info=NO_HISTORY)
    state: Mapped[str | None] = mapped_column(String(80))
    country: Mapped[str | None] = mapped_column(String(2))
    care_of: Mapped[str | None] = mapped_column(String(120))
    po_box: Mapped[str | None] = mapped_column(String(40))

    customer: Mapped[Customer] = relationship(back_populates="addresses")


class CustomerCompany(Identified, Base):
    """A company that a person belongs to or orders for, with the role there.

    `company_id` points to a business customer where the company is one.
    """

    __tablename__ = "customer_companies"
    __table_args__ = (
        CheckConstraint("company_id IS NOT NULL OR coalesce(company_name, '') <> ''", name="named"),
    )

    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), index=True, info=NO_HISTORY
    )
    company_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    company_name: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str | None] = mapped_column(String(80))

    company: Mapped[Customer | None] = relationship(foreign_keys=[company_id])
