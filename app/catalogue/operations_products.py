"""Every state change of products, services and price levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.catalogue.models import PriceLevel, Product, ProductKind, ProductPrice
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.money import CENT
from app.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """What a product shall be. `prices` are euros before tax by id of the price level.

    `id` names the product to change; a new one has none.
    """

    number: str
    name: str
    kind: str = ProductKind.PRODUCT
    discountable: bool = True
    vat_rate: Decimal = Decimal("19.0")
    active: bool = True
    prices: Mapping[int, Decimal] = field(default_factory=dict)
    id: int | None = None


def save_products(
    session: Session, drafts: Sequence[ProductDraft], *, actor: Actor
) -> list[Product]:
    """Make or change products. Raises Refused with every problem, one for a draft and field."""
    actor.require(Permission.CATALOGUE_EDIT)
    ids = [draft.id for draft in drafts if draft.id is not None]
    known = {
        product.id: product
        for product in session.scalars(
            select(Product).where(Product.id.in_(ids)).options(selectinload(Product.prices))
        )
    }
    problems = [problem for draft in drafts for problem in _problems(session, draft)]
    if problems:
        raise Refused(problems)
    saved = [(_apply(session, known, draft)) for draft in drafts]
    session.flush()
    levels = {level.id: level.name for level in session.scalars(select(PriceLevel))}
    for product, before in saved:
        audit.record_change(
            session,
            product,
            _named(before, levels),
            after=_named(_facts(product), levels),
            actor=actor,
            entity="product",
            entity_label=product.name,
        )
    return [product for product, _ in saved]


def delete_products(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Delete products that nobody uses. Raises Refused otherwise."""
    actor.require(Permission.CATALOGUE_EDIT)
    for product in session.scalars(select(Product).where(Product.id.in_(ids))):
        audit.record(
            session,
            actor=actor,
            action=Action.DELETED,
            entity="product",
            entity_id=product.id,
            entity_label=product.name,
        )
        session.delete(product)
        _flush_delete(session, f"{product.name} is still in use", "Set it to inactive instead")


def save_price_level(
    session: Session,
    level: PriceLevel | None,
    *,
    name: str,
    description: str = "",
    actor: Actor,
) -> PriceLevel:
    """Make or change a price level. Its name is unique and has at most 20 characters."""
    actor.require(Permission.SETTINGS_MANAGE)
    name = name.strip()
    problems = []
    if not 1 <= len(name) <= 20:
        problems.append(Problem("name", "Name must have 1 to 20 characters"))
    taken = select(PriceLevel.id).where(func.lower(PriceLevel.name) == name.lower())
    if level is not None:
        taken = taken.where(PriceLevel.id != level.id)
    if session.scalar(taken) is not None:
        problems.append(Problem("name", f"There is a price level {name} already"))
    if problems:
        raise Refused(problems)
    before = snapshot(level) if level is not None else {}
    if level is None:
        level = PriceLevel()
        session.add(level)
    level.name, level.description = name, description.strip()
    session.flush()
    audit.record_change(
        session, level, before, actor=actor, entity="price level", entity_label=name
    )
    return level


def delete_price_levels(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Delete price levels at which there is no price and no customer. Raises Refused otherwise."""
    actor.require(Permission.SETTINGS_MANAGE)
    for level in session.scalars(select(PriceLevel).where(PriceLevel.id.in_(ids))):
        audit.record(
            session,
            actor=actor,
            action=Action.DELETED,
            entity="price level",
            entity_id=level.id,
            entity_label=level.name,
        )
        session.delete(level)
        _flush_delete(
            session,
            f"Price level {level.name} is still in use",
            "Take it from its products and customers first",
        )


def _flush_delete(session: Session, message: str, hint: str) -> None:
    # Who refers to the catalogue stands in higher rooms: the foreign keys know them all.
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused.because(message, hint=hint) from error


def _problems(session: Session, draft: ProductDraft) -> list[Problem]:
    found = []
    for name, text, longest in (("number", draft.number, 40), ("name", draft.name, 120)):
        label, text = name.capitalize(), text.strip()
        column = getattr(Product, name)
        taken = select(Product.id).where(func.lower(column) == text.lower())
        if draft.id is not None:
            taken = taken.where(Product.id != draft.id)
        if not text:
            found.append(Problem(name, f"{label} is missing"))
        elif len(text) > longest:
            found.append(Problem(name, f"{label} is longer than {longest} characters"))
        elif session.scalar(taken) is not None:
            found.append(Problem(name, f"{label} {text} is already in use"))
    if not 0 <= draft.vat_rate <= 100:
        found.append(Problem("vat_rate", "VAT rate is not between 0 and 100"))
    elif draft.vat_rate != round(draft.vat_rate, 1):
        found.append(Problem("vat_rate", "VAT rate has more than one decimal"))
    found += [
        Problem(f"price_{level}", "Price is negative")
        for level, price in draft.prices.items()
        if price < 0
    ]
    return found


def _apply(
    session: Session, known: Mapping[int, Product], draft: ProductDraft
) -> tuple[Product, dict[str, Any]]:
    before: dict[str, Any] = {}
    if draft.id is None:
        product = Product()
        session.add(product)
    else:
        product = known[draft.id]
        before = _facts(product)
    product.number, product.name = draft.number.strip(), draft.name.strip()
    product.kind, product.vat_rate = ProductKind(draft.kind).value, draft.vat_rate
    product.discountable, product.active = draft.discountable, draft.active
    old = {price.price_level_id: price for price in product.prices}
    for level, price in draft.prices.items():
        if level in old:
            old[level].price = price
        else:
            product.prices.append(ProductPrice(price_level_id=level, price=price))
    for level, gone in old.items():
        if level not in draft.prices:
            product.prices.remove(gone)
    if before and before["prices"] != dict(draft.prices):
        flag_modified(product, "name")  # another price is another version of the product
    return product, before


def _facts(product: Product) -> dict[str, Any]:
    prices = {price.price_level_id: price.price.quantize(CENT) for price in product.prices}
    return {**snapshot(product), "prices": prices}


def _named(facts: Mapping[str, Any], levels: Mapping[int, str]) -> dict[str, Any]:
    """The facts with a line for each price, as the history tells them."""
    plain = {name: value for name, value in facts.items() if name != "prices"}
    prices = facts.get("prices", {})
    return plain | {f"price {levels.get(level, level)}": price for level, price in prices.items()}
