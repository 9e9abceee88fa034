"""Imports products and services with their price list; existing ones are known by their number."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalogue.models import PriceLevel, Product, ProductPrice
from app.catalogue.operations_products import ProductDraft, save_products
from app.core import undo
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions
from app.transfer.columns.base import CLEAR
from app.transfer.imports.kinds.base import (
    Judged,
    Judging,
    RowKind,
    Written,
    claim_unique,
    late_refusals,
    place,
)
from app.transfer.imports.plan import Action, PlanLine
from app.transfer.imports.rows import ReadRow

PRICE = "price:"
_FACTS = ("number", "name", "kind", "discountable", "vat_rate")
_PRODUCTS: Any = Product.__table__
_PRICES: Any = ProductPrice.__table__


class ProductKind(RowKind):
    """Each row is a product or a service."""

    name: ClassVar[str] = "products"
    updates: ClassVar[bool] = True

    def claim(self, judging: Judging, row: ReadRow) -> None:
        """No two rows share a number or a name."""
        for field, label in (("number", "Number"), ("name", "Name")):
            if isinstance(value := row.values.get(field), str):
                claim_unique(judging, row, field, value.lower(), label)

    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Judge new products by number and name, existing ones by what they would become."""
        stored = _stored(judging.session, rows)
        named = _named(judging.session, rows)
        levels = _levels(judging.session)
        judged = []
        for row in rows:
            product = stored.get(str(row.values.get("number")).lower())
            for name, value in row.values.items():
                if name.startswith(PRICE) and value is not CLEAR and value < 0:
                    row.refuse(name, "The price is negative")
            if product is None or not judging.updating:
                row.refuse_missing()
            if product is not None and not judging.updating:
                row.refuse_for([_taken("number", "Number", product.name)])
            holder = named.get(str(row.values.get("name")).lower())
            if holder is not None and holder != (product.id if product else None):
                row.refuse_for([_taken("name", "Name", str(row.values["name"]))])
            judged.append(_judged(row, product, levels))
        return judged

    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Save the products whose number and name are still free."""
        written = Written()
        drafts = []
        taken = _taken_meanwhile(session, lines)
        for line in lines:
            if line.values["number"] in taken:
                problem = _taken("number", "Number", line.values["number"])
                written.refusals += late_refusals(line, [problem])
            else:
                drafts.append(ProductDraft(**_draft(line), id=line.target))
        known = [draft.id for draft in drafts if draft.id is not None]
        priced = _note(session, known)
        saved = save_products(session, drafts, actor=actor)
        new = [(product.id,) for product in saved if product.id not in known]
        undo.note_inserted(session, _PRODUCTS, new)
        undo.note_inserted(session, _PRICES, sorted(_priced(session, known) - priced))
        written.created, written.updated = len(new), len(saved) - len(new)
        return written


def _judged(row: ReadRow, product: Product | None, levels: Mapping[str, int]) -> Judged:
    if row.refused:
        return Judged(row)
    values = {name: value for name, value in row.values.items() if not name.startswith(PRICE)}
    prices = {
        levels[name.removeprefix(PRICE)]: None if value is CLEAR else value
        for name, value in row.values.items()
        if name.startswith(PRICE)
    }
    if product is None:
        kept = {key: price for key, price in prices.items() if price is not None}
        line = PlanLine(Action.CREATE, _line_values(values, kept), [place(row)])
        return Judged(row, Action.CREATE, line)
    before = {name: getattr(product, name) for name in _FACTS}
    old_prices = {price.price_level_id: price.price for price in product.prices}
    after = {**before, **{k: v for k, v in values.items() if v is not CLEAR}}
    new_prices = {k: v for k, v in {**old_prices, **prices}.items() if v is not None}
    if after == before and new_prices == old_prices:
        return Judged(row)
    after["active"] = product.active
    line = PlanLine(Action.UPDATE, _line_values(after, new_prices), [place(row)], target=product.id)
    return Judged(row, Action.UPDATE, line)


def _line_values(values: Mapping[str, Any], prices: Mapping[int, Decimal]) -> dict[str, Any]:
    return {**values, "prices": [[level, price] for level, price in prices.items()]}


def _draft(line: PlanLine) -> dict[str, Any]:
    values = {name: value for name, value in line.values.items() if value is not CLEAR}
    return {**values, "prices": dict(values["prices"])}


def _stored(session: Session, rows: Sequence[ReadRow]) -> dict[str, Product]:
    numbers = {str(row.values.get("number")).lower() for row in rows}
    key = func.lower(Product.number)
    return {
        product.number.lower(): product
        for some in portions(sorted(numbers))
        for product in session.scalars(select(Product).where(key.in_(some)))
    }


def _named(session: Session, rows: Sequence[ReadRow]) -> dict[str, int]:
    names = {str(row.values.get("name")).lower() for row in rows}
    key = func.lower(Product.name)
    return {
        name: product_id
        for some in portions(sorted(names))
        for name, product_id in session.execute(select(key, Product.id).where(key.in_(some)))
    }


def _levels(session: Session) -> dict[str, int]:
    return {name: key for key, name in session.execute(select(PriceLevel.id, PriceLevel.name))}


def _taken(field: str, label: str, name: str) -> Problem:
    return Problem(
        field,
        f"{label} is already used by the product {name}",
        "To change existing products, choose “update existing”",
    )


def _taken_meanwhile(session: Session, lines: Sequence[PlanLine]) -> set[str]:
    """The numbers and names of new products that others have got since the check."""
    new = [line for line in lines if line.target is None]
    taken: set[str] = set()
    for some in portions(new):
        for field, column in (("number", Product.number), ("name", Product.name)):
            key = func.lower(column)
            by_key = {line.values[field].lower(): line.values["number"] for line in some}
            found = session.scalars(select(key).where(key.in_(list(by_key))))
            taken.update(by_key[one] for one in found)
    return taken


def _note(session: Session, ids: Sequence[int]) -> set[tuple[int, int]]:
    """Note products and their prices as they are; the keys of the prices."""
    for some in portions(ids):
        for table, column in ((_PRODUCTS, _PRODUCTS.c.id), (_PRICES, _PRICES.c.product_id)):
            rows = session.execute(select(table).where(column.in_(some))).mappings()
            undo.note_updated(session, table, [dict(row) for row in rows])
    return _priced(session, ids)


def _priced(session: Session, ids: Sequence[int]) -> set[tuple[int, int]]:
    """The products with the price levels at which they have a price."""
    keys = select(_PRICES.c.product_id, _PRICES.c.price_level_id)
    return {
        (product, level)
        for some in portions(ids)
        for product, level in session.execute(keys.where(_PRICES.c.product_id.in_(some)))
    }
