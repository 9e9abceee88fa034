"""The rows of an export of customers: the 31 columns of domain.md, section 3."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import DateTime, and_, case, type_coerce
from sqlalchemy.orm import Session, aliased

from app.catalogue.models import PriceLevel
from app.core.listing import Criteria, Listing
from app.customers.choices import AddressKind, CustomerKind
from app.customers.models import Address, Customer
from app.transfer.columns.export import CUSTOMERS
from app.transfer.exports.streams import stream

COLUMNS = CUSTOMERS.sheets[0].columns
# An alias: the listing's filters ask for any address, and must not be tied to this one.
_main = aliased(Address)
_level = aliased(PriceLevel)
_EXPRESSIONS: dict[str, Any] = {
    # A company's name stands in Name; its contact's surname has no place here.
    "name": case(
        (Customer.kind == CustomerKind.INDIVIDUAL, Customer.name), else_=Customer.company_name
    ),
    "price_level_id": _level.name,
    # As the database keeps them: the cells know that they are UTC, and saying so to two million
    # moments takes as long as reading them.
    "created_at": type_coerce(Customer.created_at, DateTime()),
    "changed_at": type_coerce(Customer.changed_at, DateTime()),
    **{
        field: getattr(_main, field)
        for field in ("street", "postcode", "place", "care_of", "po_box", "country")
    },
}


def customer_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Customers with their default main address, streamed, in the order of the list."""
    expressions: list[Any] = [
        _EXPRESSIONS.get(column.field, getattr(Customer, column.field, None)) for column in COLUMNS
    ]
    statement = (
        listing.where(criteria)
        .with_only_columns(*expressions)
        .select_from(Customer)
        .outerjoin(
            _main,
            and_(
                _main.customer_id == Customer.id,
                _main.kind == AddressKind.MAIN,
                _main.is_default,
            ),
        )
        .outerjoin(_level, _level.id == Customer.price_level_id)
        .order_by(*listing.order(criteria))
    )
    return stream(session, statement)
