"""One step for many invoices, those that can take it; the others are told apart with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.billing.operations import INVOICES, change_states
from app.billing.rules import INVOICE_STATES, LONGEST_REASON
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission


class Step(StrEnum):
    """What a clerk does to invoices; the state they come to."""

    PAID = InvoiceState.PAID.value
    CANCELLED = InvoiceState.CANCELLED.value


LABELS = {Step.PAID: "Mark as paid", Step.CANCELLED: "Cancel invoices"}
# What the reason is called, and whether there must be one.
REASONS = {Step.PAID: ("How they were paid", False), Step.CANCELLED: ("Reason", True)}


@dataclass(slots=True)
class Outcome:
    """What became of invoices: how many changed, had it already, and which were refused."""

    changed: int = 0
    same: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def state_of(step: Step) -> InvoiceState:
    """The state that a step leads to."""
    return InvoiceState(step.value)


def may_take(step: Step) -> frozenset[InvoiceState]:
    """The states from which the step may be taken by hand."""
    found = {one for one in InvoiceState if INVOICE_STATES.allows(one, state_of(step))}
    # What is in collection is for the bank's answer to decide.
    return frozenset(found - {InvoiceState.IN_COLLECTION})


def takes(step: Step) -> ColumnElement[bool]:
    """The condition that an invoice can take the step."""
    return Invoice.state.in_([one.value for one in sorted(may_take(step))])


def refuses(step: Step) -> ColumnElement[bool]:
    """The condition that an invoice neither can take the step nor has taken it."""
    return and_(~takes(step), Invoice.state != state_of(step).value)


def read_reason(step: Step, raw: str) -> str:
    """The reason in one line. Raises Refused where it is missing or too long."""
    label, required = REASONS[step]
    reason = " ".join(raw.split())
    if required and not reason:
        raise Refused.because(f"{label} is missing", field="reason", hint="Kept in the history")
    if len(reason) > LONGEST_REASON:
        raise Refused.because(f"{label} is longer than {LONGEST_REASON} characters", field="reason")
    return reason


def why_not(state: str) -> str:
    """Why an invoice of this state is left as it is."""
    if state == InvoiceState.IN_COLLECTION:
        return "It is in collection: wait for the bank's answer, or cancel its run"
    return f"It is {state}"


def take_step(
    session: Session, ids: Sequence[int], step: Step, *, actor: Actor, reason: str = ""
) -> Outcome:
    """Let those of the invoices take a step that can."""
    actor.require(Permission.INVOICES_EDIT)
    outcome = Outcome()
    good: list[int] = []
    rows = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.state)
        .where(INVOICES.c.id.in_(ids))
        .order_by(INVOICES.c.id)
        .with_for_update()
    )
    for row in rows:
        if row.state in may_take(step):
            good.append(row.id)
        elif row.state == state_of(step):
            outcome.same += 1
        else:
            outcome.refused.append((row.id, f"Invoice {row.number}", why_not(row.state)))
    if good:
        change_states(session, good, state_of(step), actor=actor, reason=reason or None)
    outcome.changed = len(good)
    return outcome
