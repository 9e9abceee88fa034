"""Mandates: made, changed while unused, suspended, resumed, cancelled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core import clock
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.sepa.creating import create_run
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import (
    MandateDraft,
    change_mandate_state,
    create_mandates,
    update_mandate,
)
from app.sepa.operations_runs import cancel_run
from tests.sepa import making


def draft(mandate: Mandate, **changes: Any) -> MandateDraft:
    """What the mandate is, changed."""
    return replace(
        MandateDraft(
            mandate.reference, mandate.customer_id, mandate.iban, mandate.account_holder,
            mandate.bic, mandate.scheme, mandate.type, mandate.signed_on,
        ),
        **changes,
    )  # fmt: skip


def test_a_signed_mandate_is_active_and_an_unsigned_one_a_draft(session: Session) -> None:
    customer = making.payer(session)
    assert making.mandate(session, customer).state == "active"
    unsigned = making.mandate(session, customer, signed_on=None)
    assert unsigned.state == "draft"
    update_mandate(
        session, unsigned, draft(unsigned, signed_on=date(2026, 2, 1)), actor=COMMAND_LINE
    )
    assert unsigned.state == "active"


@pytest.mark.parametrize("deleted", [True, False])
def test_only_a_customer_who_is_there_gets_a_mandate(session: Session, deleted: bool) -> None:
    customer = making.payer(session)
    known = making.mandate(session, customer)
    if deleted:
        customer.deleted_at = clock.now()
        session.flush()
    wanted = draft(
        known, reference="ANOTHER", customer_id=customer.id if deleted else customer.id + 1
    )
    with pytest.raises(Refused, match="no longer there") as refused:
        create_mandates(session, [wanted], actor=COMMAND_LINE)
    assert [problem.field for problem in refused.value.problems] == ["customer_id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reference": ""}, "reference"),
        ({"reference": "Mandat für alle"}, "reference"),
        ({"reference": "a//b"}, "reference"),
        ({"reference": "x" * 36}, "reference"),
        ({"iban": "DE88370400440532013000"}, "iban"),
        ({"iban": "TR330006100519786457841326"}, "iban"),
        ({"bic": "nonsense"}, "bic"),
        ({"account_holder": ""}, "account_holder"),
        ({"signed_on": date(2099, 1, 1)}, "signed_on"),
    ],
)
def test_a_wrong_mandate_is_refused_at_its_field(
    session: Session, changes: dict[str, Any], field: str
) -> None:
    mandate = making.mandate(session, making.payer(session))
    with pytest.raises(Refused) as refused:
        create_mandates(
            session, [draft(mandate, **({"reference": "NEW-1"} | changes))], actor=COMMAND_LINE
        )
    assert [one.field for one in refused.value.problems] == [field]


def test_a_reference_is_unique_whatever_its_case(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), reference="Abc-1")
    with pytest.raises(Refused, match="already used"):
        create_mandates(session, [draft(mandate, reference="ABC-1")], actor=COMMAND_LINE)
    update_mandate(session, mandate, draft(mandate, reference="ABC-1"), actor=COMMAND_LINE)
    assert mandate.reference == "ABC-1"


def test_a_mandate_in_use_cannot_be_edited_in_place(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    making.debtor(session)
    create_run(
        session, making.account(session), making.DAY, policy=making.POLICY, actor=COMMAND_LINE
    )
    mandate = session.scalars(select(Mandate)).one()
    with pytest.raises(Refused, match="was used in a collection"):
        update_mandate(session, mandate, draft(mandate, account_holder="Other"), actor=COMMAND_LINE)


def test_a_cancelled_run_leaves_its_mandate_unused(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    making.debtor(session)
    account = making.account(session)
    run, _ = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
    cancel_run(session, run, actor=COMMAND_LINE)
    mandate = session.scalars(select(Mandate)).one()
    update_mandate(session, mandate, draft(mandate, scheme="B2B"), actor=COMMAND_LINE)
    assert mandate.scheme == "B2B"


def test_a_corrected_iban_is_noted_as_new(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    mandate = making.mandate(session, making.payer(session))
    update_mandate(session, mandate, draft(mandate, account_holder="Other"), actor=COMMAND_LINE)
    assert mandate.iban_changed_at is None
    update_mandate(session, mandate, draft(mandate, iban=making.iban()), actor=COMMAND_LINE)
    assert mandate.iban_changed_at == making.NOW
    assert mandate.original_iban is None


def test_suspended_resumed_and_cancelled_for_good(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    for state in (MandateState.SUSPENDED, MandateState.ACTIVE, MandateState.CANCELLED):
        change_mandate_state(session, mandate, state, actor=COMMAND_LINE, reason="By letter")
        assert mandate.state == state
    with pytest.raises(Refused, match="cannot become active"):
        change_mandate_state(session, mandate, MandateState.ACTIVE, actor=COMMAND_LINE)


def test_a_draft_cannot_be_activated_unsigned(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), signed_on=None)
    with pytest.raises(Refused, match="Signed on is missing"):
        change_mandate_state(session, mandate, MandateState.ACTIVE, actor=COMMAND_LINE)


def test_a_one_off_mandate_that_was_used_is_not_resumed_by_hand(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), type="one-off")
    mandate.state = MandateState.USED.value
    session.flush()
    with pytest.raises(Refused, match="cannot be resumed"):
        change_mandate_state(session, mandate, MandateState.ACTIVE, actor=COMMAND_LINE)


def test_the_history_masks_the_iban(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    entry = session.scalars(select(AuditEntry).where(AuditEntry.entity == "mandate")).one()
    assert mandate.iban not in str(entry.changes)
    assert entry.changes["iban"][1].endswith(mandate.iban[-4:])


def test_who_may_not_edit_mandates_is_refused(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    nobody = Actor("nobody", frozenset(), Channel.PANEL)
    with pytest.raises(NotAllowed):
        change_mandate_state(session, mandate, MandateState.SUSPENDED, actor=nobody)
    with pytest.raises(NotAllowed):
        create_mandates(session, [draft(mandate, reference="N-1")], actor=nobody)
