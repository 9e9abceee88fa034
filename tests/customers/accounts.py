"""Shop accounts for the tests, made as the product makes them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE, Actor
from app.customers import operations
from app.customers.drafts import Credentials, CustomerDraft, CustomerUpdate
from app.customers.models import Customer
from app.customers.operations_reference import save_group
from app.extensions import db, transaction
from app.outbox.models import OutboxMessage


def account(credentials: Credentials | None = None, **given: Any) -> Customer:
    """A person with a shop account, committed."""
    values = {"first_name": "Karin", "name": "Groß", "email": "karin@example.com"}
    draft = CustomerDraft(
        "individual", values | {"login_allowed": True} | given, credentials=credentials
    )
    with transaction() as session:
        made = operations.create_customers(session, [draft], actor=COMMAND_LINE)[0]
    return db.session.get_one(Customer, made)


def change(
    one: Customer,
    credentials: Credentials | None = None,
    actor: Actor = COMMAND_LINE,
    **values: Any,
) -> None:
    """A saved change of a customer."""
    update = CustomerUpdate(one.id, values, credentials=credentials)
    with transaction() as session:
        operations.update_customers(session, [update], actor=actor)


def group_with_approval(name: str = "Wholesale") -> int:
    """The id of a group whose new shop customers wait."""
    with transaction() as session:
        return save_group(session, None, name=name, approval_required=True, actor=COMMAND_LINE).id


def mails(session: Session) -> Sequence[OutboxMessage]:
    """The outbox, oldest first, as it stands now."""
    session.rollback()
    return session.scalars(
        select(OutboxMessage).order_by(OutboxMessage.id).execution_options(populate_existing=True)
    ).all()


def token_of(message: OutboxMessage) -> str:
    """The token of the link that a waiting message carries."""
    return (message.secret or "").rpartition("/")[2]
