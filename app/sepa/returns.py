"""What follows when the bank rejects or returns a collection: invoice, mandate and customer.

All of it in bulk, in portions: a bank's report may tell of tens of thousands.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, not_, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import change_states
from app.billing.rules import INVOICE_STATES
from app.core import clock
from app.core.actor import Actor
from app.core.portions import portions
from app.customers.holding import hold_collections
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    Mandate,
    MandateState,
    MandateType,
    SequenceType,
)
from app.sepa.queries_returns import is_attempt
from app.sepa.return_codes import RETURN_CODES, Todo, return_code
from app.sepa.rules import MANDATE_STATES
from app.sepa.suspending import suspend_mandates

AT_ONCE = 1000
REFUSED_FILE = "The bank refused the whole file; the invoice is open again"


@dataclass(frozen=True, slots=True)
class Ended:
    """A collection that the bank has just rejected or returned.

    `whole_file`: the bank refused the file it stood in, which tells nothing of the debtor.
    """

    collection_id: int
    invoice_id: int
    customer_id: int
    mandate_id: int
    reason_code: str | None
    whole_file: bool = False


def follow_up(session: Session, ended: Sequence[Ended], *, reason: str, actor: Actor) -> None:
    """Let invoices, mandates and customers follow their collections, which are as the bank said.

    `reason` is what their history tells. An invoice whose whole file was refused is open again,
    any other waits for a person on the work list. Whoever calls has seen that the actor may do
    what this follows from.
    """
    for some in portions(ended, AT_ONCE):
        _date(session, [one.collection_id for one in some])
        _invoices(session, some, reason, actor)
        _leave_off_the_list([one.collection_id for one in some if one.whole_file], session)
        _mandates_never_used(session, some, reason, actor)
        _suspend(session, [one for one in some if not one.whole_file], actor)
        _hold(session, [one for one in some if not one.whole_file], actor)
    session.flush()


def _invoices(session: Session, ended: Sequence[Ended], reason: str, actor: Actor) -> None:
    """Bring invoices where their collections leave them; what was settled otherwise stays."""
    states: dict[int, str] = {}
    for ids in portions(one.invoice_id for one in ended):
        found = session.execute(select(Invoice.id, Invoice.state).where(Invoice.id.in_(ids)))
        states |= {row.id: row.state for row in found}
    groups: dict[tuple[InvoiceState, str], list[int]] = defaultdict(list)
    for one in ended:
        target = InvoiceState.OPEN if one.whole_file else InvoiceState.RETURNED
        if INVOICE_STATES.allows(InvoiceState(states[one.invoice_id]), target):
            groups[target, _in_words(reason, one.reason_code)].append(one.invoice_id)
    for (state, told), ids in groups.items():
        change_states(session, ids, state, actor=actor, reason=told)


def _in_words(reason: str, code: str | None) -> str:
    """What is told, with the bank's code in words behind it."""
    if not code:
        return reason
    known = return_code(code)
    return f"{reason}: {known.words if code in reason else known}"


def _date(session: Session, collection_ids: Sequence[int]) -> None:
    """A rejection is told of without a day: then it is that on which it was read."""
    for ids in portions(collection_ids):
        session.execute(
            update(Collection)
            .where(Collection.id.in_(ids), Collection.ended_on.is_(None))
            .values(ended_on=clock.today())
        )


def _leave_off_the_list(collection_ids: Sequence[int], session: Session) -> None:
    """There is nothing to work off where the file was refused and the invoice is open again."""
    for ids in portions(collection_ids):
        session.execute(
            update(Collection)
            .where(Collection.id.in_(ids), Collection.worked_off_at.is_(None))
            .values(worked_off_at=clock.now(), worked_off_note=REFUSED_FILE)
        )


def _mandates_never_used(
    session: Session, ended: Sequence[Ended], reason: str, actor: Actor
) -> None:
    """Put mandates back to what the debtor's bank knows of them, where it was not collected.

    Only a rejection does that: what is returned was collected before.
    """
    rows = [
        row
        for ids in portions(one.collection_id for one in ended)
        for row in session.execute(
            select(
                Collection.id, Collection.mandate_id, Collection.sequence_type,
                Collection.original_reference, Collection.original_iban,
            )
            .where(Collection.id.in_(ids), Collection.state == CollectionState.REJECTED.value)
            .order_by(Collection.id)
        )
    ]  # fmt: skip
    if not rows:
        return
    told = {one.collection_id: one for one in ended}
    whole = {row.mandate_id for row in rows if told[row.id].whole_file}
    first = {row.mandate_id for row in rows if row.sequence_type == SequenceType.FIRST}
    _collected_last(session, sorted(whole | first))
    _amendments_again(session, rows)
    unused = {
        row.mandate_id
        for row in rows
        if told[row.id].whole_file or return_code(told[row.id].reason_code).todo != Todo.DUPLICATE
    }
    _serve_again(session, sorted(unused), reason, actor)


