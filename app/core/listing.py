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
in `options`, because the ids of a page are read first, from the index alone. Pages are fetched by
app.core.paging.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, func, null
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption

from app.core.errors import Problem, Refused
from app.core.filters import Choice, Condition, Filter, Kind, Span, clean

__all__ = ["Choice", "Criteria", "Facets", "Filter", "Kind", "Listing", "Part", "Span"]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What somebody asked of a list. `sort` is a name of the listing, or empty for its default."""

    search: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Facets:
    """One narrow index of a large table that holds every column which many rows agree in.

    Conditions on these columns are judged by a walk through the index alone, which bounds what
    any combination of them costs; `leading` is the one that the index begins with. `orders` names
    the index behind each order of the list; "" is the order of the primary key, along which the
    table itself lies.
    """

    table: str
    index: str
    columns: frozenset[str]
    leading: str = ""
    orders: Mapping[str, str] = field(default_factory=dict)

    def by(self, index: str) -> tuple[str, str]:
        """The plan (app.core.database) that takes an index of the table, or none of them."""
        way = f"INDEXED BY {index}" if index else "NOT INDEXED"
        return f"FROM {self.table} ", f"FROM {self.table} {way} "


@dataclass(frozen=True, slots=True)
class Part:
    """One of the conditions asked for, as it is judged row by row.

    `keys` finds the same rows from their side, by an index, some maybe more than once. `column`
    names the facet it is on.
    """

    condition: Condition
    keys: Select[Any] | None = None
    column: str | None = None
    is_search: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows to filter, sort and page. `search` gives the condition of a search text.

    A large list says besides how pages are found in time (app.core.paging): its `facets`, and
    the keys of the rows that a search text finds (`search_keys`; on SQLite, where `search_scan`
    is the same condition judged row by row).
    """

    statement: Select[Any]
    filters: Sequence[Filter] = ()
    sorts: Mapping[str, Any] = field(default_factory=dict)
    default_sort: str = ""
    search: Callable[[str], Condition] | None = None
    options: Sequence[ExecutableOption] = ()
    key: Any = None
    facets: Facets | None = None
    search_keys: Callable[[str], Select[Any] | None] | None = None
    search_scan: Callable[[str], Condition] | None = None

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

    def parts(self, criteria: Criteria) -> list[Part]:
        """The conditions of criteria that were checked, one by one; none for the whole list."""
        found = []
        for one in self.filters:
            part = one.part(criteria.filters, criteria.zone)
            if part is not None:
                condition, keys, column = part
                found.append(Part(condition, keys, column))
        wanted = clean(criteria.search)
        if wanted and self.search is not None:
            keys = self.search_keys(wanted) if self.search_keys else None
            scan = self.search_scan if keys is not None and self.search_scan else self.search
            found.append(Part(scan(wanted), keys, is_search=True))
        return found

    def select(self, criteria: Criteria) -> Select[Any]:
        """The rows asked for, in order, with the options of the list. Raises Refused."""
        return self.where(criteria).order_by(*self.order(criteria)).options(*self.options)

    def order(
        self, criteria: Criteria, backwards: bool = False, *, walked: bool = True
    ) -> list[ColumnElement[Any]]:
        """What to sort by, the primary key last.

        Not `walked`, it is the order of what was found by other ways: no index of it leads there.
        """
        name, descending = criteria.sort, criteria.descending
        if not name:
            name, descending = self.default_sort.removeprefix("-"), self.default_sort[:1] == "-"
        columns: Any = self.sorts.get(name, ())
        if not isinstance(columns, list | tuple):
            columns = (columns,)
        if not walked:
            columns = [func.coalesce(column, null()) for column in columns]
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


def _known(sorts: Mapping[str, Any]) -> str:
    return f"It can be sorted by: {', '.join(sorts)}" if sorts else ""
