"""Finds in an upload the sheets and the heading rows that a kind of workbook needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from app.core.errors import Problem, Refused
from app.core.text import clean
from app.transfer.columns.base import Column, Mapped, Mappings, SheetSpec, WorkbookSpec, heading_key
from app.transfer.columns.parsers import as_text
from app.transfer.imports.headings import (
    LEFT_OUT,
    REASON_KEY,
    heading_keys,
    key_of,
    missing_columns,
    missing_sentence,
)
from app.transfer.imports.marks import Fault
from app.transfer.imports.reader import Cell, Row, Sheet, Source

SEARCHED_ROWS: Final = 50  # how far down the heading row may stand
HEADING_LIMIT: Final = 255
_SHOWN_ROWS: Final = 3  # rows below the headings from which examples are shown
_SHOWN_LENGTH: Final = 40


class HeadingProblem(Refused):
    """The headings are not ours, or not all there: a clerk may say what they mean."""

    @classmethod
    def at(cls, message: str, field: str = "") -> "HeadingProblem":
        """A problem with the headings, in one sentence."""
        return cls([Problem(field, message)])


@dataclass(frozen=True)
class SheetLayout:
    """A sheet of the upload as it was found: which column stands where.

    `headings` are the cells of the heading row as uploaded; `unknown` those that no column knows.
    `said` is what a clerk has said of these headings, if anybody has.
    """

    spec: SheetSpec
    sheet: Sheet
    heading_row: int
    columns: dict[int, Column]
    headings: list[str]
    unknown: list[str] = field(default_factory=list)
    said: Mapped | None = None
    examples: list[list[str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The sheet's title as uploaded; a text file goes by the title of the template."""
        return clean(self.sheet.title) or self.spec.title

    def rows(self, source: Source) -> Iterator[Row]:
        """The rows below the heading row."""
        return (row for row in source.rows(self.sheet) if row[0] > self.heading_row)

    def position(self, column: Column) -> int | None:
        """Where the column stands, from 0; None if it is not there."""
        return next((at for at, known in self.columns.items() if known is column), None)

    def described(self) -> dict[str, Any]:
        """What is kept with the import, for its pages and for the next upload of the file."""
        return {
            "sheet": self.spec.title,
            "title": self.title,
            "headings": self.headings,
            "unknown": self.unknown,
            "heading_row": self.heading_row,
            "said": dict(self.said) if self.said is not None else None,
            "examples": self.examples,
        }


def find_layouts(source: Source, spec: WorkbookSpec, *, updating: bool) -> list[SheetLayout]:
    """The sheets of the upload for each sheet of the kind that is there.

    A kind of one sheet takes the first visible sheet with known headings, whatever its title;
    a kind of several finds them by title. Raises Refused with one sentence.
    """
    mappings = spec.mappings()
    if len(spec.sheets) == 1:
        layouts = [_only_sheet(source, spec, mappings)]
    else:
        layouts = _by_title(source, spec, mappings)
    for layout in layouts:
        _check(source, layout, updating)
    return layouts


def likely_layouts(source: Source, spec: WorkbookSpec) -> list[SheetLayout]:
    """The sheets as far as they go where `find_layouts` refuses, for a clerk to say the rest."""
    mappings = spec.mappings()
    found = []
    by_title = {heading_key(sheet.title): sheet for sheet in source.sheets if sheet.visible}
    for wanted in spec.sheets:
        several = len(spec.sheets) > 1
        sheets = [by_title.get(heading_key(wanted.title))] if several else by_title.values()
        for sheet in filter(None, sheets):
            heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
            layout = _layout(sheet, wanted, heads, mappings) or _guess(sheet, wanted, heads)
            if layout is not None:
                found.append(layout)
                break
    return found


def _by_title(source: Source, spec: WorkbookSpec, mappings: Mappings) -> list[SheetLayout]:
    by_title = {heading_key(sheet.title): sheet for sheet in source.sheets}
    layouts = []
    for wanted in spec.sheets:
        sheet = by_title.get(heading_key(wanted.title))
        if sheet is not None and not sheet.visible:
            raise Refused.because(_hidden(sheet))
        if sheet is None:
            if wanted.optional:
                continue
            raise Refused.because(
                f"This workbook has no sheet “{wanted.title}”. "
                f"The template for {spec.title.lower()} shows the sheets that are needed."
            )
        heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
        layout = _layout(sheet, wanted, heads, mappings)
        if layout is None and heads:
            raise _no_headings(spec, wanted.title)
        if layout is not None:
            layouts.append(layout)
    if not layouts:
        raise _no_headings(spec)
    return layouts


def _only_sheet(source: Source, spec: WorkbookSpec, mappings: Mappings) -> SheetLayout:
    anything = False
    hidden = []
    for sheet in source.sheets:
        if not sheet.visible:
            hidden.append(sheet)
            continue
        heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
        anything = anything or bool(heads)
        layout = _layout(sheet, spec.sheets[0], heads, mappings)
        if layout is not None:
            return layout
    for sheet in hidden:
        heads = list(islice(source.rows(sheet), SEARCHED_ROWS))
        if _layout(sheet, spec.sheets[0], heads, mappings) is not None:
            raise Refused.because(_hidden(sheet))
    if not anything:
        raise Refused.because("This workbook is empty.")
    raise _no_headings(spec)


