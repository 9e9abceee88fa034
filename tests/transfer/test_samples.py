"""The sample files by the command: exactly the rows of EXPECTED.tsv are refused, and no others."""

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.customers.models import Address, Customer
from app.sepa.models import Mandate
from app.subscriptions.models import Authorization
from tests.transfer.conftest import DATA, Import


def expected(file: str) -> dict[tuple[str, int], tuple[set[str], str]]:
    """The refused rows by sheet and row: the columns that may be named, and the reason."""
    with (DATA / "EXPECTED.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines, delimiter="\t"))
    found = {}
    for name, row, columns, reason in (row for row in rows[1:] if len(row) == 4 and row[1]):
        workbook, _, sheet = name.rstrip("]").partition(" [")
        if workbook == file:
            found[sheet or "Customers", int(row)] = set(columns.split("|")), reason
    return found


def assert_refused_as_expected(result: dict[str, Any], file: str) -> None:
    wanted = expected(file)
    found = {(cell["sheet"], cell["row"]): cell for cell in result["refused"]}
    assert len(found) == len(result["refused"]), "one cell for each of these rows"
    assert found.keys() == wanted.keys()
    for place, (columns, reason) in wanted.items():
        assert found[place]["column"] in columns
        assert found[place]["reason"] == reason


SAMPLES = {
    "individual": ("individual_customers.xlsx", 400, 387),
    "business": ("business_customers.xlsx", 133, 130),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_customers_come_in_and_come_in_only_once(
    session: Session, run_import: Import, kind: str
) -> None:
    file, rows, good = SAMPLES[kind]
    first = run_import(kind, file)
    assert (first["rows"], first["created"], first["updated"]) == (rows, good, 0)
    assert_refused_as_expected(first, file)
    assert session.scalar(select(func.count()).select_from(Customer)) == good

    second = run_import(kind, file)
    assert (second["rows"], second["created"], second["unchanged"]) == (rows, 0, good)
    assert "was imported before" in second["message"]
    assert_refused_as_expected(second, file)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Customer)) == good


def test_institutions_come_in_with_their_addresses_and_rights(
    session: Session, run_import: Import
) -> None:
    run_import("journals", "journals_kbart.tsv")
    result = run_import("perpetual", "perpetual_customers.xlsx")
    assert (result["rows"], result["created"]) == (666, 663)
    assert_refused_as_expected(result, "perpetual_customers.xlsx")
    counts = [
        session.scalar(select(func.count()).select_from(model))
        for model in (Customer, Address, Authorization)
    ]
    assert counts == [40, 53, 570]
    again = run_import("perpetual", "perpetual_customers.xlsx")
    assert (again["created"], again["unchanged"]) == (0, 663)


def test_open_invoices_come_in_for_the_customers_that_are_there(
    session: Session, run_import: Import
) -> None:
    run_import("individual", "individual_customers.xlsx")
    run_import("business", "business_customers.xlsx")
    result = run_import("invoices", "open_invoices.xlsx")
    assert (result["rows"], result["created"]) == (341, 334)
    assert_refused_as_expected(result, "open_invoices.xlsx")
    assert session.scalar(select(func.sum(Invoice.amount))) == Decimal("142035.84")
    again = run_import("invoices", "open_invoices.xlsx")
    assert (again["created"], again["unchanged"]) == (0, 334)
    assert_refused_as_expected(again, "open_invoices.xlsx")


def test_customers_arrive_with_their_active_mandates(session: Session, run_import: Import) -> None:
    run_import("individual", "individual_customers.xlsx")
    mandate = session.scalars(select(Mandate).where(Mandate.reference == "M-1122-00005")).one()
    assert mandate.state == "active"
    assert (mandate.signed_on, mandate.account_holder) == (date(2025, 6, 6), "Daniël Jans")
    assert mandate.iban == mandate.customer.iban == "NL19SOGE9603751966"
    again = run_import("individual", "individual_customers.xlsx", "--update", "--match", "email")
    assert (again["updated"], again["unchanged"]) == (0, 387)


def test_the_title_list_comes_in_whole(run_import: Import) -> None:
    first = run_import("journals", "journals_kbart.tsv")
    assert (first["rows"], first["created"] + first["updated"]) == (1200, 1200)
    assert first["refused"] == []
    again = run_import("journals", "journals_kbart.tsv")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1200)
    assert again["message"].endswith("Nothing is changed.")


def test_a_dry_run_says_the_same_and_writes_nothing(session: Session, run_import: Import) -> None:
    result = run_import("individual", "individual_customers.xlsx", "--dry-run")
    assert (result["rows"], result["created"]) == (400, 387)
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_all_or_nothing_writes_nothing_while_a_row_is_refused(
    session: Session, run_import: Import
) -> None:
    result = run_import("business", "business_customers.xlsx", "--all-or-nothing", code=1)
    assert result["created"] == 0
    assert_refused_as_expected(result, "business_customers.xlsx")
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_the_refused_rows_come_back_as_a_workbook_that_can_be_mended(
    tmp_path: Path, session: Session, run_import: Import
) -> None:
    report = tmp_path / "refused.xlsx"
    run_import("business", "business_customers.xlsx", "--report", str(report))
    book = openpyxl.load_workbook(report)
    sheet = book["Customers"]
    headings = [cell.value for cell in sheet[1]]
    assert headings[-1] == "Reason"
    assert [row[-1].value.split(".")[0] for row in sheet.iter_rows(min_row=2)] == [
        "Company name is missing",
        "VAT ID is not valid",
        "Term of payment is negative",
    ]
    marked = [
        headings[cell.column - 1]
        for row in sheet.iter_rows(min_row=2)
        for cell in row
        if cell.fill.fill_type
    ]
    assert marked == ["Company name", "VAT ID", "Term of payment"]
    for row, (heading, value) in enumerate(
        [("Company name", "Mended GmbH"), ("VAT ID", None), ("Term of payment", 14)], start=2
    ):
        sheet.cell(row, headings.index(heading) + 1).value = value
    book.save(report)
    mended = run_import("business", report)
    assert (mended["rows"], mended["created"], mended["refused"]) == (3, 3, [])
    assert session.scalar(select(func.count()).select_from(Customer)) == 133


def test_rows_once_refused_are_judged_again_when_the_world_has_changed(
    session: Session, run_import: Import, make_product: Callable[[str], None]
) -> None:
    run_import("individual", "individual_customers.xlsx")
    cell = openpyxl.load_workbook(DATA / "individual_customers.xlsx").active
    headings = [one.value for one in cell[1]]
    missing = cell.cell(366, headings.index("Products/Services") + 1).value
    for name in missing.split(";"):
        make_product(name.strip())
    again = run_import("individual", "individual_customers.xlsx")
    assert (again["created"], again["unchanged"], len(again["refused"])) == (1, 387, 12)
