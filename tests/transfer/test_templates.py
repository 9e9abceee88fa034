"""The blank import workbooks: as the samples, with help; nothing of the help is taken for data."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy.orm import Session

from app.customers.models import Group
from app.extensions import transaction
from app.transfer.columns import TEMPLATE_NAMES
from tests.transfer.conftest import DATA, Import
from tests.transfer.exporting import sheet_of

SAMPLES = {
    "individual": "individual_customers.xlsx",
    "business": "business_customers.xlsx",
    "perpetual": "perpetual_customers.xlsx",
    "invoices": "open_invoices.xlsx",
}


@pytest.fixture
def template(tmp_path: Path, basics: None, runner: FlaskCliRunner) -> Any:
    """Write a template; its path."""

    def write(kind: str) -> Path:
        path = tmp_path / f"{kind}.xlsx"
        result = runner.invoke(args=["template", kind, "--out", str(path), "--json"])
        assert result.exit_code == 0, result.output
        return path

    return write


def headings(sheet: Any) -> list[str]:
    return [cell.value for cell in sheet[1] if cell.value is not None]


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_headings_are_those_of_the_samples_in_their_order(template: Any, kind: str) -> None:
    book = openpyxl.load_workbook(template(kind))
    sample = openpyxl.load_workbook(DATA / SAMPLES[kind])
    for ours, theirs in zip(book.worksheets, sample.worksheets, strict=False):
        assert ours.title == theirs.title or len(sample.worksheets) == 1
        assert headings(ours) == headings(theirs)


def test_the_journals_template_has_the_columns_of_kbart(template: Any) -> None:
    first_line = (DATA / "journals_kbart.tsv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert set(first_line.split("\t")) <= set(headings(sheet_of(template("journals"))))


@pytest.mark.parametrize("kind", TEMPLATE_NAMES)
def test_an_untouched_template_has_no_rows_and_says_so(
    session: Session, template: Any, run_import: Import, kind: str
) -> None:
    result = run_import(kind, template(kind), code=1)
    assert result["error"] == "There are no rows below the headings of this file."


@pytest.mark.parametrize("kind", ["individual", "business", "journals", "products"])
def test_the_example_is_a_row_that_the_importer_takes(
    session: Session, template: Any, run_import: Import, kind: str
) -> None:
    path = template(kind)
    book = openpyxl.load_workbook(path)
    for column, cell in enumerate(book["Example"][2], start=1):
        if cell.value is not None:
            book.worksheets[0].cell(2, column).value = cell.value
    book.save(path)
    result = run_import(kind, path)
    assert (result["created"], result["refused"]) == (1, [])


def test_required_columns_are_marked_without_a_change_of_the_label(template: Any) -> None:
    sheet = sheet_of(template("business"))
    cells = {cell.value: cell for cell in sheet[1]}
    required, optional = cells["Company name"], cells["VAT ID"]
    assert required.fill.fgColor.rgb != optional.fill.fgColor.rgb
    assert required.comment.text.startswith("Required.")


def test_coded_columns_offer_the_words_that_are_stored_now(session: Session, template: Any) -> None:
    with transaction() as writing:
        writing.add(Group(name="=Museums"))
    book = openpyxl.load_workbook(template("individual"))
    sheet = book.worksheets[0]
    column = next(cell.column_letter for cell in sheet[1] if cell.value == "Group")
    [validation] = [
        one for one in sheet.data_validations.dataValidation if f"{column}2" in str(one.sqref)
    ]
    name = validation.formula1.removeprefix("=")
    [(title, area)] = book.defined_names[name].destinations
    words = [cell for (cell,) in book[title][area.replace("$", "")]]
    assert {cell.value for cell in words} == {"=Museums", "Retail", "Wholesale", "Library", "Press"}
    assert all(cell.data_type == "s" for cell in words)
    assert book[title].sheet_state == "hidden"


def test_text_columns_keep_the_zeros_that_somebody_types(template: Any) -> None:
    sheet = sheet_of(template("individual"))
    letters = {cell.value: cell.column_letter for cell in sheet[1]}
    formats = {name: sheet.column_dimensions[letters[name]].number_format for name in letters}
    assert formats["Postcode"] == formats["Mobile phone"] == "@"
    assert (formats["Rebate"], formats["Date of birth"]) == ("0", "dd.mm.yyyy")


def test_one_sheet_explains_every_column(template: Any) -> None:
    book = openpyxl.load_workbook(template("perpetual"))
    told = {
        (row[0], row[1]): row
        for row in book["Columns explained"].iter_rows(min_row=6, values_only=True)
    }
    for sheet in book.worksheets[:3]:
        for heading in headings(sheet):
            assert (sheet.title, heading) in told
    basis = told["Journal authorizations", "Basis"]
    assert basis[2] == "yes"
    assert "purchase, post-cancellation, backfile" in str(basis[4])