def _hidden(sheet: Sheet) -> str:
    return (
        f"The sheet “{sheet.title}” is hidden. Hidden sheets are not imported: "
        "please show it in your spreadsheet program, and save the workbook again."
    )


def _no_headings(spec: WorkbookSpec, title: str = "") -> HeadingProblem:
    where = f"The sheet “{title}”" if title else "This file"
    return HeadingProblem.at(
        f"{where} has no row with the headings for {spec.title.lower()}. "
        "The template shows the headings that are known."
    )


def _layout(
    sheet: Sheet, spec: SheetSpec, heads: list[Row], mappings: Mappings
) -> SheetLayout | None:
    """The layout by the first row with at least two known headings (one, if there is but one)."""
    for place, (number, cells) in enumerate(heads):
        headings = [_heading(cell) for cell in cells]
        said = mappings.get((spec.title, key_of(headings)))
        known = _known(spec, headings, said)
        filled = sum(cell is not None for cell in cells)
        if not known or (said is None and len(known) < min(2, filled)):
            continue
        _refuse_second(spec, number, heads[place + 1 :])
        return _as_found(sheet, spec, number, headings, known, said, heads[place + 1 :])
    return None


def _guess(sheet: Sheet, spec: SheetSpec, heads: list[Row]) -> SheetLayout | None:
    """The first row that looks like headings: nothing but different texts, two at least."""
    for place, (number, cells) in enumerate(heads):
        texts = [cell.strip() for cell in cells if isinstance(cell, str)]
        filled = sum(cell is not None for cell in cells)
        if len(texts) == filled == len(set(texts)) >= 2 and all(len(t) <= 80 for t in texts):
            headings = [_heading(cell) for cell in cells]
            return _as_found(sheet, spec, number, headings, {}, None, heads[place + 1 :])
    return None


def _known(spec: SheetSpec, headings: list[str], said: Mapped | None) -> dict[int, Column]:
    """The columns by their place: what was said of the headings, else what they say."""
    known = {}
    for at, (heading, key) in enumerate(zip(headings, heading_keys(headings), strict=True)):
        if said is not None and key in said:
            column = spec.by_field.get(said[key])
        else:
            column = spec.by_heading.get(heading_key(heading))
        if column is not None:
            known[at] = column
    return known


def _as_found(
    sheet: Sheet,
    spec: SheetSpec,
    number: int,
    headings: list[str],
    known: dict[int, Column],
    said: Mapped | None,
    below: list[Row],
) -> SheetLayout:
    keys = heading_keys(headings)
    unknown = [
        heading
        for at, heading in enumerate(headings)
        if heading
        and at not in known
        and heading_key(heading) != REASON_KEY
        and (said is None or said.get(keys[at]) != LEFT_OUT)
    ]
    examples = [
        [
            _example(cells[at] if at < len(cells) else None, known.get(at))
            for _, cells in below[:_SHOWN_ROWS]
        ]
        for at in range(len(headings))
    ]
    return SheetLayout(spec, sheet, number, known, headings, unknown, said, examples)


def _heading(cell: Cell) -> str:
    if cell is None or isinstance(cell, Fault):
        return ""
    return (clean(as_text(cell)) or "")[:HEADING_LIMIT]


def _example(cell: Cell, column: Column | None) -> str:
    """What stands below a heading, as far as it helps to know what it means."""
    if cell is None or isinstance(cell, Fault):
        return ""
    text = clean(as_text(cell)) or ""
    if (column is not None and column.masked) or _looks_like_account(text):
        return f"…{text[-4:]}" if len(text) > 8 else "…"
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def _looks_like_account(text: str) -> bool:
    plain = text.replace(" ", "")
    return len(plain) >= 15 and plain[:2].isalpha() and plain[2:4].isdigit() and plain.isalnum()


def _refuse_second(spec: SheetSpec, number: int, below: list[Row]) -> None:
    """Refuse a second row of headings: it would become a customer called First name."""
    for other, cells in below:
        texts = [heading_key(cell) for cell in cells if isinstance(cell, str)]
        known = sum(text in spec.by_heading for text in texts)
        filled = sum(cell is not None for cell in cells)
        if known >= 2 and 2 * known >= filled:
            raise Refused.because(
                f"Rows {number} and {other} both hold headings. "
                "Please keep one row of headings, above the rows to import."
            )


def _check(source: Source, layout: SheetLayout, updating: bool) -> None:
    seen: dict[str, str] = {}
    for at, column in layout.columns.items():
        if column.field in seen:
            raise HeadingProblem.at(
                f"The column “{column.label}” is there twice: as “{seen[column.field]}” "
                f"and as “{layout.headings[at]}”. Please keep one of them.",
                column.label,
            )
        seen[column.field] = layout.headings[at]
    missing = [] if updating else missing_columns(layout.spec, seen)
    if missing:
        raise HeadingProblem.at(missing_sentence(missing), missing[0].label)
    merged = source.merged(layout.sheet)
    if merged is not None and merged[1] > layout.heading_row:
        raise Refused.because(
            f"The cells {merged[0]} of this sheet are merged, which leaves all but the first of "
            "them empty. Please separate merged cells, and fill in each."
        )


def same_headings_said(layouts: Mapping[str, Any], mappings: Mappings) -> bool:
    """Whether the headings of an earlier import would be understood today as they were then."""
    return all(
        mappings.get((sheet.get("sheet", ""), key_of(sheet["headings"]))) == sheet.get("said")
        for sheet in layouts.get("sheets", ())
    )
