"""Collections that the bank has answered, as whoever reads its reports leaves them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core.actor import COMMAND_LINE, Actor
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CollectionState, CreditorAccount
from app.sepa.operations_returns import Step, WorkedOff, work_off
from app.sepa.return_rules import RetryPolicy
from app.sepa.returns import Ended, follow_up
from app.sepa.rules import Policy
from tests.sepa import making

TODAY = date(2026, 12, 7)
RETRY = RetryPolicy()


def handed_in(
    session: Session, policy: Policy = making.POLICY, account: CreditorAccount | None = None
) -> CollectionRun:
    """A run over all that can be collected, at the bank."""
    into = account or making.account(session)
    run = create_run(session, into, making.DAY, policy=policy, actor=COMMAND_LINE)[0]
    runs.file_run(session, run, policy=policy, actor=COMMAND_LINE)
    runs.hand_in_run(session, run, actor=COMMAND_LINE)
    return run


def end(
    session: Session,
    collections: Sequence[Collection],
    code: str | None,
    state: CollectionState = CollectionState.RETURNED,
    *,
    whole_file: bool = False,
    ended_on: date | None = TODAY,
    actor: Actor = COMMAND_LINE,
    **given: Any,
) -> None:
    """Let the bank reject or return collections."""
    for one in collections:
        one.state, one.reason_code, one.ended_on = state.value, code, ended_on
        for name, value in given.items():
            setattr(one, name, value)
    session.flush()
    told = [
        Ended(one.id, one.invoice_id, one.customer_id, one.mandate_id, code, whole_file)
        for one in collections
    ]
    follow_up(session, told, reason="pain.002 of the bank", actor=actor)


def returned(session: Session, code: str | None = "AM04", **given: Any) -> Collection:
    """One invoice that was collected and came back."""
    debtor = given.pop("debtor", {})
    making.debtor(session, **debtor)
    [one] = making.collections(session, handed_in(session).id)
    end(session, [one], code, fee=Decimal("3.00"), reason_text="Text of the bank", **given)
    return one


def work(session: Session, one: Collection, step: Step, **given: Any) -> WorkedOff:
    """Take a step for one return."""
    values: dict[str, Any] = {"policy": RETRY, "today": TODAY, "actor": COMMAND_LINE}
    return work_off(session, [one.id], step, **(values | given))


def invoice_of(session: Session, one: Collection) -> Invoice:
    """The invoice as the database has it."""
    return session.get_one(Invoice, one.invoice_id, populate_existing=True)
