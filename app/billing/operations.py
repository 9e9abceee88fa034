"""Every state change of invoices. All take many; none commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff, snapshot
from app.billing import rules
from app.billing.models import Invoice, InvoiceState
from app.core import clock, undo
from app.core.actor import Actor, Channel
from app.core.among import one_of
from app.core.bulk import insert_rows
from app.core.errors import NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.portions import portions

INVOICES = cast(Table, Invoice.__table__)
_TO_CHANGE = [INVOICES.c[name] for name in ("id", "number", "customer_id", "state", "version")]


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An open invoice to be made. Amounts are euros.

    `issued_on` None is today, or the due date if that has passed.
    """

    number: str
    customer_id: int
    amount: Decimal
    due_on: date
    issued_on: date | None = None
    currency: str = "EUR"
    remittance_text: str | None = None


def taken_numbers(session: Session, numbers: Sequence[str]) -> set[str]:
    """Those of the numbers that an invoice has already."""
    return {
        number
        for some in portions(list(numbers))
        for number in session.scalars(select(Invoice.number).where(Invoice.number.in_(some)))
    }


def create_invoices(session: Session, drafts: Sequence[InvoiceDraft], *, actor: Actor) -> list[int]:
    """Make open invoices; their ids in the order of the drafts. Raises Refused, all at once."""
    actor.require(
        Permission.INVOICES_IMPORT if actor.channel is Channel.IMPORT else Permission.INVOICES_EDIT
    )
    if not drafts:
        return []
    now = clock.now()
    rows = [
        {
            "number": draft.number,
            "customer_id": draft.customer_id,
            "amount": draft.amount,
            "currency": draft.currency,
            "issued_on": draft.issued_on or min(clock.today(), draft.due_on),
            "due_on": draft.due_on,
            "remittance_text": draft.remittance_text or None,
            "state": InvoiceState.OPEN.value,
            "created_at": now,
            "version": 1,
        }
        for draft in drafts
    ]
    _check(session, rows)
    ids = insert_rows(session, INVOICES, rows)
    undo.note_inserted(session, INVOICES, [(id_,) for id_ in ids])
    audit.record_many(
        session,
        [
            _entry(actor, Action.CREATED, id_, row, diff(Invoice, {}, row))
            for id_, row in zip(ids, rows, strict=True)
        ],
    )
    return ids


@dataclass(frozen=True, slots=True)
class InvoiceChange:
    """What an invoice is to say from now on. Whose it is never changes."""

    number: str
    amount: Decimal
    issued_on: date
    due_on: date
    remittance_text: str | None = None


