"""Clients: all kinds behind one search box, the header's suggestions, and the stable addresses."""

from math import ceil
from typing import Any

from flask import abort, current_app, flash, render_template, request
from flask import redirect as to
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin_views.access import KontorPage, needs
from admin_views.assets import page_address
from admin_views.customer_columns import CLIENT_COLUMNS, MORE_CLIENT_COLUMNS
from admin_views.customer_record import kind_badge, phone
from admin_views.customers import LOCK, UNLOCK, CustomersView
from admin_views.filters import Request
from admin_views.jobs import register_record_address, register_record_names
from admin_views.mass_changes import MassChangesView
from app.accounts.identity import current_actor
from app.core.errors import NotFound
from app.core.filters import clean
from app.core.listing import Listing
from app.core.neighbours import Neighbours
from app.core.paging import Page
from app.core.permissions import Permission
from app.customers import queries
from app.customers.collisions import record_address
from app.customers.models import Customer
from app.customers.search import Found, search_clients
from app.extensions import db

MOST_SUGGESTIONS = 8


class ClientsView(MassChangesView):
    """Everybody, found by one box; filters narrow the list of all."""

    model_class = Customer
    label, singular = "Clients", "client"
    menu_group, icon, endpoint_name = "Customers", "address-book", "clients"
    permissions = {
        "view": Permission.CUSTOMERS_VIEW,
        "delete": Permission.CUSTOMERS_DELETE,
        "export": Permission.EXPORT,
    }
    export_kind = "customers"
    columns = CLIENT_COLUMNS
    more_columns = MORE_CLIENT_COLUMNS
    heading_filters = True
    actions = (LOCK, UNLOCK)
    search_hint = "Name, email, phone, number or company"
    list_template = "customers/clients.html"
    delete_question = CustomersView.delete_question

    def listing(self) -> Listing:
        """All live customers."""
        return queries.CLIENTS

    def record_url(self, row: Customer) -> str:
        """The record stands with its kind."""
        return f"{page_address(f'{row.kind}.details_view')}?id={row.id}"

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The rows to show.

        A text alone gives the ranked hits of the search: exact ones first. With filters or an
        order beside it, it narrows the list as in every other one.
        """
        if not _is_ranked(asked):
            return super().page_of(listing, asked)
        return _page_of_hits(listing, _hits(asked), asked)

    def neighbours_of(self, listing: Listing, asked: Request, key: Any) -> Neighbours | None:
        """In the order of the hits where those are shown: they are searched for once more."""
        if not _is_ranked(asked):
            return super().neighbours_of(listing, asked, key)
        found = _hits(asked)
        ids = found.ids
        if key not in ids:
            return None
        at = ids.index(key)
        following = ids[at + 1] if at + 1 < len(ids) else None
        return Neighbours(ids[at - 1] if at else None, following, at + 1, len(ids), found.capped)

    def neighbour_url(self, key: Any, **arguments: str) -> str:
        """The address that leads on to the record, whatever the customer's kind."""
        return str(self.get_url("customers.details_view", id=key, **arguments))

    def all_found(self, page: Page, asked: Request) -> str:
        """The ranked hits are a part; a change of all is of everybody who holds the words."""
        return "all found" if _is_ranked(asked) else super().all_found(page, asked)

    @expose("/suggest/")
    @needs(Permission.CUSTOMERS_VIEW)
    def suggest(self) -> str:
        """The best hits as the options below the search box of every page."""
        query = clean(request.args.get("q", ""))
        found = search_clients(db.session(), query, country=_country(), limit=MOST_SUGGESTIONS)
        return render_template(
            "customers/suggestions.html", found=found, query=query, admin_view=self,
            record_address=record_address, kind_badge=kind_badge, phone=phone,
        )  # fmt: skip


def _is_ranked(asked: Request) -> bool:
    """Whether the list shows the ranked hits of a search: for a text alone."""
    criteria = asked.criteria
    return bool(criteria.search) and not criteria.filters and not criteria.sort


def _hits(asked: Request) -> Found:
    return search_clients(db.session(), asked.criteria.search, country=_country(), limit=0)


def _country() -> str:
    return str(current_app.config["SETTINGS"].country)


def _page_of_hits(listing: Listing, found: Found, asked: Request) -> Page:
    """One page of what the search found, in its order."""
    total = found.total
    pages = max(1, ceil(total / asked.size))
    number = max(1, min(asked.page, pages))
    ids = found.ids[(number - 1) * asked.size : number * asked.size]
    wanted = listing.statement.where(Customer.id.in_(ids)).options(*listing.options)
    rows = sorted(db.session().scalars(wanted), key=lambda row: ids.index(row.id))
    return Page(
        rows, number, asked.size, total, found.capped, pages, number > 1, number < pages, found.late
    )


class CustomerAddresses(KontorPage):
    """The stable addresses of customers, whatever their kind: /customers/10042."""

    def __init__(self) -> None:
        super().__init__(name="Customer", endpoint="customers", url="/customers")

    def is_visible(self) -> bool:
        """No entry of the menu."""
        return False

    @expose("/")
    @needs(Permission.CUSTOMERS_VIEW)
    def index(self) -> ResponseReturnValue:
        """All of them."""
        return to(self.get_url("clients.index_view"))

    @expose("/<number>")
    @needs(Permission.CUSTOMERS_VIEW)
    def by_number(self, number: str) -> ResponseReturnValue:
        """The customer with this number."""
        wanted = clean(number)
        return self._record(queries.customer_by_number(db.session(), wanted), wanted)

    @expose("/details/")
    @needs(Permission.CUSTOMERS_VIEW)
    def details_view(self) -> ResponseReturnValue:
        """The customer with the id that the address names."""
        raw = request.args.get("id", "")
        if not raw.isascii() or not raw.isdecimal() or len(raw) > 18:
            abort(404)
        return self._record(db.session().get(Customer, int(raw)), "")

    def _record(self, customer: Customer | None, number: str) -> ResponseReturnValue:
        if customer is None:
            raise NotFound(f"There is no customer {number}.".replace(" .", "."))
        if customer.deleted_at is None:
            # Who walks through a list stays in it, and on the tab that is open.
            kept = {name: request.args[name] for name in ("from", "tab") if name in request.args}
            return to(self.get_url(f"{customer.kind}.details_view", id=customer.id, **kept))
        stayed = customer.merged_into_id and db.session().get(Customer, customer.merged_into_id)
        if stayed:
            flash(f"Customer {customer.number} was merged into customer {stayed.number}.", "info")
            return self._record(stayed, "")
        if current_actor().may(Permission.CUSTOMERS_RESTORE):
            return to(self.get_url("deleted_customers.details_view", id=customer.id))
        raise NotFound(
            f"Customer {customer.number} was deleted. An administrator can restore them."
        )


def views() -> list[Any]:
    """The views of this module."""
    register_record_address("customers", lambda left: record_address(left.label))
    register_record_names("customers", queries.display_names)
    return [ClientsView(), CustomerAddresses()]
