"""The words that coded columns may hold: what templates offer, and what importers look up."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.catalogue.models import PriceLevel, Product, ProductKind
from app.core.countries import country_names
from app.core.text import fold
from app.customers.choices import AddressKind, Gender, PaymentMethod, Source
from app.customers.models import Group, Store
from app.subscriptions.models import Basis


def _members(enum: type[StrEnum]) -> Callable[[Session], list[str]]:
    return lambda session: [member.value for member in enum]


def _names(statement: Any) -> Callable[[Session], list[str]]:
    return lambda session: list(session.scalars(statement))


CHOICES: Mapping[str, Callable[[Session], list[str]]] = {
    "genders": _members(Gender),
    "payment_methods": _members(PaymentMethod),
    "sources": _members(Source),
    "address_kinds": _members(AddressKind),
    "bases": _members(Basis),
    "product_kinds": _members(ProductKind),
    "yes_no": lambda session: ["yes", "no"],
    "countries": lambda session: country_names(),
    "groups": _names(select(Group.name).order_by(Group.name)),
    "stores": _names(select(Store.name).where(Store.active).order_by(Store.name)),
    "price_levels": _names(select(PriceLevel.name).order_by(PriceLevel.name)),
    "products": _names(select(Product.name).where(Product.active).order_by(Product.name)),
    "operators": _names(select(Operator.email).where(Operator.active).order_by(Operator.email)),
    "vat_rates": lambda session: [
        f"{rate.normalize():f}"
        for rate in session.scalars(
            select(Product.vat_rate).where(Product.active).distinct().order_by(Product.vat_rate)
        )
    ],
}


def load_lookups(session: Session) -> dict[str, dict[str, Any]]:
    """The stored words, folded, with the ids they stand for; products by number too."""
    lookups: dict[str, dict[str, Any]] = {
        "groups": {fold(g.name): g.id for g in session.scalars(select(Group))},
        "stores": {fold(s.name): s.id for s in session.scalars(select(Store))},
        "price_levels": {fold(p.name): p.id for p in session.scalars(select(PriceLevel))},
    }
    operators = session.execute(
        select(Operator.id, Operator.email, Operator.name).where(Operator.active)
    ).all()
    lookups["operators"] = {fold(name): id_ for id_, _, name in operators if name}
    lookups["operators"] |= {fold(email): id_ for id_, email, _ in operators}
    products = session.execute(
        select(Product.id, Product.number, Product.name).where(Product.active)
    ).all()
    lookups["products"] = {fold(number): id_ for id_, number, _ in products}
    lookups["products"] |= {fold(name): id_ for id_, _, name in products}
    return lookups
