"""The conditions a list can be narrowed by: each reads its own values and gives one SQL condition.

Values are strings under plain names, as they stand in the address of a page and after
`--filter NAME=VALUE` on the command line. A span (dates, numbers) has two names, `NAME_from` and
`NAME_to`. Several choices are joined by commas. A condition on a one-to-many relation is an
EXISTS, given as `apply`, so that it never multiplies rows.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, func, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from app.core.errors import Problem, Refused

Choice = tuple[str, str]
Choices = Sequence[Choice] | Callable[[Session], Sequence[Choice]]
Condition = ColumnElement[bool]
Ids = Callable[[Condition], Select[Any]]

MAX_TEXT = 200
# Far beyond every amount, and still inside what both databases can compare.
MAX_NUMBER = Decimal(10) ** 15
MAX_ID = 2**63 - 1


class Kind(StrEnum):
    """What a filter asks for; the panel draws the control that fits."""

    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes_no"
    DATE = "date"
    MOMENT = "moment"
    NUMBER = "number"
    CODES = "codes"
    PRESENT = "present"


SPANS = frozenset({Kind.DATE, Kind.MOMENT, Kind.NUMBER, Kind.CODES})
YES_NO_CHOICES: Sequence[Choice] = (("yes", "yes"), ("no", "no"))
PRESENT_CHOICES: Sequence[Choice] = (("yes", "given"), ("no", "not given"))


@dataclass(frozen=True, slots=True)
class Span:
    """From and to, both included; None is open. For moments `high` is the first one outside."""

    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition a list offers. `apply` turns the value read into SQL:

    TEXT gets a string, CHOICE a list, YES_NO and PRESENT a bool, the others a Span. A filter on a
    relation may also give the `keys` of the rows it finds, by an index of the other table; one on
    a column of the row itself names it. Both help large lists (app.core.paging).
    """

    name: str
    label: str
    kind: Kind
    apply: Callable[[Any], Condition]
    choices: Choices = ()
    hint: str = ""
    coerce: Callable[[str], Any] = str
    decimals: int = 0
    keys: Callable[[Any], Select[Any] | None] | None = None
    column: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its values: one, or two for a span."""
        if self.kind in SPANS:
            return (f"{self.name}_from", f"{self.name}_to")
        return (self.name,)

    def condition(self, given: Mapping[str, str], zone: tzinfo = UTC) -> Condition | None:
        """The SQL condition, or None when nothing is asked. Raises Refused for a bad value."""
        part = self.part(given, zone)
        return None if part is None else part[0]

    def part(
        self, given: Mapping[str, str], zone: tzinfo = UTC
    ) -> tuple[Condition, Select[Any] | None, str | None] | None:
        """The condition with the keys and the column that it has, or None. Raises Refused."""
        raw = [clean(given.get(name, "")) for name in self.names]
        if self.kind is Kind.CHOICE and not raw[0].strip(" ,"):
            return None  # commas alone choose nothing
        if not any(raw):
            return None
        try:
            value = self._read(raw, zone)
            return self.apply(value), self.keys(value) if self.keys else None, self.column
        except ValueError as error:
            name = next((n for n, text in zip(self.names, raw, strict=True) if text), self.name)
            raise Refused([Problem(name, f"{self.label}: {error}", self.hint)]) from error

    def describe(self, given: Mapping[str, str], session: Session) -> str:
        """The value in words, for the chip above a list and the record of an export."""
        raw = [clean(given.get(name, "")) for name in self.names]
        if self.kind in SPANS:
            low, high = raw
            if low and high:
                return f"{low} to {high}"
            return f"from {low}" if low else f"up to {high}"
        if self.kind is Kind.TEXT:
            return raw[0]
        labels = dict(self.offered(session))
        return " or ".join(labels.get(value, value) for value in raw[0].split(","))

    def offered(self, session: Session) -> Sequence[Choice]:
        """The choices to pick from."""
        if self.kind is Kind.YES_NO:
            return YES_NO_CHOICES
        if self.kind is Kind.PRESENT:
            return self.choices if self.choices and not callable(self.choices) else PRESENT_CHOICES
        return self.choices(session) if callable(self.choices) else self.choices

    def _read(self, raw: list[str], zone: tzinfo) -> Any:
        if self.kind is Kind.TEXT:
            return raw[0]
        if self.kind in (Kind.YES_NO, Kind.PRESENT):
            return _yes_no(raw[0])
        if self.kind is Kind.CHOICE:
            return self._chosen(raw[0])
        if self.kind is Kind.NUMBER:
            span = Span(*(_number(text, self.decimals) if text else None for text in raw))
        elif self.kind is Kind.CODES:
            span = Span(*(text or None for text in raw))
        else:
            span = Span(*(_day(text) if text else None for text in raw))
        if span.low is not None and span.high is not None and span.low > span.high:
            raise ValueError(f"{raw[0]} is after {raw[1]}")
        return _moments(span, zone) if self.kind is Kind.MOMENT else span

    def _chosen(self, raw: str) -> list[Any]:
        values = [value.strip() for value in raw.split(",") if value.strip()]
        if not callable(self.choices):
            known = {value for value, _ in self.choices}
            for value in values:
                if known and value not in known:
                    raise ValueError(f"{value} is not among the choices")
        try:
            return [self.coerce(value) for value in values]
        except ValueError:
            raise ValueError(f"{raw} is not among the choices") from None


def text(
    name: str,
    label: str,
    column: Any,
    *,
    begins: bool = False,
    fold: Callable[[str], str] = str.lower,
    folded: bool = False,
    hint: str = "",
) -> Filter:
    """Part of a text, or its beginning (`begins`, which an index on the column serves).

    `folded` says that the column itself holds folded text; else it is lowered in SQL.
    """
    target = column if folded else func.lower(column)

    def apply(value: str) -> Condition:
        wanted = fold(value)
        if begins:
            return begins_with(target, wanted)
        return target.contains(wanted, autoescape=True)

    return Filter(name, label, Kind.TEXT, apply, hint=hint)


def choice(
    name: str,
    label: str,
    column: Any,
    choices: Choices,
    *,
    coerce: Callable[[str], Any] = str,
    apply: Callable[[list[Any]], Condition] | None = None,
    ids: Ids | None = None,
) -> Filter:
    """One or several of a list. `coerce=identifier` where the values are ids.

    `ids` gives the keys of the rows for a condition, where the column has an index of its own.
    """
    fits = apply or column.in_
    return Filter(
        name, label, Kind.CHOICE, fits, choices, coerce=coerce,
        column=None if apply else column.key,
        keys=(lambda values: ids(fits(values))) if ids else None,
    )  # fmt: skip


def yes_no(
    name: str,
    label: str,
    column: Any = None,
    *,
    apply: Callable[[bool], Condition] | None = None,
    keys: Callable[[bool], Select[Any] | None] | None = None,
) -> Filter:
    """A yes or no."""
    return Filter(
        name, label, Kind.YES_NO, apply or (lambda yes: column.is_(yes)),
        column=None if apply else column.key, keys=keys,
    )  # fmt: skip


def present(
    name: str,
    label: str,
    column: Any = None,
    *,
    apply: Callable[[bool], Condition] | None = None,
    choices: Sequence[Choice] = PRESENT_CHOICES,
) -> Filter:
    """Whether something is given at all: an email address, a mandate."""

    def filled(yes: bool) -> Condition:
        found = and_(column.is_not(None), column != "")
        return found if yes else or_(column.is_(None), column == "")

    return Filter(name, label, Kind.PRESENT, apply or filled, choices)


def date_between(name: str, label: str, column: Any) -> Filter:
    """Days from and to, both included, of a date column."""
    return Filter(name, label, Kind.DATE, lambda span: _inside(column, span), column=column.key)


def moment_between(name: str, label: str, column: Any, *, ids: Ids | None = None) -> Filter:
    """Days from and to, both included, of a column of moments; days are those of the zone.

    `ids` as for a choice.
    """

    def apply(span: Span) -> Condition:
        parts = [column >= span.low] if span.low is not None else []
        parts += [column < span.high] if span.high is not None else []
        return and_(*parts)

    keys = (lambda span: ids(apply(span))) if ids else None
    return Filter(name, label, Kind.MOMENT, apply, column=column.key, keys=keys)


def number_between(name: str, label: str, column: Any, *, decimals: int = 0) -> Filter:
    """Numbers from and to, both included; `decimals=2` for amounts."""
    return Filter(
        name, label, Kind.NUMBER, lambda span: _inside(column, span),
        decimals=decimals, column=column.key,
    )  # fmt: skip


def codes_between(column: Any, span: Span) -> Condition:
    """Codes such as postcodes from and to; an end stands for all that begin with it."""
    parts = [column >= span.low] if span.low is not None else []
    parts += [column < span.high + "\U0010ffff"] if span.high is not None else []
    return and_(*parts)


def lowered(column: Any) -> ColumnElement[str]:
    """The column in lower case, as an index on lower(column) holds it."""
    return func.lower(column)


def identifier(raw: str) -> int:
    """The id of a row. Raises ValueError for everything else."""
    if not raw.isascii() or not raw.isdecimal() or int(raw) > MAX_ID:
        raise ValueError(f"{raw} is not an id")
    return int(raw)


def clean(raw: str) -> str:
    """What was typed, without what no database can hold, and cut to a sane length."""
    kept = (c for c in raw[: MAX_TEXT * 4] if unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()[:MAX_TEXT]


class _BeginsWith(FunctionElement[bool]):
    """A column that begins with a text, said so that each database can use its index."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: on SQLite it would become (…) = 1, for which no index can be used."""
        return self


