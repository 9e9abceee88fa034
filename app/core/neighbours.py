"""The rows before and after one row of a list, in exactly that list's order.

No offset is counted: what lies before and behind is asked for by the values that the list is
sorted by, which an index on them answers at once, however long the list is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.operators import desc_op

from app.core.counts import CAP
from app.core.listing import Criteria, Listing


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The keys of the row before and of the row behind, None at the ends, and where one stands.

    `position` counts from 1; None when the row stands beyond the cap. `capped` says that the list
    has more than `total` rows.
    """

    previous: Any
    next: Any
    position: int | None
    total: int
    capped: bool


def neighbours(
    session: Session, listing: Listing, criteria: Criteria, key: Any
) -> Neighbours | None:
    """The neighbours of the row with this key; None if it does not fit the criteria (any more).

    Two statements. Raises Refused for criteria that cannot be followed.
    """
    wanted = listing.where(criteria)
    order: Sequence[Any] = listing.order(criteria)
    columns = [one.element for one in order]
    here = session.execute(
        _only(wanted, *columns).where(listing.primary_key == key).limit(1)
    ).first()
    if here is None:
        return None
    down = order[0].modifier is desc_op
    # SQLite sorts what is unknown before everything else, PostgreSQL behind it.
    unknown_first = session.get_bind().dialect.name == "sqlite"
    before = _beyond(columns, here, down, unknown_first)
    behind = _beyond(columns, here, not down, unknown_first)
    pk = listing.primary_key
    found = session.execute(
        select(
            _first(_only(wanted, pk).where(before), listing.order(criteria, backwards=True)),
            _first(_only(wanted, pk).where(behind), order),
            _count(wanted.where(before)),
            _count(wanted),
        )
    ).one()
    previous, following, passed, total = found
    return Neighbours(
        previous,
        following,
        passed + 1 if passed < CAP else None,
        min(total, CAP),
        total > CAP,
    )


def _only(wanted: Select[Any], *columns: Any) -> Select[Any]:
    return wanted.with_only_columns(*columns, maintain_column_froms=True)


def _first(wanted: Select[Any], order: Sequence[Any]) -> Any:
    return wanted.order_by(*order).limit(1).scalar_subquery()


def _count(wanted: Select[Any]) -> Any:
    rows = _only(wanted, literal_column("1")).limit(CAP + 1).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


def _beyond(
    columns: Sequence[Any], here: Sequence[Any], above: bool, unknown_first: bool
) -> ColumnElement[bool]:
    """That a row's values are above (or below) these ones, compared one after the other."""
    if not any(getattr(column, "nullable", True) for column in columns):
        values = tuple_(*(literal(value, c.type) for c, value in zip(columns, here, strict=True)))
        return tuple_(*columns) > values if above else tuple_(*columns) < values
    ways = []
    same: list[ColumnElement[bool]] = []
    for column, value in zip(columns, here, strict=True):
        ways.append(and_(*same, _past(column, value, above, unknown_first)))
        same.append(column.is_(None) if value is None else column == value)
    return or_(*ways)


def _past(column: Any, value: Any, above: bool, unknown_first: bool) -> ColumnElement[bool]:
    """That one value is above or below another, where nothing at all has its place as well."""
    unknown_counts = above != unknown_first
    if value is None:
        return false() if unknown_counts else column.is_not(None)
    known = column > value if above else column < value
    return or_(known, column.is_(None)) if unknown_counts else known
