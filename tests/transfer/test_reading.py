"""Reading uploads: the numbers that people see, and values as they stand in the cells."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from app.core.errors import Refused
from app.transfer.columns.people import INDIVIDUAL
from app.transfer.imports.layout import find_layouts
from app.transfer.imports.marks import Fault
from app.transfer.imports.reader import open_source

LIMIT = 64 * 1024 * 1024


def read(path: Path, sheet: int = 0) -> list[tuple[int, list[Any]]]:
    with open_source(path, LIMIT) as source:
        return list(source.rows(source.sheets[sheet]))


def saved(tmp_path: Path, cells: dict[str, Any], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    for place, value in cells.items():
        book.active[place] = value
    for place, number_format in (formats or {}).items():
        book.active[place].number_format = number_format
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def test_rows_are_numbered_as_the_spreadsheet_shows_them(tmp_path: Path) -> None:
    path = saved(tmp_path, {"C3": "a", "D3": "b", "C7": "c"})
    assert read(path) == [(3, [None, None, "a", "b"]), (7, [None, None, "c", None])]


def test_a_whole_number_is_whole_even_where_the_file_stores_a_fraction(tmp_path: Path) -> None:
    (row,) = read(saved(tmp_path, {"A1": 10.0, "B1": 12.5, "C1": "10.0"}))
    assert [(type(cell), cell) for cell in row[1]] == [(int, 10), (float, 12.5), (str, "10.0")]


def test_zeros_that_a_number_format_shows_are_kept(tmp_path: Path) -> None:
    path = saved(
        tmp_path, {"A1": 1097, "B1": 1097, "A2": 45}, {"A1": "00000", "B1": "General", "A2": "000"}
    )
    assert read(path) == [(1, ["01097", 1097]), (2, ["045", None])]


def test_formulas_and_errors_never_count_as_blank(tmp_path: Path) -> None:
    path = saved(tmp_path, {"A1": "x", "B2": "=1+2", "A4": "#REF!", "C4": "y"})
    assert read(path) == [
        (1, ["x", None, None]),
        (2, [None, Fault("formula"), None]),
        (4, [Fault("error", "#REF!"), None, "y"]),
    ]


def test_dates_are_dates_in_both_calendars(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active["A1"] = datetime.date(1980, 12, 31)
    path = tmp_path / "mac.xlsx"
    book.save(path)
    assert read(path) == [(1, [datetime.date(1980, 12, 31)])]


def test_a_hidden_sheet_is_passed_over(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["First name", "Name"])
    book.active.append(["hidden", "hidden"])
    book.active.sheet_state = "hidden"
    seen = book.create_sheet("Whatever")
    seen.append(["A list of people"])
    seen.append([])
    seen.append([" NAME *", "first  name", "Shoe size"])
    seen.append(["Mustermann", "Erika", 38])
    path = tmp_path / "hidden.xlsx"
    book.save(path)
    with open_source(path, LIMIT) as source:
        (layout,) = find_layouts(source, INDIVIDUAL, updating=False)
        rows = list(layout.rows(source))
    assert (layout.title, layout.heading_row, layout.unknown) == ("Whatever", 3, ["Shoe size"])
    assert rows == [(4, ["Mustermann", "Erika", 38])]


def test_a_sheet_can_be_read_again_after_only_its_beginning_was(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for number in range(1, 2001):
        book.active.append([number])
    path = tmp_path / "long.xlsx"
    book.save(path)
    with open_source(path, LIMIT) as source:
        beginning = source.rows(source.sheets[0])
        assert next(beginning) == (1, [1])
        assert [number for number, _ in source.rows(source.sheets[0])] == list(range(1, 2001))


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_text_is_read_in_any_usual_separator_and_encoding(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    path = tmp_path / "people.csv"
    lines = [["First name", "Name"], [], ["Jürgen", f'"Groß{separator} ""G""\nKlein"'], ["Ana", ""]]
    path.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    assert read(path) == [
        (1, ["First name", "Name"]),
        (3, ["Jürgen", f'Groß{separator} "G"\nKlein']),
        (4, ["Ana", None]),
    ]


def test_a_text_with_null_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nulls.csv"
    path.write_bytes(b"First name;Name\nA\0;B\n")
    with pytest.raises(Refused, match=r"no text \(NUL\)"):
        read(path)
