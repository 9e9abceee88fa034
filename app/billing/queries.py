"""Reads about invoices: the list, and what a customer owes."""

from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice, InvoiceState
from app.core import filters
from app.core.filters import Condition
from app.core.listing import Listing
from app.customers.models import Customer
from app.customers.search import list_condition

OWED = (InvoiceState.OPEN.value, InvoiceState.IN_COLLECTION.value, InvoiceState.RETURNED.value)


def _search(text: str) -> Condition:
    """An invoice by the beginning of its number, or by its customer as the Clients search finds."""
    whose = select(Customer.id).where(list_condition(text))
    return filters.begins_with(Invoice.number, text) | Invoice.customer_id.in_(whose)


FILTERS = (
    filters.choice("state", "State", Invoice.state, [(s.value, s.value) for s in InvoiceState]),
    filters.number_between("amount", "Amount", Invoice.amount, decimals=2),
    filters.date_between("issued", "Issued on", Invoice.issued_on),
    filters.date_between("due", "Due on", Invoice.due_on),
)
INVOICES = Listing(
    statement=select(Invoice),
    filters=FILTERS,
    sorts={"number": Invoice.number, "issued": Invoice.issued_on, "due": Invoice.due_on},
    default_sort="-due",
    search=_search,
    options=(joinedload(Invoice.customer),),
)


def open_balance(session: Session, customer_id: int) -> Decimal:
    """What a customer owes, in euros, whatever is under way to collect it."""
    return session.scalar(
        select(func.sum(Invoice.amount)).where(
            Invoice.customer_id == customer_id, Invoice.state.in_(OWED)
        )
    ) or Decimal("0.00")


def owed_by(customer_id: int) -> Select[Invoice]:
    """The invoices that a customer has not paid, the oldest first."""
    return (
        select(Invoice)
        .where(Invoice.customer_id == customer_id, Invoice.state.in_(OWED))
        .order_by(Invoice.due_on, Invoice.id)
    )
