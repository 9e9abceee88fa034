"""Whoever asked for a large export hears of its end: a notice in the panel, and a mail."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

import admin_views.exports
from app.core.errors import Refused
from app.jobs.models import Job, JobNotice, JobState
from app.outbox.models import OutboxMessage
from app.transfer.exports import operations
from tests.transfer.exporting import three_customers

AsRole = Callable[..., FlaskClient]
RunJobs = Callable[[], int]
HOME = "/admin/stores/"


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are many already."""
    monkeypatch.setattr(admin_views.exports, "ROWS_AT_ONCE", 2)


def ask_for_customers(client: FlaskClient) -> str:
    """Start a large export; the address of its progress."""
    return client.post("/admin/exports/run/?list_name=customers").headers["Location"]


def run_exports(session: Session) -> None:
    """Run the exports that wait, and leave the mail waiting."""
    session.rollback()
    queued = select(Job.id).where(Job.kind == operations.JOB, Job.state == JobState.QUEUED)
    for job_id in session.scalars(queued).all():
        session.rollback()
        operations.jobs.run_now(job_id)
    session.rollback()


def mails(session: Session) -> list[OutboxMessage]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_a_notice_stands_above_every_page_until_the_export_was_looked_at(
    session: Session, as_role: AsRole
) -> None:
    three_customers()
    admin, other = as_role("administrator"), as_role("administrator")
    progress = ask_for_customers(admin)
    assert "Export of customers: ready" not in admin.get(HOME).text
    run_exports(session)
    page = admin.get(HOME).text
    assert "Export of customers: ready, 3 rows." in page
    assert progress.partition("id=")[2] in page.partition("/admin/exports/progress/?id=")[2]
    assert "Export of customers: ready" not in other.get(HOME).text
    address = admin.get(progress).headers["Location"]
    assert "Download</a>" in admin.get(address).text
    assert "Export of customers: ready" not in admin.get(HOME).text


def test_a_notice_can_be_put_away_and_only_by_whose_it_is(
    session: Session, as_role: AsRole
) -> None:
    three_customers()
    manager, other = as_role("manager"), as_role("manager")
    job_id = ask_for_customers(manager).partition("id=")[2]
    run_exports(session)
    assert other.post(f"/admin/jobs/seen/?id={job_id}").status_code == 404
    as_role("administrator").post(f"/admin/jobs/seen/?id={job_id}")
    assert "ready, 3 rows" in manager.get("/admin/clients/").text
    answer = manager.post(f"/admin/jobs/seen/?id={job_id}", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (200, "")
    assert "ready, 3 rows" not in manager.get("/admin/clients/").text


def test_a_mail_says_where_the_file_is_and_how_long(session: Session, as_role: AsRole) -> None:
    three_customers()
    ask_for_customers(as_role("manager", email="clara@example.com", name="Clara"))
    run_exports(session)
    [letter] = mails(session)
    assert (letter.recipient, letter.subject) == ("clara@example.com", "Ready: export of customers")
    assert "Good day Clara" in letter.body
    assert "3 rows" in letter.body
    assert "/admin/exports/details/?id=" in letter.body
    assert "kept until 20" in letter.body
    assert "DE89" not in letter.body


def test_a_failed_export_is_told_of_and_leads_to_its_reason(
    session: Session, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Refused.because("The list is closed today")

    three_customers()
    client = as_role("manager")
    progress = ask_for_customers(client)
    monkeypatch.setattr(operations, "write", refuse)
    run_exports(session)
    assert "Export of customers: could not be written." in client.get("/admin/clients/").text
    assert mails(session)[0].subject == "Not written: export of customers"
    assert "The list is closed today" in mails(session)[0].body
    assert "The list is closed today" in client.get(progress).text
    assert "could not be written" not in client.get("/admin/clients/").text


def test_nobody_is_told_of_an_export_that_was_cancelled(session: Session, as_role: AsRole) -> None:
    three_customers()
    client = as_role("manager")
    progress = ask_for_customers(client)
    assert 'value="cancel"' in client.get(progress).text
    job_id = progress.partition("id=")[2]
    client.post(
        "/admin/jobs/action/", data={"action": "cancel", "rowid": job_id, "_confirmed": "yes"}
    )
    run_exports(session)
    assert mails(session) == []
    assert session.scalars(select(JobNotice)).all() == []
