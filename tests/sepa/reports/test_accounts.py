"""camt.053 and camt.054 in both versions: booked, returned, with fees, in batches, of others."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.customers.models import Customer
from app.extensions import transaction
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import CreditorAccount, RunState
from app.sepa.reports.models import MatchedBy
from tests.sepa import making
from tests.sepa.making import NOW
from tests.sepa.reports import files
from tests.sepa.reports.files import camt, entry
from tests.sepa.reports.files import transaction as tx
from tests.sepa.reports.reading import (
    collections_of,
    entries,
    handed_in,
    outcomes,
    read,
    run_of,
    states,
)

BOTH = pytest.mark.parametrize("version", files.CAMT)


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


@BOTH
@pytest.mark.parametrize("kind", ["053", "054"])
def test_a_booked_collection_is_settled_and_its_invoice_paid(
    session: Session, kind: str, version: str
) -> None:
    number = handed_in("12.34", "20.00")
    first, _ = collections_of(session, number)
    report = read(
        camt(entry(version, "12.34", end_to_end_id=first.end_to_end_id), kind=kind, version=version)
    )
    assert (report.kind, report.variant) == (f"camt.{kind}", version)
    assert report.remarks is None, "the file is valid"
    assert outcomes(session, report) == ["settled"]
    assert states(session, number) == [("settled", "paid"), ("live", "in collection")]
    first, _ = collections_of(session, number)
    assert first.settled_on == date(2026, 12, 1)
    assert run_of(session, number).state == RunState.ANSWERED


@BOTH
def test_a_return_is_debited_with_the_fee_in_one_sum(session: Session, version: str) -> None:
    number = handed_in("10.00", "20.00", "30.00", "40.00")
    a, b, c, d = (one.end_to_end_id for one in collections_of(session, number))
    debit = {"version": version, "debit": True, "day": "2026-12-03"}
    report = read(
        camt(
            # The original amount told; the fee told; both in separate figures; the fee apart.
            entry(amount="13.00", end_to_end_id=a, code="AC04", instructed="10.00", **debit),
            entry(amount="23.00", end_to_end_id=b, code="MD06", fee="3.00", **debit),
            entry(amount="33.50", end_to_end_id=c, code="XY99", text="Own words", fee="3.50",
                  instructed="30.00", **debit),
            entry(amount="40.00", end_to_end_id=d, code="MS03", **debit),
            version=version,
        )
    )  # fmt: skip
    assert outcomes(session, report) == ["returned"] * 4
    found = collections_of(session, number)
    assert [(one.reason_code, one.fee) for one in found] == [
        ("AC04", Decimal("3.00")), ("MD06", Decimal("3.00")), ("XY99", Decimal("3.50")),
        ("MS03", None),
    ]  # fmt: skip
    assert found[2].reason_text == "Own words"
    assert {one.ended_on for one in found} == {date(2026, 12, 3)}
    assert states(session, number) == [("returned", "returned")] * 4
    assert run_of(session, number).state == RunState.CLOSED


@BOTH
def test_an_amount_that_is_not_the_collections_is_for_a_person(
    session: Session, version: str
) -> None:
    number = handed_in("10.00", "20.00", "30.00")
    a, b, c = (one.end_to_end_id for one in collections_of(session, number))
    report = read(
        camt(
            entry(version, "9.99", end_to_end_id=a),
            entry(version, "25.00", end_to_end_id=b, debit=True, code="AC04"),
            entry(version, "30.00", end_to_end_id=c, currency="USD"),
            version=version,
        )
    )
    assert outcomes(session, report) == ["unmatched"] * 3
    assert [one.problem for one in entries(session, report)] == [
        "The amount is 9.99 €, that of the collection 10.00 €",
        "The amount is 25.00 €, that of the collection 20.00 €",
        "The amount is in USD, not in EUR",
    ]
    assert {state for state, _ in states(session, number)} == {"live"}


@BOTH
def test_a_batch_with_its_transactions_settles_each(session: Session, version: str) -> None:
    number = handed_in("10.00", "20.00")
    details = [
        tx(version, str(one.amount), end_to_end_id=one.end_to_end_id)
        for one in collections_of(session, number)
    ]
    report = read(
        camt(entry(version, "30.00", details=details, transactions=2, message=f"{number}-1"),
             version=version)
    )  # fmt: skip
    assert outcomes(session, report) == ["settled", "settled"]
    assert run_of(session, number).state == RunState.CLOSED


@BOTH
def test_a_batch_without_transactions_settles_its_block_if_count_and_sum_agree(
    session: Session, version: str
) -> None:
    number = handed_in("10.00", "20.00")
    wrong = camt(
        entry(version, "30.00", block=f"{number}-1-RCUR", transactions=3),
        entry(version, "30.01", block=f"{number}-1-RCUR", transactions=2),
        version=version,
    )
    report = read(wrong)
    assert outcomes(session, report) == ["unmatched", "unmatched"]
    assert entries(session, report)[0].problem == (
        "The bank books 30.00 € for 3 collections; the payment block holds 2, 30.00 €"
    )
    good = entry(version, "30.00", block=f"{number}-1-RCUR", transactions=2)
    report = read(camt(good, version=version))
    assert outcomes(session, report) == ["settled", "settled"]
    assert {one.matched_by for one in entries(session, report)} == {MatchedBy.BLOCK}
    assert states(session, number) == [("settled", "paid")] * 2
    again = read(camt(good, version=version))
    assert outcomes(session, again) == ["known before"]


def test_a_sum_of_a_part_of_the_run_settles_that_file_only(session: Session) -> None:
    number = handed_in("10.00", "20.00", "30.00", max_transactions=2)
    report = read(camt(entry(amount="30.00", message=f"{number}-2", transactions=1)))
    assert outcomes(session, report) == ["settled"]
    assert [state for state, _ in states(session, number)] == ["live", "live", "settled"]


def test_without_an_end_to_end_id_mandate_and_amount_find_the_one_collection(
    session: Session,
) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    reference = one.mandate_reference.lower()
    booked = entry(amount="10.00", mandate=reference)
    report = read(camt(booked))
    [found] = entries(session, report)
    assert (found.outcome, found.matched_by) == ("settled", MatchedBy.MANDATE_AND_AMOUNT)
    # Collected again from the same mandate, the same amount: the old news are still old.
    returned = entry(amount="10.00", mandate=reference, debit=True, code="AM04", day="2026-12-03")
    assert outcomes(session, read(camt(returned))) == ["returned"]
    second = again(session, number)
    assert outcomes(session, read(camt(returned, booked))) == ["known before", "known before"]
    assert states(session, second) == [("live", "in collection")]


def again(session: Session, number: str) -> str:
    """Another run that collects the same amount from the same mandate."""
    [one] = collections_of(session, number)
    customer_id, account_id = one.customer_id, one.run.creditor_account_id
    with transaction() as writing:
        making.invoice(writing, writing.get_one(Customer, customer_id), "10.00")
        account = writing.get_one(CreditorAccount, account_id)
        run = create_run(writing, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)[0]
        runs.file_run(writing, run, policy=making.POLICY, actor=COMMAND_LINE)
        runs.hand_in_run(writing, run, actor=COMMAND_LINE)
        return run.number


def test_two_collections_of_one_mandate_and_amount_are_for_a_person(session: Session) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    reference = one.mandate_reference
    again(session, number)
    report = read(camt(entry(amount="10.00", mandate=reference)))
    [found] = entries(session, report)
    assert found.outcome == "unmatched"
    assert found.problem == "2 collections fit by mandate and amount"


@BOTH
def test_pending_entries_are_told_and_not_applied(session: Session, version: str) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    report = read(
        camt(entry(version, "10.00", end_to_end_id=one.end_to_end_id, status="PDNG"),
             version=version)
    )  # fmt: skip
    assert report.entries == 0
    assert report.remarks == (
        "1 entry is not final yet and was left out; the bank tells of it again"
    )
    assert states(session, number) == [("live", "in collection")]


def test_what_is_no_direct_debit_of_ours_is_nobodys_work(session: Session) -> None:
    handed_in("10.00")
    report = read(
        camt(
            entry(amount="500.00", family=("RCDT", "ESCT"), end_to_end_id="INVOICE 7"),
            entry(amount="80.00", family=("RDDT", "ESDD"), debit=True, mandate="RENT-1"),
            entry(amount="5.00", family=None, gvc="105", debit=True, mandate="POWER-1"),
            entry(amount="77.00", family=None),
            # These look like ours, and fit nothing.
            entry(amount="1.00", end_to_end_id="UNKNOWN"),
            entry(amount="2.00", family=None, gvc="171", end_to_end_id="UNKNOWN-2"),
            entry(amount="3.00", block="DD2020-00009-1-RCUR", transactions=2),
        )
    )
    assert outcomes(session, report) == ["not a direct debit of ours"] * 4 + ["unmatched"] * 3
    assert report.other == 4
    assert [one.amount for one in entries(session, report)][1] == Decimal("-80.00")


def test_a_reversed_credit_is_a_return_and_a_reversed_return_is_for_a_person(
    session: Session,
) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    booked = entry(amount="10.00", end_to_end_id=one.end_to_end_id)
    back = booked.replace("CRDT", "DBIT").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    back = back.replace("2026-12-01", "2026-12-02")
    assert outcomes(session, read(camt(booked, back))) == ["settled", "returned"]
    once_more = booked.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    later = booked.replace("2026-12-01", "2026-12-04")
    report = read(camt(once_more, later))
    assert outcomes(session, report) == ["unmatched", "unmatched"]
    assert [one.problem for one in entries(session, report)] == [
        "The bank has taken back a return, or a transfer came back",
        "The bank books it again after it was returned",
    ]


def test_a_statement_of_another_account_is_refused_without_its_number(session: Session) -> None:
    handed_in("10.00")
    with pytest.raises(Refused, match=r"account DE•• •••• 9890, which is none of the creditor"):
        read(camt(entry(), account="DE12500105170648489890"))


def test_of_several_accounts_only_ours_are_read(session: Session) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    ours = camt(entry(amount="10.00", end_to_end_id=one.end_to_end_id)).decode()
    other = camt(entry(amount="7.00", end_to_end_id="UNKNOWN"), account="DE12500105170648489890")
    statement = other.decode().partition("</GrpHdr>")[2].partition("</BkToCstmrStmt>")[0]
    both = ours.replace("</BkToCstmrStmt>", f"{statement}</BkToCstmrStmt>")
    report = read(both.encode())
    assert outcomes(session, report) == ["settled"]
    assert report.remarks == "The statement of another account, DE•• •••• 9890, was left out"


def test_a_cancelled_run_that_the_bank_has_booked_is_for_a_person(session: Session) -> None:
    number = handed_in("10.00", filed_only=True)
    [one] = collections_of(session, number)
    with transaction() as writing:
        runs.cancel_run(writing, run_of(writing, number), actor=COMMAND_LINE)
    report = read(camt(entry(amount="10.00", end_to_end_id=one.end_to_end_id)))
    [found] = entries(session, report)
    assert found.problem == (
        "Its run was cancelled, but the bank has collected by its file: its invoice is open"
    )
    assert states(session, number) == [("void", "open")]


def test_an_answer_proves_that_the_run_was_handed_in(session: Session) -> None:
    number = handed_in("10.00", "20.00", filed_only=True)
    first, _ = collections_of(session, number)
    read(camt(entry(amount="10.00", end_to_end_id=first.end_to_end_id)))
    run = run_of(session, number)
    assert (run.state, run.handed_in_at is not None) == (RunState.ANSWERED, True)


def test_a_file_that_breaks_the_schema_is_read_with_a_warning(session: Session) -> None:
    number = handed_in("10.00")
    [one] = collections_of(session, number)
    own = '<x:Own xmlns:x="urn:bank"><x:Code>1</x:Code></x:Own>'
    good = camt(entry(amount="10.00", end_to_end_id=one.end_to_end_id)).decode()
    report = read(good.replace("<Bal>", f"{own}<Bal>", 1).encode())
    assert outcomes(session, report) == ["settled"]
    assert "breaks the ISO schema" in str(report.remarks)
