"""Customers for the tests of this room, made as the product makes them."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE, Actor
from app.customers.drafts import CustomerDraft
from app.customers.models import Customer
from app.customers.operations import create_customers
from app.extensions import db, transaction

_numbers = count(1)


def customer(kind: str = "individual", **given: Any) -> Customer:
    """A customer, committed. `addresses`, `companies` and `product_ids` are taken as such."""
    return many([(kind, given)])[0]


def many(wanted: Sequence[tuple[str, Mapping[str, Any]]], actor: Actor = COMMAND_LINE) -> list[Any]:
    """Several customers at once, committed."""
    drafts = []
    for kind, given in wanted:
        values = dict(given)
        parts = {
            name: values.pop(name)
            for name in ("addresses", "companies", "product_ids")
            if name in values
        }
        named = "first_name" if kind == "individual" else "company_name"
        values.setdefault(named, f"Somebody {next(_numbers)}")
        drafts.append(CustomerDraft(kind, values, **parts))
    with transaction() as session:
        ids = create_customers(session, drafts, actor=actor)
    found = {
        one.id: one for one in db.session.scalars(select(Customer).where(Customer.id.in_(ids)))
    }
    return [found[id_] for id_ in ids]


def history(session: Session, customer_id: int) -> list[AuditEntry]:
    """What the history tells of a customer, oldest first."""
    session.rollback()
    return list(
        session.scalars(
            select(AuditEntry).where(AuditEntry.customer_id == customer_id).order_by(AuditEntry.id)
        )
    )
