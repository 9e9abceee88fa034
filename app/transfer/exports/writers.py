"""Writes rows as an .xlsx workbook, or as a ZIP of two CSV files; both stream.

The workbook's writer is a Rust library by a single author (design.md, Spreadsheets): only this
module knows it. What it cannot take (dates before 1900, lone surrogates) never gets here: the
cells are made by `cells.py`.
"""

import codecs
import csv
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import rustpy_xlsxwriter

from app.core import clock
from app.transfer.columns.base import Column, Form
from app.transfer.exports.cells import NUMBER_FORMATS
from app.transfer.exports.streams import PORTION

SHEET_TITLE_LIMIT: Final = 31
_TEXT_FORMAT: Final = "@"
# 1 is nearly as small as the usual 6 for such text, in a third of the time.
_COMPRESSION: Final = 1

Rows = Iterable[Sequence[Any]]


def write_workbook(target: BinaryIO, title: str, columns: Sequence[Column], rows: Rows) -> None:
    """Write one sheet with a frozen bold heading row, an auto-filter and typed cells.

    Memory stays flat: rows are written as they come. Text columns are formatted as text, blank
    cells included, so that what somebody types there keeps its leading zeros.
    """
    labels = [column.label for column in columns]
    format_of = {column.label: NUMBER_FORMATS.get(column.form, _TEXT_FORMAT) for column in columns}
    as_text = [label for label in labels if format_of[label] == _TEXT_FORMAT]
    rustpy_xlsxwriter.write_worksheet(
        _records(labels, rows),
        _path_to(target),
        sheet_name=title[:SHEET_TITLE_LIMIT],
        freeze_row=1,
        bold_headers=True,
        autofilter=True,
        column_widths={column.label: float(_width(column)) for column in columns},
        column_formats={
            label: rustpy_xlsxwriter.Format().set_num_format(code)
            for label, code in format_of.items()
        },
        ignore_errors=as_text,
    )


def _path_to(target: BinaryIO) -> Any:
    """A path to an open file: into the file itself, the writer packs in memory before it writes.

    The file keeps what it has: no name in a folder where a kill could leave it. Where the system
    knows no such paths, the file itself.
    """
    try:
        path = f"/dev/fd/{target.fileno()}"
    except io.UnsupportedOperation:
        return target
    return path if os.path.exists(path) else target


def _width(column: Column) -> int:
    """The column's own width, at least that of its heading with the arrow of the filter."""
    least = 24 if column.form is Form.MOMENT else 8
    return max(column.width, len(column.label) + 4, least)


def _records(labels: Sequence[str], rows: Rows) -> Iterator[dict[str, Any]]:
    found = iter(rows)
    # The writer takes the headings from the first row; an empty list needs them, too.
    first = next(found, [None] * len(labels))
    for row in chain([first], found):
        yield dict(zip(labels, row, strict=True))


def write_archive(
    target: BinaryIO,
    data: tuple[str, Sequence[str], Rows],
    settings: tuple[str, Sequence[str], Rows],
    *,
    separator: str,
) -> None:
    """Write a ZIP of two CSV files, each given by its name, its headings and its rows.

    The settings come last: they may tell how many rows of data there were.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name, headings, rows in (data, settings):
            with archive.open(_entry(name), "w", force_zip64=True) as raw:
                _in_step(raw.write, _pieces(headings, rows, separator))


def _pieces(headings: Sequence[str], rows: Rows, separator: str) -> Iterator[bytes]:
    # Without this mark, spreadsheet programs take UTF-8 for something else.
    yield codecs.BOM_UTF8
    found = chain([headings], rows)
    while portion := list(islice(found, PORTION)):
        yield _csv(portion, separator)


def _in_step(write: Callable[[bytes], object], pieces: Iterator[bytes]) -> None:
    """Pack each piece on a second core while the next one is read; memory holds two of them."""
    with ThreadPoolExecutor(1) as packing:
        under_way: Future[object] | None = None
        for piece in pieces:
            if under_way is not None:
                under_way.result()
            under_way = packing.submit(write, piece)
        if under_way is not None:
            under_way.result()


def _csv(rows: Rows, separator: str) -> bytes:
    """Some rows in one piece: the ZIP takes a few large pieces faster than many small ones."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of a ZIP, made now; left to itself, the library dates it 1980."""
    entry = zipfile.ZipInfo(name, clock.now().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry._compresslevel = _COMPRESSION  # type: ignore[attr-defined]
    entry.external_attr = 0o600 << 16
    return entry
