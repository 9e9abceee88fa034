"""Reads about customers: the lists, the record, and whom a "Customer" cell means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, func, literal_column, select
from sqlalchemy.orm import Session, selectinload

from app.accounts.models import Operator
from app.catalogue.models import PriceLevel, Product
from app.core import filters
from app.core.countries import country_name
from app.core.counts import capped_count, format_count
from app.core.errors import Problem
from app.core.filters import Choice, Condition, Filter
from app.core.listing import Facets, Listing
from app.core.text import fold
from app.customers.choices import ApprovalState, CustomerKind, PaymentMethod, Source
from app.customers.models import (
    Address,
    Customer,
    Group,
    Store,
    customer_products,
)
from app.customers.rules import display_name
from app.customers.search import (
    list_condition,
    list_keys,
    list_scan,
    phone_condition,
    phone_keys,
)

BATCH = 5000
KIND_LABELS = {
    CustomerKind.INDIVIDUAL: "Individual",
    CustomerKind.BUSINESS: "Business",
    CustomerKind.PERPETUAL: "Perpetual",
}


def customer_by_number(session: Session, number: str) -> Customer | None:
    """The customer of this number, deleted ones too."""
    return session.scalar(select(Customer).where(Customer.number == number))


def waiting_count(session: Session) -> str:
    """How many customers wait for approval, as a page says it; nothing when none does."""
    total, capped = capped_count(session, WAITING.statement)
    return format_count(total, capped) if total else ""


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


def _has_address(condition: Condition) -> Condition:
    return exists().where(Address.customer_id == Customer.id, condition)


def _named(model: Any, label: Any) -> Any:
    def choices(session: Session) -> list[Choice]:
        rows = session.execute(select(model.id, label).order_by(label)).all()
        return [(str(id_), name) for id_, name in rows]

    return choices


def _countries(session: Session) -> list[Choice]:
    """The countries there are, each found from the one before it by the index.

    DISTINCT would read every address for a handful of countries.
    """
    first = select(func.min(Address.country).label("code")).cte("countries", recursive=True)
    after = (
        select(func.min(Address.country)).where(Address.country > first.c.code).scalar_subquery()
    )
    found = first.union_all(select(after).where(first.c.code.is_not(None)))
    codes = session.scalars(select(found.c.code).where(found.c.code.is_not(None)))
    return sorted(((code, country_name(code)) for code in codes), key=lambda pair: pair[1])


def _address_keys(condition: Condition) -> Select[Any]:
    return select(Address.customer_id).where(condition).distinct()


def _at(
    name: str,
    label: str,
    kind: filters.Kind,
    condition: Callable[[Any], Condition],
    choices: Any = (),
) -> Filter:
    """A filter on any of a customer's addresses."""
    return Filter(
        name,
        label,
        kind,
        lambda value: _has_address(condition(value)),
        choices=choices,
        keys=lambda value: _address_keys(condition(value)),
    )


def _uses_one_of(product_ids: list[int]) -> Condition:
    used = customer_products.c
    return exists().where(used.customer_id == Customer.id, used.product_id.in_(product_ids))


def _ids(condition: Condition) -> Select[Any]:
    return select(Customer.id).where(Customer.deleted_at.is_(None), condition)


def _begins(name: str, label: str, column: Any, folded: Callable[[str], str]) -> Filter:
    """The beginning of a column of folded text that has an index."""

    def apply(text: str) -> Condition:
        return filters.begins_with(column, folded(text))

    return Filter(
        name, label, filters.Kind.TEXT, apply,
        keys=lambda text: _ids(apply(text)), column=column.key,
    )  # fmt: skip


def _given(name: str, label: str, column: Any) -> Filter:
    """Whether a column with an index that holds its gaps, too, is filled in; never a blank text."""
    return Filter(
        name,
        label,
        filters.Kind.PRESENT,
        lambda yes: column.is_not(None) if yes else column.is_(None),
        keys=lambda yes: None if yes else _ids(column.is_(None)),
    )


