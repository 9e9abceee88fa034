"""The workbook of refused rows: only these, in the uploaded layout, with what is wrong.

Faulty cells are marked, the reason stands in a last column, which is ignored when the mended
file is uploaded again. Text stays text: nothing in it can run.
"""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, BinaryIO, Final

from flask import current_app
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from sqlalchemy import func, select

from app.core import storage
from app.extensions import db, transaction
from app.transfer.columns.base import REASON_LABEL, heading_key
from app.transfer.columns.parsers import as_text as shown_text
from app.transfer.exports.cells import defused
from app.transfer.imports.layout import SheetLayout
from app.transfer.imports.marks import FORMULA_WORD, Fault
from app.transfer.imports.reader import Cell, Source
from app.transfer.models import Import, ImportRefusal

_FAULTY: Final = PatternFill("solid", fgColor="FFC7CE")
_HEADING: Final = Font(bold=True)
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
_MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REPORT: Final = "import report"
_TITLE_LIMIT: Final = 31  # characters that a spreadsheet program allows

WORKBOOK_ROWS: Final = 100_000  # as in exports: from here on workbooks are slow to everybody

RowRefusals = tuple[int, list[ImportRefusal]]


def store_report(import_id: int, source: Source, layouts: Sequence[SheetLayout]) -> None:
    """Write the refused rows from the upload and the refused cells, and keep them with the import.

    More rows than a workbook is read with come as CSV, which knows no marks: the reason names the
    columns there.
    """
    (layout, *others) = layouts
    as_text = not others and _count_rows(import_id) > WORKBOOK_ROWS
    with tempfile.TemporaryFile("w+b") as file:
        if as_text:
            _write_text(file, import_id, source, layout)
        else:
            workbook = Workbook(write_only=True)
            for one in layouts:
                _write_sheet(workbook, import_id, source, one)
            workbook.save(file)
        kept = storage.keep_bytes(file, purpose=_REPORT)
        with transaction() as session:
            found = session.get_one(Import, import_id)
            stem = found.file.name.rpartition(".")[0] or "upload"
            stored = storage.save(
                session,
                kept,
                name=f"refused rows of {stem}.{'csv' if as_text else 'xlsx'}",
                media_type="text/csv" if as_text else _MEDIA_TYPE,
                purpose=_REPORT,
                owner_id=found.created_by_id,
                days=current_app.config["SETTINGS"].retention_days,
            )
            found.report_file_id = stored.id


def _count_rows(import_id: int) -> int:
    rows = (
        select(ImportRefusal.row)
        .where(ImportRefusal.import_id == import_id)
        .distinct()
        .limit(WORKBOOK_ROWS + 1)
    )
    return db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def _kept(layout: SheetLayout) -> list[int]:
    """The places of the columns as uploaded, without the reasons of an earlier round."""
    return [
        at
        for at, heading in enumerate(layout.headings)
        if heading_key(heading) != heading_key(REASON_LABEL)
    ]


def _refused_rows(
    import_id: int, source: Source, layout: SheetLayout
) -> Iterator[tuple[list[Cell], list[ImportRefusal]]]:
    """The refused rows as they were uploaded, each with its refused cells."""
    wanted = _refusals(import_id, layout.title)
    refused = next(wanted, None)
    for number, cells in layout.rows(source):
        if refused is None:
            break
        if number == refused[0]:
            yield cells, refused[1]
            refused = next(wanted, None)


def _write_text(file: BinaryIO, import_id: int, source: Source, layout: SheetLayout) -> None:
    kept = _kept(layout)
    # utf-8-sig: without its mark, spreadsheet programs take UTF-8 for something else.
    text = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*(layout.headings[at] for at in kept), REASON_LABEL])
    for cells, refusals in _refused_rows(import_id, source, layout):
        row = [_as_csv(cells[at] if at < len(cells) else None) for at in kept]
        writer.writerow([*row, " ".join(f"{one.column}: {_reason(one)}" for one in refusals)])
    text.flush()
    text.detach()


def _as_csv(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Fault):
        return value.shown or FORMULA_WORD
    return defused(shown_text(value))


def _write_sheet(workbook: Workbook, import_id: int, source: Source, layout: SheetLayout) -> None:
    sheet = workbook.create_sheet(layout.title[:_TITLE_LIMIT])
    kept = _kept(layout)
    sheet.freeze_panes = "A2"
    for position, at in enumerate(kept, start=1):
        column = layout.columns.get(at)
        sheet.column_dimensions[get_column_letter(position)].width = column.width if column else 14
    sheet.column_dimensions[get_column_letter(len(kept) + 1)].width = 60
    headings = [layout.headings[at] for at in kept] + [REASON_LABEL]
    sheet.append([_text_cell(sheet, heading, bold=True) for heading in headings])
    for cells, refusals in _refused_rows(import_id, source, layout):
        sheet.append(_row(sheet, layout, kept, cells, refusals))


def _refusals(import_id: int, title: str) -> Iterator[RowRefusals]:
    """The refused rows of a sheet in their order, each with its refused cells."""
    found = db.session.scalars(
        select(ImportRefusal)
        .where(ImportRefusal.import_id == import_id, ImportRefusal.sheet == title)
        .order_by(ImportRefusal.row, ImportRefusal.id)
        .execution_options(yield_per=1000)
    )
    for number, refusals in groupby(found, key=lambda refusal: refusal.row):
        yield number, list(refusals)


def _row(
    sheet: Any,
    layout: SheetLayout,
    kept: list[int],
    cells: list[Cell],
    refusals: list[ImportRefusal],
) -> list[Any]:
    faulty = {refusal.column for refusal in refusals}
    written = []
    for at in kept:
        cell = _value_cell(sheet, cells[at] if at < len(cells) else None)
        column = layout.columns.get(at)
        if column is not None and column.label in faulty:
            cell.fill = _FAULTY
        written.append(cell)
    reason = _text_cell(sheet, "\n".join(_reason(refusal) for refusal in refusals))
    reason.alignment = _WRAPPED
    return [*written, reason]


def _reason(refusal: ImportRefusal) -> str:
    return f"{refusal.reason}. {refusal.hint}." if refusal.hint else f"{refusal.reason}."


def _value_cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, Fault):
        return _text_cell(sheet, value.shown or FORMULA_WORD)
    if isinstance(value, str):
        return _text_cell(sheet, value)
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    return cell


def _text_cell(sheet: Any, text: str, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    cell.data_type = "s"  # openpyxl would make a formula of what begins with =
    cell.number_format = "@"
    if bold:
        cell.font = _HEADING
    return cell
