"""Reads about direct debit: runs, accounts, mandates, and what keeps a customer from deletion."""

from collections.abc import Sequence
from datetime import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice
from app.config import Settings
from app.core import filters
from app.core.errors import NotFound, Problem, Refused
from app.core.filters import Condition
from app.core.listing import Listing
from app.customers.models import Customer
from app.customers.search import list_condition
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    CreditorAccount,
    Mandate,
    MandateState,
    RunState,
    Scheme,
)
from app.sepa.rules import Policy


def policy_of(settings: Settings) -> Policy:
    """How this installation collects. Raises ValueError for a cut-off that is no time of day."""
    return Policy(
        zone=settings.timezone,
        cutoff=time.fromisoformat(settings.bank_cutoff),
        two_person_rule=settings.two_person_rule,
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


def collections_under_way(session: Session, customer_ids: Sequence[int]) -> list[Problem]:
    """The delete guard: customers of whom a collection is under way must stay."""
    rows = session.execute(
        select(Customer.number, Invoice.number)
        .join(Collection, Collection.customer_id == Customer.id)
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(
            Customer.id.in_(customer_ids),
            Collection.state == CollectionState.LIVE.value,
            CollectionRun.state != RunState.CLOSED.value,
        )
        .order_by(Customer.number)
    )
    said: dict[str, str] = {}
    for customer, invoice in rows:
        said.setdefault(customer, invoice)
    return [
        Problem(
            "",
            f"Customer {customer} cannot be deleted: invoice {invoice} is in collection",
            "Wait for the bank's answer, or cancel the run",
        )
        for customer, invoice in said.items()
    ]


def _search_mandates(text: str) -> Condition:
    whose = select(Customer.id).where(list_condition(text))
    return (func.lower(Mandate.reference) == text.lower()) | Mandate.customer_id.in_(whose)


MANDATES = Listing(
    statement=select(Mandate),
    filters=(
        filters.text("reference", "Mandate reference", func.lower(Mandate.reference), begins=True),
        filters.choice("state", "State", Mandate.state, [(s.value, s.value) for s in MandateState]),
        filters.choice("scheme", "Scheme", Mandate.scheme, [(s.value, s.value) for s in Scheme]),
        filters.date_between("signed", "Signed on", Mandate.signed_on),
    ),
    sorts={"reference": func.lower(Mandate.reference)},
    default_sort="reference",
    search=_search_mandates,
    options=(joinedload(Mandate.customer),),
)
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
