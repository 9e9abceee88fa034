"""The record of a view: its heading, its first tab, and the tabs that load when they are opened."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, request
from flask_admin import expose

from admin_views.access import acting
from admin_views.actions import usable
from admin_views.formatters import Badge, Column
from admin_views.records import RecordTab, Section, tabs_for
from admin_views.saving import Saving
from admin_views.walk import walk_from
from app.extensions import db


class RecordPage(Saving):
    """What a KontorView shows of one record."""

    columns: ClassVar[Sequence[Column]]
    endpoint_name: ClassVar[str]
    tabs: ClassVar[Sequence[RecordTab]] = ()
    first_tab: ClassVar[str] = "Details"
    # Under which name features hang tabs onto the records; several views may share one.
    records_name: ClassVar[str] = ""
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

    @expose("/details/")
    def details_view(self) -> str:
        """The record."""
        model = self.record_or_404()
        session = db.session()
        actor = acting()
        tabs = tabs_for(self.records_name or self.endpoint_name, self.tabs, actor, model)
        opened = request.args.get("tab", "")
        return self.render(
            self.details_template,
            model=model,
            tabs=[(tab, tab.count(session, model) if tab.count else None) for tab in tabs],
            opened=opened if any(tab.name == opened for tab in tabs) else "",
            actions=usable(self.all_actions(), "record", actor, model),
            back=self.back_to_list(),
            walk=walk_from(self, model),
        )

    @expose("/tab/")
    def tab_view(self) -> str:
        """One tab of a record, as a fragment."""
        model = self.record_or_404()
        tabs = tabs_for(self.records_name or self.endpoint_name, self.tabs, acting(), model)
        tab = next((tab for tab in tabs if tab.name == request.args.get("tab")), None)
        if tab is None:
            abort(404)
        page = request.args.get("page", "1")
        number = int(page[:9]) if page.isascii() and page.isdecimal() else 1
        return tab.render(self, db.session(), model, max(1, number))