def _collected_last(session: Session, mandate_ids: Sequence[int]) -> None:
    """When these mandates were last collected by, without what was refused.

    The 36 months count from the last collection presented, even if it was rejected (EPC016-06),
    but not from a file that our own bank refused. A first collection that was rejected is
    repeated as a first one, so that it leaves no date behind.
    """
    rejected_first = and_(
        Collection.state == CollectionState.REJECTED.value,
        Collection.sequence_type == SequenceType.FIRST.value,
    )
    last = (
        select(func.max(CollectionRun.collection_date))
        .join(Collection, Collection.run_id == CollectionRun.id)
        .where(
            Collection.mandate_id == Mandate.id,
            is_attempt(Collection, CollectionRun),
            not_(rejected_first),
        )
        .correlate(Mandate)
        .scalar_subquery()
    )
    for ids in portions(mandate_ids):
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_(ids))
            .values(last_collected_on=last, version=Mandate.version + 1)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()


def _amendments_again(session: Session, rows: Iterable[Any]) -> None:
    """What a rejected collection told of an amendment, the next one has to tell again."""
    for row in rows:
        if not (row.original_reference or row.original_iban):
            continue
        mandate = session.get_one(Mandate, row.mandate_id)
        if row.original_reference and row.original_reference != mandate.reference:
            mandate.original_reference = row.original_reference
        if row.original_iban and row.original_iban != mandate.iban:
            mandate.original_iban = row.original_iban
    session.flush()


def _serve_again(session: Session, mandate_ids: Sequence[int], reason: str, actor: Actor) -> None:
    """A one-off mandate serves again where the debtor's bank never collected by it."""
    MANDATE_STATES.check(MandateState.USED, MandateState.ACTIVE)
    for ids in portions(mandate_ids):
        used = session.execute(
            select(Mandate.id, Mandate.reference, Mandate.customer_id)
            .where(
                Mandate.id.in_(ids),
                Mandate.type == MandateType.ONE_OFF.value,
                Mandate.state == MandateState.USED.value,
            )
            .order_by(Mandate.id)
            .with_for_update()
        ).all()
        if not used:
            continue
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_([row.id for row in used]))
            .values(state=MandateState.ACTIVE.value, version=Mandate.version + 1)
        )
        audit.record_many(session, [_serves_again(row, reason, actor) for row in used])
    session.expire_all()


def _serves_again(row: Any, reason: str, actor: Actor) -> Mapping[str, Any]:
    return audit.entry(
        actor=actor, action=Action.STATE_CHANGED, entity="mandate", entity_id=row.id,
        entity_label=row.reference, customer_id=row.customer_id, reason=reason,
        changes={"state": [MandateState.USED.value, MandateState.ACTIVE.value]},
    )  # fmt: skip


def _suspend(session: Session, ended: Sequence[Ended], actor: Actor) -> None:
    """Suspend the mandates whose code says so, each with it."""
    by_code: dict[str, list[int]] = defaultdict(list)
    for one in ended:
        if one.reason_code and return_code(one.reason_code).suspends:
            by_code[one.reason_code].append(one.mandate_id)
    for code, ids in sorted(by_code.items()):
        told = f"Returned by the bank: {RETURN_CODES[code]}"
        suspend_mandates(session, ids, code=code, reason=told, actor=actor)


def _hold(session: Session, ended: Sequence[Ended], actor: Actor) -> None:
    """Hold the customers whose code says so."""
    by_code: dict[str, list[int]] = defaultdict(list)
    for one in ended:
        if one.reason_code and return_code(one.reason_code).holds:
            by_code[one.reason_code].append(one.customer_id)
    for code, ids in sorted(by_code.items()):
        told = f"Returned by the bank: {RETURN_CODES[code]}"
        hold_collections(session, ids, reason=told, actor=actor)
