"""The list of a view: its rows, filters and columns, and what can be done with them."""

from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask import current_app, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import inspect

from admin_views.access import acting
from admin_views.actions import Action, usable
from admin_views.filters import PAGE_SIZES, Request, chips, controls, page_links, read_request
from admin_views.rows import drawn
from admin_views.saved_views import SavedViews
from admin_views.walk import origin
from app.core.counts import format_count
from app.core.deadline import DeadlinePassed, deadline
from app.core.listing import Listing
from app.core.neighbours import Neighbours, neighbours
from app.core.paging import Page, count_rows, fetch_page
from app.extensions import db

# Rare conditions make the next row far away; the record must not wait for that.
NEIGHBOURS_MS = 100


class ListPage(SavedViews):
    """What a KontorView shows as its list.

    It stands in one line with RecordPage: the library writes every route that a class inherits
    into the class itself, so that of two bases side by side the first would hide the second's.
    """

    search_hint: ClassVar[str] = "Search"
    empty_hint: ClassVar[str] = ""
    export_kind: ClassVar[str] = ""
    list_template = "admin/list.html"

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The rows that are asked for."""
        return fetch_page(
            db.session(), listing, asked.criteria, asked.page, asked.size, exact=asked.exact
        )

    def neighbours_of(self, listing: Listing, asked: Request, key: Any) -> Neighbours | None:
        """What stands before and behind a row in this list, in the order of `page_of`.

        None for a row that is not in it, or where looking would hold up the record.
        """
        try:
            with deadline(db.session(), NEIGHBOURS_MS):
                return neighbours(db.session(), listing, asked.criteria, key)
        except DeadlinePassed:
            return None

    def neighbour_url(self, key: Any, **arguments: str) -> str:
        """The record of this list with a key, of which no more is known."""
        return str(self.get_url(f"{self.endpoint}.details_view", id=key, **arguments))

    def mass_bar(self, page: Page, asked: Request) -> Any:
        """What the list offers for all rows found, where it offers that (mass_changes.py)."""
        return None

    def row_class(self, row: Any) -> str:
        """A class for a row that needs to stand out, such as a locked customer."""
        return ""

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The list."""
        asked = read_request(self.listing(), request.args)
        columns = self.shown_columns(asked)
        listing = self.loading(columns)
        views = self.view_menu(listing, asked, columns)
        if not request.args and views.default is not None:
            return redirect(views.default.url)
        session = db.session()
        page = self.page_of(listing, asked)
        shown = controls(listing, asked, session)
        heads = self.heading_controls(columns, shown)

        def url(**arguments: Any) -> str:
            return self.get_url(".index_view", **arguments)

        return self.render(
            self.list_template,
            page=page,
            columns=columns,
            count="many" if page.late and not page.rows else format_count(page.total, page.capped),
            listing=listing,
            asked=asked,
            controls=shown,
            heads=heads,
            head_names=[name for one in heads.values() for name in one.filter.names],
            views=views,
            chips=chips(listing, asked, session, url),
            links=page_links(page),
            sizes=PAGE_SIZES,
            list_url=url,
            here=url(**asked.arguments()),
            rows=partial(
                drawn,
                self,
                page.rows,
                columns,
                "&" + urlencode({"from": origin(self.endpoint, asked)}),
                self.row_actions(),
            ),
            bulk=usable(self.all_actions(), "bulk", acting()),
            key=inspect(self.model_class).primary_key[0].key,
        )

    @expose("/count/")
    def count_view(self) -> str:
        """The exact count of the list, which is only worked out when somebody asks."""
        listing = self.listing()
        asked = read_request(listing, request.args)
        return f"{count_rows(db.session(), listing, asked.criteria):,}"

    def row_actions(self) -> list[Action]:
        """The actions at the end of the rows to which they apply."""
        return usable(self.all_actions(), "row", acting())

    def export_url(self, endpoint: str = "exports.start", **arguments: Any) -> str | None:
        """The address that exports what the list shows, for whoever may export; else None.

        That of "exports.chosen" exports the rows that are ticked.
        """
        if not self.export_kind or not self.may("export"):
            return None
        if "exports.start" not in current_app.view_functions:
            return None
        return self.get_url(endpoint, list_name=self.export_kind, **arguments)
