"""What a customer's timeline tells of invoices, mandates, collections, subscriptions and rights."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session, contains_eager, selectinload

from admin_views.assets import address_of
from admin_views.formatters import day
from admin_views.timeline import (
    Event,
    Telling,
    TimelineSource,
    event_of,
    older_than,
    position_of,
)
from app.audit.models import Action, AuditEntry
from app.audit.rules import old_and_new
from app.billing.models import InvoiceState
from app.catalogue.models import Journal
from app.core import clock
from app.core.money import format_amount
from app.core.permissions import Permission
from app.customers.models import Customer
from app.sepa.models import Collection, CollectionRun, MandateState
from app.sepa.return_codes import return_code
from app.subscriptions.models import Subscription, SubscriptionSource, SubscriptionStatus

_INVOICES = {
    InvoiceState.OPEN: ("file-invoice", "is open again"),
    InvoiceState.IN_COLLECTION: ("building-bank", "goes into a direct-debit run"),
    InvoiceState.PAID: ("cash", "is paid"),
    InvoiceState.RETURNED: ("arrow-back-up", "was returned by the bank"),
    InvoiceState.CANCELLED: ("file-x", "was cancelled"),
}
_MANDATES = {
    MandateState.ACTIVE: ("signature", "is active"),
    MandateState.SUSPENDED: ("player-stop", "was suspended"),
    MandateState.CANCELLED: ("ban", "was cancelled"),
    MandateState.EXPIRED: ("hourglass", "has expired"),
    MandateState.USED: ("checks", "is used up"),
}


def _new(entry: AuditEntry, name: str) -> Any:
    """What a field became."""
    return old_and_new((entry.changes or {}).get(name))[1]


def _invoice(entry: AuditEntry) -> Event:
    url = address_of("invoices.details_view", id=entry.entity_id)
    name = f"Invoice {entry.entity_label}"
    if entry.action == Action.CREATED:
        amount = _new(entry, "amount")
        text = f"{amount} €" if amount else ""
        return event_of(entry, "file-invoice", f"{name} noted", text, url)
    if _new(entry, "return_worked_off"):
        return event_of(entry, "check", f"Return of {name[0].lower()}{name[1:]} worked off",
                        entry.reason or "", url)  # fmt: skip
    state = _new(entry, "state")
    icon, done = _INVOICES.get(state, ("file-invoice", entry.action))
    return event_of(entry, icon, f"{name} {done}", entry.reason or "", url)


def _mandate(entry: AuditEntry) -> Event:
    url = address_of("mandates.details_view", id=entry.entity_id)
    name = f"Mandate {entry.entity_label}"
    signed = "signed" if _new(entry, "signed_on") else ""
    if entry.action == Action.CREATED:
        return event_of(entry, "writing", f"{name} noted", signed, url)
    icon, done = _MANDATES.get(_new(entry, "state"), ("pencil", entry.action))
    return event_of(entry, icon, f"{name} {done}", signed, url)


def _now_held(entry: AuditEntry) -> str:
    """The perpetual rights after a merge, and what it has won and lost."""
    changes = entry.changes or {}
    lost, won = old_and_new(changes.get("lost"))[0], _new(entry, "won")
    told = [f"won {won}" if won else "", f"lost {lost}" if lost else ""]
    rights = _new(entry, "perpetual_rights")
    difference = ", ".join(part for part in told if part)
    return f"{rights or 'nothing'} ({difference})" if difference else rights or ""


def _right(entry: AuditEntry) -> Event:
    ordinary = entry.entity == "subscription"
    url = address_of("subscriptions.details_view", id=entry.entity_id) if ordinary else None
    status = _new(entry, "status") if entry.action == Action.STATE_CHANGED else None
    done = f"is {status}" if status else entry.action
    title = f"{entry.entity.capitalize()} {done}"
    text = ": ".join(part for part in (entry.entity_label, _now_held(entry)) if part)
    icon = "key" if entry.entity == "journal authorization" else "certificate"
    return event_of(entry, icon, title, text, url)


INVOICES = Telling("invoices", "Invoices", frozenset({"invoice"}), _invoice)
MANDATES = Telling("mandates", "Mandates", frozenset({"mandate"}), _mandate)
RIGHTS = Telling(
    "rights",
    "Subscriptions",
    frozenset({"subscription", "journal authorization", "perpetual rights"}),
    _right,
)


def _collections(
    session: Session, customer: Customer, position: str, limit: int
) -> Sequence[Event]:
    """Invoices put into direct-debit runs, when each run was made, and what became of them."""
    wanted = (
        select(Collection)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(Collection.customer_id == customer.id)
        .options(contains_eager(Collection.run), selectinload(Collection.invoice))
    )
    found = older_than(wanted, position, CollectionRun.created_at, Collection.id).limit(limit)
    return [
        Event(
            one.run.created_at,
            "building-bank",
            f"Direct debit of {format_amount(one.amount)} €: {one.state}",
            f"Invoice {one.invoice.number}, run {one.run.number},"
            f" collection on {day(one.run.collection_date)}{_ended(one)}",
            address_of("direct_debit.details_view", id=one.run_id),
            one.run.created_by_label,
            position_of(one.run.created_at, one.id),
        )
        for one in session.scalars(found)
    ]


def _ended(one: Collection) -> str:
    """Why the bank rejected or returned it, with its own text and its fee."""
    if one.ended_on is None:
        return ""
    told = [str(return_code(one.reason_code)), one.reason_text or ""]
    if one.fee:
        told.append(f"fee {format_amount(one.fee)} €")
    return f"; on {day(one.ended_on)}: {', '.join(part for part in told if part)}"


def _terms(session: Session, customer: Customer, position: str, limit: int) -> Sequence[Event]:
    """Terms of ordinary subscriptions that began, and those that ran out."""
    shared = (
        Subscription.customer_id == customer.id,
        Subscription.source == SubscriptionSource.ORDINARY.value,
        Subscription.status != SubscriptionStatus.DRAFT.value,
    )
    both = union_all(
        select(Subscription.id, Subscription.journal_id, Subscription.term_from.label("day"),
               (Subscription.id * 2).label("key"), literal(True).label("begins")).where(*shared),
        select(Subscription.id, Subscription.journal_id, Subscription.term_to.label("day"),
               (Subscription.id * 2 + 1).label("key"), literal(False).label("begins"))
        .where(*shared),
    ).subquery()  # fmt: skip
    wanted = (
        select(both, Journal.title)
        .join(Journal, Journal.id == both.c.journal_id)
        .where(both.c.day <= clock.today())
    )
    rows = session.execute(older_than(wanted, position, both.c.day, both.c.key).limit(limit))
    return [
        Event(
            row.day,
            "calendar-event" if row.begins else "clock",
            "Subscription term begins" if row.begins else "Subscription term ends",
            row.title,
            address_of("subscriptions.details_view", id=row.id),
            "",
            position_of(row.day, row.key),
        )
        for row in rows
    ]


COLLECTIONS = TimelineSource(
    "collections", "Direct debit", _collections, Permission.DIRECT_DEBIT_VIEW
)
# Under the name of RIGHTS: what was entered of subscriptions and when they run are one choice.
TERMS = TimelineSource(RIGHTS.name, RIGHTS.label, _terms, Permission.SUBSCRIPTIONS_VIEW)
