"""How customers are named, judged and told of when a job's changes are taken back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.core import clock, taking_back
from app.core.actor import Actor
from app.core.portions import portions
from app.core.putting_back import RowChange, Values
from app.core.taking_back import EDITED, Unit
from app.customers import rules
from app.customers.collisions import UNIQUE, collisions
from app.customers.models import Customer, customer_products
from app.customers.parts import ADDRESSES, COMPANIES, company_lines
from app.customers.writing import CUSTOMERS, Names, customer_entry, name_references

DELETED = "It was deleted since"
Lines = Callable[[Session, Sequence[Values]], list[str]]
# What customers have in higher rooms, by what the history calls it: the table, and its lines.
_parts: dict[str, tuple[Table, Lines]] = {}


def register_part(name: str, table: Table, lines: Lines) -> None:
    """Let a higher room tell in the customer's history what of it was taken back."""
    _parts[name] = (table, lines)


def register() -> None:
    """Make it known."""
    taking_back.register(CUSTOMERS.name, CustomerRecords())


class CustomerRecords(taking_back.Records):
    """Customers go by their number; email and mobile phone must be free when they come back."""

    def labels(self, session: Session, units: Sequence[Unit]) -> Mapping[int | None, str]:
        return {id_: row["number"] for id_, row in _rows_of(session, units).items()}

    def edited(self, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> str:
        gone = now["deleted_at"] is not None and (then is None or then.get("deleted_at") is None)
        return DELETED if gone else EDITED

    def objections(self, session: Session, rows: Sequence[RowChange]) -> Mapping[int, str]:
        """Values that another live customer has by now."""
        back = [_coming_back(row) for row in rows]
        found = collisions(session, back, own_ids=[row.key[0] for row in rows])
        return {place: problems[0].message for place, problems in found.items()}

    def stamp(self, values: Values) -> Values:
        """Taking back is a change as well, which whoever reads changes must notice."""
        return values | {"changed_at": clock.now()}

    def tell(self, session: Session, units: Sequence[Unit], *, actor: Actor, why: str) -> None:
        """One entry for each customer, old and new as in every other one."""
        names = name_references(session)
        rows = _rows_of(session, units)
        products = _products_of(session, units)
        audit.record_many(
            session,
            [
                customer_entry(
                    actor,
                    Action.TAKEN_BACK,
                    unit.id,
                    rows[unit.id],
                    _changes(session, unit, products.get(unit.id, set()), names),
                )
                | {"reason": why}
                for unit in units
                if unit.id is not None and unit.id in rows
            ],
        )


def _coming_back(row: RowChange) -> Values:
    """Those of the unique values that the customer would have again."""
    then, now = row.then or {}, row.now or {}
    if then.get("deleted_at") is not None:
        return {}
    absent = not now or now["deleted_at"] is not None
    return {name: then.get(name) for name in UNIQUE if absent or then.get(name) != now.get(name)}


def _rows_of(session: Session, units: Sequence[Unit]) -> dict[int, Mapping[str, Any]]:
    """The customers that units are about, read where the job touched only what belongs to them."""
    found: dict[int, Mapping[str, Any]] = {}
    missing = []
    for unit in units:
        row = unit.root
        values = (row.then or row.now) if row is not None else None
        if unit.id is not None and values is not None:
            found[unit.id] = values
        elif unit.id is not None:
            missing.append(unit.id)
    for some in portions(missing):
        rows = session.execute(select(CUSTOMERS).where(CUSTOMERS.c.id.in_(some)))
        found |= {row["id"]: dict(row) for row in rows.mappings()}
    return found


def _products_of(session: Session, units: Sequence[Unit]) -> dict[int | None, set[int]]:
    """What customers use after the taking back, for those of whom that was touched."""
    touched = [
        unit.id
        for unit in units
        if unit.id is not None and any(row.table is customer_products for row in unit.rows)
    ]
    found: dict[int | None, set[int]] = {id_: set() for id_ in touched}
    for some in portions(touched):
        links = select(customer_products).where(customer_products.c.customer_id.in_(some))
        for customer_id, product_id in session.execute(links):
            found[customer_id].add(product_id)
    return found


def _changes(session: Session, unit: Unit, used: set[int], names: Names) -> dict[str, list[Any]]:
    """What the history tells of one customer; nothing for one that is removed."""
    root = unit.root
    if root is not None and root.step == "delete":
        return {}
    changes: dict[str, list[Any]] = {}
    if root is not None and root.now is not None and root.then is not None:
        changes |= names(diff(Customer, root.now, root.then))
    links = [row for row in unit.rows if row.table is customer_products and row.step]
    if links:
        won = {row.key[1] for row in links if row.step == "insert"}
        lost = {row.key[1] for row in links if row.step == "delete"}
        changes |= names({"products": [sorted((used - won) | lost), sorted(used)]})
    for name, (table, lines) in {**_OWN_PARTS, **_parts}.items():
        touched = [row for row in unit.rows if row.table is table and row.step]
        if touched:
            changes[name] = [
                lines(session, [one for one in side if one is not None])
                for side in ([row.now for row in touched], [row.then for row in touched])
            ]
    return changes


def _address_lines(session: Session, rows: Sequence[Values]) -> list[str]:
    return [rules.one_line(row) for row in rows]


_OWN_PARTS: dict[str, tuple[Table, Lines]] = {
    "addresses": (ADDRESSES, _address_lines),
    "companies": (COMPANIES, company_lines),
}
