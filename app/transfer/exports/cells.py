"""Turns stored values into cells: typed for a workbook, as safe text for CSV.

A column at a time, for a portion of rows: most columns of most portions need no work at all. Which
kind of cell a value becomes is said by its column's form, in one place for every list.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final

from app.audit.rules import mask_iban
from app.core.actor import Actor
from app.core.countries import country_name
from app.transfer.columns.base import Column, Form

CELL_LIMIT: Final = 32_767  # characters that a spreadsheet program keeps in a cell
OLDEST_YEAR: Final = 1900  # no spreadsheet program knows an earlier date
NUMBER_FORMATS: Final = {
    Form.DATE: "yyyy-mm-dd",
    Form.MOMENT: "yyyy-mm-dd hh:mm:ss.000",
    Form.AMOUNT: "#,##0.00",
    Form.WHOLE: "0",
}
# Day 0 of the calendar in spreadsheets, which knows no zones.
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001
_RUNS: Final = frozenset("=+-@\t\r\n")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_PHONE: Final = re.compile(r"\+\d[\d ]*(?:;ext=\d+)?")

Cell = Callable[[Any], Any]
# What turns the values of one column, a portion of rows at a time, into cells.
Cells = Callable[[Sequence[Any]], Sequence[Any]]


def sheet_cells(columns: Sequence[Column], actor: Actor, zone: tzinfo) -> list[Cells]:
    """For each column, what makes typed cells of its values; None stays an empty cell."""
    return [_cells(column, actor, zone, _SHEET) for column in columns]


def text_cells(columns: Sequence[Column], actor: Actor, zone: tzinfo) -> list[Cells]:
    """For each column, what makes the texts of CSV cells of its values; None stays empty."""
    return [_cells(column, actor, zone, _TEXT) for column in columns]


def defused(text: str) -> str:
    """Text that no spreadsheet program runs: a leading = + - @ tab CR is preceded by a quote.

    Plain numbers and phone numbers stay as they are (domain.md, section 3).
    """
    if text[:1] not in _RUNS or _NUMBER.fullmatch(text) or _PHONE.fullmatch(text):
        return text
    return f"'{text}"


def cleaned(text: str) -> str:
    """Text without what no workbook can hold: control characters, lone halves of characters."""
    if not text.isprintable():
        text = "".join(
            c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"}
        )
    return text if len(text) <= CELL_LIMIT else text[: CELL_LIMIT - 1] + "…"


def masked(column: Column, actor: Actor) -> bool:
    """Whether this person sees only the end of what stands in a column."""
    return column.masked and not (column.permission and actor.may(column.permission))


def _cells(
    column: Column, actor: Actor, zone: tzinfo, makers: dict[Form, Callable[[tzinfo], Cells]]
) -> Cells:
    if masked(column, actor):
        return _each(mask_iban)
    plain = makers.get(column.form, makers[Form.TEXT])(zone)
    if column.choices == "countries":
        return lambda values: plain([value and _country(value) for value in values])
    return plain


def _each(cell: Cell) -> Cells:
    """A column whose values are looked at one by one; None is left out."""
    return lambda values: [None if value is None else cell(value) for value in values]


@lru_cache(maxsize=512)
def _country(code: str) -> str:
    return country_name(code)


def _sheet_texts(values: Sequence[Any]) -> Sequence[Any]:
    found = _printable(values)
    if found is not None and (len(found) <= CELL_LIMIT or _longest(values) <= CELL_LIMIT):
        return values
    return [None if value is None else cleaned(str(value)) for value in values]


def _csv_texts(values: Sequence[Any]) -> Sequence[Any]:
    if _printable(values) is None:
        return [None if value is None else _csv_text(str(value)) for value in values]
    if _RUNS.isdisjoint({value[:1] for value in values if value}):
        return values
    return [defused(value) if value and value[0] in _RUNS else value for value in values]


def _printable(values: Sequence[Any]) -> str | None:
    """All texts of a portion in one, if none of them needs a closer look; most never do.

    Asked once for a thousand cells, this takes a tenth of what asking each of them would.
    """
    try:
        together = "".join(filter(None, values))
    except TypeError:  # not texts
        return None
    return together if together.isprintable() else None


def _longest(values: Sequence[Any]) -> int:
    return max(map(len, filter(None, values)), default=0)


def _csv_text(text: str) -> str:
    if not text.isprintable():
        text = "".join(
            c for c in text if c in "\n\t\r" or unicodedata.category(c) not in {"Cc", "Cs"}
        )
    return defused(text)


def _sheet_date(value: date) -> Any:
    return value if value.year >= OLDEST_YEAR else value.isoformat()


def _sheet_moments(zone: tzinfo) -> Cells:
    """Moments as spreadsheets count them, in days: the writer would cut the milliseconds off."""
    local = _clock(zone)

    def moment(value: datetime) -> Any:
        here = local(value)
        if here.year < OLDEST_YEAR:
            return here.isoformat(" ", "milliseconds")
        since = here - _DAY_ZERO
        return since.days + since.seconds / 86_400 + since.microseconds / 86_400_000_000

    return _each(moment)


def _csv_moments(zone: tzinfo) -> Cells:
    local = _clock(zone)
    return _each(lambda value: local(value).isoformat(" ", "milliseconds"))


def _clock(zone: tzinfo) -> Callable[[datetime], datetime]:
    """What shows moments on the clock of the company, without its zone: spreadsheets know none.

    A moment without a zone is UTC. By sums alone, which take a fifth of `replace` and `astimezone`.
    """
    epoch = _EPOCH.replace(tzinfo=zone)

    def local(value: datetime) -> datetime:
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        offset = zone.fromutc(epoch + (value - _EPOCH)).utcoffset()
        return value + offset if offset else value

    return local


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _same(values: Sequence[Any]) -> Sequence[Any]:
    return values


_SHEET: dict[Form, Callable[[tzinfo], Cells]] = {
    Form.TEXT: lambda zone: _sheet_texts,
    Form.WHOLE: lambda zone: _same,
    Form.AMOUNT: lambda zone: _same,
    Form.DATE: lambda zone: _each(_sheet_date),
    Form.MOMENT: _sheet_moments,
    Form.YES_NO: lambda zone: _each(_yes_no),
}
_TEXT: dict[Form, Callable[[tzinfo], Cells]] = {
    Form.TEXT: lambda zone: _csv_texts,
    Form.WHOLE: lambda zone: _each(str),
    Form.AMOUNT: lambda zone: _each(str),
    Form.DATE: lambda zone: _each(date.isoformat),
    Form.MOMENT: _csv_moments,
    Form.YES_NO: lambda zone: _each(_yes_no),
}
