"""Stores: where customers come from."""

from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField

from admin_views.base import KontorView
from admin_views.formatters import Badge, Column
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import operations_reference as operations
from app.customers.models import Store
from app.customers.queries_reference import STORES


class StoreForm(KontorForm):
    """A store."""

    groups = (Group("Store", ("name", "active", "is_default")),)

    name = TextField("Name", [Required(), Longest(80)], description="As customers know it")
    active = BooleanField(
        "Active", default=True, description="Only active stores are offered for new customers"
    )
    is_default = BooleanField(
        "Default store", description="Filled in for new customers; takes the place of the old one"
    )


class StoresView(KontorView):
    """The list of stores."""

    model_class = Store
    label, singular = "Stores", "store"
    menu_group, icon, endpoint_name = "Administration", "building-store", "stores"
    permissions = dict.fromkeys(("view", "create", "edit", "delete"), Permission.STORES_MANAGE) | {
        "export": Permission.EXPORT
    }
    export_kind = "stores"
    columns = (
        Column("name", "Name", sort="name", main=True),
        Column("is_default", "Default", filter="default"),
        Column("active", "Active", filter="active"),
    )
    form_class = StoreForm
    search_hint = "Name of a store"
    empty_hint = "A store is a shop or branch that customers come from. The first is the default."
    tabs = (history_tab("store"),)

    def listing(self) -> Listing:
        return STORES

    def badges(self, model: Store) -> list[Badge]:
        found = [Badge("Default", "green")] if model.is_default else []
        return found if model.active else [*found, Badge("Inactive")]

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Store:
        return operations.save_store(session, None, **form.data, actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        operations.save_store(session, model, **form.data, actor=actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        operations.delete_stores(session, ids, actor=actor)


def views() -> list[KontorView]:
    """The views of this module."""
    return [StoresView()]
