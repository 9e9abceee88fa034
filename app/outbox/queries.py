"""Reads of outgoing mail: the list, and the last messages of one customer or operator."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core import filters
from app.core.listing import Listing
from app.outbox.models import MailPurpose, MailState, OutboxMessage

STATE_LABELS = {
    MailState.WAITING: "Waiting",
    MailState.SENDING: "Being sent",
    MailState.SENT: "Sent",
    MailState.FAILED: "Failed",
    MailState.CANCELLED: "Cancelled",
}
PURPOSE_LABELS = {
    MailPurpose.CUSTOMER_REGISTRATION: "Customer's registration",
    MailPurpose.CUSTOMER_PASSWORD_RESET: "Customer's new password",
    MailPurpose.OPERATOR_INVITATION: "Operator's invitation",
    MailPurpose.EXPORT_ENDED: "Export is ready",
    MailPurpose.COLLECTION_NOTICE: "Notice of a direct debit",
    MailPurpose.IBAN_CHANGED: "IBAN was changed",
}

MESSAGES = Listing(
    statement=select(OutboxMessage),
    filters=(
        filters.choice(
            "state", "State", OutboxMessage.state, [(s.value, t) for s, t in STATE_LABELS.items()]
        ),
        filters.choice(
            "purpose",
            "Purpose",
            OutboxMessage.purpose,
            [(p.value, t) for p, t in PURPOSE_LABELS.items()],
        ),
        filters.text("recipient", "Recipient", OutboxMessage.recipient),
        filters.moment_between("created", "Queued", OutboxMessage.created_at),
    ),
    sorts={"number": ()},
    default_sort="-number",
    search=lambda text: or_(
        func.lower(OutboxMessage.recipient).contains(text.lower(), autoescape=True),
        func.lower(OutboxMessage.subject).contains(text.lower(), autoescape=True),
    ),
)


def last_for_customer(session: Session, customer_id: int, limit: int) -> Sequence[OutboxMessage]:
    """The last messages that concern a customer, newest first."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.customer_id == customer_id)
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    ).all()
