"""Declarative lists (rows, filters, orders) that panel, exports and commands share.

    CUSTOMERS = Listing(
        statement=select(Customer).where(Customer.deleted_at.is_(None)),
        filters=(filters.text("email", "Email", Customer.email_key, folded=True, begins=True),
                 filters.moment_between("created", "Customer created", Customer.created_at)),
        sorts={"name": Customer.sort_name, "created": Customer.created_at},
        default_sort="name",
        options=(selectinload(Customer.group),),
    )
    page = fetch_page(session, CUSTOMERS, Criteria(filters={"created_from": "2026-01-01"}), 1, 50)

Only columns with an index belong into `sorts`; the primary key breaks ties. The statement must
give each row once (conditions on relations are EXISTS) and carry no loader options: those stand
in `options`, because the ids of a page are read first, from the index alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption

from app.core.counts import capped_count, exact_count
from app.core.errors import Problem, Refused
from app.core.filters import Choice, Condition, Filter, Kind, Span, clean

__all__ = [
    "Choice", "Criteria", "Filter", "Kind", "Listing", "Page", "Span", "count_rows", "fetch_page",
]  # fmt: skip

# Beyond this no page is asked for by a person; it keeps offsets inside the databases' integers.
MAX_PAGE = 10_000_000


@dataclass(frozen=True, slots=True)
class Criteria:
    """What somebody asked of a list. `sort` is a name of the listing, or empty for its default."""

    search: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows to filter, sort and page. `search` gives the condition of a search text."""

    statement: Select[Any]
    filters: Sequence[Filter] = ()
    sorts: Mapping[str, Any] = field(default_factory=dict)
    default_sort: str = ""
    search: Callable[[str], Condition] | None = None
    options: Sequence[ExecutableOption] = ()
    key: Any = None

    @property
    def primary_key(self) -> ColumnElement[Any]:
        """The column that tells rows apart."""
        if self.key is not None:
            return self.key  # type: ignore[no-any-return]
        return self.statement.column_descriptions[0]["entity"].id  # type: ignore[no-any-return]

    @property
    def names(self) -> dict[str, Filter]:
        """Every name that a filter value may bear."""
        return {name: one for one in self.filters for name in one.names}

    def check(self, criteria: Criteria) -> tuple[Criteria, list[Problem]]:
        """The part of the criteria that can be followed, and what is wrong with the rest."""
        problems = [
            Problem(name, f"There is no filter {name}", f"There are: {', '.join(self.names)}")
            for name in criteria.filters
            if name not in self.names
        ]
        good: dict[str, str] = {}
        for one in self.filters:
            try:
                one.condition(criteria.filters, criteria.zone)
            except Refused as refused:
                problems += refused.problems
            else:
                good |= {n: criteria.filters[n] for n in one.names if criteria.filters.get(n)}
        sort = criteria.sort
        if sort and sort not in self.sorts:
            problems.append(
                Problem("sort", f"The list cannot be sorted by {sort}", _known(self.sorts))
            )
            sort = ""
        return replace(criteria, filters=good, sort=sort), problems

    def where(self, criteria: Criteria) -> Select[Any]:
        """The rows asked for, in no order. Raises Refused for values that cannot be followed."""
        _, problems = self.check(criteria)
        if problems:
            raise Refused(problems)
        statement = self.statement
        for one in self.filters:
            condition = one.condition(criteria.filters, criteria.zone)
            if condition is not None:
                statement = statement.where(condition)
        wanted = clean(criteria.search)
        if wanted and self.search is not None:
            statement = statement.where(self.search(wanted))
        return statement

    def select(self, criteria: Criteria) -> Select[Any]:
        """The rows asked for, in order, with the options of the list. Raises Refused."""
        return self.where(criteria).order_by(*self.order(criteria)).options(*self.options)

    def order(self, criteria: Criteria, backwards: bool = False) -> list[ColumnElement[Any]]:
        """What to sort by, the primary key last."""
        name, descending = criteria.sort, criteria.descending
        if not name:
            name, descending = self.default_sort.removeprefix("-"), self.default_sort[:1] == "-"
        columns: Any = self.sorts.get(name, ())
        if not isinstance(columns, list | tuple):
            columns = (columns,)
        down = descending != backwards
        return [c.desc() if down else c.asc() for c in (*columns, self.primary_key)]

    def describe(self, criteria: Criteria, session: Session) -> list[tuple[str, str]]:
        """What is asked, in words: label and value of the search and of every active filter."""
        lines = [("Search", clean(criteria.search))] if clean(criteria.search) else []
        lines += [
            (one.label, one.describe(criteria.filters, session))
            for one in self.filters
            if any(criteria.filters.get(name) for name in one.names)
        ]
        return lines


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `pages` is None while only a capped count is known.

    `number` counts from 1; a negative one counts from the end, -1 being the last page.
    """

    rows: Sequence[Any]
    number: int
    size: int
    total: int
    capped: bool
    pages: int | None
    has_previous: bool
    has_next: bool

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
    total, capped = capped_count(session, wanted)
    if capped and exact:
        total, capped = exact_count(session, wanted), False
    reader = _Reader(session, listing, criteria, wanted)
    if capped:
        return _open_ended(reader, max(-MAX_PAGE, min(page, MAX_PAGE)), size, total)
    return _counted(reader, page, size, total)


@dataclass(frozen=True, slots=True)
class _Reader:
    session: Session
    listing: Listing
    criteria: Criteria
    wanted: Select[Any]

    def ids(self, offset: int, limit: int, backwards: bool) -> list[Any]:
        statement = (
            self.wanted.with_only_columns(self.listing.primary_key, maintain_column_froms=True)
            .order_by(*self.listing.order(self.criteria, backwards))
            .offset(offset)
            .limit(limit)
        )
        found = list(self.session.scalars(statement))
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
        exact = exact_count(reader.session, reader.wanted)
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


def _known(sorts: Mapping[str, Any]) -> str:
    return f"It can be sorted by: {', '.join(sorts)}" if sorts else ""
