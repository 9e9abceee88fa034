"""The one base of every list, form and record of the panel; it closes the traps of Flask-Admin.

    class StoresView(KontorView):
        model_class = Store
        label, singular = "Stores", "store"
        menu_group, icon, endpoint_name = "Administration", "building-store", "stores"
        permissions = {"view": Permission.STORES_MANAGE, "create": ..., "edit": ..., "delete": ...}
        columns = (Column("name", "Name", sort="name", main=True), Column("active", "Active"))
        form_class = StoreForm

        def listing(self): return STORES                      # app.core.listing.Listing
        def form_data(self, model): return {"name": model.name, ...}
        def perform_create(self, session, form, actor): return create_store(session, ...)
        def perform_update(self, session, model, form, actor): update_store(...)
        def perform_delete(self, session, ids, actor): delete_stores(session, ids, actor=actor)

    def views(): return [StoresView()]

Buttons that destroy or ask post `_confirmed=yes`; without it the server asks on a page first.
What is not declared is not there: no permission, no route; no form, no Edit. Operations run inside
`transaction()`; what they refuse (Refused, with Problem.field = the form's field name) is shown at
the field. Lists come from app.core.listing, records from `sections` and tabs (records.py), buttons
besides Edit and Delete from `actions` (actions.py), typing-ahead from `lookups`, live checks from
`checks` (lookups.py: name a field's check by `render_kw={"data-check": "email"}`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, current_app, g, request
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import inspect

from admin_views.access import NOBODY, acting
from admin_views.actions import Action, usable
from admin_views.filters import PAGE_SIZES, Request, chips, controls, page_links, read_request
from admin_views.formatters import Badge, Column
from admin_views.forms import KontorForm, LookupField, leaves
from admin_views.lookups import MOST_HITS, Check, Lookup
from admin_views.records import RecordTab, Section, tabs_for
from admin_views.saving import Saving
from app.core.counts import format_count
from app.core.filters import clean
from app.core.listing import Listing, Page, count_rows, fetch_page
from app.core.permissions import Permission
from app.extensions import db

ROUTE_PERMISSIONS: Mapping[str, Sequence[str]] = {
    "index_view": ("view",),
    "count_view": ("view",),
    "details_view": ("view",),
    "tab_view": ("view",),
    "create_view": ("create",),
    "edit_view": ("edit",),
    "delete_view": ("delete",),
    "ajax_lookup": ("create", "edit"),
    "check_view": ("create", "edit"),
}


class KontorView(Saving):
    """A list of records of one model, with its forms and record pages."""

    label: ClassVar[str]
    singular: ClassVar[str]
    menu_group: ClassVar[str]
    icon: ClassVar[str] = "list-details"
    endpoint_name: ClassVar[str]
    permissions: ClassVar[Mapping[str, Permission]] = {}
    columns: ClassVar[Sequence[Column]] = ()
    actions: ClassVar[Sequence[Action]] = ()
    tabs: ClassVar[Sequence[RecordTab]] = ()
    lookups: ClassVar[Mapping[str, Lookup]] = {}
    checks: ClassVar[Mapping[str, Check]] = {}
    first_tab: ClassVar[str] = "Details"
    # Under which name features hang tabs onto the records; several views may share one.
    records_name: ClassVar[str] = ""
    search_hint: ClassVar[str] = "Search"
    empty_hint: ClassVar[str] = ""
    export_kind: ClassVar[str] = ""
    list_template = "admin/list.html"
    create_template = edit_template = "admin/form.html"
    details_template = "admin/record.html"

    # The library's own export loads everything into memory and writes live formulas, and its
    # single-field update ignores permissions: both routes do not exist here.
    export = None
    ajax_update = None
    can_export = False
    column_auto_select_related = False

    def __init__(self) -> None:
        super().__init__(
            self.model_class,
            db,
            name=self.label,
            category=self.menu_group,
            endpoint=self.endpoint_name,
            menu_icon_value=self.icon,
        )

    # What a view declares -------------------------------------------------------------------

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

    def row_class(self, row: Any) -> str:
        """A class for a row that needs to stand out, such as a locked customer."""
        return ""

    # Access ---------------------------------------------------------------------------------

    def needed(self, name: str) -> frozenset[Permission]:
        """The permissions of which one opens a route."""
        if name == "action_view":
            return frozenset(action.permission for action in self.all_actions())
        if name not in ROUTE_PERMISSIONS:
            return super().needed(name)
        keys = ROUTE_PERMISSIONS[name]
        return frozenset(self.permissions[key] for key in keys if key in self.permissions) or NOBODY

    def may(self, key: str) -> bool:
        """Tell whether the present operator may view, create, edit, delete or export here."""
        return key in self.permissions and acting().may(self.permissions[key])

    @property
    def can_create(self) -> bool:
        return self.form_class is not None and self.may("create")

    @property
    def can_edit(self) -> bool:
        return self.form_class is not None and self.may("edit")

    @property
    def can_delete(self) -> bool:
        return self.may("delete")

    @property
    def can_view_details(self) -> bool:
        return True

    # Routes ---------------------------------------------------------------------------------

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

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        """Choices for a field, found while typing; never more than a few."""
        lookup = self.lookups.get(request.args.get("name", ""))
        if lookup is None:
            abort(404)
        if lookup.permission is not None and not acting().may(lookup.permission):
            abort(403)
        found = lookup.search(db.session(), clean(request.args.get("query", "")), MOST_HITS)
        return [{"value": str(value), "text": text} for value, text in found[:MOST_HITS]]

    @expose("/check/", methods=("POST",))
    def check_view(self) -> Any:
        """One field of a form, checked when it is left."""
        check = self.checks.get(request.form.get("check", ""))
        if check is None:
            abort(404)
        raw = request.form.get("id", "")
        known = int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 19 else None
        return check(db.session(), request.form, known).as_json()

    # Helpers for the templates ----------------------------------------------------------------

    def lookup_label(self, name: str, value: Any) -> str:
        """The text of a chosen record."""
        known = g.get("lookup_labels", {}).get(name, {})
        return known.get(value) or self.lookups[name].label(db.session(), value) or f"#{value}"

    def read_labels(self, form: KontorForm) -> None:
        """Read the texts of what a form's rows have chosen, in one query for each lookup."""
        chosen = defaultdict(set)
        for field in leaves(form):
            if isinstance(field, LookupField) and field.data:
                chosen[field.lookup].add(field.data)
        g.lookup_labels = {
            name: lookup.labels(db.session(), sorted(chosen[name]))
            for name, lookup in self.lookups.items()
            if lookup.labels is not None and chosen[name]
        }

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

    # What the library would work out of the model by itself, and does not get to ---------------

    def get_list_columns(self) -> list[tuple[str, str]]:
        return [(column.name, column.label) for column in self.columns]

    get_details_columns = get_export_columns = get_list_columns

    def get_sortable_columns(self) -> dict[str, str]:
        return {}

    def init_search(self) -> bool:
        return False

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated) and self.may_open("index_view")
