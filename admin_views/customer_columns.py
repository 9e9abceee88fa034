"""The columns of the customers' lists: those that are there from the start, and all to choose."""

from datetime import date
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload

from admin_views import customer_record as record
from admin_views.access import acting
from admin_views.formatters import Badge, Column, masked, spaced, zone
from app.accounts.models import Operator
from app.core.countries import country_name
from app.core.permissions import Permission
from app.customers.models import Customer
from app.customers.rules import FIELD_LABELS

LONG_EMAIL = 36

# One object each, so that columns which need the same ask for it once.
ADDRESSES = (selectinload(Customer.addresses),)
GROUP = (joinedload(Customer.group),)
STORE = (joinedload(Customer.store),)
PRICE_LEVEL = (joinedload(Customer.price_level),)
OPERATOR = (joinedload(Customer.dedicated_operator).load_only(Operator.name, Operator.email),)
PRODUCTS = (selectinload(Customer.products),)


def name_of(customer: Customer) -> Any:
    """The name, and below it what one has to know before dealing with the customer."""
    badges = record.state_badges(customer)
    return [customer.display_name, badges] if badges else customer.display_name


def place_of(customer: Customer) -> list[str]:
    """Place and country of the main address."""
    address = record.main_address(customer)
    country = country_name(address.country) if address and address.country else None
    return [part for part in (address and address.place, country) if part]


def email_of(customer: Customer) -> str | None:
    """The email; a long one may be broken before its @, so that it does not push others away."""
    email = customer.email
    if email is None or len(email) <= LONG_EMAIL:
        return email
    name, _, host = email.rpartition("@")
    return Markup("{}<wbr>@{}").format(name, host)


def reach_of(customer: Customer) -> list[Any]:
    """The email, and the phone number to try first."""
    numbers = (customer.mobile_phone, customer.telephone_private, customer.business_telephone)
    phone = record.phone(next((one for one in numbers if one), None))
    return [part for part in (email_of(customer), phone) if part]


def created_on(customer: Customer) -> date:
    """The day in the company's zone."""
    return customer.created_at.astimezone(zone()).date()


def changed_on(customer: Customer) -> date:
    """The day in the company's zone."""
    return customer.changed_at.astimezone(zone()).date()


def iban_of(customer: Customer) -> str | None:
    """The IBAN as this person may see it."""
    full = acting().may(Permission.BANK_DETAILS_VIEW)
    return spaced(customer.iban) if full else masked(customer.iban)


def products_of(customer: Customer) -> list[str]:
    """The first products in use, and how many more there are."""
    names = [product.name for product in customer.products]
    return names if len(names) <= 3 else [*names[:2], f"and {len(names) - 2} more"]


def lock_of(customer: Customer) -> list[Any]:
    """That the customer is locked, and why."""
    if not customer.locked:
        return []
    return [Badge("Locked", "red", "lock"), customer.lock_text]


def _address(part: str) -> Any:
    return lambda customer: getattr(record.main_address(customer), part, None)


def _country(customer: Customer) -> str | None:
    code = _address("country")(customer)
    return country_name(code) if code else None


def _field(name: str, value: Any = None, label: str = "", **more: Any) -> Column:
    """A column named after a field of the customer, under the label that the form has for it."""
    return Column(name, label or FIELD_LABELS[name], value, **more)


def _phone(name: str) -> Column:
    return _field(name, lambda c: record.phone(getattr(c, name)), filter="phone")


def _only_if_true(name: str, word: str, colour: str, icon: str, **more: Any) -> Column:
    return _field(name, lambda c: Badge(word, colour, icon) if getattr(c, name) else None, **more)


COLUMNS = (
    Column("number", "Number", sort="number", filter="number"),
    Column("name", "Name", name_of, sort="name", main=True, filter="name"),
    Column("reach", "Email and phone", reach_of, filter="email"),
    Column("place", "Place", place_of, filter="place", options=ADDRESSES),
    Column("group", "Group", lambda c: c.group and c.group.name, filter="group", options=GROUP),
    Column("created_at", "Created", created_on, sort="created", filter="created"),
)
KIND = Column("kind", "Kind", lambda c: record.kind_badge(c.kind), filter="kind")
MORE_COLUMNS = (
    _field("email", email_of, filter="email"),
    _phone("mobile_phone"),
    _phone("telephone_private"),
    _phone("business_telephone"),
    Column("street", "Street/No.", _address("street"), options=ADDRESSES),
    Column("postcode", "Postcode", _address("postcode"), filter="postcode", options=ADDRESSES),
    Column("town", "Place only", _address("place"), filter="place", options=ADDRESSES),
    Column("country", "Country", _country, filter="country", options=ADDRESSES),
    _field("company_name"),
    _field("contact_name"),
    _field("date_of_birth"),
    _field("vat_id"),
    Column("store", "Store", lambda c: c.store and c.store.name, filter="store", options=STORE),
    Column(
        "operator",
        "Dedicated operator",
        lambda c: c.dedicated_operator and str(c.dedicated_operator),
        filter="operator",
        options=OPERATOR,
    ),
    _field("source", filter="source"),
    Column(
        "price_level",
        "Price level",
        lambda c: c.price_level and c.price_level.name,
        filter="price_level",
        options=PRICE_LEVEL,
    ),
    _field("rebate", numeric=True, suffix="\u00a0%", filter="rebate"),
    _field("payment_method", filter="payment"),
    _field("term_of_payment", numeric=True, suffix=" days"),
    _field("iban", iban_of),
    Column("products", "Products/Services in use", products_of, filter="product", options=PRODUCTS),
    _field("newsletter", filter="newsletter"),
    _only_if_true("favourite", "Favourite", "yellow", "star", filter="favourite"),
    _only_if_true("restricted", "Restricted", "orange", "ban", filter="restricted"),
    _field("locked", lock_of, label="Locked", filter="locked"),
    _field("memo"),
    _field("former_number"),
    Column("changed_at", "Changed", changed_on, sort="changed", filter="changed"),
)
# Everybody's list tells the kinds apart, and leaves the group to be chosen.
CLIENT_COLUMNS = (*COLUMNS[:2], KIND, *(one for one in COLUMNS[2:] if one.name != "group"))
MORE_CLIENT_COLUMNS = (*(one for one in COLUMNS if one.name == "group"), *MORE_COLUMNS)
