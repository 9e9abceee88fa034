"""Reads about invoices: the list, and what a customer owes."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, exists, func, not_, select, union
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice, InvoiceState
from app.core import clock, filters
from app.core.filters import Condition, Filter, Kind
from app.core.listing import Facets, Listing
from app.core.text import sort_key
from app.customers.choices import PaymentMethod
from app.customers.models import Customer
from app.customers.search import list_condition

OWED = (InvoiceState.OPEN.value, InvoiceState.IN_COLLECTION.value, InvoiceState.RETURNED.value)


def _search(text: str) -> Condition:
    """An invoice by the beginning of its number, or by its customer as the Clients search finds."""
    whose = select(Customer.id).where(list_condition(text))
    return filters.begins_with(Invoice.number, text) | Invoice.customer_id.in_(whose)


def _searched(text: str) -> Select[Any]:
    """The keys of what a search means, each kind by its own index."""
    whose = select(Customer.id).where(list_condition(text))
    both = union(
        select(Invoice.id).where(filters.begins_with(Invoice.number, text)),
        select(Invoice.id).where(Invoice.customer_id.in_(whose)),
    ).subquery()
    return select(both.c.id)


def _named(text: str) -> Select[Any]:
    """The customer of this number, or those whose name begins like this; each by its index."""
    begins = filters.begins_with(Customer.sort_name, sort_key(text))
    both = union(
        select(Customer.id).where(Customer.number == text),
        select(Customer.id).where(begins, Customer.deleted_at.is_(None)),
    ).subquery()
    return select(both.c.id)


def _ids(condition: Condition) -> Select[Any]:
    """The keys of invoices by a condition on their customers."""
    return select(Invoice.id).join(Customer, Customer.id == Invoice.customer_id).where(condition)


def _of_method(methods: list[str]) -> Condition:
    return exists().where(Customer.id == Invoice.customer_id, Customer.payment_method.in_(methods))


def overdue(today: date) -> Condition:
    """The condition that an invoice should have been paid by now, and is not under way."""
    return and_(
        Invoice.state.in_((InvoiceState.OPEN.value, InvoiceState.RETURNED.value)),
        Invoice.due_on < today,
    )


def _overdue(yes: bool) -> Condition:
    found = overdue(clock.today())
    return found if yes else not_(found)


# Features above add theirs (`register_filter`); every list that is made of them sees those.
FILTERS: list[Filter] = [
    Filter(
        "customer", "Customer", Kind.TEXT, lambda text: Invoice.customer_id.in_(_named(text)),
        hint="Number, or how the name begins", column="customer_id",
        keys=lambda text: select(Invoice.id).where(Invoice.customer_id.in_(_named(text))),
    ),
    filters.choice("state", "State", Invoice.state, [(s.value, s.value) for s in InvoiceState]),
    Filter("overdue", "Overdue", Kind.YES_NO, _overdue, column="state"),
    filters.number_between("amount", "Amount", Invoice.amount, decimals=2),
    filters.date_between("issued", "Issued on", Invoice.issued_on),
    filters.date_between("due", "Due on", Invoice.due_on),
    Filter(
        "payment", "Method of payment", Kind.CHOICE, _of_method,
        choices=[(m.value, m.value) for m in PaymentMethod], column="customer_id",
        keys=lambda methods: _ids(Customer.payment_method.in_(methods)),
    ),
]  # fmt: skip
INVOICES = Listing(
    statement=select(Invoice),
    filters=FILTERS,
    sorts={"number": Invoice.number, "issued": Invoice.issued_on, "due": Invoice.due_on},
    default_sort="-due",
    search=_search,
    search_keys=_searched,
    search_scan=_search,
    options=(joinedload(Invoice.customer),),
    facets=Facets(
        Invoice.__tablename__,
        "ix_invoices_facets",
        frozenset({"id", "state", "due_on", "issued_on", "amount", "customer_id"}),
        leading="state",
        orders={"issued": "ix_invoices_issued_on", "due": "ix_invoices_due_on"},
    ),
)


def register_filter(new: Filter) -> None:
    """Let a feature above offer a filter on invoices; again, it is replaced."""
    FILTERS[:] = [*(one for one in FILTERS if one.name != new.name), new]


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
