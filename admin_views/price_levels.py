"""Price levels: the columns of the price list."""

from typing import Any

from sqlalchemy.orm import Session

from admin_views.base import KontorView
from admin_views.formatters import Column
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from app.catalogue import operations_products as operations
from app.catalogue.models import PriceLevel
from app.catalogue.queries_products import LEVELS
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission


class LevelForm(KontorForm):
    """A price level."""

    groups = (Group("Price level", ("name", "description")),)

    name = TextField("Name", [Required(), Longest(20)], description="Short, such as A or Trade")
    description = TextField("Description", [Longest(200)])


class LevelsView(KontorView):
    """The list of price levels."""

    model_class = PriceLevel
    label, singular = "Price levels", "price level"
    menu_group, icon, endpoint_name = "Administration", "tags", "price_levels"
    permissions = dict.fromkeys(
        ("view", "create", "edit", "delete"), Permission.SETTINGS_MANAGE
    ) | {"export": Permission.EXPORT}
    export_kind = "price_levels"
    columns = (
        Column("name", "Name", sort="name", main=True),
        Column("description", "Description"),
    )
    form_class = LevelForm
    empty_hint = "Every product has a price for each level; a customer pays that of their own."
    tabs = (history_tab("price level"),)

    def listing(self) -> Listing:
        return LEVELS

    def headline(self, model: PriceLevel) -> str:
        return f"Price level {model.name}"

    def perform_create(self, session: Session, form: Any, actor: Actor) -> PriceLevel:
        return self._save(session, None, form, actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        self._save(session, model, form, actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        operations.delete_price_levels(session, ids, actor=actor)

    def _save(
        self, session: Session, level: PriceLevel | None, form: Any, actor: Actor
    ) -> PriceLevel:
        return operations.save_price_level(
            session,
            level,
            name=form.name.data,
            description=form.description.data or "",
            actor=actor,
        )


def views() -> list[KontorView]:
    """The views of this module."""
    return [LevelsView()]
