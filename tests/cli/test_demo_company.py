"""The demo company has something of direct debit to show, and leaves the samples alone."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.customers.choices import PaymentMethod
from app.customers.models import Customer
from app.sepa.models import CollectionRun, CollectionState, Mandate, MandateState, RunState
from app.sepa.queries import collections_of_run
from app.sepa.queries_mandates import WAITING_LABELS, Waiting, waiting_mandates
from app.sepa.reports.models import BankReport

Clock = Callable[[datetime], None]


# A Sunday after days on which no bank works, and a day that is there in leap years only.
@pytest.mark.parametrize("today", [date(2027, 1, 3), date(2028, 2, 29)])
def test_the_demo_company_has_collected_and_had_the_answer(
    runner: FlaskCliRunner, session: Session, clock: Clock, today: date
) -> None:
    clock(datetime(today.year, today.month, today.day, 11, tzinfo=UTC))
    seeded = runner.invoke(args=["seed", "demo"])
    assert seeded.exit_code == 0, seeded.output

    answered, waiting = session.scalars(select(CollectionRun).order_by(CollectionRun.id))
    assert (answered.state, waiting.state) == (RunState.CLOSED, RunState.CREATED)
    assert waiting.collection_date > today + timedelta(days=30)
    ends = Counter(
        (one.state, one.reason_code, one.worked_off_at is None)
        for one in session.scalars(collections_of_run(answered))
    )
    assert ends == {
        (CollectionState.SETTLED, None, True): 14,
        (CollectionState.REJECTED, "AC04", True): 1,
        (CollectionState.RETURNED, "MD06", True): 1,
        (CollectionState.RETURNED, "AM04", True): 1,
        (CollectionState.RETURNED, "AM04", False): 1,
    }
    reports = session.scalars(select(BankReport).order_by(BankReport.received_at)).all()
    assert [one.kind for one in reports] == ["pain.002", "camt.053", "camt.054"]
    assert [one.unmatched for one in reports] == [0, 0, 1]
    assert not any(one.remarks for one in reports), "what the bank wrote breaks its schema"

    assert set(session.scalars(select(Mandate.state))) == set(MandateState)
    for why in set(WAITING_LABELS) - {Waiting.NO_MANDATE}:
        assert session.scalars(waiting_mandates(why)).first(), WAITING_LABELS[why]
    _is_nothing_that_a_run_of_the_samples_would_meet(session, today)


def _is_nothing_that_a_run_of_the_samples_would_meet(session: Session, today: date) -> None:
    by_debit = (
        select(Invoice.state, Invoice.due_on)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value)
    )
    due = {InvoiceState.OPEN.value: timedelta(days=120), "in collection": timedelta(days=30)}
    met = [
        (state, due_on)
        for state, due_on in session.execute(by_debit)
        if state in due and due_on <= today + due[state]
    ]
    assert met == []
