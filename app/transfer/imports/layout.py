"""Finds in an upload the sheets and the heading rows that a kind of workbook needs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.core.errors import Problem, Refused
from app.transfer.columns.base import REASON_LABEL, Column, SheetSpec, WorkbookSpec, heading_key
from app.transfer.imports.reader import Cell, Row, Sheet, Source

SEARCHED_ROWS: Final = 50  # how far down the heading row may stand
_REASON_KEY: Final = heading_key(REASON_LABEL)


@dataclass(frozen=True)
class SheetLayout:
    """A sheet of the upload as it was found: which column stands where.

    `headings` are the cells of the heading row as uploaded; `unknown` those that no column knows.
    """

    spec: SheetSpec
    sheet: Sheet
    heading_row: int
    columns: dict[int, Column]
    headings: list[str]
    unknown: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The sheet's title as uploaded; a text file goes by the title of the template."""
        return self.sheet.title or self.spec.title

    def rows(self, source: Source) -> Iterator[Row]:
        """The rows below the heading row."""
        return (row for row in source.rows(self.sheet) if row[0] > self.heading_row)

    def position(self, column: Column) -> int | None:
        """Where the column stands, from 0; None if it is not there."""
        return next((at for at, known in self.columns.items() if known is column), None)


def find_layouts(source: Source, spec: WorkbookSpec, *, updating: bool) -> list[SheetLayout]:
    """The sheets of the upload for each sheet of the kind that is there.

    A kind of one sheet takes the first visible sheet with known headings, whatever its title;
    a kind of several finds them by title. Raises Refused with one sentence.
    """
    if len(spec.sheets) == 1:
        return [_only_sheet(source, spec, updating)]
    by_title = {heading_key(sheet.title): sheet for sheet in source.sheets if sheet.visible}
    layouts = []
    for wanted in spec.sheets:
        sheet = by_title.get(heading_key(wanted.title))
        if sheet is None:
            if wanted.optional:
                continue
            raise Refused.because(
                f"This workbook has no sheet “{wanted.title}”. "
                f"The template for {spec.title.lower()} shows the sheets that are needed."
            )
        heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
        layout = _layout(sheet, wanted, heads)
        if layout is None and heads:
            raise _no_headings(spec, wanted.title)
        if layout is not None:
            _check(layout, updating)
            layouts.append(layout)
    if not layouts:
        raise _no_headings(spec)
    return layouts


def _only_sheet(source: Source, spec: WorkbookSpec, updating: bool) -> SheetLayout:
    anything = False
    for sheet in source.sheets:
        if not sheet.visible:
            continue
        heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
        anything = anything or bool(heads)
        layout = _layout(sheet, spec.sheets[0], heads)
        if layout is not None:
            _check(layout, updating)
            return layout
    if not anything:
        raise Refused.because("This workbook is empty.")
    raise _no_headings(spec)


def _no_headings(spec: WorkbookSpec, title: str = "") -> Refused:
    where = f"The sheet “{title}”" if title else "This file"
    return Refused.because(
        f"{where} has no row with the headings for {spec.title.lower()}. "
        "The template shows the headings that are known."
    )


def _layout(sheet: Sheet, spec: SheetSpec, heads: list[Row]) -> SheetLayout | None:
    """The layout by the first row with at least two known headings (one, if there is but one)."""
    for number, cells in heads:
        keys = [heading_key(cell) if isinstance(cell, str) else "" for cell in cells]
        known = {at: spec.by_heading[key] for at, key in enumerate(keys) if key in spec.by_heading}
        filled = sum(cell is not None for cell in cells)
        if len(known) < min(2, filled):
            continue
        unknown = [
            str(cell).strip()
            for at, cell in enumerate(cells)
            if cell is not None and at not in known and keys[at] != _REASON_KEY
        ]
        return SheetLayout(spec, sheet, number, known, [_heading(cell) for cell in cells], unknown)
    return None


def _heading(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip()


def _check(layout: SheetLayout, updating: bool) -> None:
    seen: dict[int, str] = {}
    problems = []
    for at, column in layout.columns.items():
        if id(column) in seen:
            problems.append(
                Problem(
                    column.label,
                    f"The column “{column.label}” is there twice: as “{seen[id(column)]}” "
                    f"and as “{layout.headings[at]}”. Please keep one of them.",
                )
            )
        seen[id(column)] = layout.headings[at]
    if not problems and not updating:
        missing = [c.label for c in layout.spec.columns if c.required and id(c) not in seen]
        if missing:
            names = ", ".join(f"“{label}”" for label in missing)
            what = "columns" if len(missing) > 1 else "column"
            problems.append(Problem(missing[0], f"The required {what} {names} cannot be found."))
    if problems:
        raise Refused(problems)
