"""Exports by command: the 31 columns, the rows asked for, safe cells, the ZIP, the receipt."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE
from app.customers.models import Customer
from app.customers.operations import delete_customers
from app.extensions import transaction
from app.transfer.exports import operations
from app.transfer.exports.cells import cleaned, defused
from app.transfer.exports.lists import LISTS
from tests.transfer.conftest import Import
from tests.transfer.exporting import (
    IBAN,
    LABELS,
    export,
    many_people,
    records,
    sheet_of,
    tables,
    three_customers,
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "export.xlsx"


def test_customers_leave_in_exactly_the_31_columns(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    three_customers()
    result = export(runner, "customers", target)
    assert (result["rows"], result["format"], result["file"]) == (3, "xlsx", str(target))
    assert [cell.value for cell in sheet_of(target)[1]] == LABELS


def test_every_column_holds_what_it_should(
    session: Session,
    runner: FlaskCliRunner,
    target: Path,
    clock: Callable[[datetime], None],
) -> None:
    clock(datetime(2026, 7, 1, 10, 0, 0, 123000, tzinfo=UTC))
    three_customers()
    export(runner, "customers", target)
    company, person, institution = records(target)
    day, changed = datetime(1980, 12, 31), datetime(2026, 7, 1, 12, 0, 0, 123000)  # noqa: DTZ001
    assert person == {
        "Customer number": "1000001", "Title": "Dr.", "First name": "Erika", "Name": "Mustermann",
        "Alias": "=1+1", "Gender": "female", "Date of birth": day,
        "Street/No.": "Heidestraße 17", "Postcode": "01097", "Place": "Dresden", "c/o": None,
        "PO Box": None, "Country": "Germany", "Telephone private": None,
        "Business telephone": None, "Mobile phone": "+491701234567", "Fax": None,
        "Email": "erika@example.org", "Homepage": None, "IBAN": IBAN, "BIC": "COBADEFFXXX",
        "Institute": "Commerzbank", "Rebate": 10, "Price level": None, "Reason for loss": None,
        "Method of payment": "SEPA direct debit", "Term of payment": 14,
        # The company's clock, with milliseconds.
        "Customer created": changed,
        "Client last changed": changed,
        "Favourite": "yes", "Locked customer": "no",
    }  # fmt: skip
    assert (company["Name"], company["First name"]) == ("Muster GmbH", "Max")
    assert company["Locked customer"] == "yes"
    assert (institution["Name"], institution["Street/No."]) == ("Universität Graz", None)


def test_the_cells_are_typed_and_none_of_them_runs(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    three_customers()
    export(runner, "customers", target, "--search", "Mustermann")
    sheet = sheet_of(target)
    cells = dict(zip(LABELS, sheet[2], strict=True))
    assert cells["Rebate"].data_type == "n"
    assert cells["Date of birth"].is_date
    assert cells["Client last changed"].is_date
    for label in ("Customer number", "Postcode", "Mobile phone", "Alias"):
        assert (cells[label].data_type, cells[label].number_format) == ("s", "@")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:AE2"
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.column_dimensions["H"].width > sheet.column_dimensions["W"].width > 8


def test_the_search_and_the_filters_decide_the_rows(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    three_customers()
    assert export(runner, "customers", target, "--kind", "perpetual")["rows"] == 1
    assert export(runner, "perpetual", target)["rows"] == 1
    assert export(runner, "customers", target, "--search", "muster")["rows"] == 2
    assert export(runner, "customers", target, "--filter", "locked=yes")["rows"] == 1
    # The address that a filter asks for need not be the one that is exported.
    assert export(runner, "customers", target, "--filter", "country=AT")["rows"] == 2
    both = ["--filter", "country=AT", "--filter", "favourite=yes"]
    assert export(runner, "customers", target, *both)["rows"] == 1
    assert records(target)[0]["Country"] == "Germany"


def test_conditions_that_cannot_be_followed_are_refused_in_words(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    refused = export(runner, "customers", target, "--filter", "locked=perhaps", code=1)
    assert "Locked customer: perhaps is neither yes nor no" in refused["error"]
    assert (
        "no filter colour"
        in export(runner, "customers", target, "--filter", "colour=red", code=1)["error"]
    )
    assert "no condition" in export(runner, "customers", target, "--filter", "red", code=1)["error"]
    assert not target.exists()


def test_deleted_customers_stay_at_home(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    ids = three_customers()
    with transaction() as writing:
        delete_customers(writing, ids[:1], actor=COMMAND_LINE)
    assert export(runner, "customers", target)["rows"] == 2


def test_an_empty_list_has_its_headings(runner: FlaskCliRunner, target: Path) -> None:
    assert export(runner, "customers", target)["rows"] == 0
    assert [cell.value for cell in sheet_of(target)[1]] == LABELS


def test_what_a_workbook_cannot_hold_leaves_as_cleaned_text(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    ids = three_customers()
    with transaction() as writing:
        writing.execute(
            update(Customer)
            .where(Customer.id == ids[0])
            .values(date_of_birth=date(1899, 5, 4), alias="a\x07b")
        )
    export(runner, "customers", target, "--search", "Mustermann")
    [row] = records(target)
    assert (row["Date of birth"], row["Alias"]) == ("1899-05-04", "ab")
    assert cleaned("half \ud83d of a pair") == "half  of a pair"
    assert len(cleaned("x" * 40_000)) == 32_767


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3", "@x", "\t=1", "\r=1", "+1*2"])
def test_a_text_that_could_run_is_defused(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "+3", "+491701234567", "+49 170 1234567", "a=b", ""])
def test_numbers_and_phones_and_plain_words_stay_as_they_are(text: str) -> None:
    assert defused(text) == text


def test_a_large_export_is_a_zip_of_the_rows_and_the_conditions(
    session: Session,
    runner: FlaskCliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Callable[[datetime], None],
) -> None:
    clock(datetime(2026, 7, 1, 10, 0, tzinfo=UTC))
    three_customers()
    many_people(1200)
    monkeypatch.setattr(operations, "ROWS_OF_ARCHIVE", 1203)
    result = export(runner, "customers", tmp_path / "all.zip")
    assert (result["rows"], result["format"]) == (1203, "zip")
    found = tables(tmp_path / "all.zip")
    assert list(found) == ["customers.csv", "filter settings.csv"]
    head, *rows = found["customers.csv"]
    assert head == LABELS
    assert len(rows) == 1203
    person = next(dict(zip(head, row, strict=True)) for row in rows if row[3] == "Mustermann")
    assert (person["Alias"], person["Mobile phone"]) == ("'=1+1", "+491701234567")
    assert (person["Date of birth"], person["Postcode"]) == ("1980-12-31", "01097")
    assert (person["Rebate"], person["Favourite"], person["Fax"]) == ("10", "yes", "")
    assert person["Client last changed"] == "2026-07-01 12:00:00.000"
    monkeypatch.setattr(operations, "ROWS_OF_ARCHIVE", 1)
    export(runner, "customers", tmp_path / "some.zip", "--filter", "kind=business,perpetual")
    assert tables(tmp_path / "some.zip")["filter settings.csv"] == [
        ["Setting", "Value"],
        ["List", "Customers"],
        ["Exported by", "command line"],
        ["Exported", "2026-07-01 12:00:00"],
        ["Kind", "Business or Perpetual"],
        ["Rows", "2"],
    ]


def test_a_csv_begins_with_the_mark_of_utf_8(
    session: Session, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    three_customers()
    monkeypatch.setattr(operations, "ROWS_OF_ARCHIVE", 1)
    export(runner, "customers", tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.read("customers.csv").startswith(b"\xef\xbb\xbfCustomer number;Title;")


def test_every_export_leaves_a_receipt(
    session: Session, runner: FlaskCliRunner, target: Path
) -> None:
    three_customers()
    result = export(runner, "customers", target, "--filter", "locked=no", "--search", "muster")
    session.rollback()
    [receipt] = session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).all()
    told = {name: new for name, (_, new) in (receipt.changes or {}).items()}
    assert (receipt.actor_label, receipt.entity_label) == ("command line", "Customers")
    assert told["filter"] == ["Search: muster", "Locked customer: no"]
    assert (told["rows"], told["sha256"]) == (1, result["sha256"])
    assert told["bank_details"] == "in full"
    assert receipt.at - datetime.now(UTC) < timedelta(minutes=1)


def test_every_list_can_be_exported(
    session: Session, runner: FlaskCliRunner, target: Path, run_import: Import
) -> None:
    run_import("journals", "journals_kbart.tsv")
    run_import("perpetual", "perpetual_customers.xlsx")
    rows = {name: export(runner, name, target)["rows"] for name in LISTS}
    assert rows["journals"] == 1200  # one for each coverage, as they came
    assert rows["perpetual"] == rows["customers"] == 40
    assert rows["authorizations"] == 570
    assert 0 < rows["subscriptions"] < 570
    assert (rows["products"], rows["stores"], rows["groups"], rows["price_levels"]) == (6, 1, 4, 3)


def test_subscriptions_name_customer_journal_coverage_and_sources(
    session: Session, runner: FlaskCliRunner, target: Path, run_import: Import
) -> None:
    run_import("journals", "journals_kbart.tsv")
    run_import("perpetual", "perpetual_customers.xlsx")
    export(runner, "subscriptions", target)
    assert [cell.value for cell in sheet_of(target)[1]] == [
        "Customer number", "Customer", "ISSN", "Journal", "Source", "Coverage from",
        "Coverage to", "First volume", "Last volume", "Status", "Sources",
    ]  # fmt: skip
    row = records(target)[0]
    assert row["Source"] == "perpetual"
    assert isinstance(row["Coverage from"], str)


@pytest.mark.parametrize("kind", ["journals", "products"])
def test_an_exported_catalogue_comes_back_unchanged(
    session: Session, runner: FlaskCliRunner, target: Path, run_import: Import, kind: str
) -> None:
    run_import("journals", "journals_kbart.tsv")
    rows = export(runner, kind, target)["rows"]
    result = run_import(kind, target, *(["--update"] if kind == "products" else []))
    assert (result["rows"], result["unchanged"], result["refused"]) == (rows, rows, [])
