"""Working off returns: collect again, reopen, paid otherwise, written off, or just done.

Each is one step of a person, or of many at once; nobody works off what another has (the second is
told by whom), and the same step sent twice changes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import change_states
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.sepa.models import Collection, CollectionState
from app.sepa.queries_returns import attempts_of
from app.sepa.return_codes import return_code
from app.sepa.return_rules import RetryPolicy

LONGEST_NOTE = 400


class Step(StrEnum):
    """What a person does about a return."""

    AGAIN = "again"
    REOPEN = "reopen"
    PAID = "paid"
    WRITTEN_OFF = "written-off"
    DONE = "done"


STEP_LABELS = {
    Step.AGAIN: "Collect again",
    Step.REOPEN: "Reopen",
    Step.PAID: "Paid otherwise",
    Step.WRITTEN_OFF: "Written off",
    Step.DONE: "Done",
}
NEEDS_NOTE = frozenset({Step.REOPEN, Step.WRITTEN_OFF, Step.DONE})
# Where each step leaves the invoice; one that is there already stays as it is.
_LEAVES = {
    Step.AGAIN: InvoiceState.OPEN,
    Step.REOPEN: InvoiceState.OPEN,
    Step.PAID: InvoiceState.PAID,
    Step.WRITTEN_OFF: InvoiceState.CANCELLED,
}


@dataclass(slots=True)
class WorkedOff:
    """What came of one call: how many were worked off, and who was left with which reason."""

    done: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def checked_note(step: Step, note: str | None) -> str:
    """The note without blanks around it. Raises Refused where one is missing, or too long."""
    text = (note or "").strip()
    if not text and step in NEEDS_NOTE:
        raise Refused.because("Note is missing", field="note", hint="Say why, or what was done")
    if len(text) > LONGEST_NOTE:
        raise Refused.because(
            f"Note has {len(text)} characters; at most {LONGEST_NOTE} are allowed", field="note"
        )
    return text


def work_off(
    session: Session,
    collection_ids: Sequence[int],
    step: Step,
    *,
    note: str | None = None,
    policy: RetryPolicy,
    today: date,
    actor: Actor,
) -> WorkedOff:
    """Take one step for many returns. Told apart are those for which it cannot be taken.

    Collecting again follows the policy; a person may reopen whatever stands returned, with a
    reason. Whether the next run takes the invoice is judged by its preview, as for any other.
    """
    actor.require(Permission.RETURNS_EDIT)
    text = checked_note(step, note)
    outcome = WorkedOff()
    for some in portions(sorted(set(collection_ids))):
        rows = session.execute(_asked_for(some).with_for_update(of=Collection)).all()
        attempts = attempts_of(session, rows)
        good = []
        for row in rows:
            against = _against(row, step, attempts[row.invoice_id], policy, today)
            if against:
                outcome.refused.append((row.id, f"Invoice {row.number}", against))
            else:
                good.append(row)
        _write(session, good, step, text, attempts, policy, actor)
        outcome.done += len(good)
    return outcome


def reasons_against(
    session: Session,
    collection_ids: Sequence[int],
    step: Step,
    *,
    policy: RetryPolicy,
    today: date,
) -> dict[int, str]:
    """Why a step cannot be taken for some returns, by their ids; for a preview of a few."""
    rows = session.execute(_asked_for(collection_ids)).all()
    attempts = attempts_of(session, rows)
    found = {row.id: _against(row, step, attempts[row.invoice_id], policy, today) for row in rows}
    return {id_: against for id_, against in found.items() if against}


def _asked_for(collection_ids: Sequence[int]) -> Select[Any]:
    return (
        select(
            Collection.id, Collection.invoice_id, Collection.customer_id, Collection.state,
            Collection.reason_code, Collection.ended_on, Collection.worked_off_at,
            Collection.worked_off_by_label, Collection.worked_off_note,
            Invoice.number, Invoice.state.label("invoice_state"),
        )
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .where(Collection.id.in_(collection_ids))
        .order_by(Collection.id)
    )  # fmt: skip


def _against(row: Row[Any], step: Step, attempts: int, policy: RetryPolicy, today: date) -> str:
    """Why the step cannot be taken for a return; empty where it can."""
    if row.worked_off_at is not None:
        by = f"by {row.worked_off_by_label} " if row.worked_off_by_label else ""
        return f"Worked off {by}already: {row.worked_off_note}"
    if row.state not in (CollectionState.REJECTED, CollectionState.RETURNED):
        return "It is not returned"
    if step is Step.AGAIN:
        against = policy.against(return_code(row.reason_code), attempts, row.ended_on, today)
        if against:
            return against
    if step is Step.DONE or row.invoice_state in (InvoiceState.RETURNED, _LEAVES[step]):
        return ""
    return f"The invoice is {row.invoice_state} by now"


def _write(
    session: Session,
    rows: Sequence[Row[Any]],
    step: Step,
    note: str,
    attempts: Mapping[int, int],
    policy: RetryPolicy,
    actor: Actor,
) -> None:
    """The invoices where the step leaves them, the returns worked off, and the history of both."""
    told: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        told[_in_words(row, step, note, attempts[row.invoice_id], policy)].append(row)
    for reason, some in told.items():
        moved = [row for row in some if step is not Step.DONE and _moves(row, step)]
        if moved:
            change_states(
                session, [row.invoice_id for row in moved], _LEAVES[step], actor=actor,
                reason=reason,
            )  # fmt: skip
        ids = {row.id for row in moved}
        stayed = [row for row in some if row.id not in ids]
        audit.record_many(session, [_noted(row, step, reason, actor) for row in stayed])
    values = {
        "worked_off_at": clock.now(),
        "worked_off_by_label": actor.label[:255],
        "worked_off_note": f"{STEP_LABELS[step]}: {note}" if note else STEP_LABELS[step],
    }
    if rows:
        session.execute(
            update(Collection).where(Collection.id.in_([row.id for row in rows])).values(**values)
        )


def _moves(row: Row[Any], step: Step) -> bool:
    return bool(row.invoice_state != _LEAVES[step])


def _in_words(row: Row[Any], step: Step, note: str, attempts: int, policy: RetryPolicy) -> str:
    """What the history of the invoice, and with it the customer's, tells of the step."""
    after = f"after a return ({return_code(row.reason_code)})"
    said = {
        Step.AGAIN: f"Collect again {after}: attempt {attempts + 1} of {policy.attempts}",
        Step.REOPEN: f"Reopened {after}",
        Step.PAID: f"Paid otherwise {after}",
        Step.WRITTEN_OFF: f"Written off {after}",
        Step.DONE: f"Worked off {after}",
    }[step]
    return f"{said}. {note}" if note else said


def _noted(row: Row[Any], step: Step, reason: str, actor: Actor) -> dict[str, Any]:
    return audit.entry(
        actor=actor, action=Action.CHANGED, entity="invoice", entity_id=row.invoice_id,
        entity_label=row.number, customer_id=row.customer_id,
        changes={"return_worked_off": [None, STEP_LABELS[step]]}, reason=reason,
    )  # fmt: skip
