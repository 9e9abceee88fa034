"""Reads about customers: the lists, the record, and whom a "Customer" cell means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.orm import Session, selectinload

from app.core.errors import Problem
from app.core.filters import Filter
from app.core.listing import Facets, Listing
from app.core.text import fold
from app.customers.choices import ApprovalState, CustomerKind
from app.customers.list_filters import FILTERS
from app.customers.models import (
    Address,
    Customer,
    Store,
)
from app.customers.rules import display_name
from app.customers.search import (
    list_condition,
    list_keys,
    list_scan,
)

BATCH = 5000


def customer_by_number(session: Session, number: str) -> Customer | None:
    """The customer of this number, deleted ones too."""
    return session.scalar(select(Customer).where(Customer.number == number))


def default_store_id(session: Session) -> int | None:
    """The store that new customers come from when nobody says otherwise."""
    return session.scalar(select(Store.id).where(Store.is_default))


def search_companies(session: Session, text: str, limit: int) -> list[tuple[int, str]]:
    """Live business and perpetual customers that a text finds: their ids, names and numbers."""
    wanted = (
        select(Customer.id, Customer.company_name, Customer.number)
        .where(Customer.deleted_at.is_(None), Customer.kind != CustomerKind.INDIVIDUAL.value)
        .order_by(Customer.sort_name, Customer.id)
        .limit(limit)
    )
    if text:
        wanted = wanted.where(list_condition(text))
    return [(id_, f"{name} ({number})") for id_, name, number in session.execute(wanted)]


def company_labels(session: Session, customer_ids: Sequence[int]) -> dict[int, str]:
    """The names and numbers of companies, in one read."""
    rows = session.execute(
        select(Customer.id, Customer.company_name, Customer.number).where(
            Customer.id.in_(customer_ids)
        )
    )
    return {id_: f"{name} ({number})" for id_, name, number in rows}


def company_label(session: Session, customer_id: int) -> str | None:
    """A company's name and number."""
    return company_labels(session, [customer_id]).get(customer_id)


class CustomerRef(NamedTuple):
    """Just enough of a customer to point to it."""

    id: int
    number: str


def find_customers(session: Session, cells: Sequence[str]) -> list[CustomerRef | Problem]:
    """Whom each cell means, in the order of the cells, or what is wrong with it.

    A cell is a customer number, a former number, an email or an exact company name of a live
    customer, tried in this order; the first way that fits decides, and it must fit only one.
    """
    wanted = {cell: cell.strip() for cell in cells}
    found: dict[str, list[CustomerRef]] = {text: [] for text in wanted.values() if text}
    ways: list[tuple[Any, Callable[[str], str]]] = [
        (Customer.number, str),
        (Customer.former_number, str),
        (Customer.email_key, str.casefold),
        (Customer.name_key, lambda text: fold(text)[:330]),
    ]
    for column, key in ways:
        missing = [text for text, rows in found.items() if not rows]
        for start in range(0, len(missing), BATCH):
            by_key: dict[str, list[str]] = {}
            for text in missing[start : start + BATCH]:
                by_key.setdefault(key(text), []).append(text)
            condition = column.in_(by_key) & Customer.deleted_at.is_(None)
            if column is Customer.name_key:
                condition &= Customer.kind != CustomerKind.INDIVIDUAL.value
            rows = session.execute(select(column, Customer.id, Customer.number).where(condition))
            for value, id_, number in rows:
                for text in by_key[value]:
                    found[text].append(CustomerRef(id_, number))
    return [_one(found.get(wanted[cell], [])) for cell in cells]


def _one(refs: Sequence[CustomerRef]) -> CustomerRef | Problem:
    if not refs:
        return Problem(
            "customer", "Customer is unknown", "Write a number, an email or an exact company name"
        )
    if len(refs) > 1:
        numbers = ", ".join(ref.number for ref in refs[:5])
        return Problem("customer", "Customer fits several customers", f"Write one of {numbers}")
    return refs[0]


