"""Which invoices a run takes, and for each one left out exactly one reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.core.actor import COMMAND_LINE
from app.customers.models import Customer, PaymentMethod
from app.sepa.candidates import Candidate, Excluded, Judge
from app.sepa.creating import create_run
from app.sepa.models import CreditorAccount, Mandate, MandateState
from app.sepa.operations_runs import cancel_run
from app.sepa.rules import Caution, Exclusion, Policy
from tests.sepa import making
from tests.sepa.making import DAY, POLICY

SWISS_ADDRESS = {"kind": "main", "street": "Bahnhofstrasse 1", "postcode": "8001",
                 "place": "Zürich", "country": "CH"}  # fmt: skip


@dataclass
class Found:
    """What a run would take and leave."""

    candidates: list[Candidate]
    excluded: list[Excluded]


def assess(session: Session, account: CreditorAccount, policy: Policy = POLICY) -> Found:
    judge = Judge(session, account, DAY, policy)
    verdicts = [verdict for portion in judge.portions() for verdict in portion]
    return Found(
        [one for one in verdicts if isinstance(one, Candidate)],
        [one for one in verdicts if isinstance(one, Excluded)],
    )


def judge(session: Session, policy: Policy = POLICY, **account: Any) -> Found:
    session.flush()
    session.expire_all()
    return assess(session, making.account(session, **account), policy)


def set_on(what: str, **values: Any) -> Callable[[Invoice, Customer, Mandate, Session], None]:
    """Change the invoice, its customer or its mandate by hand, past the operations."""

    def change(invoice: Invoice, customer: Customer, mandate: Mandate, session: Session) -> None:
        one = {"invoice": invoice, "customer": customer, "mandate": mandate}[what]
        for name, value in values.items():
            setattr(one, name, value)

    return change


def no_mandate(invoice: Invoice, customer: Customer, mandate: Mandate, session: Session) -> None:
    session.delete(mandate)


def move_to_switzerland(
    invoice: Invoice, customer: Customer, mandate: Mandate, session: Session
) -> None:
    customer.iban = mandate.iban = making.iban("CH")
    mandate.bic = "UBSWCHZH80A"


def without_bic(invoice: Invoice, customer: Customer, mandate: Mandate, session: Session) -> None:
    move_to_switzerland(invoice, customer, mandate, session)
    mandate.bic = None


def foreign_iban(invoice: Invoice, customer: Customer, mandate: Mandate, session: Session) -> None:
    customer.iban = mandate.iban = "TR330006100519786457841326"


def wrong_iban(invoice: Invoice, customer: Customer, mandate: Mandate, session: Session) -> None:
    customer.iban = mandate.iban = "DE88370400440532013000"


MATRIX = [
    (Exclusion.NO_MANDATE, no_mandate),
    (Exclusion.MANDATE_NOT_ACTIVE, set_on("mandate", state=MandateState.SUSPENDED.value)),
    (Exclusion.MANDATE_NOT_ACTIVE, set_on("mandate", state=MandateState.CANCELLED.value)),
    (Exclusion.MANDATE_NOT_ACTIVE, set_on("mandate", state=MandateState.DRAFT.value)),
    (Exclusion.MANDATE_EXPIRED, set_on("mandate", state=MandateState.EXPIRED.value)),
    (Exclusion.MANDATE_EXPIRED, set_on("mandate", signed_on=date(2023, 11, 1))),
    (Exclusion.MANDATE_OTHER_SCHEME, set_on("mandate", scheme="B2B")),
    (Exclusion.MANDATE_OTHER_IBAN, set_on("mandate", iban="AT611904300234573201")),
    (Exclusion.MANDATE_REFERENCE, set_on("mandate", reference="Mandat/für//alle")),
    (Exclusion.MANDATE_NOT_SIGNED, set_on("mandate", signed_on=DAY + timedelta(days=1))),
    (Exclusion.IBAN_INVALID, wrong_iban),
    (Exclusion.IBAN_OUTSIDE_SEPA, foreign_iban),
    (Exclusion.BIC_NEEDED, without_bic),
    (Exclusion.BIC_INVALID, set_on("mandate", bic="XXXXXXXX")),
    (Exclusion.ADDRESS_NEEDED, move_to_switzerland),
    (Exclusion.NAME_ILLEGAL, set_on("mandate", account_holder="***")),
    (Exclusion.COLLECTION_HOLD, set_on("customer", collection_hold=True)),
    (
        Exclusion.COLLECTION_HOLD,
        set_on("customer", collection_hold=True, collection_hold_until=DAY),
    ),
    (Exclusion.CUSTOMER_DELETED, set_on("customer", deleted_at=making.NOW)),
    (Exclusion.AMOUNT, set_on("invoice", amount=Decimal("1000000000.00"))),
    (Exclusion.ALREADY_IN_COLLECTION, set_on("invoice", state=InvoiceState.IN_COLLECTION.value)),
    (Exclusion.NOTICE_TOO_SHORT, set_on("invoice", issued_on=DAY - timedelta(days=13))),
]
# Two rules that need more than one change have tests of their own, below.
BY_THEMSELVES = {Exclusion.ONE_OFF_TAKEN, Exclusion.AMOUNT_OVER_FILE}


def test_every_reason_is_broken_once() -> None:
    assert {reason for reason, _ in MATRIX} | BY_THEMSELVES == set(Exclusion)


@pytest.mark.parametrize(("reason", "spoil"), MATRIX)
def test_an_invoice_is_left_out_for_its_one_reason(
    session: Session, reason: Exclusion, spoil: Callable[..., None]
) -> None:
    good = making.debtor(session, "1.00")
    bad = making.debtor(session, "2.00")
    mandate = session.query(Mandate).filter_by(customer_id=bad.customer_id).one()
    spoil(bad, bad.customer, mandate, session)
    found = judge(session)
    assert [one.invoice_id for one in found.candidates] == [good.id]
    assert [(one.invoice_id, one.reason) for one in found.excluded] == [(bad.id, reason)]
    assert (found.excluded[0].invoice, found.excluded[0].customer) == (
        bad.number,
        bad.customer.number,
    )


@pytest.mark.parametrize(("reason", "spoil"), MATRIX)
def test_what_is_left_out_reaches_no_run(
    session: Session,
    clock: Callable[[datetime], None],
    reason: Exclusion,
    spoil: Callable[..., None],
) -> None:
    clock(making.NOW)
    good = making.debtor(session, "1.00")
    bad = making.debtor(session, "2.00")
    mandate = session.query(Mandate).filter_by(customer_id=bad.customer_id).one()
    spoil(bad, bad.customer, mandate, session)
    session.flush()
    session.expire_all()
    left: list[Excluded] = []
    run, totals = create_run(
        session, making.account(session), DAY, policy=POLICY, actor=COMMAND_LINE,
        left_out=left.append,
    )  # fmt: skip
    assert [one.invoice_id for one in making.collections(session, run.id)] == [good.id]
    assert [(one.invoice, one.reason) for one in left] == [(bad.number, reason)]
    assert {one: sum_.count for one, sum_ in totals.reasons.items()} == {reason: 1}


@pytest.mark.parametrize(
    ("days_before", "agreed", "collected"),
    [(14, None, True), (13, None, False), (13, 5, True), (5, 5, True), (4, 5, False),
     (14, 30, True)],
)  # fmt: skip
def test_the_invoice_gives_notice_from_the_day_it_was_issued(
    session: Session, days_before: int, agreed: int | None, collected: bool
) -> None:
    one = making.debtor(session)
    one.issued_on, one.customer.notice_days = DAY - timedelta(days=days_before), agreed
    assert len(judge(session).candidates) == collected


def test_where_invoices_are_no_notice_it_counts_from_the_day_of_the_run(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    policy = Policy(invoice_is_notice=False)
    making.debtor(session)
    clock(datetime.combine(DAY - timedelta(days=13), time(9), UTC))
    assert [one.reason for one in judge(session, policy).excluded] == [Exclusion.NOTICE_TOO_SHORT]
    clock(datetime.combine(DAY - timedelta(days=14), time(9), UTC))
    assert len(judge(session, policy).candidates) == 1


def test_a_changed_iban_is_pointed_to_for_fourteen_days_and_collected(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    for days in (13, 15):
        one = making.debtor(session)
        mandate = session.query(Mandate).filter_by(customer_id=one.customer_id).one()
        mandate.iban_changed_at = making.NOW - timedelta(days=days)
    found = judge(session)
    assert [list(one.cautions) for one in found.candidates] == [[Caution.IBAN_CHANGED], []]


def test_a_b2b_mandate_that_no_bank_is_known_to_have_registered_is_pointed_to(
    session: Session,
) -> None:
    making.debtor(session, mandate={"scheme": "B2B"})
    known = making.debtor(session, mandate={"scheme": "B2B"})
    mandate = session.query(Mandate).filter_by(customer_id=known.customer_id).one()
    mandate.bank_registered_on = date(2026, 2, 1)
    found = judge(session, scheme="B2B")
    assert [list(one.cautions) for one in found.candidates] == [[Caution.NOT_REGISTERED], []]


def test_an_invoice_that_came_back_is_collected_again_and_the_attempts_are_counted(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    one, account = making.debtor(session), making.account(session)
    for failed, state in enumerate(("returned", "rejected")):
        run, _ = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)
        making.collections(session, run.id)[0].state = state
        one.state = InvoiceState.OPEN.value
        session.flush()
        assert [c.attempt for c in assess(session, account).candidates] == [failed + 2]
    run, _ = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)
    cancel_run(session, run, actor=COMMAND_LINE)
    assert [c.attempt for c in assess(session, account).candidates] == [3]


def test_an_invoice_beyond_the_limit_of_a_file_is_left_out(session: Session) -> None:
    making.debtor(session, "100.01")
    found = judge(session, max_amount=Decimal("100.00"))
    assert [one.reason for one in found.excluded] == [Exclusion.AMOUNT_OVER_FILE]


def test_a_one_off_mandate_serves_one_invoice_only(session: Session) -> None:
    first = making.debtor(session, mandate={"type": "one-off"})
    making.invoice(session, first.customer)
    found = judge(session)
    assert [one.sequence_type for one in found.candidates] == ["OOFF"]
    assert [one.reason for one in found.excluded] == [Exclusion.ONE_OFF_TAKEN]


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("invoice", {"due_on": DAY + timedelta(days=1)}),
        ("invoice", {"state": InvoiceState.PAID.value}),
        ("invoice", {"state": InvoiceState.CANCELLED.value}),
        ("invoice", {"state": InvoiceState.RETURNED.value}),
        ("customer", {"payment_method": PaymentMethod.INVOICE.value}),
    ],
)
def test_what_is_not_due_or_not_by_direct_debit_is_not_even_listed(
    session: Session, what: str, values: dict[str, Any]
) -> None:
    one = making.debtor(session)
    set_on(what, **values)(one, one.customer, Mandate(), session)
    found = judge(session)
    assert (found.candidates, found.excluded) == ([], [])


def test_a_hold_that_is_over_and_a_lock_at_the_till_do_not_stop_a_collection(
    session: Session,
) -> None:
    one = making.debtor(session)
    one.customer.collection_hold = True
    one.customer.collection_hold_until = DAY - timedelta(days=1)
    one.customer.locked, one.customer.lock_text = True, "Ask the boss"
    assert len(judge(session).candidates) == 1


def test_the_newest_mandate_that_fits_is_taken(session: Session) -> None:
    one = making.debtor(session)
    newer = making.mandate(session, one.customer)
    cancelled = making.mandate(session, one.customer)
    cancelled.state = MandateState.CANCELLED.value
    assert [c.mandate_id for c in judge(session).candidates] == [newer.id]


def test_a_b2b_account_takes_b2b_mandates(session: Session) -> None:
    making.debtor(session)
    business = making.debtor(session, mandate={"scheme": "B2B"})
    found = judge(session, scheme="B2B")
    assert [one.invoice_id for one in found.candidates] == [business.id]


def test_an_account_outside_the_eea_is_collected_with_address_and_bic(session: Session) -> None:
    one = making.debtor(session, customer={"addresses": [SWISS_ADDRESS]})
    mandate = session.query(Mandate).filter_by(customer_id=one.customer_id).one()
    move_to_switzerland(one, one.customer, mandate, session)
    found = judge(session)
    assert found.excluded == []
    assert found.candidates[0].address["place"] == "Zürich"


def test_the_assessment_reads_no_more_often_for_more_invoices(
    session: Session, queries: Callable[[Callable[[], object]], int]
) -> None:
    account = making.account(session)
    making.debtor(session)
    session.commit()
    few = queries(lambda: assess(session, account))
    for _ in range(9):
        making.debtor(session)
    session.commit()
    assert queries(lambda: assess(session, account)) == few
