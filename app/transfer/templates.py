"""Builds the blank import workbooks: headings, drop-downs, notes, an example, an explanation.

Everything in them comes from the column definitions that the importer reads by. The sheets to
fill in come first; the importer does not take the others for data.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy.orm import Session

from app.transfer.columns import workbook_spec
from app.transfer.columns.base import CLEAR_WORD, Column, Form, SheetSpec, WorkbookSpec
from app.transfer.columns.choices import CHOICES

ROWS_WITH_HELP: Final = 10_000  # how far down drop-downs reach
CHOICES_SHEET: Final = "Choices"
EXPLANATION_SHEET: Final = "Columns explained"
EXAMPLE_TITLE: Final = "Example"
_TITLE_LIMIT: Final = 31
_REQUIRED: Final = PatternFill("solid", fgColor="FFE08A")
_OPTIONAL: Final = PatternFill("solid", fgColor="E7EDF3")
_HEADING: Final = Font(bold=True)
_REQUIRED_HEADING: Final = Font(bold=True, color="9C2A00")
_QUIET: Final = Font(italic=True, color="5B6B7B")
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
_NUMBER_FORMATS: Final = {
    Form.WHOLE: "0",
    Form.AMOUNT: "0.00",
    Form.DATE: "dd.mm.yyyy",
}
_TEXT: Final = "@"
_KINDS: Final = {
    Form.TEXT: "Text",
    Form.WHOLE: "A whole number",
    Form.AMOUNT: "A number with at most two decimals: 12.34 or 12,34",
    Form.DATE: "A date",
    Form.MOMENT: "A date with time",
    Form.YES_NO: "yes or no",
    Form.CHOICE: "One of the choices",
    Form.LIST: "One or several of the choices, separated by semicolons",
    Form.COVERAGE: "A year, a month or a day",
}
_CHOICES_SHOWN: Final = 30


def write_template(session: Session, name: str, target: Path) -> None:
    """Write the template of a kind of import into a file. Raises NotFound."""
    spec = workbook_spec(session, name)
    workbook = Workbook()
    workbook.remove(workbook.active)  # type: ignore[arg-type]
    offered = _offered(session, spec)
    for sheet in spec.sheets:
        _fill_in_sheet(workbook, sheet, offered)
    for sheet in spec.sheets:
        _example_sheet(workbook, sheet, offered, single=len(spec.sheets) == 1)
    _explanation_sheet(workbook, spec, offered)
    _choices_sheet(workbook, offered)
    workbook.active = 0
    workbook.properties.title = f"Kontor: {spec.title}"
    workbook.properties.creator = "Kontor"
    workbook.save(target)


def template_name(spec: WorkbookSpec) -> str:
    """The name that a template is offered by."""
    return f"{spec.title} template.xlsx"


def _columns(sheet: SheetSpec) -> list[Column]:
    return [column for column in sheet.columns if column.in_template]


def _also_known(sheet: SheetSpec) -> list[Column]:
    """The columns that are read when they come, but not offered."""
    return [one for one in sheet.columns if not one.in_template and not one.read_only]


def _offered(session: Session, spec: WorkbookSpec) -> dict[str, list[str]]:
    """The words of every source of choices that the workbook uses, as they are stored now."""
    names = [column.choices for sheet in spec.sheets for column in sheet.columns]
    return {name: CHOICES[name](session) for name in dict.fromkeys(names) if name}


def _fill_in_sheet(
    workbook: Workbook, spec: SheetSpec, offered: Mapping[str, Sequence[str]]
) -> None:
    sheet = workbook.create_sheet(spec.title)
    columns = _columns(spec)
    _headings(sheet, columns, notes=True)
    validations: dict[str, DataValidation] = {}
    for place, column in enumerate(columns, start=1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].number_format = _NUMBER_FORMATS.get(column.form, _TEXT)
        if column.choices and offered[column.choices]:
            validation = validations.setdefault(column.choices, _drop_down(column))
            validation.add(f"{letter}2:{letter}{ROWS_WITH_HELP}")
    for validation in validations.values():
        sheet.add_data_validation(validation)


def _headings(sheet: Worksheet, columns: Sequence[Column], *, notes: bool = False) -> None:
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, start=1):
        cell = sheet.cell(row=1, column=place, value=column.label)
        cell.font = _REQUIRED_HEADING if column.required else _HEADING
        cell.fill = _REQUIRED if column.required else _OPTIONAL
        cell.number_format = _TEXT
        dimension = sheet.column_dimensions[get_column_letter(place)]
        dimension.width = max(column.width, len(column.label) + 2)
        text = _note(column)
        if notes and text:
            cell.comment = Comment(text, "Kontor", width=280, height=40 + 18 * (len(text) // 36))


def _note(column: Column) -> str:
    """What a person should know when filling in a column."""
    parts = ["Required."] if column.required else []
    if column.form not in (Form.TEXT, Form.CHOICE):
        parts.append(f"{_KINDS[column.form]}.")
    return " ".join([*parts, column.note]).strip()


def _drop_down(column: Column) -> DataValidation:
    """Offers the choices without insisting: the importer understands more spellings."""
    return DataValidation(
        type="list", formula1=f"={_range_name(column.choices)}", showErrorMessage=False
    )


def _range_name(source: str) -> str:
    return f"choices_{source}"


def _choices_sheet(workbook: Workbook, offered: Mapping[str, Sequence[str]]) -> None:
    """The words behind the drop-downs, hidden: a list in a cell ends at 255 characters."""
    sheet = workbook.create_sheet(CHOICES_SHEET)
    sheet.sheet_state = "hidden"
    for place, (source, words) in enumerate(offered.items(), start=1):
        if not words:
            continue
        for row, word in enumerate(words, start=1):
            _put(sheet, row, place, word)
        letter = get_column_letter(place)
        reference = f"'{CHOICES_SHEET}'!${letter}$1:${letter}${len(words)}"
        name = _range_name(source)
        workbook.defined_names[name] = DefinedName(name, attr_text=reference)


def _example_sheet(
    workbook: Workbook,
    spec: SheetSpec,
    offered: Mapping[str, Sequence[str]],
    *,
    single: bool,
) -> None:
    title = EXAMPLE_TITLE if single else f"{EXAMPLE_TITLE} {spec.title.lower()}"
    sheet = workbook.create_sheet(title[:_TITLE_LIMIT])
    columns = _columns(spec)
    _headings(sheet, columns)
    for place, column in enumerate(columns, start=1):
        value = example_of(column, offered)
        if value is not None:
            _put(sheet, 2, place, value)


def example_of(column: Column, offered: Mapping[str, Sequence[str]]) -> Any:
    """The example of a column; where it is one of the stored words, one that is really there."""
    if column.example is None or not column.choices or column.form is Form.YES_NO:
        return None if column.field == "number" and not column.required else column.example
    words = offered[column.choices]
    asked = [word.strip() for word in str(column.example).split(";")]
    known = [word for word in asked if word in words] or list(words[:1])
    return "; ".join(known) or None


def _explanation_sheet(
    workbook: Workbook, spec: WorkbookSpec, offered: Mapping[str, Sequence[str]]
) -> None:
    sheet = workbook.create_sheet(EXPLANATION_SHEET)
    _put(sheet, 1, 1, spec.title).font = Font(bold=True, size=14)
    _put(sheet, 2, 1, spec.about)
    rules = (
        f"Fill in the {'sheet' if len(spec.sheets) == 1 else 'sheets'} "
        + ", ".join(f"“{one.title}”" for one in spec.sheets)
        + " and upload this file. The columns may stand in any order. In an update a blank cell "
        f"leaves what is stored; the word {CLEAR_WORD} takes it away."
    )
    _put(sheet, 3, 1, rules).font = _QUIET
    heads = ("Sheet", "Column", "Required", "What it holds", "Note", "Example")
    for place, (head, width) in enumerate(zip(heads, (22, 26, 10, 34, 70, 34), strict=True), 1):
        cell = _put(sheet, 5, place, head)
        cell.font, cell.fill = _HEADING, _OPTIONAL
        sheet.column_dimensions[get_column_letter(place)].width = width
    row = 6
    for one in spec.sheets:
        for column in (*_columns(one), *_also_known(one)):
            words = list(offered.get(column.choices, ()))
            line = (
                one.title,
                column.label,
                "yes" if column.required else "no",
                _KINDS[column.form],
                _with_choices(column, words),
                example_of(column, offered),
            )
            for place, value in enumerate(line, start=1):
                if value is not None:
                    _put(sheet, row, place, value).alignment = _WRAPPED
            row += 1
    sheet.freeze_panes = "A6"


def _with_choices(column: Column, words: Sequence[str]) -> str:
    parts = [column.note]
    if words and column.form is not Form.YES_NO:
        more = f" and {len(words) - _CHOICES_SHOWN} more" if len(words) > _CHOICES_SHOWN else ""
        parts.append("Choices: " + ", ".join(words[:_CHOICES_SHOWN]) + more + ".")
    if column.aliases:
        parts.append("Also read with the heading " + " or ".join(column.aliases) + ".")
    if not column.in_template:
        parts.append("Not in this template: add a column with this heading if you need it.")
    return " ".join(part for part in parts if part)


def _put(sheet: Worksheet, row: int, place: int, value: Any) -> Any:
    """A cell whose text stays text: a group named =1 must not run."""
    cell = sheet.cell(row=row, column=place)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = _TEXT
    return cell
