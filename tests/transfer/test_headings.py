"""Files with other headings: a clerk says what they mean, and it is kept for the next file."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Address, Customer
from app.transfer.columns.people import BUSINESS, INDIVIDUAL
from app.transfer.imports.headings import suggested
from app.transfer.models import ColumnMapping, Import
from tests.transfer.conftest import Import as RunImport

GERMAN = ["Kd-Nr", "Vorname", "Nachname", "PLZ", "Ort", "Handy", "E-Mail-Adresse", "Schuhgröße"]
ROWS = [
    [None, "Erika", "Mustermann", "01097", "Dresden", "+49 170 1234567", "erika@example.org", 38],
    [None, "Max", "Mustermann", "1010", "Wien", None, "max@example", 44],
]


def as_csv(path: Path, headings: list[str] = GERMAN, rows: list[Any] | None = None) -> Path:
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter=";")
        writer.writerow(headings)
        writer.writerows(ROWS if rows is None else rows)
    return path


def upload(client: FlaskClient, path: Path, kind: str = "individual") -> int:
    answer = client.post(
        f"/admin/imports/upload/?kind={kind}",
        data={"file": (io.BytesIO(path.read_bytes()), path.name)},
    )
    found = re.search(r"id=(\d+)", answer.headers["Location"])
    assert found
    return int(found[1])


def test_headings_are_suggested_by_likeness_each_column_once() -> None:
    found = suggested(INDIVIDUAL.sheets[0], [*GERMAN, "Mobiltelefon", "Strasse"], {})
    assert found == {
        "vorname": "first_name", "nachname": "name", "plz": "postcode", "ort": "place",
        "mobiltelefon": "mobile_phone", "e-mail-adresse": "email", "strasse": "street",
    } or found["handy"] == "mobile_phone"  # fmt: skip
    assert "schuhgröße" not in found
    assert len(set(found.values())) == len(found)
    assert suggested(BUSINESS.sheets[0], ["Firmenname", "USt-IdNr"], {}) == {
        "firmenname": "company_name",
        "ust-idnr": "vat_id",
    }


def test_a_clerk_says_what_the_headings_mean_and_it_is_kept(
    tmp_path: Path,
    session: Session,
    as_role: Callable[..., FlaskClient],
    basics: None,
    run_jobs: Callable[[], int],
) -> None:
    client = as_role("operations")
    number = upload(client, as_csv(tmp_path / "kunden.csv"))
    run_jobs()
    page = client.get(f"/admin/imports/details/?id={number}").text
    assert "no row with the headings for individual customers" in page
    assert "Match columns" in page

    form = client.get(f"/admin/imports/map/?id={number}").text
    chosen = re.findall(r'name="(heading-0-\d)".*?</select>', form, re.S)
    assert len(chosen) == len(GERMAN)
    said = dict(
        zip(
            chosen,
            ["", "first_name", "name", "postcode", "place", "mobile_phone", "email", ""],
            strict=True,
        )
    )
    twice = client.post(
        f"/admin/imports/map/?id={number}", data=said | {"heading-0-2": "first_name"}
    )
    assert twice.status_code == 422
    assert "“Vorname” is “First name” already" in twice.text
    without = client.post(f"/admin/imports/map/?id={number}", data=said | {"heading-0-1": ""})
    assert "The required column “First name” cannot be found." in without.text

    answer = client.post(f"/admin/imports/map/?id={number}", data=said)
    again = answer.headers["Location"]
    run_jobs()
    preview = client.get(again).text
    assert re.search(r">Vorname</span>.{0,200} First name</li>", preview, re.S)
    assert "not known" not in preview, "what is left out knowingly is no surprise"
    assert re.search(rf">{GERMAN[0]}</span>.{{0,200}} not imported</li>", preview, re.S)
    import_id = int(again.rpartition("=")[2])
    client.post(f"/admin/imports/run/?id={import_id}", data={"choice": "good"})
    run_jobs()
    session.expire_all()
    assert session.execute(select(Customer.first_name, Customer.mobile_phone)).all() == [
        ("Erika", "+491701234567")
    ]
    assert session.scalars(select(Address.postcode)).all() == ["01097"]

    next_file = as_csv(
        tmp_path / "next.csv", GERMAN[::-1], [[39, "c@example.org", None, "Bonn", None, "C", "D"]]
    )
    later = upload(client, next_file)
    run_jobs()
    session.expire_all()
    found = session.get_one(Import, later)
    assert (found.state, found.layout["create"]) == ("checked", 1)


def test_the_same_mapped_file_again_is_known_and_changes_nothing(
    tmp_path: Path, session: Session, run_import: RunImport
) -> None:
    path = as_csv(tmp_path / "kunden.csv", rows=ROWS[:1])
    told = run_import("individual", path, code=1)
    assert "no row with the headings" in told["error"]
    likely = {one["heading"]: one["likely"] for one in told["headings"]}
    assert (likely["Vorname"], likely["Schuhgröße"]) == ("First name", None)

    first = run_import("individual", path, "--map", "VORNAME=first name", "--map", "Kd-Nr=")
    assert (first["created"], first["refused"]) == (1, [])
    again = run_import("individual", path)
    assert (again["created"], again["unchanged"]) == (0, 1)
    assert "was imported before" in again["message"]

    other = run_import("individual", path, "--map", "Ort=c/o", "--dry-run")
    assert other["refused"], "the headings mean something else by now, so that it is judged anew"


def test_a_mapping_by_command_is_refused_where_it_says_nothing(
    tmp_path: Path, run_import: RunImport
) -> None:
    path = as_csv(tmp_path / "kunden.csv")
    assert (
        "no heading “shoe”" in run_import("individual", path, "--map", "Shoe=Name", code=1)["error"]
    )
    said = run_import("individual", path, "--map", "Ort=Planet", code=1)
    assert "There is no column “Planet”" in said["error"]


def test_headings_of_a_sheet_among_several_are_said_for_that_sheet(
    tmp_path: Path, session: Session, run_import: RunImport
) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Customers"
    book.active.append(["Einrichtung", "E-Mail"])
    book.active.append(["Stadtbibliothek", "bib@example.org"])
    book.create_sheet("Addresses").append(["Kunde", "PLZ", "Ort"])
    book["Addresses"].append(["Stadtbibliothek", "04109", "Leipzig"])
    path = tmp_path / "institutions.xlsx"
    book.save(path)
    result = run_import("perpetual", path, "--map", "Einrichtung=Company name")
    assert (result["created"], result["refused"]) == (2, [])
    assert session.scalars(select(ColumnMapping.sheet).order_by(ColumnMapping.id)).all() == [
        "Customers",
        "Addresses",
    ]


@pytest.mark.parametrize("field", ["\0", "x" * 5000, "password_hash"])
def test_a_forged_column_is_refused_at_its_heading(
    tmp_path: Path,
    as_role: Callable[..., FlaskClient],
    basics: None,
    run_jobs: Callable[[], int],
    field: str,
) -> None:
    client = as_role("operations")
    number = upload(client, as_csv(tmp_path / "kunden.csv"))
    run_jobs()
    answer = client.post(
        f"/admin/imports/map/?id={number}", data={"heading-0-1": "first_name", "heading-0-2": field}
    )
    assert answer.status_code == 422
    assert "This column is not known" in answer.text
    assert as_role("operations").get(f"/admin/imports/map/?id={number}").status_code == 404