def addresses_of(session: Session, customer_ids: Sequence[int]) -> Mapping[int, list[Address]]:
    """The addresses of customers, by customer, the default main one first."""
    rows = session.scalars(
        select(Address)
        .where(Address.customer_id.in_(customer_ids))
        .order_by(Address.customer_id, Address.kind != "main", ~Address.is_default, Address.id)
    )
    found: dict[int, list[Address]] = {id_: [] for id_ in customer_ids}
    for row in rows:
        found[row.customer_id].append(row)
    return found


_COLUMNS = frozenset(
    {"kind", "source", "payment_method", "group_id", "price_level_id", "store_id",
     "dedicated_operator_id", "rebate", "locked", "restricted", "favourite", "newsletter",
     "active", "created_at", "changed_at", "sort_name"}
)  # fmt: skip


def _facets(orders: str) -> Facets:
    """The facets of customers, with the indexes of the orders that begin so."""
    return Facets(
        Customer.__tablename__,
        "ix_customers_facets",
        _COLUMNS,
        leading="kind",
        orders={
            "name": f"{orders}_sort_name", "number": f"{orders}_number",
            "created": f"{orders}_created", "changed": f"{orders}_changed",
        },
    )  # fmt: skip


_OF_KIND = {kind: list(FILTERS[1:]) for kind in CustomerKind}


def register_filter(new: Filter, kind: CustomerKind | None = None) -> None:
    """Let a feature above offer a filter on customers of every kind, or of one; again, it is
    replaced."""
    for offered in (FILTERS, *_OF_KIND.values()) if kind is None else (_OF_KIND[kind],):
        offered[:] = [*(one for one in offered if one.name != new.name), new]


_OPTIONS = (
    selectinload(Customer.group),
    selectinload(Customer.addresses),
    selectinload(Customer.price_level),
)
_SORTS: dict[str, Any] = {
    "name": Customer.sort_name,
    "number": Customer.number,
    "created": Customer.created_at,
    "changed": Customer.changed_at,
}


def _listing(condition: ColumnElement[bool], offered: Sequence[Filter], orders: str) -> Listing:
    return Listing(
        statement=select(Customer).where(condition),
        filters=offered,
        sorts=_SORTS,
        default_sort="name",
        search=list_condition,
        search_keys=list_keys,
        search_scan=list_scan,
        options=_OPTIONS,
        facets=_facets(orders),
    )


LIVE = Customer.deleted_at.is_(None)
CLIENTS = _listing(LIVE, FILTERS, "ix_customers")
BY_KIND: Mapping[CustomerKind, Listing] = {
    kind: _listing(LIVE & (Customer.kind == kind.value), _OF_KIND[kind], "ix_customers_kind")
    for kind in CustomerKind
}
# In plain words, not as a parameter: only then does a database know that the partial index fits.
_WAITS = Customer.approval_state == literal_column(f"'{ApprovalState.WAITING.value}'")
# SQLite has no statistics of an index in which nothing stands, and takes it for the longest way.
# A search that can find nothing becomes WHERE 0 = 1, for which that index is no way at all.
_BY_WAITING = (
    "FROM customers \nWHERE customers.",
    "FROM customers INDEXED BY ix_customers_approval_waiting \nWHERE customers.",
)
WAITING = Listing(
    statement=select(Customer).where(LIVE, _WAITS).execution_options(sqlite_plan=_BY_WAITING),
    filters=[one for one in FILTERS if one.name in {"kind", "group"}],
    sorts={"number": ()},
    default_sort="number",
    search=list_condition,
    options=(selectinload(Customer.group),),
)
DELETED = Listing(
    statement=select(Customer).where(Customer.deleted_at.is_not(None)),
    filters=FILTERS[:4],
    sorts={"deleted": Customer.deleted_at},
    default_sort="-deleted",
    search=list_condition,
)


def display_names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """What customers are called, by their ids."""
    columns = ("id", "kind", "first_name", "name", "company_name")
    wanted = select(*(Customer.__table__.columns[name] for name in columns))
    rows = session.execute(wanted.where(Customer.id.in_(ids))).mappings()
    return {row["id"]: display_name(dict(row)) for row in rows}
