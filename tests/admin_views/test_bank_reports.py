"""Bank reports in the panel: upload, what waits for a person, who sees what, exports."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.sepa.reports.models import BankReport, ReportEntry
from tests.sepa.making import NOW
from tests.sepa.reports.files import camt, entry
from tests.sepa.reports.reading import collections_of, handed_in, read, states
from tests.transfer.exporting import records

REPORTS, ENTRIES = "/admin/bank_reports/", "/admin/bank_entries/"
AsRole = Callable[..., FlaskClient]
IBAN = "DE12500105170648489890"


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def upload(client: FlaskClient, *files: tuple[bytes, str], follow: bool = True) -> Any:
    data = {"file": [(io.BytesIO(content), name) for content, name in files]}
    return client.post(
        f"{REPORTS}upload/", data=data, content_type="multipart/form-data", follow_redirects=follow
    )


def one_unmatched(session: Session, **given: Any) -> tuple[str, ReportEntry]:
    """A run of 10 and 20 euros, and an entry of 10 euros that nothing fits."""
    number = handed_in("10.00", "20.00")
    read(camt(entry(amount="10.00", end_to_end_id="UNKNOWN", **given)))
    return number, session.scalars(select(ReportEntry)).one()


def test_an_upload_leads_to_what_the_report_did(
    session: Session, as_role: AsRole, run_jobs: Callable[[], int]
) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    client = as_role("accounting")
    content = camt(entry(amount="10.00", end_to_end_id=one.end_to_end_id))
    answer = upload(client, (content, "camt.xml"), follow=False)
    assert answer.status_code == 302
    reading = answer.headers["Location"]
    assert "Waiting for a worker" in client.get(reading).text
    run_jobs()
    page = client.get(reading, follow_redirects=True)
    assert page.request.path == f"{REPORTS}details/"
    assert states(session, number) == [("settled", "paid")]

    upload(client, (content, "again.xml"))
    run_jobs()
    latest = upload(client, (content, "again.xml"), follow=False).headers["Location"]
    run_jobs()
    assert "read before" in client.get(latest, follow_redirects=True).text


def test_several_files_at_once_tell_each_what_is_wrong(
    session: Session, as_role: AsRole, run_jobs: Callable[[], int]
) -> None:
    handed_in("10.00")
    client = as_role("accounting")
    good = (camt(entry(end_to_end_id="UNKNOWN")), "good.xml")
    page = upload(client, good, (b"%PDF-1.7", "letter.pdf"), (camt()[:-30], "half.xml")).text
    assert "letter.pdf: This is a PDF" in page
    run_jobs()
    jobs = re.findall(r"job=(\d+)", page)
    assert session.scalars(select(BankReport)).one().unmatched == 1
    answer = upload(client, (b"", "empty.xml"))
    assert answer.status_code == 422
    assert "The file is empty" in answer.text
    assert upload(client).status_code == 422
    assert jobs == [] or client.get(f"{REPORTS}reading/?job={jobs[0]}").status_code == 200


def test_somebody_elses_upload_is_not_there(as_role: AsRole, session: Session) -> None:
    handed_in("10.00")
    reading = upload(as_role("accounting"), (camt(), "a.xml"), follow=False).headers["Location"]
    assert as_role("administrator").get(reading).status_code == 404
    for bad in ("", "?job=x", "?job=99999999999999999999", "?job=1&job=%00"):
        assert as_role("administrator").get(f"{REPORTS}reading/{bad}").status_code == 404


def test_an_unmatched_entry_is_assigned_to_a_collection(session: Session, as_role: AsRole) -> None:
    number, waiting = one_unmatched(session)
    client = as_role("accounting")
    tab = client.get(f"{REPORTS}tab/?id={waiting.report_id}&tab=waiting").text
    assert "No collection fits" in tab
    assert "10.00" in client.get(f"{ENTRIES}assign/?id={waiting.id}").text
    first, second = collections_of(session, number)
    assign = f"{ENTRIES}assign/?id={waiting.id}"
    wrong = client.post(assign, data={"collection": second.id})
    assert wrong.status_code == 422
    assert "The amount is 10.00 €" in wrong.text
    found = client.get(f"{assign}&q={first.invoice.number}").text
    assert f'name="collection" value="{first.id}"' in found
    client.post(assign, data={"collection": first.id})
    assert states(session, number)[0] == ("settled", "paid")
    [entry_] = session.scalars(select(ReportEntry))
    assert (entry_.outcome, entry_.matched_by) == ("settled", "a person")
    report = session.scalars(select(BankReport)).one()
    assert (report.unmatched, report.settled) == (0, 1)
    # Pressed twice, it is done once.
    again = client.post(assign, data={"collection": second.id}, follow_redirects=True)
    assert "waits for nobody" in again.text
    assert states(session, number)[1] == ("live", "in collection")


@pytest.mark.parametrize("bad", ["", "x", "0", "99999999999999999999", "999999", "1\x00"])
def test_a_forged_collection_changes_nothing(session: Session, as_role: AsRole, bad: str) -> None:
    number, waiting = one_unmatched(session)
    answer = as_role("accounting").post(
        f"{ENTRIES}assign/?id={waiting.id}", data={"collection": bad}
    )
    assert answer.status_code in {400, 422}
    assert {state for state, _ in states(session, number)} == {"live"}


def test_an_entry_is_looked_at_with_a_note(session: Session, as_role: AsRole) -> None:
    _, waiting = one_unmatched(session)
    data = {"action": "look_at", "rowid": waiting.id, "_confirmed": "yes", "note": "Paid twice"}
    client = as_role("accounting")
    assert "was looked at" in client.post(
        f"{ENTRIES}action/", data=data, follow_redirects=True
    ).text  # fmt: skip
    page = client.get(f"{ENTRIES}details/?id={waiting.id}").text
    assert "Paid twice" in page
    assert "Assign to a collection" not in page
    assert "has looked at this entry" in client.post(
        f"{ENTRIES}action/", data=data, follow_redirects=True
    ).text  # fmt: skip
    assert "Nothing to look at" in client.get(
        f"{REPORTS}tab/?id={waiting.report_id}&tab=waiting"
    ).text  # fmt: skip


def test_who_may_see_reports_only_sees_masked_accounts_and_changes_nothing(
    session: Session, as_role: AsRole
) -> None:
    _, waiting = one_unmatched(session, iban=IBAN)
    manager, accounting = as_role("manager"), as_role("accounting")
    page = manager.get(f"{ENTRIES}details/?id={waiting.id}").text
    assert "DE•• •••• 9890" in page
    assert "DE12 5001 0517 0648 4898 90" in accounting.get(
        f"{ENTRIES}details/?id={waiting.id}"
    ).text  # fmt: skip
    assert manager.get(f"{ENTRIES}assign/?id={waiting.id}").status_code == 403
    assert manager.get(f"{REPORTS}upload/").status_code == 403
    assert manager.get(f"{REPORTS}download/?id={waiting.report_id}").status_code == 403
    assert accounting.get(f"{REPORTS}download/?id={waiting.report_id}").data.startswith(b"<?xml")
    start = "/admin/exports/start/?list_name=bank_entries"
    assert records(manager.get(start).data)[0]["IBAN"] == "DE•• •••• 9890"
    assert records(accounting.get(start).data)[0]["IBAN"] == IBAN
    assert as_role("operations").get(REPORTS).status_code == 403


def test_a_run_tells_what_became_of_it(session: Session, as_role: AsRole) -> None:
    number = handed_in("10.00", "20.00", "30.00", "40.00", max_transactions=3)
    a, b, c, _ = (one.end_to_end_id for one in collections_of(session, number))
    read(
        camt(
            entry(amount="10.00", end_to_end_id=a),
            entry(amount="23.00", end_to_end_id=b, debit=True, code="AC04", instructed="20.00"),
            entry(amount="30.00", end_to_end_id=c),
        )
    )
    [one, *_] = collections_of(session, number)
    client = as_role("manager")
    tab = client.get(f"/admin/direct_debit/tab/?id={one.run_id}&tab=answer").text
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", tab))
    for said in (
        "Sent 4 100.00 €",
        "Settled 2 40.00 €",
        "Returned 1 20.00 €",
        "Still open 1 40.00 €",
        "Fees 3.00 €",
        f"{number}-1-RCUR",
        f"{number}-2-RCUR",
    ):
        assert said in plain
    invoice = client.get(f"/admin/invoices/tab/?id={one.invoice_id}&tab=bank").text
    assert "Settled" in invoice
    timeline = client.get(f"/admin/customers/tab/?id={one.customer_id}&tab=timeline")
    assert timeline.status_code in {200, 404}


def test_a_word_in_a_report_is_no_markup(session: Session, as_role: AsRole) -> None:
    _, waiting = one_unmatched(session, name="&lt;b&gt;Ada&lt;/b&gt;", text="", code="X&amp;Y")
    page = as_role("accounting").get(f"{ENTRIES}details/?id={waiting.id}").text
    assert "&lt;b&gt;Ada" in page
    assert "<b>Ada" not in page
