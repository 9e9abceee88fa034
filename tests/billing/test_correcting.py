"""Invoices corrected by hand, filtered, added up, and changed by the hundred."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.mass import Step, read_reason, take_step
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import InvoiceChange, update_invoice
from app.billing.queries import INVOICES, open_balance
from app.billing.sums import sum_found
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.core.listing import Criteria
from app.core.paging import fetch_page
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.jobs import undoing
from app.jobs.invoice_steps import start_step
from app.jobs.leftovers import leftovers
from app.jobs.models import Job
from app.sepa.creating import create_run
from app.sepa.models import Collection
from tests.sepa import making

CHANGE = InvoiceChange("R-NEW", Decimal("15.00"), date(2026, 11, 1), date(2026, 12, 1), "Mended")


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def invoice(session: Session, state: InvoiceState = InvoiceState.OPEN, **given: object) -> Invoice:
    made = making.invoice(session, making.payer(session), **given)
    made.state = state.value
    session.flush()
    return made


@pytest.mark.parametrize("state", [InvoiceState.OPEN, InvoiceState.RETURNED])
def test_an_unpaid_invoice_is_corrected_and_the_history_tells_it(
    session: Session, state: InvoiceState
) -> None:
    one = invoice(session, state)
    update_invoice(session, one.id, CHANGE, actor=COMMAND_LINE)
    assert (one.number, one.amount, one.remittance_text, one.state) == (
        "R-NEW", Decimal("15.00"), "Mended", state.value,
    )  # fmt: skip
    told = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert told.customer_id == one.customer_id
    assert set(told.changes or {}) == {
        "number", "amount", "issued_on", "due_on", "remittance_text",
    }  # fmt: skip


@pytest.mark.parametrize(
    "state", [InvoiceState.IN_COLLECTION, InvoiceState.PAID, InvoiceState.CANCELLED]
)
def test_any_other_invoice_stays_as_it_is(session: Session, state: InvoiceState) -> None:
    one = invoice(session, state)
    with pytest.raises(Refused, match=f"is {state} and stays as it is"):
        update_invoice(session, one.id, CHANGE, actor=COMMAND_LINE)


def test_a_number_of_another_invoice_is_refused_and_its_own_is_not(session: Session) -> None:
    one, other = invoice(session), invoice(session)
    taken = InvoiceChange(other.number, one.amount, one.issued_on, one.due_on)
    with pytest.raises(Refused, match="is already used"):
        update_invoice(session, one.id, taken, actor=COMMAND_LINE)
    own = InvoiceChange(one.number, Decimal("1.00"), one.issued_on, one.due_on)
    update_invoice(session, one.id, own, actor=COMMAND_LINE)
    assert one.amount == Decimal("1.00")


@pytest.mark.parametrize("role", [RoleName.OPERATIONS, RoleName.MANAGER])
def test_only_accounting_corrects_invoices(session: Session, role: RoleName) -> None:
    actor = Actor("somebody", ROLE_PERMISSIONS[role], Channel.PANEL, 1)
    with pytest.raises(NotAllowed):
        update_invoice(session, 1, CHANGE, actor=actor)
    with pytest.raises(NotAllowed):
        take_step(session, [1], Step.PAID, actor=actor)


def test_what_the_bank_returned_is_owed(session: Session) -> None:
    customer = making.payer(session)
    for state in InvoiceState:
        making.invoice(session, customer, "10.00").state = state.value
    session.flush()
    assert open_balance(session, customer.id) == Decimal("30.00")


@pytest.fixture
def some(session: Session) -> dict[str, str]:
    """Invoices of several kinds, by what they are; none is of the same customer."""
    collected = making.debtor(session, "1.00", customer={"name": "Collected"})
    account = making.account(session)
    run = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)[0]
    again = making.debtor(session, "2.00")
    returned = making.debtor(session, "4.00", issued_on=date(2026, 10, 1), due_on=date(2026, 11, 1))
    without = making.invoice(session, making.payer(session), "8.00", due_on=date(2027, 1, 1))
    cash = making.invoice(session, making.payer(session, payment_method="Cash", iban=None), "16.00")
    first = making.collections(session, run.id)[0]
    copied = {
        c.name: getattr(first, c.name) for c in Collection.__table__.columns if c.name != "id"
    }
    for number, (one, state) in enumerate(
        [(again, "rejected"), (again, "void"), (returned, "returned"), (returned, "rejected")]
    ):
        own = {"invoice_id": one.id, "customer_id": one.customer_id, "state": state}
        session.add(Collection(**copied | own | {"end_to_end_id": f"E{number}"}))
    returned.state = InvoiceState.RETURNED.value
    session.flush()
    names = {
        "collected": collected, "again": again, "returned": returned, "without": without,
        "cash": cash,
    }  # fmt: skip
    return {one.number: name for name, one in names.items()} | {"run": run.number}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"state": "returned"}, "returned"),
        ({"overdue": "yes"}, "returned"),
        ({"overdue": "no"}, "again cash collected without"),
        ({"customer": "collected"}, "collected"),
        ({"payment": "Cash"}, "cash"),
        ({"mandate": "yes"}, "again collected returned"),
        ({"mandate": "no"}, "cash without"),
        ({"mandate": "no", "payment": "SEPA direct debit"}, "without"),
        ({"run": "RUN"}, "again collected returned"),
        ({"run": "RUN", "state": "open"}, "again"),
        ({"run": "DD1999-00001"}, ""),
        ({"attempts_from": "1"}, "again collected returned"),
        ({"attempts_from": "2"}, "returned"),
        ({"attempts_to": "0"}, "cash without"),
        ({"refused": "yes"}, "again returned"),
        ({"refused": "no", "payment": "SEPA direct debit"}, "collected without"),
        ({"amount_from": "4", "amount_to": "8.00"}, "returned without"),
        ({"due_from": "2027-01-01"}, "without"),
    ],
)
def test_invoices_are_found_by_what_they_are_worked_by(
    session: Session, some: dict[str, str], given: dict[str, str], found: str
) -> None:
    given = {name: some["run"].lower() if raw == "RUN" else raw for name, raw in given.items()}
    page = fetch_page(session, INVOICES, Criteria(filters=given))
    assert sorted(some[one.number] for one in page.rows) == found.split()
    for many in (False, True):
        sums = sum_found(session, Criteria(filters=given), many=many)
        assert (sums.count, sums.total) == (
            page.total, sum((one.amount for one in page.rows), Decimal(0)),
        )  # fmt: skip


def test_sums_tell_states_apart_and_what_is_overdue(session: Session, some: object) -> None:
    sums = sum_found(session, Criteria())
    assert [one[:2] for one in sums.by_state] == [
        ("open", 3), ("in collection", 1), ("returned", 1),
    ]  # fmt: skip
    assert (sums.owed, sums.overdue) == (Decimal("31.00"), Decimal("4.00"))


def test_a_search_finds_numbers_and_customers(session: Session, some: dict[str, str]) -> None:
    number = next(iter(some))
    for text in (number, "Collected"):
        page = fetch_page(session, INVOICES, Criteria(search=text))
        assert "collected" in [some[one.number] for one in page.rows]


def states_now(session: Session) -> dict[str, str]:
    rows = session.execute(select(Invoice.number, Invoice.state))
    return {row.number: row.state for row in rows}


def test_of_many_those_change_that_can_and_a_job_takes_it_back(
    session: Session, some: dict[str, str], run_jobs: Callable[[], int]
) -> None:
    ids = session.scalars(select(Invoice.id)).all()
    session.commit()
    job = start_step(
        session, Step.PAID, "In cash", Criteria(filters={"amount_to": "8"}), ids=(),
        max_id=max(ids), found=4, token="t" * 20, actor=COMMAND_LINE,
    )  # fmt: skip
    job_id = job.id
    session.commit()
    run_jobs()
    session.expire_all()
    done = session.get_one(Job, job_id)
    assert done.result == {"changed": 3, "had_it_already": 0, "refused": 1}
    left = leftovers(session, job_id, 0, 10)
    assert ["in collection" in one.reason for one in left] == [True]
    states = states_now(session)
    by_name = {some[number]: state for number, state in states.items()}
    assert by_name == {
        "collected": "in collection", "again": "paid", "returned": "paid", "without": "paid",
        "cash": "open",
    }  # fmt: skip
    told = session.scalars(select(AuditEntry).where(AuditEntry.job_id == job_id)).all()
    assert {one.reason for one in told} == {"In cash"} and len(told) == 3
    undoing.start_undo(session, job_id, actor=COMMAND_LINE)
    session.commit()
    run_jobs()
    session.expire_all()
    back = states_now(session)
    assert {some[n]: s for n, s in back.items()} == by_name | {
        "again": "open", "returned": "returned", "without": "open",
    }  # fmt: skip


def test_a_cancellation_asks_for_its_reason() -> None:
    with pytest.raises(Refused, match="Reason is missing"):
        read_reason(Step.CANCELLED, "  ")
    with pytest.raises(Refused, match="longer than 400"):
        read_reason(Step.PAID, "x" * 401)
    assert read_reason(Step.PAID, " by\n hand ") == "by hand"
