"""A workbook with other rows, other faults and another order of columns: the same rules hold."""

import datetime
import random
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Address, Customer
from tests.transfer.conftest import Import

COLUMNS = [
    "Customer number", "First name", "Name", "Gender", "Date of birth", "Street/No.", "Postcode",
    "Place", "Country", "Telephone private", "Mobile phone", "Email", "IBAN", "Rebate",
    "Price level", "Method of payment", "Term of payment", "Newsletter", "Source", "Group",
    "Products/Services", "Memo", "Mandate reference", "Mandate signed on", "Invoices by email",
    "Former number", "Shoe size",
]  # fmt: skip
GOOD_IBAN = "de89 3704 0044 0532 0130 00"


def person(number: int, **cells: Any) -> dict[str, Any]:
    """A good row; `cells` by the name of the column in small letters with underscores."""
    row = {
        "First name": f"Person {number}",
        "Name": "Mustermann",
        "Email": f"person{number}@example.org",
        "Country": "Deutschland",
    }
    labels = {
        label.lower().replace(" ", "_").replace("/", "_").rstrip("."): label for label in COLUMNS
    }
    return row | {labels[name]: value for name, value in cells.items()}


def saved(path: Path, rows: list[dict[str, Any]], *, seed: int = 7) -> Path:
    """A workbook with the columns in another order, headings in odd case, below a title row."""
    order = random.Random(seed).sample(COLUMNS, len(COLUMNS))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Kunden 2026"
    sheet.append(["Our people"])
    sheet.append([])
    sheet.append([f"  {label.upper()} " for label in order])
    for row in rows:
        sheet.append([row.get(label) for label in order])
    for cell in sheet[4]:
        if order[cell.column - 1] == "Postcode":
            cell.number_format = "00000"
    book.save(path)
    return path


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"first_name": "   "}, "First name", "First name is missing"),
    ({"rebate": "10.0"}, "Rebate", "Rebate is not a whole number"),
    ({"rebate": -1}, "Rebate", "Rebate is negative"),
    ({"rebate": "=5+5"}, "Rebate", "Rebate holds a formula"),
    ({"email": "#REF!"}, "Email", "Email holds the error #REF!"),
    ({"email": "HOLDER@example.org"}, "Email", "Email already used by row 4 of this file"),
    ({"mobile_phone": "+49170/1234567"}, "Mobile phone",
     "Mobile phone already used by row 4 of this file"),
    ({"mobile_phone": "12"}, "Mobile phone", "Mobile phone is not a phone number"),
    ({"date_of_birth": "31.02.1980"}, "Date of birth", "Date of birth is not a date"),
    ({"country": "Atlantis", "mobile_phone": "0170 7654321"}, "Country", "Country is unknown"),
    ({"iban": "DE89370400440532013001"}, "IBAN", "IBAN check digits are wrong"),
    ({"term_of_payment": 366}, "Term of payment", "Term of payment is more than 365"),
    ({"newsletter": "maybe"}, "Newsletter", "Newsletter is neither yes nor no"),
    ({"gender": "robot"}, "Gender", "Gender is unknown"),
    ({"group": "Nobody"}, "Group", "Unknown group"),
    ({"price_level": "Z"}, "Price level", "Unknown price level"),
    ({"products_services": "Hosting; Gardening"}, "Products/Services",
     "Unknown product or service"),
    ({"memo": "x" * 201}, "Memo", "Memo is longer than 200 characters"),
    ({"method_of_payment": "Lastschrift"}, "IBAN", "SEPA direct debit needs an IBAN"),
    ({"customer_number": "1000001"}, "Customer number",
     "Customer number must be blank for a new customer"),
    ({"iban": GOOD_IBAN, "mandate_reference": "m-1", "mandate_signed_on": "01.02.2025"},
     "Mandate reference", "Mandate reference already used by row 4 of this file"),
    ({"iban": GOOD_IBAN, "mandate_reference": "M-2"}, "Mandate signed on",
     "Mandate signed on is missing"),
    ({"mandate_reference": "M-3", "mandate_signed_on": "01.02.2025"}, "IBAN",
     "A mandate needs an IBAN"),
    ({"email": None, "invoices_by_email": "yes"}, "Email",
     "Invoices by email need an email address"),
    ({"first_name": "y" * 121}, "First name", "First name is longer than 120 characters"),
]  # fmt: skip


