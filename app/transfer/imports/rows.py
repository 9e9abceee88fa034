"""Turns a row of an upload into values for the operations, or into reasons to refuse it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import Problem
from app.core.text import clean
from app.core.values import ValueProblem
from app.transfer.columns.base import CLEAR, CLEAR_WORD, Column, RowContext
from app.transfer.columns.parsers import as_text
from app.transfer.imports.layout import SheetLayout
from app.transfer.imports.marks import Fault, fault_in_text
from app.transfer.imports.reader import Cell, Source

VALUE_LIMIT = 500  # characters of a refused cell that are kept for showing
# What the words begin with that are no values: #REF!, #FORMULA!, (empty).
_SIGNS = frozenset("#(")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused cell: the heading of its column, what stands there, what is wrong."""

    sheet: str
    row: int
    column: str
    reason: str
    value: str | None = None
    hint: str = ""


@dataclass(slots=True)
class ReadRow:
    """One row: `values` by field, with blanks left out and CLEAR for (empty).

    `cells` are the raw cells by field; `refusals` grows while the row is judged. `aliases` say
    in which column a field stands that has none of its own name.
    """

    layout: SheetLayout
    number: int
    cells: dict[str, Cell]
    values: dict[str, Any] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether anything is wrong with it."""
        return bool(self.refusals)

    def refuse(self, field_name: str, reason: str, hint: str = "") -> None:
        """Refuse the row at the column of a field; at its first column if it has no such one."""
        column = self._column(field_name) or self.layout.spec.columns[0]
        cell = self.cells.get(column.field)
        self.refusals.append(
            Refusal(
                self.layout.title,
                self.number,
                column.label,
                reason,
                _shown(column, cell),
                _within(hint),
            )
        )

    def refuse_for(self, problems: list[Problem]) -> None:
        """Refuse the row for each problem, unless its column is refused already."""
        for problem in problems:
            if not self.has_refusal(problem.field):
                self.refuse(problem.field, problem.message, problem.hint)

    def has_refusal(self, field_name: str) -> bool:
        """Whether the column of a field is refused."""
        column = self._column(field_name)
        return column is not None and any(
            refusal.column == column.label for refusal in self.refusals
        )

    def forgive(self, field_name: str) -> None:
        """Take back the refusals at the column of a field."""
        column = self._column(field_name)
        self.refusals = [one for one in self.refusals if column and one.column != column.label]

    def _column(self, field_name: str) -> Column | None:
        return self.layout.spec.by_field.get(self.aliases.get(field_name, field_name))

    def in_order(self) -> list[Refusal]:
        """The refusals in the order of the columns."""
        order = {column.label: at for at, column in enumerate(self.layout.spec.columns)}
        return sorted(self.refusals, key=lambda refusal: order.get(refusal.column, 0))

    def refuse_missing(self) -> None:
        """Refuse the row at each required column that is blank."""
        for column in self.layout.spec.columns:
            if (
                column.required
                and self.values.get(column.field) in (None, CLEAR)
                and not self.has_refusal(column.field)
            ):
                self.refuse(column.field, f"{column.label} is missing", "This column is required")


def read_rows(
    source: Source,
    layout: SheetLayout,
    lookups: Mapping[str, Mapping[str, Any]],
    *,
    updating: bool,
    country: str | None = None,
) -> Iterator[ReadRow]:
    """The rows below the headings that hold anything in a known column, read and parsed."""
    places = [
        (at, column)
        for column in layout.spec.reading_order
        if (at := layout.position(column)) is not None
    ]
    headings = {layout.headings[at] for at, _ in places}
    for number, cells in layout.rows(source):
        width = len(cells)
        given = [
            (column, cell)
            for at, column in places
            if at < width and (cell := cells[at]) is not None
        ]
        if given:
            row = ReadRow(layout, number, {column.field: cell for column, cell in given})
            if given[0][1] in headings and _repeats(given, headings):
                _refuse_repeated(row, given)
                yield row
                continue
            _parse(row, given, RowContext(row.values, lookups, country), updating)
            yield row


def _repeats(given: list[tuple[Column, Cell]], headings: set[str]) -> bool:
    """Whether a row says the headings once more, as where several lists were joined."""
    said = sum(isinstance(cell, str) and cell.strip() in headings for _, cell in given)
    return said >= 2 and 2 * said >= len(given)


def _refuse_repeated(row: ReadRow, given: list[tuple[Column, Cell]]) -> None:
    """Refuse such a row where it would otherwise be refused for being empty."""
    columns = [column for column, _ in given]
    for column in [one for one in columns if one.required] or columns[:1]:
        row.refuse(column.field, "This row repeats the headings", "Remove the row")


def _parse(
    row: ReadRow, given: list[tuple[Column, Cell]], context: RowContext, updating: bool
) -> None:
    for column, cell in given:
        if column.read_only:
            continue
        if isinstance(cell, str):
            if cell.lstrip()[:1] in _SIGNS and _read_sign(row, column, cell, updating):
                continue
        elif isinstance(cell, Fault):
            _refuse_fault(row, column, cell)
            continue
        if row.refusals and any(row.has_refusal(need) for need in column.needs):
            continue  # it cannot be judged: a phone without its country says nothing
        try:
            value = column.parse(cell, column.label, context)
        except ValueProblem as problem:
            row.refuse(column.field, problem.reason, problem.hint)
            continue
        if value not in ("", []):  # nothing but control characters, or only separators
            row.values[column.field] = value


def _read_sign(row: ReadRow, column: Column, text: str, updating: bool) -> bool:
    """Whether a text is no value but a sign: (empty), or what a fault looks like as text."""
    if fault := fault_in_text(text):
        _refuse_fault(row, column, fault)
        return True
    if text.strip().casefold() != CLEAR_WORD:
        return False
    if updating:
        row.values[column.field] = CLEAR
    return True


def _refuse_fault(row: ReadRow, column: Column, fault: Fault) -> None:
    what = "a formula" if fault.what == "formula" else f"the error {fault.shown}"
    row.refuse(column.field, f"{column.label} holds {what}", "Write the value itself")


def _shown(column: Column, cell: Cell) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, Fault):
        return cell.shown or "formula"
    text = _within(as_text(cell))
    if column.masked:
        return f"…{text[-4:]}" if len(text) > 8 else "…"
    return text


def _within(text: str) -> str:
    """Text as it may be kept and shown: of bounded length, without what no database takes."""
    if not text.isprintable():
        text = clean(text[: 2 * VALUE_LIMIT]) or ""
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 1] + "…"
