"""How a list looks for one person: which columns, in which order, filters under the headings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from admin_views.access import acting
from admin_views.filters import Control, Request, read_request
from admin_views.formatters import Column
from admin_views.record_page import RecordPage
from app.accounts.operations_views import prefer
from app.core.listing import Listing
from app.extensions import transaction


class ListLayout(RecordPage):
    """The columns that a list has to offer, and what this person made of them."""

    columns: ClassVar[Sequence[Column]] = ()
    # Offered beside those that are shown as delivered.
    more_columns: ClassVar[Sequence[Column]] = ()
    # Whether the filters under the headings are there until somebody hides them.
    heading_filters: ClassVar[bool] = False

    def listing(self) -> Listing:
        """The rows, filters and orders of the list."""
        raise NotImplementedError

    def delivered_columns(self) -> Sequence[Column]:
        """The columns for whoever has chosen none."""
        return self.columns

    def offered_columns(self) -> list[Column]:
        """All columns to choose from."""
        return [*self.delivered_columns(), *self.more_columns]

    def preference(self, name: str) -> Any:
        """What this person prefers of this list; None where nothing was chosen."""
        lists = (current_user.preferences or {}).get("lists", {})
        return lists.get(self.endpoint, {}).get(name)

    def shown_columns(self, asked: Request) -> list[Column]:
        """The columns that the address names, else those this person chose, else as delivered."""
        return self._chosen(asked.columns or self.preference("columns") or ())

    def _chosen(self, names: Sequence[str]) -> list[Column]:
        offered = {column.name: column for column in self.offered_columns()}
        found = [offered[name] for name in names if name in offered]
        if not found:
            return list(self.delivered_columns())
        main = next((column for column in offered.values() if column.main), None)
        return found if main is None or main in found else [main, *found]

    def loading(self, columns: Sequence[Column]) -> Listing:
        """The listing, asking the database for no more than these columns show."""
        listing = self.listing()
        if not any(column.options for column in self.offered_columns()):
            return listing
        options = dict.fromkeys(option for column in columns for option in column.options)
        return replace(listing, options=tuple(options))

    def shows_heading_filters(self) -> bool:
        """Whether this person has the filters under the headings."""
        preferred = self.preference("heading_filters")
        return self.heading_filters if preferred is None else bool(preferred)

    def heading_controls(
        self, columns: Sequence[Column], controls: Sequence[Control]
    ) -> Mapping[str, Control]:
        """The controls under the headings, by the names of their columns."""
        if not self.shows_heading_filters():
            return {}
        left = {control.filter.name: control for control in controls}
        # Where two columns answer to one filter, the first of them has it.
        return {c.name: left.pop(c.filter) for c in columns if c.filter in left}

    @expose("/columns/", methods=("GET", "POST"))
    def columns_view(self) -> ResponseReturnValue:
        """Which columns the list shows, in which order."""
        listing = self.listing()
        asked = read_request(listing, request.args)
        offered = {column.name: column for column in self.offered_columns()}
        shown = [column.name for column in self.shown_columns(asked)]
        order = [*shown, *(name for name in offered if name not in shown)]
        heads = self.shows_heading_filters()
        if request.method == "POST":
            ticked = set(request.form.getlist("column"))
            posted = dict.fromkeys(n for n in request.form.getlist("order") if n in offered)
            order = [*posted, *(name for name in order if name not in posted)]
            shown = [name for name in order if name in ticked or offered[name].main]
            heads = "heading_filters" in request.form
            move = request.form.get("move", "")
            if not move:
                return self._keep_columns(asked, shown, heads)
            order = _moved(order, *move.partition(":")[::2])
        part = bool(request.headers.get("HX-Request"))
        return self.render(
            "admin/list_columns.html",
            asked=asked,
            part=part,
            lines=[(offered[name], name in shown) for name in order],
            heads=heads,
            filtered=any(c.filter in {f.name for f in listing.filters} for c in offered.values()),
            list_address=self.get_url(".index_view", **asked.arguments()),
        )

    def _keep_columns(
        self, asked: Request, names: Sequence[str], heads: bool
    ) -> ResponseReturnValue:
        delivered = [column.name for column in self.delivered_columns()]
        if "reset" in request.form or not names:
            names, heads = delivered, self.heading_filters
        changes: dict[str, Any] = {
            "heading_filters": heads if heads != self.heading_filters else None
        }
        if not asked.columns:
            changes["columns"] = list(names) if list(names) != delivered else None
        with transaction() as session:
            prefer(session, list_name=self.endpoint, changes=changes, actor=acting())
        asked = replace(asked, columns=names if asked.columns else ())
        if asked.columns and asked.view.isdecimal():
            flash("These columns are shown. Update the view to keep them in it.", "info")
        return redirect(self.get_url(".index_view", **asked.arguments()))


def _moved(order: Sequence[str], direction: str, name: str) -> list[str]:
    """The order with one name one place up or down."""
    moved = list(order)
    if name in moved:
        at = moved.index(name)
        to = at - 1 if direction == "up" else at + 1
        if 0 <= to < len(moved):
            moved[at], moved[to] = moved[to], moved[at]
    return moved
