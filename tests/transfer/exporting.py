"""What the tests of exports share: the command, what stands in a file, and some customers."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from flask.testing import FlaskCliRunner

from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerDraft
from app.customers.operations import create_customers, lock_customers
from app.extensions import transaction

# domain.md, section 3: exactly these, in this order.
LABELS = [
    "Customer number", "Title", "First name", "Name", "Alias", "Gender", "Date of birth",
    "Street/No.", "Postcode", "Place", "c/o", "PO Box", "Country", "Telephone private",
    "Business telephone", "Mobile phone", "Fax", "Email", "Homepage", "IBAN", "BIC", "Institute",
    "Rebate", "Price level", "Reason for loss", "Method of payment", "Term of payment",
    "Customer created", "Client last changed", "Favourite", "Locked customer",
]  # fmt: skip
IBAN = "DE89370400440532013000"


def export(runner: FlaskCliRunner, name: str, out: Path, *options: str, code: int = 0) -> Any:
    """`flask export …`; its JSON object."""
    result = runner.invoke(args=["export", name, "--out", str(out), "--json", *options])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


def sheet_of(content: bytes | Path) -> Any:
    """The one sheet of a workbook."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    return openpyxl.load_workbook(source).active


def records(content: bytes | Path) -> list[dict[str, Any]]:
    """The rows of a workbook by their headings."""
    head, *rows = sheet_of(content).iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def tables(archive: bytes | Path, separator: str = ";") -> dict[str, list[list[str]]]:
    """The CSV files of a ZIP by their names."""
    source = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    found = {}
    with zipfile.ZipFile(source) as opened:
        for name in opened.namelist():
            text = opened.read(name).decode("utf-8-sig")
            found[name] = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    return found


def three_customers() -> list[int]:
    """A person with everything, a locked company and an institution with another address only."""
    drafts = [
        CustomerDraft(
            "individual",
            {
                "title": "Dr.", "first_name": "Erika", "name": "Mustermann", "alias": "=1+1",
                "gender": "female", "date_of_birth": date(1980, 12, 31), "rebate": 10,
                "email": "erika@example.org", "mobile_phone": "+491701234567", "iban": IBAN,
                "payment_method": "SEPA direct debit", "term_of_payment": 14, "favourite": True,
            },
            addresses=[
                {"kind": "billing", "street": "Rechnungsweg 1", "country": "DE"},
                {"kind": "main", "street": "Nebenstraße 2", "country": "AT"},
                {"kind": "main", "is_default": True, "street": "Heidestraße 17",
                 "postcode": "01097", "place": "Dresden", "country": "DE"},
            ],
        ),
        CustomerDraft(
            "business",
            {"company_name": "Muster GmbH", "first_name": "Max", "name": "Kontakt",
             "date_of_birth": None},
        ),
        CustomerDraft(
            "perpetual",
            {"company_name": "Universität Graz"},
            addresses=[{"kind": "shipping", "street": "Lager 3", "country": "AT"}],
        ),
    ]  # fmt: skip
    with transaction() as session:
        ids = create_customers(session, drafts, actor=COMMAND_LINE)
        lock_customers(session, ids[1:2], text="Has not paid", actor=COMMAND_LINE)
    return ids


def many_people(count: int, first_name: str = "Person") -> None:
    """So many persons, all with a name that differs."""
    with transaction() as session:
        drafts: Sequence[CustomerDraft] = [
            CustomerDraft("individual", {"first_name": first_name, "name": f"Number {n:05}"})
            for n in range(count)
        ]
        create_customers(session, drafts, actor=COMMAND_LINE)
