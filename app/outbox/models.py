"""The outbox: every mail that is to go out, is under way, went out or was given up."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, BigId, Identified, UtcDateTime


class MailState(StrEnum):
    """The life of a message: a worker takes a waiting one, and either sends it or puts it back."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class MailPurpose(StrEnum):
    """What a message is for. No constraint holds these: a new one needs no migration."""

    CUSTOMER_REGISTRATION = "customer registration"
    CUSTOMER_PASSWORD_RESET = "customer password reset"  # noqa: S105 - the name of a purpose
    OPERATOR_INVITATION = "operator invitation"
    EXPORT_ENDED = "export ended"
    COLLECTION_NOTICE = "collection notice"
    IBAN_CHANGED = "IBAN changed"


class OutboxMessage(Identified, Base):
    """One message to one recipient.

    `secret` is the one-time address that takes the place of {link} in the body when the message
    is sent; it is wiped once the message is sent or given up, and shown nowhere. There are no
    foreign keys: like the history, a message outlives what it tells of, and an import that is
    taken back may delete the customer.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("message_id"),
        CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'cancelled')", name="state"
        ),
        CheckConstraint("secret IS NULL OR state IN ('waiting', 'sending')", name="secret_wiped"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        CheckConstraint("(state = 'sending') = (claimed_at IS NOT NULL)", name="claimed_at"),
        Index("ix_outbox_messages_due", "state", "next_try_at", "id"),
        Index("ix_outbox_messages_state", "state", "id"),
        Index("ix_outbox_messages_customer_id", "customer_id", "id"),
        Index("ix_outbox_messages_operator_id", "operator_id", "id"),
    )

    purpose: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(255))
    body: Mapped[str] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(String(500), info={"audit": "secret"})
    # The same at every try: a server that got the message twice can tell.
    message_id: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(10), default=MailState.WAITING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_label: Mapped[str] = mapped_column(String(255))
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    customer_id: Mapped[int | None] = mapped_column(BigId)
    operator_id: Mapped[int | None] = mapped_column(BigId)
