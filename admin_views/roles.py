"""Roles: named sets of permissions, which administrators may change and add to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session
from wtforms import SelectMultipleField, TextAreaField

from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from admin_views.records import Section
from app.accounts import operations, queries
from app.accounts.models import Role
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import PERMISSION_LABELS, Permission

AREAS = {
    "dashboard": "Dashboard",
    "customers": "Customers",
    "records": "Export",
    "bank_details": "Bank details",
    "catalogue": "Products and journals",
    "subscriptions": "Subscriptions",
    "invoices": "Invoices",
    "mandates": "Mandates",
    "direct_debit": "Direct debit",
    "creditor_accounts": "Creditor accounts",
    "jobs": "Jobs and downloads",
    "outbox": "Outgoing mail",
    "operators": "Operators",
    "roles": "Roles",
    "stores": "Stores",
    "groups": "Groups",
    "settings": "Settings",
}


def by_area(permissions: Sequence[str]) -> list[tuple[str, list[Permission]]]:
    """Permissions by what they are about, in the order of the list of all."""
    chosen = [one for one in Permission if one.value in permissions]
    found = groupby(chosen, key=lambda one: one.value.partition(":")[0])
    return [(AREAS.get(area, area), list(some)) for area, some in found]


class RoleForm(KontorForm):
    """A role and what it allows."""

    groups = (Group("Role", ("name", "description"), wide=("description",)),)

    name = TextField("Name", [Required(), Longest(40)], description="3 to 40 characters, unique")
    description = TextAreaField("Description", [Longest(200)])
    permissions = SelectMultipleField(
        "Permissions", choices=[(one.value, PERMISSION_LABELS[one]) for one in Permission]
    )


class RolesView(KontorView):
    """The list of roles."""

    model_class = Role
    label, singular = "Roles", "role"
    menu_group, icon, endpoint_name = "Administration", "shield-lock", "roles"
    permissions = dict.fromkeys(("view", "create", "edit", "delete"), Permission.ROLES_MANAGE) | {
        "export": Permission.EXPORT
    }
    export_kind = "roles"
    columns = (
        Column("name", "Name", lambda role: role.name.capitalize(), sort="name", main=True),
        Column("description", "Description"),
        Column("count", "Permissions", lambda role: len(role.permissions), numeric=True),
        Column(
            "built_in", "Origin",
            lambda role: Badge("Comes with Kontor") if role.built_in else Badge("Own", "blue"),
        ),
    )  # fmt: skip
    form_class = RoleForm
    search_hint = "Name of a role"
    empty_hint = "A role says what its holders may see and do."
    create_template = edit_template = "accounts/role_form.html"
    tabs = (history_tab("role"),)

    def listing(self) -> Listing:
        """All roles."""
        return queries.ROLES

    def headline(self, model: Role) -> str:
        """The name."""
        return model.name.capitalize()

    def subtitle(self, model: Role) -> str:
        """The description."""
        return model.description

    def badges(self, model: Role) -> list[Badge]:
        """Whether it comes with Kontor."""
        return [Badge("Comes with Kontor")] if model.built_in else []

    def sections(self, model: Role) -> list[Section]:
        """What the role allows."""
        return [
            Section(
                "Allows",
                [
                    (area, [PERMISSION_LABELS[one] for one in some])
                    for area, some in by_area(model.permissions)
                ],
            )
        ]

    def areas(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """All permissions, as the form groups them."""
        every = by_area([one.value for one in Permission])
        return [
            (area, [(one.value, PERMISSION_LABELS[one]) for one in some]) for area, some in every
        ]

    def all_actions(self) -> Sequence[Action]:
        """Roles that come with Kontor cannot be deleted: they have no button for it."""
        return [one if one.name != "delete" else _only_own(one) for one in super().all_actions()]

    def prepare_form(self, form: Any, model: Role | None) -> None:
        """Roles that come with Kontor keep their names."""
        if model is not None and model.built_in:
            del form.name

    def form_data(self, model: Role) -> Mapping[str, Any]:
        """The stored values."""
        return {
            "name": model.name,
            "description": model.description,
            "permissions": list(model.permissions),
        }

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Role:
        """A new role."""
        return self._save(session, None, form, actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A role as the form says."""
        self._save(session, model, form, actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Roles that nobody holds."""
        for one in ids:
            operations.delete_role(session, session.get_one(Role, one), actor=actor)

    def _save(self, session: Session, role: Role | None, form: Any, actor: Actor) -> Role:
        return operations.save_role(
            session,
            role,
            name=role.name if role is not None and "name" not in form else form.name.data,
            description=form.description.data or "",
            permissions=form.permissions.data,
            actor=actor,
        )


def _only_own(action: Action) -> Action:
    return replace(action, shown=lambda role: not role.built_in)


def views() -> list[KontorView]:
    """The views of this module."""
    return [RolesView()]