def begins_with(column: Any, start: str) -> Condition:
    """The condition that a column of folded text begins with `start`."""
    escaped = re.sub(r"([%_/])", r"/\1", start) + "%"
    return _BeginsWith(column, literal(start), literal(start + "\U0010ffff"), literal(escaped))


@compiles(_BeginsWith)
def _like(element: _BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    column, _, _, pattern = element.clauses
    return f"({compiler.process(column, **kw)} LIKE {compiler.process(pattern, **kw)} ESCAPE '/')"


@compiles(_BeginsWith, "sqlite")
def _between(element: _BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    column, low, high, _ = (compiler.process(part, **kw) for part in element.clauses)
    return f"({column} >= {low} AND {column} < {high})"


def _inside(column: Any, span: Span) -> Condition:
    parts = [column >= span.low] if span.low is not None else []
    parts += [column <= span.high] if span.high is not None else []
    return and_(*parts)


def _yes_no(raw: str) -> bool:
    if raw.lower() in {"yes", "true", "1"}:
        return True
    if raw.lower() in {"no", "false", "0"}:
        return False
    raise ValueError(f"{raw} is neither yes nor no")


def _number(raw: str, decimals: int) -> Decimal | int:
    plain = raw.replace(" ", "").replace(",", ".") if decimals else raw
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"{raw} is not a number") from None
    if not value.is_finite() or abs(value) > MAX_NUMBER:
        raise ValueError(f"{raw} is not a number in range")
    if value != round(value, decimals):
        allowed = f"with {decimals} decimals at most" if decimals else "without decimals"
        raise ValueError(f"{raw} is not a number {allowed}")
    return value if decimals else int(value)


def _day(raw: str) -> date:
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", raw, re.ASCII)
    parts = found.groups() if found else None
    if parts is None and (found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", raw, re.ASCII)):
        parts = found.groups()[::-1]
    try:
        if parts is None:
            raise ValueError
        day = date(*(int(part) for part in parts))
    except ValueError:
        raise ValueError(f"{raw} is not a date such as 2026-03-31 or 31.03.2026") from None
    if not 1800 <= day.year <= 2999:
        raise ValueError(f"{raw} is not between 1800 and 2999")
    return day


def _moments(span: Span, zone: tzinfo) -> Span:
    def midnight(day: date | None) -> datetime | None:
        if day is None:
            return None
        return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)

    return Span(midnight(span.low), midnight(span.high and span.high + timedelta(days=1)))
