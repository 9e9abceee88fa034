"""What an invoice must be, and which state may follow which: pure functions and one table."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from app.billing.models import InvoiceState
from app.core.errors import Problem
from app.core.state_machine import StateMachine

_TRANSITIONS: Mapping[InvoiceState, frozenset[InvoiceState]] = {
    InvoiceState.OPEN: frozenset(
        {InvoiceState.IN_COLLECTION, InvoiceState.PAID, InvoiceState.CANCELLED}
    ),
    # Back to open: the run was cancelled, or the bank rejected the collection.
    InvoiceState.IN_COLLECTION: frozenset(
        {InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.RETURNED}
    ),
    # A direct debit may be returned weeks after it was booked.
    InvoiceState.PAID: frozenset({InvoiceState.RETURNED, InvoiceState.OPEN}),
    InvoiceState.RETURNED: frozenset(
        {InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.CANCELLED}
    ),
    InvoiceState.CANCELLED: frozenset(),
}
INVOICE_STATES = StateMachine("invoice", _TRANSITIONS)

FIELD_LABELS = {
    "number": "Invoice number",
    "customer_id": "Customer",
    "amount": "Amount",
    "currency": "Currency",
    "issued_on": "Issued on",
    "due_on": "Due on",
    "remittance_text": "Remittance text",
    "state": "State",
}
LONGEST_NUMBER = 35
LONGEST_REMITTANCE = 140
LONGEST_REASON = 400
# What is in collection or settled stays as the bank and the customer know it.
EDITABLE = frozenset({InvoiceState.OPEN, InvoiceState.RETURNED})


def problems(values: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with one invoice by itself (domain.md, sections 2 and 5)."""
    found = []
    number = values.get("number") or ""
    if not number:
        found.append(Problem("number", "Invoice number is missing"))
    elif len(number) > LONGEST_NUMBER:
        found.append(
            Problem("number", f"Invoice number is longer than {LONGEST_NUMBER} characters")
        )
    amount: Decimal | None = values.get("amount")
    if amount is None:
        found.append(Problem("amount", "Amount is missing"))
    elif amount <= 0:
        found.append(Problem("amount", "Amount is not more than zero", "Write what is owed"))
    elif amount != amount.quantize(Decimal("0.01")):
        found.append(Problem("amount", "Amount has more than two decimals"))
    if (values.get("currency") or "EUR") != "EUR":
        found.append(Problem("currency", "Currency is not EUR", "Only euros can be collected"))
    issued: date | None = values.get("issued_on")
    due: date | None = values.get("due_on")
    if due is None:
        found.append(Problem("due_on", "Due on is missing"))
    elif issued is not None and due < issued:
        found.append(Problem("due_on", "Due on is before issued on"))
    if len(values.get("remittance_text") or "") > LONGEST_REMITTANCE:
        found.append(
            Problem(
                "remittance_text", f"Remittance text is longer than {LONGEST_REMITTANCE} characters"
            )
        )
    return found
