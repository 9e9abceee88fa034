"""What the lists of customers can be narrowed by, and by which index each condition is found."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, exists, func, select, text

from app.accounts.models import Operator
from app.catalogue.models import PriceLevel, Product
from app.core import filters
from app.core.countries import country_name
from app.core.filters import Choice, Condition, Filter
from app.core.stored_choices import Stored, named
from app.core.text import fold
from app.customers.choices import KIND_LABELS, PaymentMethod, Source
from app.customers.models import Address, Customer, Group, Store, customer_products
from app.customers.search import phone_condition, phone_keys


def _has_address(condition: Condition) -> Condition:
    return exists().where(Address.customer_id == Customer.id, condition)


def _countries() -> Select[Any]:
    """The countries there are, each found from the one before it by the index.

    DISTINCT would read every address for a handful of countries.
    """
    first = select(func.min(Address.country).label("code")).cte("countries", recursive=True)
    after = (
        select(func.min(Address.country)).where(Address.country > first.c.code).scalar_subquery()
    )
    found = first.union_all(select(after).where(first.c.code.is_not(None)))
    label = found.c.code.label("label")
    return select(found.c.code, label).where(found.c.code.is_not(None))


def _by_country_name(codes: list[Choice]) -> list[Choice]:
    return sorted(((code, country_name(code)) for code, _ in codes), key=lambda pair: pair[1])


def _address_keys(condition: Condition) -> Select[Any]:
    return select(Address.customer_id).where(condition)


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


def _all_ids(condition: Condition) -> Select[Any]:
    """By an index that holds the deleted ones, too, and nothing else: they are left out later."""
    return select(Customer.id).where(condition)


def _marked(name: str, label: str, column: Any, rarely: bool = True) -> Filter:
    """A yes or no whose rare answer has a partial index of its own."""
    # In plain words, not as a parameter: only then does a database know that the index fits.
    rare: Any = text(column.key if rarely else f"NOT {column.key}")
    return filters.yes_no(
        name, label, column, keys=lambda yes: _all_ids(rare) if yes == rarely else None
    )


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


COUNTRIES = Stored(_countries(), _by_country_name)
FILTERS: list[Filter] = [
    filters.choice(
        "kind",
        "Kind",
        Customer.kind,
        [(k.value, label) for k, label in KIND_LABELS.items()],
        ids=_ids,
    ),
    _begins("number", "Customer number", Customer.number, str),
    _begins("name", "Name", Customer.sort_name, fold),
    _begins("email", "Email", Customer.email_key, str.casefold),
    Filter("phone", "Phone", filters.Kind.TEXT, phone_condition, keys=phone_keys),
    filters.choice(
        "group",
        "Group",
        Customer.group_id,
        named(Group.id, Group.name),
        coerce=filters.identifier,
        ids=_all_ids,
    ),
    filters.choice(
        "store",
        "Store",
        Customer.store_id,
        named(Store.id, Store.name),
        coerce=filters.identifier,
        ids=_all_ids,
    ),
    filters.choice(
        "operator",
        "Dedicated operator",
        Customer.dedicated_operator_id,
        named(Operator.id, Operator.email),
        coerce=filters.identifier,
        ids=_all_ids,
    ),
    filters.choice("source", "Source", Customer.source, [(s.value, s.value) for s in Source]),
    Filter(
        "product",
        "Product/Service in use",
        filters.Kind.CHOICE,
        _uses_one_of,
        choices=named(Product.id, Product.name),
        coerce=filters.identifier,
        keys=lambda ids: select(customer_products.c.customer_id).where(
            customer_products.c.product_id.in_(ids)
        ),
    ),
    _at("country", "Country", filters.Kind.CHOICE, Address.country.in_, COUNTRIES),
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
        ids=_all_ids,
    ),
    filters.choice(
        "price_level",
        "Price level",
        Customer.price_level_id,
        named(PriceLevel.id, PriceLevel.name),
        coerce=filters.identifier,
    ),
    filters.number_between("rebate", "Rebate", Customer.rebate),
    _marked("locked", "Locked customer", Customer.locked),
    _marked("restricted", "Restricted", Customer.restricted),
    _marked("active", "Active", Customer.active, rarely=False),
    _marked("favourite", "Favourite", Customer.favourite),
    filters.yes_no("newsletter", "Newsletter", Customer.newsletter),
    _given("has_email", "Has email", Customer.email_key),
    _given("has_mobile_phone", "Has mobile phone", Customer.mobile_phone),
    filters.moment_between("created", "Customer created", Customer.created_at, ids=_ids),
    filters.moment_between("changed", "Client last changed", Customer.changed_at, ids=_ids),
]
