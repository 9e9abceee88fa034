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
the field. Lists come from app.core.listing (list_page.py), records from `sections` and tabs
(record_page.py), buttons besides Edit and Delete from `actions` (actions.py), typing-ahead from
`lookups`, live checks from `checks` (lookups.py: name a field's check by
`render_kw={"data-check": "email"}`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, g, request
from flask_admin import expose

from admin_views.access import NOBODY, acting
from admin_views.actions import Action
from admin_views.forms import KontorForm, LookupField, leaves
from admin_views.list_page import ListPage
from admin_views.lookups import MOST_HITS, Check, Lookup
from app.core.filters import clean
from app.core.permissions import Permission
from app.extensions import db

ROUTE_PERMISSIONS: Mapping[str, Sequence[str]] = {
    "index_view": ("view",),
    "count_view": ("view",),
    "columns_view": ("view",),
    "views_view": ("view",),
    "view_form": ("view",),
    "view_action": ("view",),
    "details_view": ("view",),
    "tab_view": ("view",),
    "create_view": ("create",),
    "edit_view": ("edit",),
    "delete_view": ("delete",),
    "ajax_lookup": ("create", "edit"),
    "check_view": ("create", "edit"),
}


class KontorView(ListPage):
    """A list of records of one model, with its forms and record pages."""

    label: ClassVar[str]
    singular: ClassVar[str]
    menu_group: ClassVar[str]
    icon: ClassVar[str] = "list-details"
    endpoint_name: ClassVar[str]
    actions: ClassVar[Sequence[Action]] = ()
    lookups: ClassVar[Mapping[str, Lookup]] = {}
    checks: ClassVar[Mapping[str, Check]] = {}
    create_template = edit_template = "admin/form.html"

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

    # Access ---------------------------------------------------------------------------------

    def needed(self, name: str) -> frozenset[Permission]:
        """The permissions of which one opens a route."""
        if name == "action_view":
            return frozenset(action.permission for action in self.all_actions())
        if name not in ROUTE_PERMISSIONS:
            return super().needed(name)
        keys = ROUTE_PERMISSIONS[name]
        return frozenset(self.permissions[key] for key in keys if key in self.permissions) or NOBODY

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

    # What the library would work out of the model by itself, and does not get to ---------------

    def get_list_columns(self) -> list[tuple[str, str]]:
        return [(column.name, column.label) for column in self.columns]

    get_details_columns = get_export_columns = get_list_columns

    def get_sortable_columns(self) -> dict[str, str]:
        return {}

    def init_search(self) -> bool:
        return False

    def is_accessible(self) -> bool:
        return self.may_open("index_view")
