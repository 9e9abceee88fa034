"""Cells as other programs write them: read as they are meant, or refused at their place."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.values import ValueProblem, parse_amount
from app.customers.models import Customer
from tests.transfer.bad_files import rewritten, workbook
from tests.transfer.conftest import Import

HEADINGS = ["First name", "Name", "Date of birth", "Newsletter", "Memo", "Email", "Country"]


def saved(tmp_path: Path, *rows: list[Any], work: Callable[[Any], object] = lambda b: None) -> Path:
    path = tmp_path / "odd.xlsx"
    path.write_bytes(workbook([HEADINGS, *rows], work))
    return path


def reasons(result: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(one["row"], one["column"], one["reason"]) for one in result["refused"]]


def test_formulas_and_errors_are_refused_with_and_without_a_stored_result(
    tmp_path: Path, run_import: Import
) -> None:
    path = saved(tmp_path, ["A", "=1+1"], ["B", "=A2"], ["C", None, None, "#N/A"], ["D", "#REF!"])
    cached = rewritten(
        path.read_bytes(),
        lambda name, part: part.replace(b"<f>A2</f><v />", b"<f>A2</f><v>A</v>").replace(
            b"<f>A2</f><v></v>", b"<f>A2</f><v>A</v>"
        ),
    )
    path.write_bytes(cached)
    assert reasons(run_import("individual", path)) == [
        (2, "Name", "Name holds a formula"),
        (3, "Name", "Name holds a formula"),
        (4, "Newsletter", "Newsletter holds the error #N/A"),
        (5, "Name", "Name holds the error #REF!"),
    ]


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_are_dates_in_every_form_but_a_bare_number(
    tmp_path: Path, session: Session, run_import: Import, epoch_1904: bool
) -> None:
    def calendar(book: Any) -> None:
        if epoch_1904:
            book.epoch = CALENDAR_MAC_1904

    day = datetime.date(1980, 12, 31)
    rows = [
        ["A", None, day], ["B", None, "31.12.1980"], ["C", None, "1980-12-31"],
        ["D", None, "31.12.1880"], ["E", None, 29586], ["F", None, "31.02.1980"],
    ]  # fmt: skip
    result = run_import("individual", saved(tmp_path, *rows, work=calendar))
    assert reasons(result) == [
        (6, "Date of birth", "Date of birth is not a date"),
        (7, "Date of birth", "Date of birth is not a date"),
    ]
    born = session.scalars(select(Customer.date_of_birth).order_by(Customer.id)).all()
    assert born == [day, day, day, datetime.date(1880, 12, 31)]


def test_yes_and_no_in_words_numbers_and_booleans(
    tmp_path: Path, session: Session, run_import: Import
) -> None:
    said = [True, "TRUE", "wahr", "Ja", 1, "x", False, "FALSCH", "nein", 0, "maybe"]
    path = saved(tmp_path, *([f"P{at}", None, None, word] for at, word in enumerate(said)))
    result = run_import("individual", path)
    assert reasons(result) == [(12, "Newsletter", "Newsletter is neither yes nor no")]
    found = session.scalars(select(Customer.newsletter).order_by(Customer.id)).all()
    assert found == [True] * 6 + [False] * 4


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("1,234.56", 123456), ("1.234,56", 123456), ("1 234,56", 123456), ("1'234.56", 123456),
        ("1\u00a0234,56", 123456), ("1\u202f234\u202f567,8", 123456780), ("1’234", 123400),
        ("12.34 €", 1234), ("1.234", None), ("1,234", None), ("12 34", None), ("1,23,456.00", None),
        ("1 234.567,00", None),
    ],
)  # fmt: skip
def test_amounts_with_the_thousands_marks_of_several_languages(
    typed: str, cents: int | None
) -> None:
    if cents is None:
        with pytest.raises(ValueProblem):
            parse_amount(typed, "Amount")
    else:
        assert parse_amount(typed, "Amount") * 100 == cents


def test_what_is_too_long_or_holds_odd_characters_is_refused_or_cleaned(
    tmp_path: Path, session: Session, run_import: Import
) -> None:
    longest = "x" * 32_767
    rows = [
        [longest, longest, longest, longest, longest, longest, longest],
        ["MARKzero", None, None, "MARKzero"],
        ["Er\u200bika\u0085", "a\tb"],
    ]
    path = saved(tmp_path, *rows)
    path.write_bytes(
        rewritten(path.read_bytes(), lambda _, part: part.replace(b"MARKzero", b"Z_x0000__x0007_"))
    )
    result = run_import("individual", path, "--report", str(tmp_path / "report.xlsx"))
    assert {(row, column) for row, column, _ in reasons(result)} == {
        *((2, heading) for heading in HEADINGS), (3, "Newsletter"),
    }  # fmt: skip
    assert result["created"] == 1
    assert session.scalars(select(Customer.name)).all() == ["a b"]
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert book.active.max_row == 3


def test_headings_that_come_again_further_down_are_refused_there(
    tmp_path: Path, run_import: Import
) -> None:
    rows: list[list[Any]] = [[f"P{at}", "M"] for at in range(60)]
    result = run_import("individual", saved(tmp_path, *rows, HEADINGS, ["Last", "M"]))
    assert (result["created"], reasons(result)) == (
        61,
        [(62, "First name", "This row repeats the headings")],
    )


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_the_refused_rows_are_mended_and_taken_back_in_the_uploaded_layout(
    tmp_path: Path, session: Session, run_import: Import, suffix: str
) -> None:
    path = tmp_path / f"people.{suffix}"
    headings = ["Shoe size", "Name", "First name", "Email"]
    rows = [[38, "M", "Good", "good@example.org"], [39, "M", None, "a@example"]]
    if suffix == "csv":
        lines = [headings, *rows]
        path.write_text(
            "\n".join("\t".join("" if c is None else str(c) for c in line) for line in lines),
            encoding="utf-16",
        )
    else:
        path.write_bytes(workbook([headings, *rows]))
    report = tmp_path / "report.xlsx"
    run_import("individual", path, "--report", str(report))
    book = openpyxl.load_workbook(report)
    sheet = book.active
    assert [cell.value for cell in sheet[1]] == [*headings, "Reason"]
    marked = [cell.column_letter for cell in sheet[2] if cell.fill.fill_type]
    assert (sheet.max_row, marked) == (2, ["C", "D"])
    assert "First name is missing" in sheet["E2"].value
    sheet["C2"], sheet["D2"] = "Mended", "mended@example.org"
    book.save(report)
    mended = run_import("individual", report)
    assert (mended["created"], mended["refused"]) == (1, [])
    assert session.scalars(select(Customer.first_name).order_by(Customer.id)).all() == [
        "Good",
        "Mended",
    ]
