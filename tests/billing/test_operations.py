"""Invoices: made in bulk, paid, cancelled; their states pair by pair."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import (
    InvoiceDraft,
    cancel_invoices,
    change_states,
    create_invoices,
    mark_paid,
)
from app.billing.queries import open_balance
from app.billing.rules import INVOICE_STATES
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.customers.drafts import CustomerDraft
from app.customers.operations import create_customers

STEPS = {
    "open": {"in collection", "paid", "cancelled"},
    "in collection": {"open", "paid", "returned"},
    "paid": {"returned", "open"},
    "returned": {"open", "paid", "cancelled"},
    "cancelled": set(),
}


@pytest.fixture
def customer_id(session: Session) -> int:
    draft = CustomerDraft("individual", {"first_name": "Ada", "name": "Lovelace"})
    return create_customers(session, [draft], actor=COMMAND_LINE)[0]


def draft(customer_id: int, **given: Any) -> InvoiceDraft:
    values = {"number": "R-1", "amount": Decimal("10.00"), "due_on": date(2026, 12, 1)}
    return InvoiceDraft(**{"customer_id": customer_id} | values | given)


def make(session: Session, customer_id: int, state: InvoiceState = InvoiceState.OPEN) -> Invoice:
    made = create_invoices(session, [draft(customer_id)], actor=COMMAND_LINE)[0]
    invoice = session.get_one(Invoice, made)
    invoice.state = state.value
    session.flush()
    return invoice


@pytest.mark.parametrize(("old", "new"), list(product(InvoiceState, InvoiceState)))
def test_an_invoice_takes_only_the_steps_of_the_table(old: InvoiceState, new: InvoiceState) -> None:
    assert INVOICE_STATES.allows(old, new) == (new.value in STEPS[old.value])


def test_many_are_made_at_once_in_their_order(session: Session, customer_id: int) -> None:
    drafts = [draft(customer_id, number=f"R-{n}", amount=Decimal(n)) for n in range(1, 51)]
    ids = create_invoices(session, drafts, actor=COMMAND_LINE)
    numbers = [session.get_one(Invoice, id_).number for id_ in ids]
    assert numbers == [one.number for one in drafts]
    assert open_balance(session, customer_id) == Decimal(sum(range(1, 51)))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "x" * 36}, "number"),
        ({"amount": Decimal("0")}, "amount"),
        ({"amount": Decimal("-1")}, "amount"),
        ({"amount": Decimal("1.001")}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"issued_on": date(2026, 12, 2)}, "due_on"),
        ({"remittance_text": "x" * 141}, "remittance_text"),
    ],
)
def test_a_wrong_invoice_is_refused_at_its_field(
    session: Session, customer_id: int, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        create_invoices(session, [draft(customer_id, **given)], actor=COMMAND_LINE)
    assert [one.field for one in refused.value.problems] == [field]


def test_a_number_is_given_once(session: Session, customer_id: int) -> None:
    with pytest.raises(Refused, match="R-1 is already used"):
        create_invoices(session, [draft(customer_id)] * 2, actor=COMMAND_LINE)
    make(session, customer_id)
    with pytest.raises(Refused, match="R-1 is already used"):
        create_invoices(session, [draft(customer_id)], actor=COMMAND_LINE)


@pytest.mark.parametrize("state", [InvoiceState.OPEN, InvoiceState.RETURNED])
def test_an_unpaid_invoice_is_marked_as_paid_or_cancelled(
    session: Session, customer_id: int, state: InvoiceState
) -> None:
    invoice = make(session, customer_id, state)
    mark_paid(session, [invoice.id], actor=COMMAND_LINE, reason="In cash")
    assert invoice.state == "paid"
    assert open_balance(session, customer_id) == 0
    told = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (told.changes, told.reason) == ({"state": [state.value, "paid"]}, "In cash")
    change_states(session, [invoice.id], InvoiceState.OPEN, actor=COMMAND_LINE)
    cancel_invoices(session, [invoice.id], actor=COMMAND_LINE)
    assert invoice.state == "cancelled"


def test_an_invoice_in_collection_is_neither_marked_nor_cancelled(
    session: Session, customer_id: int
) -> None:
    invoice = make(session, customer_id, InvoiceState.IN_COLLECTION)
    for act in (mark_paid, cancel_invoices):
        with pytest.raises(Refused, match="is in collection"):
            act(session, [invoice.id], actor=COMMAND_LINE)


def test_a_whole_selection_is_refused_or_done(session: Session, customer_id: int) -> None:
    invoice = make(session, customer_id)
    with pytest.raises(NotFound):
        mark_paid(session, [invoice.id, 999_999], actor=COMMAND_LINE)
    assert invoice.state == "open"


@pytest.mark.parametrize("role", [RoleName.OPERATIONS, RoleName.MANAGER])
def test_only_accounting_changes_invoices(
    session: Session, customer_id: int, role: RoleName
) -> None:
    invoice = make(session, customer_id)
    actor = Actor("somebody", ROLE_PERMISSIONS[role], Channel.PANEL, 1)
    with pytest.raises(NotAllowed):
        mark_paid(session, [invoice.id], actor=actor)
    with pytest.raises(NotAllowed):
        create_invoices(session, [draft(customer_id, number="R-2")], actor=actor)
