"""Operators, roles, log-in attempts, one-time links, and the views that operators keep."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, BigId, Identified, UtcDateTime, Versioned

operators_roles = Table(
    "operators_roles",
    Base.metadata,
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True),
)


class Role(Identified, Versioned, Base):
    """A named set of permissions."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("name"),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(String(200), default="")
    permissions: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON()), default=list)
    # The four roles that come with Kontor can be changed but neither renamed nor deleted.
    built_in: Mapped[bool] = mapped_column(Boolean, default=False)


class Operator(Identified, Versioned, Base):
    """A person who logs in to the panel."""

    __tablename__ = "operators"
    __table_args__ = (
        UniqueConstraint("fs_uniquifier"),
        CheckConstraint("email = lower(email)", name="email_lower_case"),
        Index("uq_operators_email", "email", unique=True),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    email: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(120), default="")
    password: Mapped[str | None] = mapped_column(String(255), info={"audit": "secret"})
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), info={"audit": "secret"})
    demo: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    preferences: Mapped[dict[str, Any]] = mapped_column(
        MutableDict.as_mutable(JSON()), default=dict, info={"audit": "skip"}
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})

    # Two-factor log-in, under the names that Flask-Security reads: the secret and the recovery
    # codes are encrypted; the counter is that of the last code used, which is never taken again.
    tf_primary_method: Mapped[str | None] = mapped_column(String(64), info={"audit": "skip"})
    tf_totp_secret: Mapped[str | None] = mapped_column(Text, info={"audit": "secret"})
    tf_last_counter: Mapped[int | None] = mapped_column(BigInteger, info={"audit": "skip"})
    tf_set_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": "skip"})
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(
        MutableList.as_mutable(JSON(none_as_null=True)), info={"audit": "secret"}
    )

    roles: Mapped[list[Role]] = relationship(secondary=operators_roles, order_by=Role.name)

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def has_two_factor(self) -> bool:
        """Whether a code of the operator's phone is asked for at the log-in."""
        return bool(self.tf_totp_secret and self.tf_primary_method)

    @property
    def invited(self) -> bool:
        """Whether the operator has not chosen a password yet, and so cannot log in."""
        return self.password is None


class OperatorSession(Identified, Base):
    """One browser in which an operator is or was logged in.

    The browser's cookie holds a random key; here is only its hash, so that nobody who reads the
    table can step into a session.
    """

    __tablename__ = "operator_sessions"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        Index(None, "operator_id", "created_at"),
        Index(None, "created_at"),
    )

    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    key_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(255))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_label: Mapped[str | None] = mapped_column(String(255))


class LoginAttempt(Identified, Base):
    """One failed or successful log-in, counted to stop guessing."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "email", "at"), Index(None, "address", "at"))

    email: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    succeeded: Mapped[bool] = mapped_column(Boolean)


class SavedView(Identified, Versioned, Base):
    """A list as somebody keeps it under a name: conditions, order, size of page and columns.

    `arguments` are those of the list's address. A shared view is everybody's who may see the list.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        Index("uq_saved_views_name", "operator_id", "list_name", text("lower(name)"), unique=True),
        Index(
            "ix_saved_views_shared",
            "list_name",
            sqlite_where=text("shared"),
            postgresql_where=text("shared"),
        ),
        CheckConstraint("name <> ''", name="named"),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}

    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id"))
    list_name: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(80))
    # The history tells that they changed, not what somebody was looking for.
    arguments: Mapped[dict[str, str]] = mapped_column(JSON(), info={"audit": "secret"})
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"audit": "skip"})

    operator: Mapped[Operator] = relationship()


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    CUSTOMER_REGISTRATION = "customer registration"
    CUSTOMER_PASSWORD_RESET = "customer password reset"  # noqa: S105 - the name of a purpose
    OPERATOR_INVITATION = "operator invitation"


class OneTimeLink(Identified, Base):
    """A link that opens one thing once. Its token is known to the recipient only.

    `subject_id` is the id of a customer or an operator, as the purpose says. `sent_to` is the
    email it was sent to: whoever has another one by now is not who should open it. `ended_at` is
    set when a newer link, or a change of what it was for, took its place.
    """

    __tablename__ = "one_time_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        Index("ix_one_time_links_subject", "purpose", "subject_id"),
    )

    purpose: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int] = mapped_column(BigId)
    token_hash: Mapped[str] = mapped_column(String(64), info={"audit": "secret"})
    sent_to: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by_label: Mapped[str] = mapped_column(String(255))
