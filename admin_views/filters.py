"""What a list was asked for, read from the address of its page, and the addresses around it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin_views.formatters import zone
from app.core.errors import Problem
from app.core.filters import SPANS, Filter, Kind, clean
from app.core.listing import Criteria, Listing
from app.core.paging import Page
from app.core.stored_choices import all_offered

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
# In the place of a view's number: the plain list, although the person opens it with a view.
NO_VIEW = "none"
MOST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition in force, and the address of the list without it."""

    label: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Control:
    """One filter as the form shows it: the values typed, what may be chosen, what is wrong."""

    filter: Filter
    values: Sequence[str]
    choices: Sequence[tuple[str, str]]
    problem: Problem | None

    @property
    def kind(self) -> str:
        """Which control fits."""
        return "span" if self.filter.kind in SPANS else self.filter.kind.value

    @property
    def chosen(self) -> list[str]:
        """The values of a choice."""
        return self.values[0].split(",") if self.values[0] else []


@dataclass(frozen=True, slots=True)
class Request:
    """A list request: the criteria to follow, what could not be followed, and the page wanted.

    `typed` keeps every value as it was typed, good or bad, so that the form shows it again.
    `columns` are the names that the address gives, `view` is the number of the saved view that
    was opened.
    """

    criteria: Criteria
    problems: Sequence[Problem]
    typed: Mapping[str, str]
    page: int
    size: int
    exact: bool
    columns: Sequence[str] = ()
    view: str = ""

    def arguments(self, without: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
        """The address's arguments for this list, changed; None leaves one out."""
        sort = f"-{self.criteria.sort}" if self.criteria.descending else self.criteria.sort
        given: dict[str, Any] = {
            **({"q": self.criteria.search} if self.criteria.search else {}),
            **self.criteria.filters,
            "sort": sort or None,
            "size": self.size if self.size != DEFAULT_SIZE else None,
            "page": self.page if self.page != 1 else None,
            "columns": ",".join(self.columns) or None,
            "view": self.view or None,
        }
        given |= changes
        return {
            name: value
            for name, value in given.items()
            if value is not None and name not in without
        }


def read_request(listing: Listing, args: MultiDict[str, str]) -> Request:
    """Read the criteria of a list from an address. Never fails: what is bad becomes a problem."""
    typed = {}
    for name, one in listing.names.items():
        values = args.getlist(name) if one.kind is Kind.CHOICE else [args.get(name, "")]
        value = ",".join(clean(value) for value in values if clean(value))
        if value:
            typed[name] = value
    sort = args.get("sort", "")
    asked = Criteria(
        search=clean(args.get("q", "")),
        filters=typed,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        zone=zone(),
    )
    good, problems = listing.check(asked)
    if not good.sort:
        good = replace(good, descending=False)
    return Request(
        criteria=good,
        problems=[problem for problem in problems if problem.field != "sort"],
        typed=typed,
        page=_number(args.get("page", ""), 1),
        size=_size(args.get("size", "")),
        exact=args.get("count") == "exact",
        columns=_names(args.get("columns", "")),
        view=_view(args.get("view", "")),
    )


def controls(listing: Listing, asked: Request, session: Session) -> list[Control]:
    """The filters of a list with their values, for its form."""
    by_field = {problem.field: problem for problem in asked.problems}
    return [
        Control(
            filter=one,
            values=[asked.typed.get(name, "") for name in one.names],
            choices=choices,
            problem=next((by_field[name] for name in one.names if name in by_field), None),
        )
        for one, choices in zip(listing.filters, all_offered(session, listing.filters), strict=True)
    ]


def chips(
    listing: Listing, asked: Request, session: Session, url: Callable[..., str]
) -> list[Chip]:
    """The conditions in force, each with the way out of it."""
    found = []
    if asked.criteria.search:
        away = url(**asked.arguments(without=["q", "page"]))
        found.append(Chip("Search", asked.criteria.search, away))
    for one in listing.filters:
        if any(name in asked.criteria.filters for name in one.names):
            away = url(**asked.arguments(without=[*one.names, "page"]))
            found.append(Chip(one.label, one.describe(asked.criteria.filters, session), away))
    return found


def page_links(page: Page) -> list[int | None]:
    """The pages to link: the first, the last, and those around this one; None is a gap."""
    if page.pages is None:
        return []
    near = {1, page.pages, *range(page.number - 2, page.number + 3)}
    wanted = sorted(number for number in near if 1 <= number <= page.pages)
    links: list[int | None] = []
    for number in wanted:
        previous = links[-1] if links else None
        if previous is not None and number - previous > 1:
            links.append(None)
        links.append(number)
    return links


def _number(raw: str, default: int) -> int:
    digits = raw.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal():
        return default
    # Python refuses to read endless digits; a page of 18 digits is beyond every end already.
    value = int(raw[:18])
    return value or default


def _size(raw: str) -> int:
    return _number(raw, DEFAULT_SIZE) if raw in {str(size) for size in PAGE_SIZES} else DEFAULT_SIZE


def _names(raw: str) -> list[str]:
    found = re.findall(r"[a-z][a-z0-9_.]{0,60}", raw[: MOST_COLUMNS * 60])
    return list(dict.fromkeys(found))[:MOST_COLUMNS]


def _view(raw: str) -> str:
    known = raw == NO_VIEW or (raw.isascii() and raw.isdecimal() and len(raw) < 19)
    return raw if known else ""
