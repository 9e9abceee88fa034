"""Exports in the panel: the button, masking, large ones as jobs, the Downloads list."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

import admin_views.exports
from app.core.models import FileDownload, StoredFile
from app.jobs.models import Job, JobState
from app.transfer.exports import operations
from tests.transfer.exporting import IBAN, LABELS, many_people, records, tables, three_customers

AsRole = Callable[..., FlaskClient]
RunJobs = Callable[[], int]
START = "/admin/exports/start/?list_name="


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are many already."""
    monkeypatch.setattr(admin_views.exports, "ROWS_AT_ONCE", 2)


def started(client: FlaskClient, query: str = "customers") -> str:
    """Start a large export; the address of its progress."""
    page = client.get(START + query).text
    assert "Start export" in page
    answer = client.post(f"/admin/exports/run/?list_name={query}")
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_a_list_offers_its_export_with_the_conditions_in_force(
    session: Session, as_role: AsRole
) -> None:
    three_customers()
    page = as_role("manager").get("/admin/individual/?q=muster&favourite=yes").text
    assert "/admin/exports/start/?list_name=individual" in page
    assert "q=muster" in page.partition("exports/start")[2].partition('"')[0]


def test_a_small_export_comes_at_once(session: Session, as_role: AsRole) -> None:
    three_customers()
    answer = as_role("accounting").get(START + "customers&q=muster")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    found = records(answer.data)
    assert list(found[0]) == LABELS
    assert [row["Name"] for row in found] == ["Muster GmbH", "Mustermann"]


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("manager", "DE•• •••• 3000"),
        ("operations", "DE•• •••• 3000"),
        ("accounting", IBAN),
        ("administrator", IBAN),
    ],
)
def test_ibans_are_masked_for_whoever_may_not_see_them(
    session: Session, as_role: AsRole, role: str, shown: str
) -> None:
    three_customers()
    answer = as_role(role).get(START + "customers&q=mustermann")
    assert records(answer.data)[0]["IBAN"] == shown


def test_only_lists_that_one_may_see_can_be_exported(session: Session, as_role: AsRole) -> None:
    operations_ = as_role("operations")
    assert operations_.get(START + "invoices").status_code == 403
    assert operations_.get(START + "operators").status_code == 403
    assert operations_.get(START + "nothing").status_code == 404
    assert as_role("accounting").get(START + "invoices").status_code == 200


def test_a_condition_that_cannot_be_followed_exports_nothing(
    session: Session, as_role: AsRole
) -> None:
    answer = as_role("manager").get(START + "customers&locked=perhaps")
    assert answer.status_code == 400
    assert "perhaps is neither yes nor no" in answer.text
    assert session.scalars(select(StoredFile)).all() == []


def test_a_large_export_is_written_by_a_job_and_kept(
    session: Session, as_role: AsRole, run_jobs: RunJobs, large: None
) -> None:
    three_customers()
    client = as_role("manager")
    progress = started(client)
    assert "a notice and an email tell you" in client.get(progress).text
    assert run_jobs() == 2  # the export, and the mail that tells of it
    address = client.get(progress).headers["Location"]
    page = client.get(address).text
    assert "Nobody yet" in page
    file = client.get(address.replace("details", "download"))
    assert len(records(file.data)) == 3
    assert "DE•• •••• 3000" in {row["IBAN"] for row in records(file.data)}
    session.rollback()
    [download] = session.scalars(select(FileDownload)).all()
    assert download.actor_label in client.get(address).text


def test_a_job_exports_what_was_asked_for(
    session: Session,
    as_role: AsRole,
    run_jobs: RunJobs,
    large: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "ROWS_OF_ARCHIVE", 3)
    three_customers()
    many_people(5)
    client = as_role("administrator")
    progress = started(client, "individual&q=person&sort=-name")
    run_jobs()
    address = client.get(progress).headers["Location"]
    found = tables(client.get(address.replace("details", "download")).data)
    names = [row[3] for row in found["individual customers.csv"][1:]]
    assert names == [f"Number {n:05}" for n in (4, 3, 2, 1, 0)]
    assert ["Search", "person"] in found["filter settings.csv"]


def test_a_cancelled_export_leaves_nothing(
    session: Session, as_role: AsRole, run_jobs: RunJobs, large: None
) -> None:
    three_customers()
    client = as_role("manager")
    progress = started(client)
    job = session.scalars(select(Job).where(Job.kind == operations.JOB)).one()
    session.rollback()
    client.post(
        "/admin/jobs/action/", data={"action": "cancel", "rowid": job.id, "_confirmed": "yes"}
    )
    run_jobs()
    session.rollback()
    assert (
        session.scalars(select(Job).where(Job.kind == operations.JOB)).one().state
        == JobState.CANCELLED
    )
    assert "Cancelled" in client.get(progress).text
    assert session.scalars(select(StoredFile)).all() == []


