"""The list of a view: its rows, filters and columns, and what can be done with them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import current_app, request
from flask_admin import expose
from sqlalchemy import inspect

from admin_views.access import acting
from admin_views.actions import Action, usable
from admin_views.filters import PAGE_SIZES, Request, chips, controls, page_links, read_request
from admin_views.formatters import Column
from admin_views.record_page import RecordPage
from app.core.counts import format_count
from app.core.listing import Listing, Page, count_rows, fetch_page
from app.extensions import db


class ListPage(RecordPage):
    """What a KontorView shows as its list.

    It stands in one line with RecordPage: the library writes every route that a class inherits
    into the class itself, so that of two bases side by side the first would hide the second's.
    """

    columns: ClassVar[Sequence[Column]] = ()
    search_hint: ClassVar[str] = "Search"
    empty_hint: ClassVar[str] = ""
    export_kind: ClassVar[str] = ""
    list_template = "admin/list.html"

    def listing(self) -> Listing:
        """The rows, filters and orders of the list."""
        raise NotImplementedError

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The rows that are asked for."""
        return fetch_page(
            db.session(), listing, asked.criteria, asked.page, asked.size, exact=asked.exact
        )

    def shown_columns(self) -> Sequence[Column]:
        """The columns of the list for this person; by default all that are declared."""
        return self.columns

    def mass_bar(self, page: Page, asked: Request) -> Any:
        """What the list offers for all rows found, where it offers that (mass_changes.py)."""
        return None

    def row_class(self, row: Any) -> str:
        """A class for a row that needs to stand out, such as a locked customer."""
        return ""

    @expose("/")
    def index_view(self) -> str:
        """The list."""
        listing = self.listing()
        asked = read_request(listing, request.args)
        session = db.session()
        page = self.page_of(listing, asked)
        actor = acting()

        def url(**arguments: Any) -> str:
            return self.get_url(".index_view", **arguments)

        return self.render(
            self.list_template,
            page=page,
            columns=self.shown_columns(),
            count=format_count(page.total, page.capped),
            listing=listing,
            asked=asked,
            controls=controls(listing, asked, session),
            chips=chips(listing, asked, session, url),
            links=page_links(page),
            sizes=PAGE_SIZES,
            list_url=url,
            here=url(**asked.arguments()),
            bulk=usable(self.all_actions(), "bulk", actor),
            key=inspect(self.model_class).primary_key[0].key,
        )

    @expose("/count/")
    def count_view(self) -> str:
        """The exact count of the list, which is only worked out when somebody asks."""
        listing = self.listing()
        asked = read_request(listing, request.args)
        return f"{count_rows(db.session(), listing, asked.criteria):,}"

    def row_actions(self, row: Any) -> list[Action]:
        """The actions at the end of a row."""
        return usable(self.all_actions(), "row", acting(), row)

    def export_url(self, **arguments: Any) -> str | None:
        """The address that exports what the list shows, for whoever may export; else None."""
        if not self.export_kind or not self.may("export"):
            return None
        if "exports.start" not in current_app.view_functions:
            return None
        return self.get_url("exports.start", list_name=self.export_kind, **arguments)
