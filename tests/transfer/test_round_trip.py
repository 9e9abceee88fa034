"""An export of customers comes back as an update of exactly the cells that were edited."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.extensions import transaction
from tests.transfer.conftest import Import


@pytest.fixture
def exported(tmp_path: Path, app: Flask, runner: FlaskCliRunner, run_import: Import) -> Path:
    """All sample customers, exported."""
    run_import("individual", "individual_customers.xlsx")
    run_import("business", "business_customers.xlsx")
    path = tmp_path / "customers.xlsx"
    result = runner.invoke(args=["export", "customers", "--out", str(path), "--json"])
    assert result.exit_code == 0, result.output
    return path


def edited(path: Path, changes: dict[tuple[int, str], Any]) -> Path:
    """The workbook with some cells changed; cells by row and heading."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    headings = {cell.value: cell.column for cell in sheet[1]}
    for (row, heading), value in changes.items():
        sheet.cell(row, headings[heading]).value = value
    book.save(path)
    return path


def number_in(path: Path, row: int) -> str:
    return str(openpyxl.load_workbook(path).active.cell(row, 1).value)


def test_an_untouched_export_changes_nothing(exported: Path, run_import: Import) -> None:
    result = run_import("customers", exported)
    assert (result["rows"], result["unchanged"], result["updated"]) == (517, 517, 0)
    assert result["refused"] == []


def test_exactly_the_edited_cells_change(
    session: Session, exported: Path, run_import: Import
) -> None:
    numbers = [number_in(exported, row) for row in (2, 3)]
    before = {
        one.number: (one.version, one.email) for one in session.scalars(select(Customer)).all()
    }
    session.rollback()
    changes = {(2, "Name"): "Another name", (2, "Place"): "Pirna", (3, "Rebate"): 42}
    result = run_import("customers", edited(exported, changes))
    assert (result["updated"], result["unchanged"], result["refused"]) == (2, 515, [])
    first, second = (
        session.scalars(select(Customer).where(Customer.number == number)).one()
        for number in numbers
    )
    name = first.name if first.kind == "individual" else first.company_name
    assert (name, first.addresses[0].place, second.rebate) == ("Another name", "Pirna", 42)
    touched = {
        one.number
        for one in session.scalars(select(Customer))
        if (one.version, one.email) != before[one.number]
    }
    assert touched == set(numbers)


def test_a_customer_edited_since_the_export_is_not_overwritten(
    session: Session, exported: Path, run_import: Import
) -> None:
    number = number_in(exported, 2)
    key = session.scalar(select(Customer.id).where(Customer.number == number))
    with clock.frozen(clock.now() + timedelta(minutes=1)), transaction() as work:
        update_customers(work, [CustomerUpdate(key, {"rebate": 7})], actor=COMMAND_LINE)
    result = run_import("customers", edited(exported, {(2, "Rebate"): 9, (3, "Rebate"): 9}))
    assert (result["updated"], result["unchanged"]) == (1, 515)
    (cell,) = result["refused"]
    assert (cell["row"], cell["column"]) == (2, "Client last changed")
    assert re.fullmatch(
        "command line edited this customer after the export, "
        rf"on \d\d\.\d\d\.\d{{4}} at \d\d:\d\d \(now Rebate: 7\): customer {number}",
        cell["reason"],
    )
    session.rollback()
    assert session.get_one(Customer, key).rebate == 7


def test_a_masked_iban_stays_what_it_is(
    session: Session, exported: Path, run_import: Import
) -> None:
    customer = session.scalars(select(Customer).where(Customer.iban.is_not(None))).first()
    assert customer is not None
    iban, number = customer.iban or "", customer.number
    session.rollback()
    numbers = [cell.value for cell in openpyxl.load_workbook(exported).active["A"]]
    row = numbers.index(number) + 1
    changes = {(row, "IBAN"): f"{iban[:2]}•• •••• {iban[-4:]}", (row, "Alias"): "Known as"}
    result = run_import("customers", edited(exported, changes))
    assert (result["updated"], result["refused"]) == (1, [])
    found = session.scalars(select(Customer).where(Customer.number == number)).one()
    assert (found.iban, found.alias) == (iban, "Known as")
