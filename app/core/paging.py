"""Pages of lists, read so that a million rows take no noticeable time.

The rows that fit are found first, in no order and only up to the cap of counts: how many there are
then needs no reading of its own, and few are sorted by themselves instead of walking through a
sorted index for them. Many are read from that index, whose next rows fit soon.

SQLite follows one index through a table and knows little of how many rows share two values. So a
large list (with `facets`, see app.core.listing) tries ways of finding its rows one after the other,
each with a deadline: from the keys of a condition, from the narrow index that holds all facets.
PostgreSQL combines indexes by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.core.among import one_of
from app.core.counts import CAP, capped_count, exact_count
from app.core.deadline import DeadlinePassed, deadline
from app.core.listing import Criteria, Listing, Part

# Beyond this no page is asked for by a person; it keeps offsets inside the databases' integers.
MAX_PAGE = 10_000_000
# From so many keys the rows are judged in time; of more only where nothing better is known.
FEW_KEYS, MOST_KEYS = 100_000, 200_000
# How long a way may be tried while there is another, and how long a search may take at all.
TRY_MS, SEARCH_MS = 60, 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `pages` is None while only a capped count is known.

    `number` counts from 1; a negative one counts from the end, -1 being the last page. `late`
    says that a search text took too long and has to be refined; there are no rows then.
    """

    rows: Sequence[Any]
    number: int
    size: int
    total: int
    capped: bool
    pages: int | None
    has_previous: bool
    has_next: bool
    late: bool = False

    @property
    def first_row(self) -> int:
        """The place of the page's first row, counted from 1; 0 when unknown or empty."""
        return (self.number - 1) * self.size + 1 if self.rows and self.number > 0 else 0


def count_rows(session: Session, listing: Listing, criteria: Criteria) -> int:
    """The exact number of rows asked for; slow on a large table. Raises Refused."""
    return exact_count(session, listing.where(criteria))


def fetch_page(
    session: Session,
    listing: Listing,
    criteria: Criteria,
    page: int = 1,
    size: int = 50,
    *,
    exact: bool = False,
) -> Page:
    """One page of a list; a number beyond the end gives the last page. Raises Refused.

    The back half is read from the end, so that the last page costs what the first one does.
    """
    wanted = listing.where(criteria)
    parts = listing.parts(criteria)
    ways = [_keys_of(listing, parts)]
    if not parts:
        total, capped = capped_count(session, wanted)
    else:
        try:
            found = find_keys(session, listing, parts, CAP + 1)
        except DeadlinePassed:
            return _too_late(size)
        total, capped = min(len(found), CAP), len(found) > CAP
        if not capped:
            narrowed = listing.statement.where(one_of(listing.primary_key, found))
            return _counted(_Reader(session, listing, criteria, [narrowed]), page, size, total)
        ways = _in_order(session, listing, criteria, parts)
    searching = any(part.is_search for part in parts)
    reader = _Reader(session, listing, criteria, ways, SEARCH_MS if searching else None)
    try:
        if capped and exact:
            total, capped = exact_count(session, wanted), False
        if capped:
            return _open_ended(reader, max(-MAX_PAGE, min(page, MAX_PAGE)), size, total)
        return _counted(reader, page, size, total)
    except DeadlinePassed:
        return _too_late(size)


def _too_late(size: int) -> Page:
    return Page([], 1, size, 0, True, None, False, False, late=True)


def find_keys(session: Session, listing: Listing, parts: Sequence[Part], most: int) -> list[Any]:
    """The keys of at most so many rows that fit, in no order.

    Raises DeadlinePassed where a search text takes longer than a person waits.
    """
    searching = any(part.is_search for part in parts)
    ways = [way.limit(most) for way in _ways(session, listing, parts)]
    return _first_in_time(session, ways, SEARCH_MS if searching else None)


def _first_in_time(
    session: Session, ways: Sequence[Select[Any]], limit_ms: float | None = None
) -> list[Any]:
    """What the first way gives that is quick; the last one has its time, or the limit's rest.

    Raises DeadlinePassed past the limit.
    """
    *tries, last = ways
    for way in tries:
        try:
            with deadline(session, TRY_MS):
                return list(session.scalars(way))
        except DeadlinePassed:
            continue
    if limit_ms is None:
        return list(session.scalars(last))
    with deadline(session, limit_ms - TRY_MS * len(tries)):
        return list(session.scalars(last))


def _ways(session: Session, listing: Listing, parts: Sequence[Part]) -> list[Select[Any]]:
    """Statements that find the same keys, the one to try first in front."""
    base = _keys_of(listing, parts)
    if not _is_sqlite(session):
        return [base]
    by_facets = _by_facets(listing, parts)
    driver = _fewest_keys(session, parts, MOST_KEYS if by_facets is None else FEW_KEYS)
    if driver is not None:
        # The keys of a search are those of its long words only.
        others = [part for part in parts if part is not driver or part.is_search]
        return [_driven(listing, driver, others)]
    if by_facets is None:
        return [base]
    assert listing.facets is not None
    agreed = listing.facets.columns - listing.facets.selective
    if all(part.column in agreed or part.keys is not None for part in parts):
        return [by_facets]
    return [base, by_facets]


