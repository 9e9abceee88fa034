"""Reads about direct debit: runs, accounts, mandates, and what keeps a customer from deletion."""

from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice
from app.config import Settings
from app.core import clock, filters
from app.core.actor import Actor
from app.core.errors import NotFound, Problem, Refused
from app.core.filters import Condition
from app.core.listing import Listing
from app.customers.models import Customer
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    CreditorAccount,
    Mandate,
    MandateState,
    RunState,
)
from app.sepa.rules import Policy

TWICE = timedelta(minutes=10)


def policy_of(settings: Settings) -> Policy:
    """How this installation collects. Raises ValueError for a cut-off that is no time of day."""
    return Policy(
        zone=settings.timezone,
        cutoff=time.fromisoformat(settings.bank_cutoff),
        two_person_rule=settings.two_person_rule,
        notice_days=settings.notice_days,
        invoice_is_notice=settings.invoice_is_notice,
        iban_change_days=settings.iban_change_days,
    )


def account_by_label(session: Session, label: str = "") -> CreditorAccount:
    """The creditor account of this label, or the default one. Raises Refused where none fits."""
    statement = select(CreditorAccount).where(CreditorAccount.active)
    if label:
        found = session.scalar(statement.where(func.lower(CreditorAccount.label) == label.lower()))
        if found is None:
            known = ", ".join(session.scalars(select(CreditorAccount.label)))
            raise Refused.because(
                f"There is no active creditor account {label}", field="account",
                hint=f"There are: {known}",
            )  # fmt: skip
        return found
    found = session.scalar(statement.order_by(CreditorAccount.is_default.desc()).limit(1))
    if found is None:
        raise Refused.because(
            "There is no creditor account yet", field="account", hint="An administrator makes one"
        )
    return found


def run_by_number(session: Session, number: str) -> CollectionRun:
    """The run of this number. Raises NotFound."""
    found = session.scalar(select(CollectionRun).where(CollectionRun.number == number.strip()))
    if found is None:
        raise NotFound(f"There is no collection run {number}")
    return found


def _has_mandate(yes: bool) -> Condition:
    active = exists().where(
        Mandate.customer_id == Customer.id, Mandate.state == MandateState.ACTIVE.value
    )
    return active if yes else ~active


# Offered by the lists of customers, which do not know of mandates themselves.
HAS_MANDATE = filters.present(
    "has_mandate",
    "Mandate",
    apply=_has_mandate,
    choices=(("yes", "an active one"), ("no", "none that is active")),
)
_UNDER_WAY = (
    Collection.state == CollectionState.LIVE.value,
    CollectionRun.state != RunState.CLOSED.value,
)
CUSTOMERS_IN_COLLECTION = (
    select(Collection.customer_id)
    .join(CollectionRun, CollectionRun.id == Collection.run_id)
    .where(*_UNDER_WAY)
)


def collections_under_way(session: Session, customer_ids: Sequence[int]) -> dict[int, Problem]:
    """The delete guard: customers of whom a collection is under way must stay."""
    rows = session.execute(
        select(Customer.id, Customer.number, Invoice.number)
        .join(Collection, Collection.customer_id == Customer.id)
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(Customer.id.in_(customer_ids), *_UNDER_WAY)
        .order_by(Customer.number)
    )
    found: dict[int, Problem] = {}
    for id_, customer, invoice in rows:
        found.setdefault(
            id_,
            Problem(
                "",
                f"Customer {customer} cannot be deleted: invoice {invoice} is in collection",
                "Wait for the bank's answer, or cancel the run",
            ),
        )
    return found


def same_run(
    session: Session,
    account_id: int,
    collection_date: date,
    seen: tuple[int, Decimal],
    *,
    actor: Actor,
) -> CollectionRun | None:
    """The run of these very figures that the actor has made in the last minutes, if there is one.

    Somebody who presses Create twice is led to what the first press made.
    """
    return session.scalar(
        select(CollectionRun)
        .where(
            CollectionRun.creditor_account_id == account_id,
            CollectionRun.collection_date == collection_date,
            CollectionRun.collection_count == seen[0],
            CollectionRun.amount == seen[1],
            CollectionRun.created_by_id == actor.operator_id,
            CollectionRun.state != RunState.VOID.value,
            CollectionRun.created_at > clock.now() - TWICE,
        )
        .order_by(CollectionRun.id.desc())
        .limit(1)
    )


def collections_of_invoice(session: Session, invoice: Invoice) -> Sequence[Collection]:
    """Every attempt to collect an invoice, the latest first, with its run."""
    return session.scalars(
        select(Collection)
        # Through the customer, by whom collections are indexed: both change hands together.
        .where(Collection.customer_id == invoice.customer_id, Collection.invoice_id == invoice.id)
        .order_by(Collection.id.desc())
        .options(joinedload(Collection.run))
    ).all()


def collections_of_run(run: CollectionRun) -> Select[Collection]:
    """The collections of a run in the order of its file, with customers and invoices."""
    return (
        select(Collection)
        .where(Collection.run_id == run.id)
        .order_by(Collection.id)
        .options(joinedload(Collection.customer), joinedload(Collection.invoice))
    )


def blocks_of_run(session: Session, run: CollectionRun) -> list[tuple[str, int, Decimal]]:
    """Sequence type, number and sum of each payment block of a run."""
    rows = session.execute(
        select(Collection.sequence_type, func.count(), func.sum(Collection.amount))
        .where(Collection.run_id == run.id)
        .group_by(Collection.sequence_type)
        .order_by(Collection.sequence_type)
    )
    return [(kind, count, total) for kind, count, total in rows]


def active_accounts(session: Session) -> Sequence[CreditorAccount]:
    """The accounts that can be collected into, the default one first."""
    return session.scalars(
        select(CreditorAccount)
        .where(CreditorAccount.active)
        .order_by(CreditorAccount.is_default.desc(), CreditorAccount.label)
    ).all()


RUNS = Listing(
    statement=select(CollectionRun),
    filters=(
        filters.choice(
            "state", "State", CollectionRun.state, [(s.value, s.value) for s in RunState]
        ),
        filters.date_between("collected", "Collection date", CollectionRun.collection_date),
    ),
    sorts={"number": CollectionRun.number, "collected": CollectionRun.collection_date},
    default_sort="-number",
    options=(joinedload(CollectionRun.creditor_account),),
)
ACCOUNTS = Listing(
    statement=select(CreditorAccount), sorts={"label": CreditorAccount.label}, default_sort="label"
)
