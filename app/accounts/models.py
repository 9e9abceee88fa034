"""Operators, roles, log-in attempts, and the views of lists that operators keep."""

from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Identified, UtcDateTime, Versioned

operators_roles = Table(
    "operators_roles",
    Base.metadata,
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True),
)


class Role(Identified, Versioned, Base, RoleMixin):
    """A named set of permissions."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("name"),)
    __mapper_args__ = {"version_id_col": Versioned.version}

    name: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(String(200), default="")
    permissions: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON()), default=list)
    # The four roles that come with Kontor can be changed but neither renamed nor deleted.
    built_in: Mapped[bool] = mapped_column(Boolean, default=False)


class Operator(Identified, Versioned, Base, UserMixin):
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
    last_login_at: Mapped[datetime | None] = mapped_column(  # type: ignore[assignment]
        UtcDateTime, info={"audit": "skip"}
    )

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=operators_roles, order_by=Role.name
    )

    def __str__(self) -> str:
        return self.name or self.email


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