def update_invoice(
    session: Session, invoice_id: int, change: InvoiceChange, *, actor: Actor
) -> None:
    """Correct an invoice that nobody collects and nobody has paid. Raises Refused for any other."""
    actor.require(Permission.INVOICES_EDIT)
    invoice = session.scalar(
        select(Invoice)
        .where(Invoice.id == invoice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if invoice is None:
        raise NotFound("This invoice is gone")
    if invoice.state not in rules.EDITABLE:
        raise Refused.because(
            f"Invoice {invoice.number} is {invoice.state} and stays as it is",
            hint="Only an open or returned one can be edited",
        )
    before = snapshot(invoice)
    values = {
        "number": change.number,
        "amount": change.amount,
        "issued_on": change.issued_on,
        "due_on": change.due_on,
        "remittance_text": change.remittance_text or None,
    }
    _check(session, [values], but=invoice.number)
    for name, value in values.items():
        setattr(invoice, name, value)
    session.flush()
    audit.record_change(
        session, invoice, before, actor=actor, entity="invoice", entity_label=invoice.number,
        customer_id=invoice.customer_id,
    )  # fmt: skip


def change_states(
    session: Session,
    invoice_ids: Sequence[int],
    state: InvoiceState,
    *,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Bring invoices into a state, in bulk. Raises Refused where the table of states forbids it."""
    rows = {
        row["id"]: dict(row)
        for some in portions(list(invoice_ids))
        for row in session.execute(
            select(*_TO_CHANGE).where(INVOICES.c.id.in_(some)).with_for_update()
        ).mappings()
    }
    if len(rows) != len(set(invoice_ids)):
        raise NotFound("One of the invoices is gone")
    for row in rows.values():
        rules.INVOICE_STATES.check(InvoiceState(row["state"]), state)
    undo.note_updated(session, INVOICES, list(rows.values()))
    for some in portions(list(rows)):
        session.execute(
            update(INVOICES)
            .where(INVOICES.c.id.in_(some))
            .values(state=state.value, version=INVOICES.c.version + 1)
        )
    audit.record_many(
        session,
        [
            _entry(
                actor,
                Action.STATE_CHANGED,
                id_,
                row,
                {"state": [row["state"], state.value]},
                reason,
            )
            for id_, row in rows.items()
        ],
    )
    session.expire_all()


def entries_of_change(
    invoices: Iterable[tuple[int, str, int]],
    before: InvoiceState,
    after: InvoiceState,
    *,
    actor: Actor,
) -> list[dict[str, Any]]:
    """What the history is to tell of invoices (id, number, customer) that `swap_states` changes."""
    changes = {"state": [before.value, after.value]}
    return [
        _entry(actor, Action.STATE_CHANGED, id_, {"number": number, "customer_id": owner}, changes)
        for id_, number, owner in invoices
    ]


def swap_states(
    session: Session, invoice_ids: Sequence[int], before: InvoiceState, after: InvoiceState
) -> None:
    """Bring invoices that are in one state into another. Raises Refused where one is in a third.

    For the largest changes, whose entries in the history are made ahead; never for an import,
    since it notes nothing for taking it back.
    """
    rules.INVOICE_STATES.check(before, after)
    done = session.execute(
        update(INVOICES)
        .where(one_of(INVOICES.c.id, invoice_ids), INVOICES.c.state == before.value)
        .values(state=after.value, version=INVOICES.c.version + 1)
    )
    if done.rowcount != len(invoice_ids):  # type: ignore[attr-defined]
        raise Refused.because(f"One of the invoices is no longer {before}")


def mark_paid(
    session: Session, invoice_ids: Sequence[int], *, actor: Actor, reason: str | None = None
) -> None:
    """Note that open or returned invoices were paid by other means than a direct debit."""
    actor.require(Permission.INVOICES_EDIT)
    _not_in_collection(session, invoice_ids)
    change_states(session, invoice_ids, InvoiceState.PAID, actor=actor, reason=reason)


def cancel_invoices(
    session: Session, invoice_ids: Sequence[int], *, actor: Actor, reason: str | None = None
) -> None:
    """Cancel invoices that are open or returned."""
    actor.require(Permission.INVOICES_EDIT)
    _not_in_collection(session, invoice_ids)
    change_states(session, invoice_ids, InvoiceState.CANCELLED, actor=actor, reason=reason)


def _not_in_collection(session: Session, invoice_ids: Sequence[int]) -> None:
    numbers = session.scalars(
        select(Invoice.number).where(
            Invoice.id.in_(invoice_ids), Invoice.state == InvoiceState.IN_COLLECTION.value
        )
    ).all()
    if numbers:
        raise Refused.because(
            f"Invoice {numbers[0]} is in collection",
            hint="Wait for the bank's answer, or cancel its collection run",
        )


def _check(session: Session, rows: Sequence[Mapping[str, Any]], *, but: str = "") -> None:
    """Refuse wrong values and taken numbers; `but` is the number that a row has already."""
    found = [problem for row in rows for problem in rules.problems(row)]
    taken = taken_numbers(session, [row["number"] for row in rows]) - {but}
    seen: set[str] = set()
    for row in rows:
        if row["number"] in taken or row["number"] in seen:
            found.append(Problem("number", f"Invoice number {row['number']} is already used"))
        seen.add(row["number"])
    if found:
        raise Refused(found)


def _entry(
    actor: Actor,
    action: Action,
    id_: int,
    row: Mapping[str, Any],
    changes: Mapping[str, Any],
    reason: str | None = None,
) -> dict[str, Any]:
    return audit.entry(
        actor=actor, action=action, entity="invoice", entity_id=id_,
        entity_label=str(row["number"]), customer_id=row["customer_id"],
        changes={name: pair for name, pair in changes.items() if name != "customer_id"},
        reason=reason,
    )  # fmt: skip
