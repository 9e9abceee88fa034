"""Imports in the panel: choose, upload, look at the preview, start, and see the result."""

import io
import re
from collections.abc import Callable

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.core.models import FileDownload
from app.customers.models import Customer
from app.transfer.models import Import, ImportState
from tests.transfer.conftest import DATA

AsRole = Callable[..., FlaskClient]
RunJobs = Callable[[], int]


@pytest.fixture
def operations(as_role: AsRole, basics: None) -> FlaskClient:
    return as_role("operations")


def upload(client: FlaskClient, file: str, kind: str = "individual", **data: str) -> TestResponse:
    with (DATA / file).open("rb") as content:
        return client.post(
            f"/admin/imports/upload/?kind={kind}",
            data={"file": (io.BytesIO(content.read()), file), **data},
        )


def import_id(response: TestResponse) -> int:
    found = re.search(r"id=(\d+)", response.headers["Location"])
    assert found
    return int(found[1])


def figures(page: str) -> dict[str, int]:
    """The counts of an import's page by what they count."""
    found = re.findall(r"<b>([\d,]+)</b><span>([a-z ]+)</span>", page)
    return {label: int(number.replace(",", "")) for number, label in found}


def test_from_the_upload_to_the_result(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    address = upload(operations, "individual_customers.xlsx").headers["Location"]
    assert "Checking every row" in operations.get(address).text
    run_jobs()
    preview = operations.get(address).text
    assert figures(preview) == {
        "rows read": 400, "to create": 387, "to update": 0, "unchanged": 0, "refused": 13,
    }  # fmt: skip
    assert "The 387 good rows; the 13 refused ones come back as a workbook" in preview
    assert session.scalar(select(func.count()).select_from(Customer)) == 0

    number = session.scalars(select(Import.id)).one()
    operations.post(f"/admin/imports/run/?id={number}", data={"choice": "good"})
    run_jobs()
    result = operations.get(address).text
    assert figures(result)["created"] == 387
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Customer)) == 387


def test_the_refused_cells_say_what_is_wrong_and_what_would_be_right(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    number = import_id(upload(operations, "individual_customers.xlsx"))
    run_jobs()
    fragment = operations.get(f"/admin/imports/refused/?id={number}").text
    cells = re.findall(r"<td[^>]*>(.*?)</td>", fragment, re.S)
    assert cells[5:10] == [
        "58", "Email", "maria.example.org", "Email is not an address",
        "Write it like name@example.com",
    ]  # fmt: skip
    assert "13 refused cells" in fragment
    assert "GB" not in fragment, "an IBAN is shown by its last four characters only"


def test_a_reason_that_names_a_customer_leads_there(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    first = import_id(upload(operations, "business_customers.xlsx", "business"))
    run_jobs()
    operations.post(f"/admin/imports/run/?id={first}", data={"choice": "good"})
    run_jobs()
    book = openpyxl.Workbook()
    book.active.append(["Company name", "Email"])
    book.active.append(["Another", "office1.122@example.com"])
    content = io.BytesIO()
    book.save(content)
    response = operations.post(
        "/admin/imports/upload/?kind=business",
        data={"file": (io.BytesIO(content.getvalue()), "one.xlsx")},
    )
    run_jobs()
    fragment = operations.get(f"/admin/imports/refused/?id={import_id(response)}").text
    number = session.scalar(
        select(Customer.number).where(Customer.email == "office1.122@example.com")
    )
    assert f'<a href="/customers/{number}"' in fragment


def test_the_workbook_of_refused_rows_is_downloaded_and_the_download_is_logged(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    number = import_id(upload(operations, "business_customers.xlsx", "business"))
    run_jobs()
    response = operations.get(f"/admin/imports/report/?id={number}")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert openpyxl.load_workbook(io.BytesIO(response.data))["Customers"].max_row == 4
    assert session.scalar(select(func.count()).select_from(FileDownload)) == 1


def test_a_bad_upload_is_told_in_one_sentence(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    response = operations.post(
        "/admin/imports/upload/?kind=individual",
        data={"file": (io.BytesIO(b"%PDF-1.7"), "../../people.xlsx")},
    )
    run_jobs()
    page = operations.get(response.headers["Location"]).text
    assert "This is a PDF document, not a workbook." in page
    assert session.scalars(select(Import)).one().state == ImportState.REFUSED
    assert ".." not in session.scalars(select(Import)).one().file.name


def test_without_a_file_the_form_says_so(operations: FlaskClient) -> None:
    response = operations.post("/admin/imports/upload/?kind=individual", data={})
    assert response.status_code == 422
    assert "Choose a file first" in response.text


def test_the_same_file_a_second_time_says_so_and_offers_nothing_to_write(
    session: Session, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    number = import_id(upload(operations, "journals_kbart.tsv", "journals"))
    run_jobs()
    operations.post(f"/admin/imports/run/?id={number}", data={"choice": "good"})
    run_jobs()
    number = import_id(upload(operations, "journals_kbart.tsv", "journals"))
    run_jobs()
    page = operations.get(f"/admin/imports/details/?id={number}").text
    assert "This file was imported before" in page
    assert figures(page)["unchanged"] == 1200
    assert "Start import" not in page


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("operations", {"individual", "business", "perpetual", "journals", "products"}),
        ("accounting", {"invoices"}),
    ],
)
def test_each_role_is_offered_what_it_may_import(
    as_role: AsRole, basics: None, role: str, kinds: set[str]
) -> None:
    client = as_role(role)
    page = client.get("/admin/imports/choose/").text
    assert set(re.findall(r"upload/\?kind=(\w+)", page)) >= kinds
    others = {"individual", "journals", "invoices"} - kinds
    for kind in others:
        assert client.get(f"/admin/imports/upload/?kind={kind}").status_code == 404


def test_nobody_sees_or_starts_the_import_of_another(
    as_role: AsRole, operations: FlaskClient, run_jobs: RunJobs
) -> None:
    number = import_id(upload(operations, "business_customers.xlsx", "business"))
    run_jobs()
    stranger = as_role("operations")
    for address in ("details", "refused", "report"):
        assert stranger.get(f"/admin/imports/{address}/?id={number}").status_code == 404
    assert stranger.post(f"/admin/imports/run/?id={number}").status_code == 404


def test_a_manager_cannot_import(as_role: AsRole) -> None:
    manager = as_role("manager")
    assert manager.get("/admin/imports/").status_code == 403
    assert manager.get("/admin/imports/choose/").status_code == 403


def test_the_list_takes_no_more_queries_as_imports_grow(
    operations: FlaskClient, run_jobs: RunJobs, queries: Callable[[Callable[[], object]], int]
) -> None:
    upload(operations, "business_customers.xlsx", "business")
    few = queries(lambda: operations.get("/admin/imports/"))
    for _ in range(4):
        upload(operations, "business_customers.xlsx", "business")
    assert queries(lambda: operations.get("/admin/imports/")) <= few
