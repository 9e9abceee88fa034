"""Turns stored values into cells: typed for a workbook, as safe text for CSV.

Which kind of cell a value becomes is said by its column's form, in one place for every list.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
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
_RUNS: Final = frozenset("=+-@\t\r\n")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_PHONE: Final = re.compile(r"\+\d[\d ]*(?:;ext=\d+)?")

Cell = Callable[[Any], Any]


def sheet_cells(columns: Sequence[Column], actor: Actor, zone: tzinfo) -> list[Cell]:
    """For each column, what makes a typed cell of a value; None stays an empty cell."""
    return [_cell(column, actor, zone, _SHEET) for column in columns]


def text_cells(columns: Sequence[Column], actor: Actor, zone: tzinfo) -> list[Cell]:
    """For each column, what makes the text of a CSV cell of a value."""
    return [_cell(column, actor, zone, _TEXT) for column in columns]


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


def _cell(
    column: Column, actor: Actor, zone: tzinfo, makers: dict[Form, Callable[[tzinfo], Cell]]
) -> Cell:
    if masked(column, actor):
        return mask_iban
    plain = makers.get(column.form, makers[Form.TEXT])(zone)
    if column.choices == "countries":
        return lambda value: None if value is None else plain(_country(value))
    return plain


@lru_cache(maxsize=512)
def _country(code: str) -> str:
    return country_name(code)


def _sheet_text(value: Any) -> Any:
    return None if value is None else cleaned(str(value))


def _sheet_date(value: date | None) -> Any:
    if value is None or value.year >= OLDEST_YEAR:
        return value
    return value.isoformat()


def _sheet_moment(zone: tzinfo) -> Cell:
    """Moments as spreadsheets count them, in days: the writer would cut the milliseconds off."""

    def moment(value: datetime | None) -> Any:
        if value is None:
            return None
        local = _local(value, zone)
        if local.year < OLDEST_YEAR:
            return local.isoformat(" ", timespec="milliseconds")
        since = local - _DAY_ZERO
        return since.days + since.seconds / 86_400 + since.microseconds / 86_400_000_000

    return moment


def _csv_text(value: Any) -> str:
    if value is None:
        return ""
    text: str = value if isinstance(value, str) else str(value)
    if not text.isprintable():
        text = "".join(
            c for c in text if c in "\n\t\r" or unicodedata.category(c) not in {"Cc", "Cs"}
        )
    return defused(text) if text[:1] in _RUNS else text


def _csv_moment(zone: tzinfo) -> Cell:
    def moment(value: datetime | None) -> str:
        if value is None:
            return ""
        return _local(value, zone).isoformat(" ", timespec="milliseconds")

    return moment


def _local(value: datetime, zone: tzinfo) -> datetime:
    """The moment on the clock of the company; spreadsheets know no zones."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(zone).replace(tzinfo=None)


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _same(value: Any) -> Any:
    return value


def _csv_number(value: int | Decimal | None) -> str:
    return "" if value is None else str(value)


def _csv_date(value: date | None) -> str:
    return "" if value is None else value.isoformat()


_SHEET: dict[Form, Callable[[tzinfo], Cell]] = {
    Form.TEXT: lambda zone: _sheet_text,
    Form.WHOLE: lambda zone: _same,
    Form.AMOUNT: lambda zone: _same,
    Form.DATE: lambda zone: _sheet_date,
    Form.MOMENT: _sheet_moment,
    Form.YES_NO: lambda zone: _yes_no,
}
_TEXT: dict[Form, Callable[[tzinfo], Cell]] = {
    Form.TEXT: lambda zone: _csv_text,
    Form.WHOLE: lambda zone: _csv_number,
    Form.AMOUNT: lambda zone: _csv_number,
    Form.DATE: lambda zone: _csv_date,
    Form.MOMENT: _csv_moment,
    Form.YES_NO: lambda zone: lambda value: _yes_no(value) or "",
}