def test_an_export_that_was_kept_before_the_kill_is_not_written_twice(
    session: Session, as_role: AsRole, run_jobs: RunJobs, large: None
) -> None:
    three_customers()
    client = as_role("manager")
    started(client)
    run_jobs()
    job = session.scalars(select(Job).where(Job.kind == operations.JOB)).one()
    # As a worker leaves it that is killed after the file was kept and before the job was done.
    job.state, job.cursor, job.result = JobState.QUEUED, job.result, None
    session.commit()
    run_jobs()
    session.rollback()
    job = session.scalars(select(Job).where(Job.kind == operations.JOB)).one()
    assert job.state == JobState.DONE
    assert job.result is not None
    assert job.result["rows"] == 3
    assert len(session.scalars(select(StoredFile)).all()) == 1


def test_downloads_are_ones_own_and_an_administrator_sees_all(
    session: Session, as_role: AsRole
) -> None:
    three_customers()
    manager, other, admin = as_role("manager"), as_role("manager"), as_role("administrator")
    manager.get(START + "customers&locked=yes")
    page = manager.get("/admin/exports/").text
    assert "Locked customer: yes" in page
    assert "Locked customer: yes" not in other.get("/admin/exports/").text
    assert "Locked customer: yes" in admin.get("/admin/exports/").text
    receipt = page.partition("/admin/exports/details/?id=")[2].partition('"')[0]
    assert other.get(f"/admin/exports/details/?id={receipt}").status_code == 404
    assert other.get(f"/admin/exports/download/?id={receipt}").status_code == 404
    assert admin.get(f"/admin/exports/download/?id={receipt}").status_code == 200


def test_a_file_past_its_time_is_told_of_and_no_longer_offered(
    session: Session,
    as_role: AsRole,
    clock: Callable[[datetime], None],
) -> None:
    clock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC))
    three_customers()
    client = as_role("manager")
    client.get(START + "customers")
    page = client.get("/admin/exports/").text
    receipt = page.partition("/admin/exports/details/?id=")[2].partition('"')[0]
    assert "Download</a>" in client.get(f"/admin/exports/details/?id={receipt}").text
    clock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC) + timedelta(days=31))
    later = as_role("administrator")
    page = later.get(f"/admin/exports/details/?id={receipt}").text
    assert "Deleted" in page
    assert "Download</a>" not in page


def test_the_number_of_queries_does_not_grow_with_the_downloads(
    session: Session, as_role: AsRole, queries: Callable[[Callable[[], object]], int]
) -> None:
    three_customers()
    client = as_role("manager")
    for _ in range(2):
        client.get(START + "customers")
    few = queries(lambda: client.get("/admin/exports/"))
    for _ in range(12):
        client.get(START + "customers")
    assert queries(lambda: client.get("/admin/exports/")) == few


def test_the_template_of_an_import_is_offered_where_one_uploads(
    session: Session, as_role: AsRole, basics: None
) -> None:
    client = as_role("operations")
    for page in ("/admin/imports/choose/", "/admin/imports/upload/?kind=business"):
        assert "/admin/exports/template/?kind=business" in client.get(page).text
    answer = client.get("/admin/exports/template/?kind=business")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames[0] == "Customers"
    assert client.get("/admin/exports/template/?kind=invoices").status_code == 404
    assert as_role("accounting").get("/admin/exports/template/?kind=invoices").status_code == 200


def test_ticked_rows_are_exported_alone(session: Session, as_role: AsRole) -> None:
    three_customers()
    client = as_role("operations")
    page = client.get("/admin/clients/?q=muster").text
    assert "/admin/exports/chosen/?list_name=customers" in page
    ids = re.findall(r'name="rowid" value="(\d+)"', page)
    chosen = "/admin/exports/chosen/?list_name=customers&sort=-name"
    answer = client.post(chosen, data={"rowid": [ids[0], "999999"]})
    assert [row["Name"] for row in records(answer.data)] == ["Muster GmbH"]
    assert "Chosen by hand: 2 rows" in client.get("/admin/exports/").text
    both = client.post(chosen, data={"rowid": ids})
    assert [row["Name"] for row in records(both.data)] == ["Mustermann", "Muster GmbH"]
    none = client.post(chosen)
    assert (none.status_code, "Tick the rows to export" in none.text) == (400, True)
    assert client.post(chosen, data={"rowid": "' OR 1"}).status_code == 400
    assert client.post("/admin/exports/chosen/?list_name=invoices").status_code == 403
