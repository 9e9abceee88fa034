"""What a mass change would do to the customers that a list has found, before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, select
from sqlalchemy.orm import Session

from app.accounts.queries import operator_label
from app.core.counts import exact_count
from app.core.listing import Criteria, Listing
from app.customers.guards import cannot_be_deleted, refusals_to_delete
from app.customers.mass import PRODUCTS, MassChange, MassKind
from app.customers.models import Customer, Group, customer_products

SAMPLES = 10
REASONS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the first customers that would change: what it has, and what it would have."""

    number: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The exact numbers, the first customers, and why some would be refused.

    `max_id` is the newest customer of this moment: who is made later is not meant.
    """

    found: int
    same: int
    refused: int
    max_id: int
    samples: Sequence[Sample]
    reasons: Sequence[str]

    @property
    def changing(self) -> int:
        """How many would change."""
        return self.found - self.same - self.refused


def preview(session: Session, listing: Listing, criteria: Criteria, change: MassChange) -> Preview:
    """Count what a change would do to the rows of a list. Raises Refused for bad criteria."""
    wanted = listing.where(criteria)
    found = exact_count(session, wanted)
    same = exact_count(session, wanted.where(_has_it(change))) if found else 0
    deletes = change.kind is MassKind.DELETE
    kept = wanted.where(cannot_be_deleted())
    return Preview(
        found=found,
        same=same,
        refused=exact_count(session, kept) if deletes and found else 0,
        max_id=session.scalar(select(func.max(Customer.id))) or 0,
        samples=_samples(session, listing, criteria, change) if found else (),
        reasons=_reasons(session, kept) if deletes and found else (),
    )


def _has_it(change: MassChange) -> ColumnElement[bool]:
    """The condition of customers who have already what the change would give them."""
    if change.kind is MassKind.DELETE:
        return false()
    if change.kind in PRODUCTS:
        return _uses(change) if change.kind is MassKind.ADD_PRODUCT else ~_uses(change)
    columns = Customer.__table__.columns
    return and_(*(columns[name] == value for name, value in change.fields.items()))


def _uses(change: MassChange) -> ColumnElement[bool]:
    used = customer_products.c
    return exists().where(used.customer_id == Customer.id, used.product_id == change.value)


def _would_change(change: MassChange) -> ColumnElement[bool]:
    if change.kind is MassKind.DELETE:
        return ~cannot_be_deleted()
    if change.kind in PRODUCTS:
        return ~_has_it(change)
    columns = Customer.__table__.columns
    same = [columns[name].is_not_distinct_from(value) for name, value in change.fields.items()]
    return ~and_(*same)


def _samples(
    session: Session, listing: Listing, criteria: Criteria, change: MassChange
) -> list[Sample]:
    """The first customers of the list that would change."""
    statement = listing.where(criteria).where(_would_change(change))
    rows = session.scalars(statement.order_by(*listing.order(criteria)).limit(SAMPLES)).all()
    old = _words_of(session, rows, change)
    return [
        Sample(row.number, row.display_name, *_pair(old.get(row.id, ""), session, change))
        for row in rows
    ]


def _pair(old: str, session: Session, change: MassChange) -> tuple[str, str]:
    """What stands before and after the arrow."""
    match change.kind:
        case MassKind.GROUP:
            group = session.get(Group, change.value) if change.value is not None else None
            return old or "no group", group.name if group is not None else "no group"
        case MassKind.OPERATOR:
            new = operator_label(session, int(change.value)) if change.value is not None else None
            return old or "nobody", new or "nobody"
        case MassKind.ADD_PRODUCT:
            return "not in use", "in use"
        case MassKind.REMOVE_PRODUCT:
            return "in use", "not in use"
        case MassKind.NEWSLETTER:
            return ("no", "yes") if change.value else ("yes", "no")
        case MassKind.LOCK:
            return old or "not locked", f"locked: {change.value}"
        case MassKind.UNLOCK:
            return old or "not locked", "not locked"
        case MassKind.DELETE:
            return "in the lists", "deleted"


def _words_of(session: Session, rows: Sequence[Customer], change: MassChange) -> Mapping[int, str]:
    """What the customers have now, where that differs from one to the other."""
    if change.kind is MassKind.GROUP:
        names = _names(session, [row.group_id for row in rows])
        return {row.id: names.get(row.group_id or 0, "") for row in rows}
    if change.kind is MassKind.OPERATOR:
        ids = {row.dedicated_operator_id for row in rows if row.dedicated_operator_id}
        labels = {id_: operator_label(session, id_) or "" for id_ in ids}
        return {row.id: labels.get(row.dedicated_operator_id or 0, "") for row in rows}
    return {row.id: f"locked: {row.lock_text}" for row in rows if row.locked}


def _names(session: Session, ids: Sequence[Any]) -> dict[int, str]:
    return dict(session.execute(select(Group.id, Group.name).where(Group.id.in_(ids))).all())


def _reasons(session: Session, kept: Select[Any]) -> list[str]:
    """Why the first of those that must stay must stay."""
    ids = session.scalars(
        kept.with_only_columns(Customer.id, maintain_column_froms=True)
        .order_by(Customer.id)
        .limit(REASONS)
    ).all()
    return [problem.message for problem in refusals_to_delete(session, ids).values()]
