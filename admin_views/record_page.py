"""The record of a view: its heading, its first tab, and the tabs that load when they are opened."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, request
from flask_admin import expose
from sqlalchemy.orm import Session

from admin_views.access import acting
from admin_views.actions import usable
from admin_views.formatters import Badge, Column
from admin_views.records import RecordTab, Section, tabs_for
from admin_views.saving import Saving
from admin_views.walk import walk_from
from app.core.counts import counting_each, format_to_cap
from app.extensions import db

# Beyond this the head of a tab says "1,000+": nobody needs more there, and it stays cheap.
MOST_COUNTED = 1_000


class RecordPage(Saving):
    """What a KontorView shows of one record."""

    columns: ClassVar[Sequence[Column]]
    first_tab: ClassVar[str] = "Details"
    details_template = "admin/record.html"

    def headline(self, model: Any) -> str:
        """The name of a record, as its heading says it."""
        return str(model)

    def subtitle(self, model: Any) -> str:
        """What stands in small letters below the heading."""
        return ""

    def badges(self, model: Any) -> list[Badge]:
        """The badges beside the heading."""
        return []

    def sections(self, model: Any) -> list[Section]:
        """The record's first tab; by default the columns of the list."""
        return [Section(self.singular.capitalize(), [(c.label, c.of(model)) for c in self.columns])]

    def tabs_of(self, model: Any) -> list[RecordTab]:
        """The tabs that this person sees on a record, its own and those that features hang on."""
        return tabs_for(self.hung_under, self.tabs, acting(), model)

    @expose("/details/")
    def details_view(self) -> str:
        """The record."""
        model = self.record_or_404()
        session = db.session()
        actor = acting()
        tabs = self.tabs_of(model)
        opened = request.args.get("tab", "")
        counts = counted(session, tabs, model)
        return self.render(
            self.details_template,
            model=model,
            tabs=[(tab, counts.get(tab.name)) for tab in tabs],
            opened=opened if any(tab.name == opened for tab in tabs) else "",
            actions=usable(self.all_actions(), "record", actor, model),
            back=self.back_to_list(),
            walk=walk_from(self, model),
        )

    @expose("/tab/")
    def tab_view(self) -> str:
        """One tab of a record, as a fragment."""
        model = self.record_or_404()
        tabs = self.tabs_of(model)
        tab = next((tab for tab in tabs if tab.name == request.args.get("tab")), None)
        if tab is None:
            abort(404)
        page = request.args.get("page", "1")
        number = int(page[:9]) if page.isascii() and page.isdecimal() else 1
        return tab.render(self, db.session(), model, max(1, number))


def counted(session: Session, tabs: Sequence[RecordTab], model: Any) -> dict[str, str]:
    """The numbers in the heads of tabs; all that are counted by rows in one round trip."""
    found = {tab.name: tab.count(session, model) for tab in tabs if tab.count is not None}
    by_rows = {tab.name: tab.rows(model) for tab in tabs if tab.rows is not None}
    if by_rows:
        row = session.execute(counting_each(by_rows.values(), MOST_COUNTED)).one()
        found |= dict(zip(by_rows, row, strict=True))
    return {
        name: format_to_cap(count, MOST_COUNTED)
        for name, count in found.items()
        if count is not None
    }
