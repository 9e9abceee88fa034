"""Messages for the tests of the outbox, queued as the product queues them."""

from typing import Any

from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.outbox.models import MailPurpose, OutboxMessage
from app.outbox.operations import queue_message

LINK = "https://kontor.example/account/set-password/the-secret-token"


def queued(**given: Any) -> int:
    """The id of a message with a link, committed."""
    values = {
        "purpose": MailPurpose.CUSTOMER_REGISTRATION,
        "recipient": "karin@example.com",
        "subject": "Your account",
        "body": "Good day,\n\nset your password here: {link}\n",
        "secret": LINK,
        "actor": COMMAND_LINE,
    } | given
    with transaction() as session:
        return queue_message(session, **values).id


def message(session: Session, message_id: int) -> OutboxMessage:
    """The message as it stands in the database now."""
    session.rollback()
    return session.get_one(OutboxMessage, message_id, populate_existing=True)
