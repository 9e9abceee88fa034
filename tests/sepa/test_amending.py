"""Amended mandates keep what the bank knows until it was told; references are proposed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.sepa.amending import Amendment, amend_mandate, propose_reference
from app.sepa.creating import create_run
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import change_mandate_state
from app.sepa.operations_runs import file_run, hand_in_run
from tests.sepa import making


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def amend(session: Session, mandate: Mandate, **changes: Any) -> None:
    now = Amendment(mandate.iban, mandate.account_holder, mandate.reference, mandate.bic)
    amend_mandate(session, mandate, replace(now, **changes), actor=COMMAND_LINE)


def the_mandate(session: Session) -> Mandate:
    return session.scalars(select(Mandate).execution_options(populate_existing=True)).one()


def test_the_first_original_stays_through_a_second_amendment(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), reference="FIRST")
    first, second, third = mandate.iban, making.iban(), making.iban()
    amend(session, mandate, iban=second, account_holder="New Holder")
    amend(session, mandate, iban=third, reference="SECOND")
    assert (mandate.original_iban, mandate.original_reference) == (first, "FIRST")
    assert (mandate.iban, mandate.reference) == (third, "SECOND")
    assert mandate.account_holder == "New Holder"
    assert mandate.iban_changed_at == making.NOW


def test_amended_back_to_what_the_bank_knows_is_no_amendment(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), reference="FIRST")
    first = mandate.iban
    amend(session, mandate, iban=making.iban(), reference="SECOND")
    amend(session, mandate, iban=first, reference="FIRST")
    assert (mandate.original_iban, mandate.original_reference) == (None, None)


def test_the_bic_follows_the_account_unless_another_is_given(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    assert mandate.bic == "COBADEFFXXX"
    amend(session, mandate, iban="DE02120300000000202051")
    assert mandate.bic == "BYLADEM1001"
    amend(session, mandate, iban=making.iban(), bic="DEUTDEFFXXX")
    assert mandate.bic == "DEUTDEFFXXX"


def test_a_b2b_mandate_for_another_account_waits_for_registration_anew(session: Session) -> None:
    mandate = making.mandate(
        session, making.payer(session), scheme="B2B", bank_registered_on=date(2026, 2, 1)
    )
    amend(session, mandate, reference="ANOTHER")
    assert mandate.bank_registered_on == date(2026, 2, 1)
    amend(session, mandate, iban=making.iban())
    assert mandate.bank_registered_on is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"iban": "DE00"}, "iban"),
        ({"iban": "TR330006100519786457841326"}, "iban"),
        ({"bic": "nonsense"}, "bic"),
        ({"reference": "taken"}, "reference"),
        ({"reference": "Ä"}, "reference"),
        ({"account_holder": ""}, "account_holder"),
    ],
)
def test_a_wrong_amendment_is_refused_at_its_field(
    session: Session, changes: dict[str, Any], field: str
) -> None:
    making.mandate(session, making.payer(session), reference="TAKEN")
    mandate = making.mandate(session, making.payer(session))
    with pytest.raises(Refused) as refused:
        amend(session, mandate, **changes)
    assert [one.field for one in refused.value.problems] == [field]


@pytest.mark.parametrize("state", [MandateState.CANCELLED, None])
def test_only_what_is_in_force_is_amended(session: Session, state: MandateState | None) -> None:
    signed_on = date(2026, 1, 15) if state else None
    mandate = making.mandate(session, making.payer(session), signed_on=signed_on)
    if state:
        change_mandate_state(session, mandate, state, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="cannot be amended"):
        amend(session, mandate, iban=making.iban())
    nobody = Actor("nobody", frozenset(), Channel.PANEL)
    with pytest.raises(NotAllowed):
        amend_mandate(session, mandate, Amendment("", "", ""), actor=nobody)


def test_the_history_tells_of_an_amendment_without_the_ibans(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    old, new = mandate.iban, making.iban()
    amend(session, mandate, iban=new)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.AMENDED)).one()
    assert old not in str(entry.changes)
    assert new not in str(entry.changes)
    assert entry.changes["original_iban"][1].endswith(old[-4:])
    assert entry.customer_id == mandate.customer_id


def test_the_bank_is_told_once(session: Session) -> None:
    making.debtor(session)
    mandate = the_mandate(session)
    old = mandate.iban
    amend(session, mandate, iban=making.iban())
    mandate.customer.iban = mandate.iban
    account = making.account(session)
    run, _ = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
    (collection,) = making.collections(session, run.id)
    assert collection.original_iban == old
    file_run(session, run, policy=making.POLICY, actor=COMMAND_LINE)
    hand_in_run(session, run, actor=COMMAND_LINE)
    mandate = the_mandate(session)
    assert mandate.original_iban is None
    assert mandate.last_collected_on == making.DAY


def test_an_amendment_made_while_a_run_waits_is_told_with_the_next_one(session: Session) -> None:
    """The file of the run was frozen before, so the bank gets to know the old account from it."""
    making.debtor(session)
    mandate = the_mandate(session)
    old, reference = mandate.iban, mandate.reference
    account = making.account(session)
    run, _ = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
    amend(session, mandate, iban=making.iban(), reference="LATER")
    file_run(session, run, policy=making.POLICY, actor=COMMAND_LINE)
    hand_in_run(session, run, actor=COMMAND_LINE)
    mandate = the_mandate(session)
    assert (mandate.original_iban, mandate.original_reference) == (old, reference)


def test_a_proposed_reference_is_one_that_no_mandate_has(session: Session) -> None:
    customer = making.payer(session)
    assert propose_reference(session, customer) == f"{customer.number}-1"
    making.mandate(session, customer, reference=f"{customer.number}-1")
    making.mandate(session, customer, reference=f"{customer.number}-3")
    making.mandate(session, customer, reference=f"{customer.number}5-2")
    assert propose_reference(session, customer) == f"{customer.number}-2"
