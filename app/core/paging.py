"""Pages of lists, read so that a million rows take no noticeable time.

The rows that fit are found first, in no order and only up to the cap of counts: how many there are
then needs no reading of its own, and few are sorted by themselves instead of walking through a
sorted index for them. Many are read from that index, whose next rows fit soon. Where there are
several ways of finding them (app.core.ways), they are tried one after the other, with deadlines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core.among import one_of
from app.core.counts import CAP, capped_count, exact_count
from app.core.database import map_file
from app.core.deadline import DeadlinePassed, deadline
from app.core.listing import Criteria, Listing
from app.core.ways import ways_in_order, ways_to_find

# Beyond this no page is asked for by a person; it keeps offsets inside the databases' integers.
MAX_PAGE = 10_000_000
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
    map_file(session)
    wanted = listing.where(criteria)
    parts = listing.parts(criteria)
    ways = ways_to_find(session, listing, parts)
    limit_ms = SEARCH_MS if any(part.is_search for part in parts) else None
    if not parts:
        total, capped = capped_count(session, wanted)
    else:
        try:
            found = _first_in_time(session, [way.limit(CAP + 1) for way in ways], limit_ms)
        except DeadlinePassed:
            return _too_late(size)
        total, capped = min(len(found), CAP), len(found) > CAP
        if not capped:
            narrowed = listing.statement.where(one_of(listing.primary_key, found))
            return _counted(_Reader(session, listing, criteria, [narrowed]), page, size, total)
        ways = ways_in_order(session, listing, criteria, parts, ways)
    reader = _Reader(session, listing, criteria, ways, limit_ms)
    try:
        if capped and exact:
            total, capped = exact_count(session, wanted), False
        if capped:
            return _open_ended(reader, max(-MAX_PAGE, min(page, MAX_PAGE)), size, total)
        return _counted(reader, page, size, total)
    except DeadlinePassed:
        return _too_late(size)


def found_keys(session: Session, listing: Listing, criteria: Criteria, most: int) -> list[Any]:
    """The keys of at most so many rows that fit, in no order, as a page of them finds them."""
    ways = ways_to_find(session, listing, listing.parts(criteria))
    return _first_in_time(session, [way.limit(most) for way in ways])


def _too_late(size: int) -> Page:
    return Page([], 1, size, 0, True, None, False, False, late=True)


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
