"""Consortia, and what is known of an institution beside what every customer has."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Identified, Versioned, key_string

LIVE = sql("live")


class Consortium(Identified, Versioned, Base):
    """A group of institutions that buys together."""

    __tablename__ = "consortia"
    __table_args__ = (Index("uq_consortia_name", sql("lower(name)"), unique=True),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(120))
    note: Mapped[str | None] = mapped_column(Text)

    def __str__(self) -> str:
        return self.name


class ConsortiumMember(Identified, Base):
    """The membership of an institution in a consortium."""

    __tablename__ = "consortium_members"
    __table_args__ = (
        UniqueConstraint("customer_id", "consortium_id"),
        Index("ix_consortium_members_consortium_id", "consortium_id", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    consortium_id: Mapped[int] = mapped_column(ForeignKey("consortia.id"))


class LibraryContact(Identified, Base):
    """Whom to talk to in the library of an institution; there is one."""

    __tablename__ = "library_contacts"
    __table_args__ = (UniqueConstraint("customer_id"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    name: Mapped[str | None] = mapped_column(String(120))
    role: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))


class IpRange(Identified, Base):
    """Addresses from which an institution reads, first and last included.

    An address is kept as a key: its family, 4 or 6, and its digits in hexadecimal, so that keys
    compare like addresses. No two live ranges share an address, whoever has them: on PostgreSQL an
    exclusion constraint holds that, on SQLite triggers do, and in both a trigger keeps `live` in
    step with the customer, so that a deleted one frees its addresses.
    """

    __tablename__ = "ip_ranges"
    __table_args__ = (
        CheckConstraint("first_key <= last_key", name="order"),
        Index("ix_ip_ranges_first_key", "first_key", sqlite_where=LIVE, postgresql_where=LIVE),
        Index("ix_ip_ranges_customer_id", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    first_key: Mapped[str] = mapped_column(key_string(33))
    last_key: Mapped[str] = mapped_column(key_string(33))
    live: Mapped[bool] = mapped_column(Boolean, default=True)
