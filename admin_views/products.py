"""Products and services, with a price for each price level."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField

from admin_views.base import KontorView
from admin_views.formatters import Badge, Column
from admin_views.forms import (
    Group,
    KontorForm,
    Longest,
    ParsedField,
    Required,
    TextField,
    choices_of,
)
from admin_views.history import history_tab
from admin_views.records import Section
from app.catalogue import operations_products as operations
from app.catalogue.models import PriceLevel, Product, ProductKind
from app.catalogue.queries_products import PRODUCTS
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.money import format_amount
from app.core.permissions import Permission
from app.core.values import parse_amount
from app.extensions import db


class ProductForm(KontorForm):
    """A product; its price fields are made for the levels there are."""

    groups = (Group("Product", ("number", "name", "kind", "vat_rate", "discountable", "active")),)

    number = TextField("Number", [Required(), Longest(40)])
    name = TextField("Name", [Required(), Longest(120)])
    kind = SelectField("Kind", choices=choices_of(ProductKind))
    vat_rate = ParsedField(
        "VAT rate in %",
        [Required()],
        parse=lambda raw: parse_amount(raw, "VAT rate"),
        display=lambda rate: f"{rate:f}",
        default=Decimal("19.0"),
    )
    discountable = BooleanField(
        "Discountable", default=True, description="The customer's rebate applies to it"
    )
    active = BooleanField("Active", default=True)


def levels() -> list[PriceLevel]:
    """The price levels, read once for a request."""
    if "price_levels" not in g:
        g.price_levels = list(db.session.scalars(select(PriceLevel).order_by(PriceLevel.name)))
    return g.price_levels  # type: ignore[no-any-return]


def price_column(level: PriceLevel) -> Column:
    """The prices of one level."""
    key = level.id

    def price(product: Product) -> Decimal | None:
        return next((p.price for p in product.prices if p.price_level_id == key), None)

    return Column(f"price_{key}", f"Price {level.name}", price, numeric=True)


class ProductsView(KontorView):
    """The price list."""

    model_class = Product
    label, singular = "Products", "product"
    menu_group, icon, endpoint_name = "Administration", "package", "products"
    permissions = {
        "view": Permission.CATALOGUE_VIEW,
        "create": Permission.CATALOGUE_EDIT,
        "edit": Permission.CATALOGUE_EDIT,
        "delete": Permission.CATALOGUE_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "products"
    own_columns = (
        Column("number", "Number", sort="number"),
        Column("name", "Name", sort="name", main=True),
        Column("kind", "Kind", lambda product: product.kind.capitalize(), filter="kind"),
        Column(
            "vat_rate",
            "VAT",
            lambda product: f"{product.vat_rate:f}",
            numeric=True,
            suffix=" %",
            filter="vat",
        ),
        Column("discountable", "Discountable", filter="discountable"),
        Column("active", "Active", filter="active"),
    )
    columns = own_columns
    form_class = ProductForm
    search_hint = "Name or number of a product"
    empty_hint = "Products and services are what customers use, order and pay for."
    tabs = (history_tab("product"),)

    def listing(self) -> Listing:
        return PRODUCTS

    def delivered_columns(self) -> list[Column]:
        return [*self.own_columns, *(price_column(level) for level in levels())]

    def subtitle(self, model: Product) -> str:
        return f"Number {model.number}"

    def badges(self, model: Product) -> list[Badge]:
        kind = Badge(model.kind.capitalize(), "blue")
        return [kind] if model.active else [kind, Badge("Inactive")]

    def sections(self, model: Product) -> list[Section]:
        facts = [(column.label, column.show(model)) for column in self.own_columns]
        prices = [
            (f"Price level {level.name}", price_column(level).of(model)) for level in levels()
        ]
        return [Section("Product", facts), Section("Prices in EUR before tax", prices)]

    def form_for(self, model: Any) -> type[KontorForm]:
        fields = {
            f"price_{level.id}": ParsedField(
                f"Price {level.name}",
                parse=lambda raw: parse_amount(raw, "Price"),
                display=format_price,
            )
            for level in levels()
        }
        prices = Group("Prices", tuple(fields), hint="In EUR before tax; empty: not for sale there")
        groups = (*ProductForm.groups, prices)
        return type("PricedProductForm", (ProductForm,), {**fields, "groups": groups})

    def form_data(self, model: Product) -> Mapping[str, Any]:
        prices = {f"price_{price.price_level_id}": price.price for price in model.prices}
        return {**super().form_data(model), **prices}

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Product:
        return operations.save_products(session, [self._draft(form)], actor=actor)[0]

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        operations.save_products(session, [self._draft(form, model.id)], actor=actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        operations.delete_products(session, ids, actor=actor)

    def _draft(self, form: Any, product_id: int | None = None) -> operations.ProductDraft:
        given = {field.short_name: field.data for field in form}
        prices = {
            int(name.removeprefix("price_")): given.pop(name)
            for name in list(given)
            if name.startswith("price_")
        }
        return operations.ProductDraft(
            **given,
            prices={level: price for level, price in prices.items() if price is not None},
            id=product_id,
        )


def format_price(price: Decimal) -> str:
    """A price as it can be typed again: without a comma between thousands."""
    return format_amount(price).replace(",", "")


def views() -> list[KontorView]:
    """The views of this module."""
    return [ProductsView()]
