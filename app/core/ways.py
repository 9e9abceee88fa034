"""Ways of finding the rows of a list: statements that give the same keys by different plans.

SQLite follows one index through a table and knows little of how many rows share two values, so for
a large list (with `facets`, see app.core.listing) the plan is chosen here: from the keys of a
condition, from those that two conditions share, from the narrow index that holds all facets.
PostgreSQL combines indexes by itself and is left to it.
"""

from collections.abc import Sequence
from typing import Any, TypeGuard

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause

from app.core.listing import Criteria, Listing, Part

# From so many keys the rows are looked at in time; from so many in that of a walk through facets.
MOST_KEYS, AS_LONG_AS_A_WALK = 200_000, 50_000
# To look at a row takes so many times as long as to see whether a key is among gathered ones.
QUICKER_TO_MEET = 30
_BY_KEYS = "by_keys"


def ways_to_find(session: Session, listing: Listing, parts: Sequence[Part]) -> list[Select[Any]]:
    """Statements for the keys of the rows that fit, in no order; the one to try first in front."""
    base = keys_of(listing, parts)
    facets = listing.facets
    if not parts or not _is_sqlite(session):
        return [base]
    asked = {part.column for part in parts}
    by_facets = _by_facets(listing, parts)
    alone = facets is not None and asked <= facets.columns
    if by_facets is not None and alone and facets is not None and facets.leading in asked:
        return [by_facets]
    by_keys = _by_keys(session, listing, parts, AS_LONG_AS_A_WALK if alone else MOST_KEYS)
    if by_keys:
        return by_keys
    if by_facets is None:
        return [base]
    return [by_facets] if alone else [base, by_facets]


def ways_in_order(
    session: Session,
    listing: Listing,
    criteria: Criteria,
    parts: Sequence[Part],
    found_by: Sequence[Select[Any]],
) -> list[Select[Any]]:
    """Statements for many rows that fit, from which the first ones are read in order.

    Along the index of the order the next row that fits is near, unless they stand all at its other
    end: then all that fit are sorted (as they were `found_by`). SQLite would rather do so always.
    """
    # By the keys of one condition: to meet those of another pays only where few fit.
    all_of_them = found_by[0 if _BY_KEYS in found_by[0].get_execution_options() else -1]
    facets = listing.facets
    name = criteria.sort or listing.default_sort.removeprefix("-")
    if facets is None or name not in facets.orders or not _is_sqlite(session):
        return [all_of_them]
    along = facets.by(facets.orders[name])
    return [keys_of(listing, parts).execution_options(sqlite_plan=along), all_of_them]


def keys_of(listing: Listing, parts: Sequence[Part]) -> Select[Any]:
    """The keys of the rows that fit, as the database likes to find them."""
    return listing.statement.where(*(part.condition for part in parts)).with_only_columns(
        listing.primary_key, maintain_column_froms=True
    )


def _by_facets(listing: Listing, parts: Sequence[Part]) -> Select[Any] | None:
    """By a walk through the index of the facets; None where no condition is on one of them."""
    facets = listing.facets
    if facets is None or not any(part.column in facets.columns for part in parts):
        return None
    return keys_of(listing, parts).execution_options(sqlite_plan=facets.by(facets.index))


def _by_keys(
    session: Session, listing: Listing, parts: Sequence[Part], most: int
) -> list[Select[Any]]:
    """By the keys of a condition, then of two; nothing where each has more than `most`."""
    with_keys = [part for part in parts if part.keys is not None]
    if not with_keys or len(parts) == 1:
        return [_driven(listing, parts, part) for part in with_keys]
    sized = ((_count_keys(session, part), place) for place, part in enumerate(with_keys))
    (few, place), *others = sorted(sized)
    driver = with_keys[place]
    driven = _driven(listing, parts, driver)
    if few <= most and others and others[0][0] <= min(MOST_KEYS, few * QUICKER_TO_MEET):
        return [driven, _driven(listing, parts, with_keys[others[0][1]], among=driver)]
    rows_matter = any(_needs_row(part, listing.primary_key) for part in parts if part is not driver)
    return [driven] if few <= most or not rows_matter else []


def _count_keys(session: Session, part: Part) -> int:
    """How many keys the condition has, some counted twice; all beyond MOST_KEYS are one more."""
    assert part.keys is not None
    some = part.keys.limit(MOST_KEYS + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _driven(
    listing: Listing, parts: Sequence[Part], driver: Part, among: Part | None = None
) -> Select[Any]:
    """The rows of a condition's keys, one after the other, as the others let them through.

    `among`: a condition whose keys are gathered first, so that no row of another is looked at.
    """
    assert driver.keys is not None
    key, table = listing.primary_key, listing.primary_key.table
    keys = driver.keys.subquery("driver")
    # The keys of a search are those of its long words only.
    judged = [part for part in parts if part.is_search or part not in (driver, among)]
    found = (
        keys_of(listing, ())
        .where(*(_said_of(keys.c[0], part, key) for part in judged))
        .select_from(keys.join(table, key == keys.c[0]))
        .execution_options(
            sqlite_plan=(f" JOIN {table.name} ", f" CROSS JOIN {table.name} "), **{_BY_KEYS: True}
        )
    )
    if among is not None and among.keys is not None:
        # Plus nothing: else SQLite takes the gathered ones one by one and looks up their rows.
        found = found.where((keys.c[0] + 0).in_(among.keys))
    once = driver.keys.selected_columns[0].shares_lineage(key)
    return found if once else found.distinct()


def _said_of(driver: Any, part: Part, key: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition, said of a key where it speaks of the row's: so it is judged before the row."""

    def instead(element: Any, **_: Any) -> Any:
        return driver if _is_column(element) and element.shares_lineage(key) else None

    return visitors.replacement_traverse(part.condition, {}, instead)


def _needs_row(part: Part, key: ColumnElement[Any]) -> bool:
    """Whether the condition is on more of the row than its key."""
    own = key.table.name
    return any(
        getattr(one.table, "name", None) == own and not one.shares_lineage(key)
        for one in visitors.iterate(part.condition)
        if _is_column(one)
    )


def _is_column(element: Any) -> TypeGuard[ColumnClause[Any]]:
    return isinstance(element, ColumnClause)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
