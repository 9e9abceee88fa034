"""Customers as every form finds them while typing, and as every list and record names them."""

from typing import Any

from flask import current_app
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.formatters import Link
from admin_views.lookups import Lookup
from admin_views.rights import customer_link
from app.core.permissions import Permission
from app.customers.models import Customer
from app.customers.search import search_clients


def _found(session: Session, text: str, limit: int) -> list[tuple[int, str]]:
    """Customers as the Clients search finds them."""
    country = current_app.config["SETTINGS"].country
    hits = search_clients(session, text, country=country, limit=limit).hits
    return [(hit.id, f"{hit.name} ({hit.number})") for hit in hits]


def _label(session: Session, customer_id: int) -> str | None:
    """The name and number of a live customer."""
    one = session.get(Customer, customer_id)
    return f"{one.display_name} ({one.number})" if one and one.deleted_at is None else None


CUSTOMERS = Lookup(_found, _label, Permission.CUSTOMERS_VIEW)


def customer_in_list(row: Any) -> Any:
    """The customer of a row: the name, and below it the number."""
    customer = row.customer
    return Markup('{}<br><span class="text-secondary text-nowrap fw-normal">{}</span>').format(
        customer.display_name, customer.number
    )


def customer_in_record(customer: Customer) -> Link | str:
    """A customer's name with the way to the record; a deleted one has no page to go to."""
    if customer.deleted_at is not None:
        return f"{customer.display_name} ({customer.number}), deleted"
    return customer_link(customer)