def _in_order(
    session: Session, listing: Listing, criteria: Criteria, parts: Sequence[Part]
) -> list[Select[Any]]:
    """Statements for many rows that fit, from which the first ones are read in order.

    Along the index of the order the next row that fits is near, unless they stand all at its other
    end; SQLite would rather read all that fit and sort them.
    """
    base = _keys_of(listing, parts)
    facets = listing.facets
    if facets is None or not _is_sqlite(session):
        return [base]
    order: Sequence[Any] = listing.order(criteria)
    name = criteria.sort or listing.default_sort.removeprefix("-")
    ways = [base]
    if order[0].element.key in facets.columns:
        ways = [base.execution_options(sqlite_plan=facets.by(facets.index))]
    if name in facets.orders:
        ways.insert(0, base.execution_options(sqlite_plan=facets.by(facets.orders[name])))
    return ways


def _keys_of(listing: Listing, parts: Sequence[Part]) -> Select[Any]:
    return listing.statement.where(*(part.condition for part in parts)).with_only_columns(
        listing.primary_key, maintain_column_froms=True
    )


def _by_facets(listing: Listing, parts: Sequence[Part]) -> Select[Any] | None:
    """By a walk through the index of the facets; None where no condition is on one of them."""
    facets = listing.facets
    if facets is None or not any(part.column in facets.columns for part in parts):
        return None
    return _keys_of(listing, parts).execution_options(sqlite_plan=facets.by(facets.index))


def _fewest_keys(session: Session, parts: Sequence[Part], most: int) -> Part | None:
    """The condition whose keys are the fewest, counted up to a bound; None if all have more."""
    with_keys = [part for part in parts if part.keys is not None]
    if len(with_keys) == 1 and len(parts) == 1:
        return with_keys[0]
    sized = []
    for place, part in enumerate(with_keys):
        assert part.keys is not None
        some = part.keys.limit(most + 1).subquery()
        count = session.scalar(select(func.count()).select_from(some)) or 0
        sized.append((count, place))
    fewest, place = min(sized, default=(0, -1))
    return with_keys[place] if place >= 0 and fewest <= most else None


def _driven(listing: Listing, driver: Part, others: Sequence[Part]) -> Select[Any]:
    """The rows of a condition's keys, one after the other, as the others let them through."""
    assert driver.keys is not None
    key = listing.primary_key
    table = key.table
    keys = driver.keys.subquery("driver")
    plan = (f" JOIN {table.name} ", f" CROSS JOIN {table.name} ")
    return (
        _keys_of(listing, others)
        .select_from(keys.join(table, key == keys.c[0]))
        .execution_options(sqlite_plan=plan)
    )


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the rows of pages. `ways` find the same rows, the one to try first in front."""

    session: Session
    listing: Listing
    criteria: Criteria
    ways: Sequence[Select[Any]]
    limit_ms: float | None = None

    def ids(self, offset: int, limit: int, backwards: bool) -> list[Any]:
        order = self.listing.order(self.criteria, backwards)
        ordered = [
            way.with_only_columns(self.listing.primary_key, maintain_column_froms=True)
            .order_by(*order)
            .offset(offset)
            .limit(limit)
            for way in self.ways
        ]
        found = _first_in_time(self.session, ordered, self.limit_ms)
        return found[::-1] if backwards else found

    def rows(self, ids: list[Any]) -> Sequence[Any]:
        if not ids:
            return []
        listing = self.listing
        statement = (
            listing.statement.where(listing.primary_key.in_(ids))
            .order_by(*listing.order(self.criteria))
            .options(*listing.options)
        )
        if len(listing.statement.column_descriptions) == 1:
            return self.session.scalars(statement).unique().all()
        return self.session.execute(statement).all()


def _counted(reader: _Reader, page: int, size: int, total: int) -> Page:
    pages = max(1, ceil(total / size))
    number = max(1, pages + 1 + page) if page < 0 else max(1, min(page, pages))
    offset = (number - 1) * size
    take = min(size, total - offset)
    if offset * 2 > total:
        ids = reader.ids(total - offset - take, take, backwards=True)
    else:
        ids = reader.ids(offset, take, backwards=False) if take else []
    return Page(reader.rows(ids), number, size, total, False, pages, number > 1, number < pages)


def _open_ended(reader: _Reader, page: int, size: int, total: int) -> Page:
    """A page of a list whose end is unknown: counted from the front, or from the back."""
    backwards = page < 0
    step = max(1, abs(page))
    ids = reader.ids((step - 1) * size, size + 1, backwards)
    if not ids:
        exact = exact_count(reader.session, reader.ways[0])
        return _counted(reader, 1 if backwards else page, size, exact)
    more = len(ids) > size
    kept = (ids[1:] if backwards else ids[:size]) if more else ids
    return Page(
        reader.rows(kept),
        -step if backwards else step,
        size,
        total,
        True,
        None,
        has_previous=more if backwards else step > 1,
        has_next=step > 1 if backwards else more,
    )