FILTERS: list[Filter] = [
    filters.choice(
        "kind", "Kind", Customer.kind, [(k.value, label) for k, label in KIND_LABELS.items()]
    ),
    _begins("number", "Customer number", Customer.number, str),
    _begins("name", "Name", Customer.sort_name, fold),
    _begins("email", "Email", Customer.email_key, str.casefold),
    Filter("phone", "Phone", filters.Kind.TEXT, phone_condition, keys=phone_keys),
    filters.choice(
        "group", "Group", Customer.group_id, _named(Group, Group.name), coerce=filters.identifier
    ),
    filters.choice(
        "store", "Store", Customer.store_id, _named(Store, Store.name), coerce=filters.identifier
    ),
    filters.choice(
        "operator",
        "Dedicated operator",
        Customer.dedicated_operator_id,
        _named(Operator, Operator.email),
        coerce=filters.identifier,
    ),
    filters.choice("source", "Source", Customer.source, [(s.value, s.value) for s in Source]),
    Filter(
        "product",
        "Product/Service in use",
        filters.Kind.CHOICE,
        _uses_one_of,
        choices=_named(Product, Product.name),
        coerce=filters.identifier,
        keys=lambda ids: (
            select(customer_products.c.customer_id)
            .where(customer_products.c.product_id.in_(ids))
            .distinct()
        ),
    ),
    _at("country", "Country", filters.Kind.CHOICE, Address.country.in_, _countries),
    _at(
        "place",
        "Place",
        filters.Kind.TEXT,
        lambda place: filters.begins_with(Address.place_key, fold(place)),
    ),
    _at(
        "postcode",
        "Postcode",
        filters.Kind.TEXT,
        lambda code: filters.begins_with(Address.postcode, code),
    ),
    _at(
        "postcodes",
        "Postcode from – to",
        filters.Kind.CODES,
        lambda span: filters.codes_between(Address.postcode, span),
    ),
    filters.choice(
        "payment",
        "Method of payment",
        Customer.payment_method,
        [(m.value, m.value) for m in PaymentMethod],
    ),
    filters.choice(
        "price_level",
        "Price level",
        Customer.price_level_id,
        _named(PriceLevel, PriceLevel.name),
        coerce=filters.identifier,
    ),
    filters.number_between("rebate", "Rebate", Customer.rebate),
    filters.yes_no("locked", "Locked customer", Customer.locked),
    filters.yes_no("restricted", "Restricted", Customer.restricted),
    filters.yes_no("active", "Active", Customer.active),
    filters.yes_no("favourite", "Favourite", Customer.favourite),
    filters.yes_no("newsletter", "Newsletter", Customer.newsletter),
    _given("has_email", "Has email", Customer.email_key),
    _given("has_mobile_phone", "Has mobile phone", Customer.mobile_phone),
    filters.moment_between("created", "Customer created", Customer.created_at),
    filters.moment_between("changed", "Client last changed", Customer.changed_at),
]
_OF_ONE_KIND = FILTERS[1:]
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
        selective=frozenset({"dedicated_operator_id", "created_at", "changed_at"}),
        orders={
            "name": f"{orders}_sort_name", "number": f"{orders}_number",
            "created": f"{orders}_created", "changed": f"{orders}_changed",
        },
    )  # fmt: skip


def register_filter(new: Filter) -> None:
    """Let a feature above offer a filter on customers of every kind; again, it is replaced."""
    for offered in (FILTERS, _OF_ONE_KIND):
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
    kind: _listing(LIVE & (Customer.kind == kind.value), _OF_ONE_KIND, "ix_customers_kind")
    for kind in CustomerKind
}
# In plain words, not as a parameter: only then does a database know that the partial index fits.
_WAITS = Customer.approval_state == literal_column(f"'{ApprovalState.WAITING.value}'")
# SQLite has no statistics of an index in which nothing stands, and takes it for the longest way.
_BY_WAITING = ("FROM customers ", "FROM customers INDEXED BY ix_customers_approval_waiting ")
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
