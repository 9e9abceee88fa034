"""Working off returns: each step, under which conditions, once, and what the history tells."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import InvoiceState
from app.billing.operations import mark_paid
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.core.listing import Criteria
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.sepa.models import Collection, CollectionState, Mandate, MandateState
from app.sepa.operations_returns import Step, work_off
from app.sepa.queries_returns import WAITING, WORKED_OFF, alike, attempts_of, sums
from app.sepa.return_codes import Todo
from app.sepa.return_rules import RetryPolicy
from tests.sepa import making
from tests.sepa.returning import RETRY, TODAY, end, handed_in, invoice_of, returned, work


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def found(session: Session, listing: Any = WAITING, search: str = "", **given: str) -> list[int]:
    wanted = listing.select(Criteria(search=search, filters=given))
    return [one.id for one in session.scalars(wanted)]


def test_what_may_be_collected_again_is_taken_by_the_next_run_and_counted(session: Session) -> None:
    one = returned(session, "AM04")
    assert work(session, one, Step.AGAIN).done == 1
    assert invoice_of(session, one).state == InvoiceState.OPEN
    assert found(session) == []
    assert found(session, WORKED_OFF) == [one.id]
    [second] = making.collections(session, handed_in(session).id)
    assert second.invoice_id == one.invoice_id
    assert attempts_of(session, [second]) == {one.invoice_id: 2}
    end(session, [second], "AM04")
    refused = work(session, second, Step.AGAIN).refused
    assert "collected twice already" in refused[0][2]
    assert work(session, second, Step.AGAIN, policy=RetryPolicy(3)).done == 1
    told = session.scalars(
        select(AuditEntry.reason).where(
            AuditEntry.entity == "invoice", AuditEntry.customer_id == one.customer_id
        )
    )
    assert any("attempt 3 of 3" in str(reason) for reason in told)


@pytest.mark.parametrize("code", ["MD01", "MD06", "MS02", "MD07", "AM05", "XT99", None])
def test_what_needs_a_person_is_reopened_with_a_reason_and_never_by_itself(
    session: Session, code: str | None
) -> None:
    one = returned(session, code)
    assert work(session, one, Step.AGAIN).done == 0
    with pytest.raises(Refused, match="Note is missing"):
        work(session, one, Step.REOPEN, note="  ")
    assert work(session, one, Step.REOPEN, note="The customer agreed by phone").done == 1
    assert invoice_of(session, one).state == InvoiceState.OPEN
    session.refresh(one)
    assert one.worked_off_note == "Reopen: The customer agreed by phone"
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.entity, entry.customer_id) == ("invoice", one.customer_id)
    assert "The customer agreed by phone" in str(entry.reason)


def test_a_reopened_invoice_without_a_valid_mandate_stays_out_of_the_next_run(
    session: Session,
) -> None:
    one = returned(session, "MD01")
    work(session, one, Step.REOPEN, note="A new mandate is on its way")
    with pytest.raises(Refused, match="nothing to collect"):
        handed_in(session)
    mandate = session.get_one(Mandate, one.mandate_id)
    assert mandate.state == MandateState.SUSPENDED


@pytest.mark.parametrize(
    ("step", "state"),
    [
        (Step.PAID, InvoiceState.PAID),
        (Step.WRITTEN_OFF, InvoiceState.CANCELLED),
        (Step.DONE, InvoiceState.RETURNED),
    ],
)
def test_a_return_is_settled_otherwise(session: Session, step: Step, state: InvoiceState) -> None:
    one = returned(session, "MD06")
    assert work(session, one, step, note="By transfer").done == 1
    assert invoice_of(session, one).state == state
    assert found(session) == []
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.entity, entry.entity_id) == ("invoice", one.invoice_id)
    assert "By transfer" in str(entry.reason)


def test_a_return_is_worked_off_once_and_the_second_person_is_told(session: Session) -> None:
    one = returned(session, "AM04")
    anna = Actor("Anna", ROLE_PERMISSIONS[RoleName.ACCOUNTING], Channel.PANEL)
    assert work(session, one, Step.PAID, note="Cash", actor=anna).done == 1
    entries = len(session.scalars(select(AuditEntry.id)).all())
    again = work(session, one, Step.REOPEN, note="I did not know")
    assert again.done == 0
    assert again.refused[0][2] == "Worked off by Anna already: Paid otherwise: Cash"
    assert invoice_of(session, one).state == InvoiceState.PAID
    assert len(session.scalars(select(AuditEntry.id)).all()) == entries


def test_an_invoice_that_was_paid_meanwhile_is_not_opened_again(session: Session) -> None:
    one = returned(session, "AM04")
    mark_paid(session, [one.invoice_id], actor=COMMAND_LINE)
    assert work(session, one, Step.AGAIN).refused[0][2] == "The invoice is paid by now"
    assert work(session, one, Step.WRITTEN_OFF, note="x").done == 0
    assert work(session, one, Step.PAID).done == 1


def test_many_are_worked_off_at_once_and_those_that_cannot_be_are_told_apart(
    session: Session,
) -> None:
    for _ in range(3):
        making.debtor(session)
    some = making.collections(session, handed_in(session).id)
    end(session, some[:2], "AM04")
    end(session, some[2:], "MD06")
    outcome = work_off(
        session, [one.id for one in some], Step.AGAIN, policy=RETRY, today=TODAY, actor=COMMAND_LINE
    )
    assert outcome.done == 2
    assert [id_ for id_, _, _ in outcome.refused] == [some[2].id]


def test_a_collection_that_is_under_way_is_nothing_to_work_off(session: Session) -> None:
    making.debtor(session)
    [one] = making.collections(session, handed_in(session).id)
    assert work(session, one, Step.DONE, note="x").refused[0][2] == "It is not returned"
    assert invoice_of(session, one).state == InvoiceState.IN_COLLECTION


@pytest.mark.parametrize("role", [RoleName.MANAGER, RoleName.OPERATIONS])
def test_nobody_works_off_without_the_permission(session: Session, role: RoleName) -> None:
    one = returned(session)
    actor = Actor("x", ROLE_PERMISSIONS[role], Channel.PANEL)
    with pytest.raises(NotAllowed):
        work(session, one, Step.PAID, actor=actor)


def test_a_note_that_is_too_long_is_refused(session: Session) -> None:
    one = returned(session)
    with pytest.raises(Refused, match="at most 400"):
        work(session, one, Step.DONE, note="x" * 5000)


def test_the_list_is_narrowed_by_what_to_do_code_customer_run_day_and_amount(
    session: Session,
) -> None:
    making.debtor(session, "10.00", customer={"name": "Quince"})
    making.debtor(session, "20.00", customer={"name": "Medlar"})
    making.debtor(session, "30.00")
    run = handed_in(session)
    first, second, third = making.collections(session, run.id)
    end(session, [second], "MD06", ended_on=TODAY.replace(day=9))
    end(session, [first], "AM04")
    end(session, [third], "XT99", CollectionState.REJECTED, ended_on=TODAY.replace(day=8))
    assert found(session) == [first.id, third.id, second.id]
    assert found(session, todo="again") == [first.id]
    assert found(session, todo="person") == [third.id]
    assert found(session, todo="again,objection") == [first.id, second.id]
    assert found(session, code="XT99") == [third.id]
    assert found(session, state="rejected") == [third.id]
    assert found(session, customer="Medlar") == [second.id]
    assert found(session, run=run.number.lower()) == [first.id, third.id, second.id]
    assert found(session, run="XX") == []
    assert found(session, ended_to="2026-12-08") == [first.id, third.id]
    assert found(session, amount_from="15", amount_to="25") == [second.id]
    assert found(session, search=first.invoice.number) == [first.id]
    assert found(session, search=second.end_to_end_id) == [second.id]
    assert found(session, search="Quince") == [first.id]


def test_the_sums_of_the_list_are_those_of_its_rows(session: Session) -> None:
    for amount in ("10.00", "20.00", "30.00"):
        making.debtor(session, amount)
    some = making.collections(session, handed_in(session).id)
    end(session, some[:2], "AM04", fee=making.Decimal("3.00"))
    end(session, some[2:], None)
    whole = sums(session, WAITING, Criteria())
    assert (whole.whole.count, str(whole.whole.amount), str(whole.whole.fee)) == (
        3,
        "60.00",
        "6.00",
    )
    assert str(whole.by_todo[Todo.AGAIN].amount) == "30.00"
    assert whole.by_todo[Todo.PERSON].count == 1
    assert sums(session, WAITING, Criteria(filters={"todo": "again"})).whole.count == 2


def test_a_collection_that_looks_the_same_is_found_for_a_duplicate(session: Session) -> None:
    first = making.debtor(session, "12.00")
    twice = making.invoice(session, first.customer, "12.00")
    making.invoice(session, first.customer, "13.00")
    some = {one.invoice_id: one for one in making.collections(session, handed_in(session).id)}
    end(session, [some[twice.id]], "AM05")
    found_alike: list[Collection] = list(alike(session, some[twice.id]))
    assert [one.invoice_id for one in found_alike] == [first.id]
