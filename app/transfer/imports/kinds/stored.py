"""Updates of stored customers by an import: who is meant, what changes, and how it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions
from app.customers import rules
from app.customers.choices import AddressKind, CustomerKind
from app.customers.drafts import CustomerUpdate
from app.customers.models import (
    Address,
    Customer,
    customer_products,
)
from app.customers.operations import update_customers
from app.transfer.columns import fields_of
from app.transfer.columns.base import CLEAR, Part
from app.transfer.imports.kinds.base import Judging
from app.transfer.imports.plan import Action, PlanLine
from app.transfer.imports.rows import ReadRow

GONE: Final = Problem("number", "This customer was deleted since the check")
EDITED: Final = Problem("changed_at", "Somebody edited this customer since the check")
_MANDATE: Final = fields_of(Part.MANDATE)
_ADDRESS: Final = fields_of(Part.ADDRESS)
_ELSEWHERE: Final = fields_of(Part.ADDRESS, Part.PRODUCTS, Part.MANDATE)
_TABLE: Any = Customer.__table__
_ADDRESSES: Any = Address.__table__
# What a customer always has: (empty) has no meaning there.
_KEPT: Final = frozenset(
    column.name for column in _TABLE.columns if not column.nullable and column.name != "number"
)


@dataclass(slots=True)
class Stored:
    """A live customer as it is stored, with its addresses and products."""

    id: int
    values: dict[str, Any]
    addresses: list[dict[str, Any]] = field(default_factory=list)
    product_ids: set[int] = field(default_factory=set)

    @property
    def address(self) -> dict[str, Any]:
        """The address that the columns of a row are about: the default main one, else the first."""
        main = [one for one in self.addresses if one["kind"] == AddressKind.MAIN]
        default = [one for one in main if one["is_default"]]
        return next(iter([*default, *main, *self.addresses]), {})


def find_targets(
    judging: Judging, rows: Sequence[ReadRow], kind: CustomerKind | None
) -> dict[int, Stored]:
    """The stored customers that rows are about, by the id() of the row.

    Without an update a row with a customer number is refused; in one, a number that nobody has
    is. With "match by email" a row without a number is about the customer with its email.
    """
    if not judging.updating:
        for row in rows:
            if row.values.get("number"):
                row.refuse(
                    "number",
                    "Customer number must be blank for a new customer",
                    "To change existing customers, choose “update existing customers”",
                )
        return {}
    session = judging.session
    numbers = {id(row): row.values["number"] for row in rows if _given(row, "number")}
    found = load(session, _TABLE.c.number, set(numbers.values()))
    by_key = {one.values["number"]: one for one in found}
    targets = {}
    for row in rows:
        if id(row) not in numbers:
            continue
        target = by_key.get(numbers[id(row)])
        if target is None:
            row.refuse("number", "Customer number is unknown", "Leave it blank for a new customer")
        elif kind is not None and target.values["kind"] != kind:
            what = target.values["kind"]
            row.refuse("number", f"Customer {target.values['number']} is a customer of kind {what}")
        else:
            targets[id(row)] = target
    if judging.match == "email":
        emails = {
            id(row): row.values["email"].casefold()
            for row in rows
            if id(row) not in numbers and _given(row, "email")
        }
        by_email = {
            one.values["email_key"]: one
            for one in load(session, _TABLE.c.email_key, set(emails.values()))
            if one.values["kind"] == kind
        }
        targets |= {key: by_email[email] for key, email in emails.items() if email in by_email}
    return targets


def _given(row: ReadRow, name: str) -> bool:
    return row.values.get(name) not in (None, CLEAR)


def load(session: Session, column: Any, keys: set[Any]) -> list[Stored]:
    """Live customers by a column, with their addresses and products."""
    found: dict[int, Stored] = {}
    for some in portions(sorted(keys)):
        for row in session.execute(
            select(_TABLE).where(column.in_(some), _TABLE.c.deleted_at.is_(None))
        ):
            found[row.id] = Stored(row.id, dict(row._mapping))
    for ids in portions(sorted(found)):
        for row in session.execute(
            select(_ADDRESSES).where(_ADDRESSES.c.customer_id.in_(ids)).order_by(_ADDRESSES.c.id)
        ):
            found[row.customer_id].addresses.append(dict(row._mapping))
        for customer_id, product_id in session.execute(
            select(customer_products).where(customer_products.c.customer_id.in_(ids))
        ):
            found[customer_id].product_ids.add(product_id)
    return list(found.values())


def load_by_id(session: Session, ids: Sequence[int]) -> list[Stored]:
    """Live customers by their ids."""
    return load(session, _TABLE.c.id, set(ids))


def judge_updates(
    rows: Sequence[ReadRow], targets: Mapping[int, Stored]
) -> dict[int, PlanLine | None]:
    """What each row would change, None where nothing; refuses what breaks the rules."""
    return {id(row): _judge_update(row, targets[id(row)]) for row in rows}


def _judge_update(row: ReadRow, target: Stored) -> PlanLine | None:
    changes: dict[str, Any] = {}
    for name, value in row.values.items():
        if name == "number" or name in _MANDATE:
            continue
        new = None if value is CLEAR else value
        if new is None and name in _KEPT:
            row.refuse(name, "This cell cannot be emptied", "Leave it blank to keep what is there")
        elif name == "product_ids":
            if set(new or ()) != target.product_ids:
                changes[name] = new or []
        elif name in _ADDRESS:
            if new != target.address.get(name):
                changes[name] = new
        elif new != target.values[name]:
            changes[name] = new
    after = {**target.values, **changes}
    row.refuse_for(rules.problems(target.values["kind"], after))
    mandate = {name: row.values[name] for name in _MANDATE if _given(row, name)}
    if not changes and not mandate:
        return None
    where = [[row.layout.title, row.number]]
    return PlanLine(Action.UPDATE, changes | mandate, where, target=target.id)


def write_updates(session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> int:
    """Update customers in bulk; how many."""
    stored = {
        one.id: one for one in load_by_id(session, [line.target for line in lines if line.target])
    }
    updates = [_update(stored[line.target], line.values) for line in lines if line.target]
    update_customers(session, updates, actor=actor)
    return len(updates)


def _update(target: Stored, changes: Mapping[str, Any]) -> CustomerUpdate:
    address = {name: value for name, value in changes.items() if name in _ADDRESS}
    return CustomerUpdate(
        target.id,
        {name: value for name, value in changes.items() if name not in _ELSEWHERE},
        addresses=_addresses(target, address) if address else None,
        product_ids=frozenset(changes["product_ids"]) if "product_ids" in changes else None,
    )


def _addresses(target: Stored, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All addresses with one of them changed; the first one there is if there was none."""
    changed = target.address
    if not changed:
        return [{"kind": AddressKind.MAIN.value, **changes}]
    return [{**one, **changes} if one is changed else one for one in target.addresses]


def gone(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these customers are no longer there."""
    there = {
        key
        for some in portions(ids)
        for key in session.scalars(
            select(Customer.id).where(Customer.id.in_(some), Customer.deleted_at.is_(None))
        )
    }
    return set(ids) - there


def edited(session: Session, lines: Sequence[PlanLine]) -> set[int]:
    """Which customers have another version than the one that their line is for."""
    wanted = {line.target: line.version for line in lines if line.version is not None}
    return {
        key
        for some in portions([key for key in wanted if key is not None])
        for key, version in session.execute(
            select(Customer.id, Customer.version).where(Customer.id.in_(some))
        )
        if version != wanted[key]
    }
