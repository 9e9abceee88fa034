"""The history table. Rows are only ever added."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, BigId, Identified, UtcDateTime


class Action(StrEnum):
    """What was done to a record."""

    CREATED = "created"
    CHANGED = "changed"
    AMENDED = "amended"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    REMOVED = "removed"
    TAKEN_BACK = "taken back"
    STATE_CHANGED = "state changed"
    DOWNLOADED = "downloaded"
    EXPORTED = "exported"
    LOGGED_IN = "logged in"
    LOGGED_OUT = "logged out"
    LOGIN_REFUSED = "log-in refused"
    SESSION_ENDED = "session ended"
    TWO_FACTOR_SET_UP = "two-factor set up"
    TWO_FACTOR_REMOVED = "two-factor removed"
    TWO_FACTOR_RESET = "two-factor reset"
    RECOVERY_CODE_USED = "recovery code used"
    RECOVERY_CODES_MADE = "new recovery codes"
    INVITED = "invited"
    INVITATION_ACCEPTED = "invitation accepted"


class AuditEntry(Identified, Base):
    """One change of one record: when, who, by which way in, and old -> new field by field.

    `customer_id` is set for whatever belongs to a customer, so that one index serves the
    customer's History tab. There are no foreign keys: history outlives what it tells of.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "entity", "entity_id", "id"),
        Index(None, "customer_id", "id"),
        Index(None, "at"),
    )

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_label: Mapped[str] = mapped_column(String(255))
    operator_id: Mapped[int | None] = mapped_column(BigId)
    channel: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(20))
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[int | None] = mapped_column(BigId)
    entity_label: Mapped[str] = mapped_column(String(255), default="")
    customer_id: Mapped[int | None] = mapped_column(BigId)
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str | None] = mapped_column(Text)
    job_id: Mapped[int | None] = mapped_column(BigId)
