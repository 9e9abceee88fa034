"""Every state change of ordinary subscriptions. Merged perpetual rows are read-only (guard.py)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.catalogue.coverage import Coverage, coverage_problems
from app.catalogue.models import Journal
from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Address, Customer
from app.subscriptions.drafts import SubscriptionDraft
from app.subscriptions.guard import READ_ONLY
from app.subscriptions.merging import coverage_columns, coverage_of, coverage_of_term
from app.subscriptions.models import Subscription, SubscriptionSource, SubscriptionStatus
from app.subscriptions.rules import SUBSCRIPTION_STATES


def create_subscription(
    session: Session, draft: SubscriptionDraft, *, actor: Actor
) -> Subscription:
    """An ordinary subscription, as a draft that is activated later."""
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    journal = _check(session, draft)
    row = Subscription(
        source=SubscriptionSource.ORDINARY.value,
        status=SubscriptionStatus.DRAFT.value,
        customer_id=draft.customer_id,
        journal_id=draft.journal_id,
        volume_only=False,
        created_at=clock.now(),
    )
    _set(row, draft, _covered(draft))
    session.add(row)
    session.flush()
    _tell(session, row, {}, journal.title, actor)
    return row


def update_subscription(
    session: Session, row: Subscription, draft: SubscriptionDraft, *, actor: Actor
) -> None:
    """Change an ordinary subscription; its customer and its journal stay.

    A coverage that was that of the old term follows the new one.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    _ordinary(row)
    if (draft.customer_id, draft.journal_id) != (row.customer_id, row.journal_id):
        raise Refused.because("A subscription keeps its customer and its journal")
    journal = _check(session, draft)
    before = snapshot(row)
    old_term = coverage_of_term(row.term_from, row.term_to)
    followed = draft.coverage in (None, old_term) and coverage_of(row) == old_term
    _set(
        row,
        draft,
        coverage_of_term(draft.term_from, draft.term_to) if followed else _covered(draft),
    )
    session.flush()
    _tell(session, row, before, journal.title, actor)


def change_status(
    session: Session,
    ids: Iterable[int],
    status: SubscriptionStatus,
    *,
    actor: Actor,
    reason: str | None = None,
) -> int:
    """Move ordinary subscriptions into another status; how many. All of them, or none.

    Raises Refused where the status cannot follow, and for merged perpetual rows.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    rows = _rows(session, ids)
    entries = []
    for row in rows:
        _ordinary(row)
        old = SubscriptionStatus(row.status)
        SUBSCRIPTION_STATES.check(old, status)
        row.status = status.value
        entries.append(
            audit.entry(
                actor=actor,
                action=Action.STATE_CHANGED,
                entity="subscription",
                entity_id=row.id,
                entity_label=row.journal.title,
                customer_id=row.customer_id,
                changes={"status": [old.value, status.value]},
                reason=reason,
            )
        )
    session.flush()
    audit.record_many(session, entries)
    return len(rows)


def _rows(session: Session, ids: Iterable[int]) -> Sequence[Subscription]:
    wanted = sorted(set(ids))
    rows = [
        row
        for some in portions(wanted)
        for row in session.scalars(
            select(Subscription).where(Subscription.id.in_(some)).order_by(Subscription.id)
        )
    ]
    if len(rows) < len(wanted):
        raise NotFound("A subscription is not there any more")
    return rows


def _ordinary(row: Subscription) -> None:
    if row.source != SubscriptionSource.ORDINARY:
        raise Refused.because(READ_ONLY)


def _check(session: Session, draft: SubscriptionDraft) -> Journal:
    """The journal, once all of the draft is found right. Raises Refused."""
    problems: list[Problem] = []
    customer = session.get(Customer, draft.customer_id)
    if customer is None or customer.deleted_at is not None:
        problems.append(Problem("customer_id", "Customer is not in the system"))
    journal = session.get(Journal, draft.journal_id)
    if journal is None:
        problems.append(Problem("journal_id", "Journal is unknown"))
    if draft.term_to is not None and draft.term_to < draft.term_from:
        problems.append(Problem("term_from", "Term from is after term to"))
    if draft.copies is not None and draft.copies < 1:
        problems.append(Problem("copies", "Copies is less than 1"))
    if draft.price is not None and draft.price < 0:
        problems.append(Problem("price", "Price is negative"))
    if draft.ship_to_address_id is not None:
        address = session.get(Address, draft.ship_to_address_id)
        if address is None or address.customer_id != draft.customer_id:
            problems.append(
                Problem("ship_to_address_id", "Ship to is not an address of this customer")
            )
    problems += coverage_problems(draft.coverage or Coverage())
    if problems or journal is None:
        raise Refused(problems)
    return journal


def _covered(draft: SubscriptionDraft) -> Coverage:
    """What the subscription covers. Blank would mean everything; a term covers itself."""
    if draft.coverage is None or draft.coverage == Coverage():
        return coverage_of_term(draft.term_from, draft.term_to)
    return draft.coverage


def _set(row: Subscription, draft: SubscriptionDraft, coverage: Coverage) -> None:
    row.term_from, row.term_to = draft.term_from, draft.term_to
    row.copies, row.price, row.renewal = draft.copies, draft.price, draft.renewal
    row.format = draft.format.value if draft.format else None
    row.ship_to_address_id, row.note = draft.ship_to_address_id, draft.note
    for name, value in coverage_columns(coverage).items():
        setattr(row, name, value)


def _tell(
    session: Session, row: Subscription, before: dict[str, Any], title: str, actor: Actor
) -> None:
    hidden = {"customer_id", "journal_id", "ship_to_address_id", "volume_only"}
    audit.record_change(
        session,
        row,
        {name: value for name, value in before.items() if name not in hidden},
        after={name: value for name, value in snapshot(row).items() if name not in hidden},
        actor=actor,
        entity="subscription",
        entity_label=title,
        customer_id=row.customer_id,
    )