@pytest.fixture
def result(tmp_path: Path, run_import: Import) -> dict[str, Any]:
    good = person(
        0, email="holder@example.org", postcode=1097, street_no="Am Markt 1", place="Dresden",
        mobile_phone="0170 1234567", iban=GOOD_IBAN, rebate=10.0, memo="x" * 99 + "\n" + "y" * 100,
        mandate_reference="M-1", mandate_signed_on=datetime.date(2025, 2, 1), gender="w",
        date_of_birth="1980-12-31", newsletter="nein", former_number="K-0815",
        method_of_payment="sepa direct debit", products_services="hosting; TRAINING; Hosting",
    )  # fmt: skip
    rows = [good] + [person(number, **cells) for number, (cells, _, _) in enumerate(FAULTS, 1)]
    return run_import("individual", saved(tmp_path / "other.xlsx", rows))


def test_each_fault_is_refused_in_its_row_at_its_column_for_its_reason(
    result: dict[str, Any],
) -> None:
    assert (result["rows"], result["created"]) == (len(FAULTS) + 1, 1)
    found = [(cell["row"], cell["column"], cell["reason"]) for cell in result["refused"]]
    assert found == [
        (number, column, reason) for number, (_, column, reason) in enumerate(FAULTS, start=5)
    ]


def test_values_are_read_as_people_type_them(session: Session, result: dict[str, Any]) -> None:
    customer = session.scalars(select(Customer)).one()
    address = session.scalars(select(Address)).one()
    assert (address.postcode, address.country, address.is_default) == ("01097", "DE", True)
    assert (customer.mobile_phone, customer.iban) == ("+491701234567", "DE89370400440532013000")
    assert (customer.rebate, customer.gender, customer.newsletter) == (10, "female", False)
    assert customer.date_of_birth == datetime.date(1980, 12, 31)
    assert customer.memo == "x" * 99 + "\n" + "y" * 100
    assert (customer.former_number, customer.source) == ("K-0815", "Import")
    assert [product.name for product in customer.products] == ["Hosting", "Training"]


def test_a_value_of_an_existing_customer_is_refused_with_the_way_to_that_one(
    tmp_path: Path, session: Session, run_import: Import, result: dict[str, Any]
) -> None:
    number = session.scalars(select(Customer.number)).one()
    rows = [person(1, email="Holder@example.org"), person(2, mobile_phone="0049 170 1234567")]
    again = run_import("individual", saved(tmp_path / "more.xlsx", rows))
    assert [cell["reason"] for cell in again["refused"]] == [
        f"Email is already used by customer {number}",
        f"Mobile phone is already used by customer {number}",
    ]


def test_an_update_changes_what_is_given_and_leaves_what_is_blank(
    tmp_path: Path, session: Session, run_import: Import, result: dict[str, Any]
) -> None:
    number = session.scalars(select(Customer.number)).one()
    rows = [
        {"Customer number": number, "Place": "Pirna", "Memo": "(empty)", "Rebate": 20},
        {"Customer number": "4711", "Name": "Nobody"},
        person(3),
    ]
    path = saved(tmp_path / "update.xlsx", rows)
    updated = run_import("individual", path, "--update")
    assert (updated["created"], updated["updated"], updated["unchanged"]) == (1, 1, 0)
    assert [cell["reason"] for cell in updated["refused"]] == ["Customer number is unknown"]
    customer = session.scalars(select(Customer).where(Customer.number == number)).one()
    assert (customer.memo, customer.rebate, customer.email) == (None, 20, "holder@example.org")
    (address,) = customer.addresses
    assert (address.place, address.street, address.is_default) == ("Pirna", "Am Markt 1", True)


def test_an_update_by_email_finds_whom_a_row_is_about(
    tmp_path: Path, session: Session, run_import: Import, result: dict[str, Any]
) -> None:
    rows = [person(1, email="HOLDER@example.org", name="Musterfrau", country=None)]
    path = saved(tmp_path / "update.xlsx", rows)
    updated = run_import("individual", path, "--update", "--match", "email")
    assert (updated["created"], updated["updated"]) == (0, 1)
    again = run_import(
        "individual", saved(path, [*rows, {}], seed=8), "--update", "--match", "email"
    )
    assert (again["updated"], again["unchanged"]) == (0, 1)
    assert session.scalars(select(Customer.name)).all() == ["Musterfrau"]
