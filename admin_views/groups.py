"""Customer groups; one with approval holds new shop customers back until approved."""

from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, TextAreaField

from admin_views.base import KontorView
from admin_views.formatters import Badge, Column
from admin_views.forms import Group as FormGroup
from admin_views.forms import KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import operations_reference as operations
from app.customers.models import Group
from app.customers.queries_reference import GROUPS


class GroupForm(KontorForm):
    """A customer group."""

    groups = (FormGroup("Group", ("name", "approval_required", "description")),)

    name = TextField("Name", [Required(), Longest(32)], description="3 to 32 characters, unique")
    approval_required = BooleanField(
        "Approval required",
        description="New shop customers wait until an operator approves them",
    )
    description = TextAreaField("Description", [Longest(400)], default="")


class GroupsView(KontorView):
    """The list of groups."""

    model_class = Group
    label, singular = "Groups", "group"
    menu_group, icon, endpoint_name = "Administration", "users-group", "groups"
    permissions = dict.fromkeys(("view", "create", "edit", "delete"), Permission.GROUPS_MANAGE) | {
        "export": Permission.EXPORT
    }
    export_kind = "groups"
    columns = (
        Column("name", "Name", sort="name", main=True),
        Column("approval_required", "Approval required", filter="approval"),
        Column("description", "Description"),
    )
    form_class = GroupForm
    search_hint = "Name of a group"
    empty_hint = "Groups such as Retail or Library sort customers, and can ask for approval."
    tabs = (history_tab("group"),)

    def listing(self) -> Listing:
        return GROUPS

    def badges(self, model: Group) -> list[Badge]:
        return [Badge("Approval required", "blue")] if model.approval_required else []

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Group:
        return operations.save_group(session, None, **form.data, actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        operations.save_group(session, model, **form.data, actor=actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        operations.delete_groups(session, ids, actor=actor)


def views() -> list[KontorView]:
    """The views of this module."""
    return [GroupsView()]
