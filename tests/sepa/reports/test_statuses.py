"""pain.002 in both versions: of a whole file, of payment blocks, of transactions."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.sepa.models import RunState
from tests.sepa.making import NOW
from tests.sepa.reports import files
from tests.sepa.reports.files import block, camt, entry, status, told
from tests.sepa.reports.reading import (
    collections_of,
    entries,
    handed_in,
    outcomes,
    read,
    run_of,
    states,
)

BOTH = pytest.mark.parametrize("version", files.PAIN)


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


@BOTH
def test_a_file_refused_whole_opens_every_invoice_again(session: Session, version: str) -> None:
    number = handed_in("10.00", "20.00", "30.00")
    answer = status(
        version=version, original=f"{number}-1", group="RJCT", code="FF01", text="Not readable"
    )
    report = read(answer)
    assert report.rejected == 3
    assert states(session, number) == [("rejected", "open")] * 3
    assert {(one.reason_code, one.reason_text) for one in collections_of(session, number)} == {
        ("FF01", "Not readable")
    }
    run = run_of(session, number)
    assert (run.files[0].bank_status, run.state) == ("RJCT", RunState.CLOSED)
    # Told in other bytes, it is known.
    assert outcomes(session, read(answer + b"\n")) == ["known before"]


def test_of_a_run_in_two_files_the_refused_one_is_open_again(session: Session) -> None:
    number = handed_in("10.00", "20.00", "30.00", max_transactions=2)
    read(status(original=f"{number}-1", group="RJCT", code="FF01"))
    assert [state for state, _ in states(session, number)] == ["rejected", "rejected", "live"]
    assert run_of(session, number).state == RunState.ANSWERED


@BOTH
@pytest.mark.parametrize("code", ["ACCP", "ACSP", "ACTC"])
def test_a_file_accepted_as_a_whole_changes_no_collection(
    session: Session, version: str, code: str
) -> None:
    number = handed_in("10.00")
    report = read(status(version=version, original=f"{number}-1", group=code))
    assert (report.accepted, report.entries) == (1, 1)
    assert run_of(session, number).files[0].bank_status == code
    assert states(session, number) == [("live", "in collection")]


@BOTH
def test_a_refused_payment_block_is_open_again(session: Session, version: str) -> None:
    number = handed_in("10.00", "20.00")
    report = read(
        status(block(f"{number}-1-RCUR", status="RJCT", code="DT01"),
               version=version, original=f"{number}-1", group="PART")
    )  # fmt: skip
    assert outcomes(session, report) == ["rejected", "rejected"]
    assert states(session, number) == [("rejected", "open")] * 2


@BOTH
def test_details_of_some_reject_those_and_leave_the_others(session: Session, version: str) -> None:
    number = handed_in("10.00", "20.00", "30.00")
    first, *_ = collections_of(session, number)
    report = read(
        status(block(f"{number}-1-RCUR", told(first.end_to_end_id, code="AC04", text="Closed")),
               version=version, original=f"{number}-1", group="PART")
    )  # fmt: skip
    assert outcomes(session, report) == ["rejected"]
    assert states(session, number) == [
        ("rejected", "returned"), ("live", "in collection"), ("live", "in collection"),
    ]  # fmt: skip
    assert run_of(session, number).files[0].bank_status == "PART"


def test_what_a_transaction_says_of_its_debtor_counts_more_than_the_refusal_of_its_file(
    session: Session,
) -> None:
    number = handed_in("10.00", "20.00")
    first, _ = collections_of(session, number)
    report = read(
        status(block(f"{number}-1-RCUR", told(first.end_to_end_id, code="AC04"), status="RJCT"),
               original=f"{number}-1", group="RJCT", code="FF01")
    )  # fmt: skip
    assert report.rejected == 2
    assert states(session, number) == [("rejected", "returned"), ("rejected", "open")]


def test_a_transaction_without_a_status_of_its_own_has_that_of_its_block(session: Session) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    inside = told(one.end_to_end_id, status=None)
    read(status(block(f"{number}-1-RCUR", inside, status="RJCT", code="AM04")))
    [one] = collections_of(session, number)
    assert (one.state, one.reason_code) == ("rejected", "AM04")


def test_contradictions_are_for_a_person(session: Session) -> None:
    number = handed_in("10.00", "20.00")
    a, b = (one.end_to_end_id for one in collections_of(session, number))
    read(status(block(f"{number}-1-RCUR", told(a, code="AC04"))))
    read(camt(entry(amount="20.00", end_to_end_id=b)))
    booked = read(camt(entry(amount="10.00", end_to_end_id=a)))
    refused = read(status(block(f"{number}-1-RCUR", told(b, code="AC04"))))
    whole = read(status(original=f"{number}-1", group="RJCT"))
    found = [entries(session, report)[0].problem for report in (booked, refused, whole)]
    assert found == [
        "The bank books what it has rejected before",
        "The bank rejects what it has booked before",
        "The bank refuses a file of which it has booked 1 before",
    ]  # fmt: skip
    assert [state for state, _ in states(session, number)] == ["rejected", "settled"]


def test_an_answer_to_credit_transfers_is_nobodys_work(session: Session) -> None:
    handed_in("10.00")
    report = read(
        status(block("PAYROLL-1", told("SALARY-1", code="AC04")), original="PAYROLL",
               name="pain.001.001.09", group="PART")
    )  # fmt: skip
    assert (report.unmatched, report.other) == (0, 2)


def test_an_answer_to_a_file_that_we_never_made_is_for_a_person(session: Session) -> None:
    handed_in("10.00")
    report = read(status(original="DD2020-00001-1", group="RJCT"))
    [found] = entries(session, report)
    assert (found.outcome, found.problem) == ("unmatched", "No bank file of ours has this id")


def test_the_history_of_run_and_invoice_tells_of_the_report(session: Session) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    report = read(status(block(f"{number}-1-RCUR", told(one.end_to_end_id, code="AC04"))))
    told_of = {
        (row.entity, row.reason)
        for row in session.scalars(select(AuditEntry).where(AuditEntry.reason.contains("report")))
    }
    assert told_of == {
        ("invoice", f"Rejected by the bank, AC04: Bank report {report}: account is closed"),
        ("collection run", f"Bank report {report}"),
    }
    kept = session.scalars(select(AuditEntry).where(AuditEntry.entity == "bank report")).one()
    assert kept.changes == {"rejected": [None, 1]}
