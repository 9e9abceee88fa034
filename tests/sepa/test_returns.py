"""What follows when the bank rejects or returns a collection: invoice, mandate, customer."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import InvoiceState
from app.customers.models import Customer
from app.sepa.models import CollectionState, Mandate, MandateState
from app.sepa.queries_returns import attempts_of
from app.sepa.return_codes import RETURN_CODES, Todo, return_code
from app.sepa.return_rules import RetryPolicy, last_day_of_window, window_of
from app.sepa.rules import Policy
from tests.sepa import making
from tests.sepa.returning import RETRY, TODAY, end, handed_in, invoice_of, returned

FIRST = Policy(first_as_recurrent=False)
REJECTED = CollectionState.REJECTED
# The table of sepa.md, "Return reasons".
TABLE = {
    Todo.ACCOUNT: ("AC01", "RC01", "AC04", "AC06", "AG01", "AC13"),
    Todo.AGAIN: ("AM04", "MS03"),
    Todo.DUPLICATE: ("AM05",),
    Todo.MANDATE: ("MD01",),
    Todo.DATA: ("MD02", "BE05", "FF05", "AG02"),
    Todo.OBJECTION: ("MD06", "MS02"),
    Todo.PERSON: ("MD07",),
    Todo.ADDRESS: ("RR01", "RR02", "RR03", "RR04"),
    Todo.BANK: ("SL01",),
}
SUSPENDING = {"AC01", "RC01", "AC04", "AC06", "AG01", "AC13", "MD01"}


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def mandate_of(session: Session, id_: int) -> Mandate:
    return session.get_one(Mandate, id_, populate_existing=True)


def test_every_code_says_in_words_what_it_means_and_what_to_do() -> None:
    for todo, codes in TABLE.items():
        assert {RETURN_CODES[code].todo for code in codes} == {todo}
    for code, one in RETURN_CODES.items():
        assert one.words
        assert one.advice.endswith(".")
        assert len(code) == 4
        assert one.may_retry + one.may_after_mending + one.needs_person == 1


def test_a_code_that_nobody_knows_is_kept_and_goes_to_a_person() -> None:
    unknown = return_code("XT99")
    assert (unknown.code, unknown.todo) == ("XT99", Todo.PERSON)
    assert unknown.needs_person
    assert not (unknown.suspends or unknown.holds)
    assert return_code(None).todo is Todo.PERSON


@pytest.mark.parametrize("code", [*sorted({c for codes in TABLE.values() for c in codes}), "XT99"])
def test_each_code_of_the_table_has_its_consequences(session: Session, code: str) -> None:
    one = returned(session, code)
    assert invoice_of(session, one).state == InvoiceState.RETURNED
    mandate = mandate_of(session, one.mandate_id)
    suspended = code in SUSPENDING
    assert mandate.state == (MandateState.SUSPENDED if suspended else MandateState.ACTIVE)
    assert mandate.state_code == (code if suspended else None)
    if suspended:
        assert RETURN_CODES[code].words in str(mandate.state_reason)
    customer = session.get_one(Customer, one.customer_id)
    assert customer.collection_hold == (code == "MD07")
    assert one.worked_off_at is None


def test_the_history_tells_of_the_report_and_the_code_in_words(session: Session) -> None:
    one = returned(session, "MD07")
    told = session.scalars(
        select(AuditEntry).where(AuditEntry.customer_id == one.customer_id).order_by(AuditEntry.id)
    ).all()
    back = next(entry for entry in told if "returned" in str(entry.changes))
    assert back.reason == "pain.002 of the bank: MD07, customer has died"
    [hold] = [entry for entry in told if "collection_hold" in str(entry.changes)]
    assert "has died" in str(hold.changes)


def test_a_rejection_without_a_day_is_of_the_day_on_which_it_was_read(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session).id)
    end(session, [one], "AM04", REJECTED, ended_on=None)
    session.refresh(one)
    assert one.ended_on == making.NOW.date()


def test_a_hold_that_somebody_else_has_set_for_ever_keeps_its_reason(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session).id)
    customer = session.get_one(Customer, one.customer_id)
    customer.collection_hold, customer.collection_hold_reason = True, "A lawsuit"
    end(session, [one], "MD07")
    session.refresh(customer)
    assert customer.collection_hold_reason == "A lawsuit"


def test_a_refused_file_tells_nothing_of_the_debtors(session: Session) -> None:
    for _ in range(2):
        making.debtor(session)
    making.debtor(session, mandate={"type": "one-off"})
    some = making.collections(session, handed_in(session).id)
    end(session, some, "AC04", REJECTED, whole_file=True)
    for one in some:
        assert invoice_of(session, one).state == InvoiceState.OPEN
        mandate = mandate_of(session, one.mandate_id)
        assert mandate.state == MandateState.ACTIVE
        assert mandate.last_collected_on is None
        session.refresh(one)
        assert one.worked_off_at is not None
        assert "whole file" in str(one.worked_off_note)
    assert set(attempts_of(session, some).values()) == {0}
    again = making.collections(session, handed_in(session).id)
    assert len(again) == 3


@pytest.mark.parametrize(
    ("code", "state", "serves"),
    [
        ("MS03", REJECTED, MandateState.ACTIVE),
        ("AC01", REJECTED, MandateState.SUSPENDED),
        ("AM05", REJECTED, MandateState.USED),
        ("AM04", CollectionState.RETURNED, MandateState.USED),
    ],
)
def test_a_one_off_mandate_serves_again_where_the_bank_never_collected_by_it(
    session: Session, code: str, state: CollectionState, serves: MandateState
) -> None:
    one = returned(session, code, state=state, debtor={"mandate": {"type": "one-off"}})
    assert mandate_of(session, one.mandate_id).state == serves


def test_a_first_collection_that_was_rejected_is_repeated_as_a_first_one(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session, FIRST).id)
    assert one.sequence_type == "FRST"
    end(session, [one], "AM04", REJECTED)
    assert mandate_of(session, one.mandate_id).last_collected_on is None
    invoice_of(session, one).state = InvoiceState.OPEN.value
    [second] = making.collections(session, handed_in(session, FIRST).id)
    assert second.sequence_type == "FRST"
    end(session, [second], "AM04")
    assert mandate_of(session, one.mandate_id).last_collected_on == making.DAY
    invoice_of(session, one).state = InvoiceState.OPEN.value
    [third] = making.collections(session, handed_in(session, FIRST).id)
    assert third.sequence_type == "RCUR"


def test_36_months_count_from_the_last_collection_even_if_it_was_rejected(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session).id)
    end(session, [one], "AM04", REJECTED)
    assert mandate_of(session, one.mandate_id).last_collected_on == making.DAY


def test_what_a_rejected_collection_told_of_an_amendment_is_told_again(session: Session) -> None:
    making.debtor(session)
    mandate = session.scalars(select(Mandate)).one()
    mandate.original_iban, mandate.original_reference = making.iban(), "OLD-1"
    before = mandate.original_iban
    session.flush()
    [one] = making.collections(session, handed_in(session).id)
    assert mandate_of(session, mandate.id).original_iban is None
    end(session, [one], "AM04", REJECTED)
    mandate = mandate_of(session, mandate.id)
    assert (mandate.original_iban, mandate.original_reference) == (before, "OLD-1")


def test_an_invoice_that_was_settled_otherwise_meanwhile_stays(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session).id)
    end(session, [one], "AM04")
    invoice_of(session, one).state = InvoiceState.CANCELLED.value
    end(session, [one], "AM04")
    assert invoice_of(session, one).state == InvoiceState.CANCELLED


@pytest.mark.parametrize(
    ("policy", "code", "attempts", "ended_on", "against"),
    [
        (RETRY, "AM04", 1, TODAY, ""),
        (RETRY, "MS03", 1, None, ""),
        (RETRY, "AM04", 2, TODAY, "collected twice already"),
        (RetryPolicy(4), "AM04", 3, TODAY, ""),
        (RetryPolicy(0), "AM04", 1, TODAY, "switched off"),
        (RetryPolicy(2, 5), "AM04", 1, TODAY, "not be collected again before 12.12.2026"),
        (RetryPolicy(2, 5), "AM04", 1, date(2026, 12, 2), ""),
        *((RETRY, code, 1, TODAY, "reopen it with a reason")
          for code in ("MD01", "MD06", "MS02", "MD07", "AM05", "AC04", "XT99")),
    ],
)  # fmt: skip
def test_only_what_the_bank_allows_is_collected_again_under_the_policy(
    policy: RetryPolicy, code: str, attempts: int, ended_on: date | None, against: str
) -> None:
    found = policy.against(return_code(code), attempts, ended_on, TODAY)
    assert against in found
    assert bool(found) == bool(against)


@pytest.mark.parametrize(
    ("scheme", "code", "words", "last"),
    [
        ("CORE", "MD06", "8 weeks", date(2026, 3, 28)),
        ("CORE", "MD01", "13 months", date(2027, 2, 28)),
        # Over a weekend: Monday, Tuesday, Wednesday.
        ("B2B", "AM04", "3 bank days", date(2026, 2, 4)),
    ],
)
def test_the_window_of_a_return_is_that_of_its_scheme_and_reason(
    scheme: str, code: str, words: str, last: date
) -> None:
    collected = date(2026, 1, 31)
    assert window_of(scheme, return_code(code)) == words
    assert last_day_of_window(scheme, return_code(code), collected) == last
