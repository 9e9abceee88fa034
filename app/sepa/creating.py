"""Making a collection run: every invoice that can be collected is claimed, once.

Nobody is collected from twice: creation claims the invoices under a lock, and the partial unique
index on live collections has the last word (sepa.md, "Run").
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.models import Action
from app.billing.models import InvoiceState
from app.billing.operations import change_states
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.numbering import next_numbers
from app.core.permissions import Permission
from app.core.portions import portions
from app.sepa.candidates import Assessment, Candidate, assess
from app.sepa.characters import MAX_REMITTANCE, legal_id, legal_name, legal_text
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    CreditorAccount,
    Mandate,
    MandateState,
    MandateType,
    RunState,
)
from app.sepa.operations_runs import tell_run
from app.sepa.rules import MANDATE_STATES, Policy


def create_run(
    session: Session,
    account: CreditorAccount,
    collection_date: date,
    *,
    policy: Policy,
    actor: Actor,
    seen: tuple[int, Decimal] | None = None,
) -> tuple[CollectionRun, Assessment]:
    """Claim every invoice that can be collected and freeze what the bank will be told.

    `seen` is the number and the sum that a person has agreed to. Raises Refused for an impossible
    date, an inactive account, where nothing is to collect, or where it is no longer what was seen.
    """
    actor.require(Permission.DIRECT_DEBIT_RUN)
    now = clock.now()
    policy.check_collection_date(collection_date, now)
    # Whoever creates a run waits here for the other; on SQLite the transaction has the lock.
    account = session.scalars(
        select(CreditorAccount).where(CreditorAccount.id == account.id).with_for_update()
    ).one()
    if not account.active:
        raise Refused.because(f"The account {account.label} is not active", field="account")
    assessed = assess(session, account, collection_date, policy)
    chosen = assessed.candidates
    if not chosen:
        raise Refused.because(
            "There is nothing to collect by this date",
            hint="The preview tells what is left out and why",
        )
    if seen is not None and seen != (len(chosen), assessed.amount):
        raise Refused.because(
            "What can be collected has changed since this preview",
            hint="Look at it again, then create the run",
        )
    run = _run(session, account, collection_date, chosen, actor)
    try:
        change_states(
            session, [one.invoice_id for one in chosen], InvoiceState.IN_COLLECTION, actor=actor,
            reason=f"Collection run {run.number}",
        )  # fmt: skip
        for some in portions([_collection(run, one) for one in chosen], 1000):
            session.execute(insert(Collection), some)
    except (IntegrityError, Refused) as error:
        # A run for another account was quicker: it holds the invoices, or the index has them.
        raise Refused.because(
            "Some of these invoices have just been claimed by another run", hint="Look again"
        ) from error
    _use_mandates(session, chosen)
    tell_run(session, run, Action.CREATED, actor, _figures(run))
    return run, assessed


def _run(
    session: Session,
    account: CreditorAccount,
    collection_date: date,
    chosen: Sequence[Candidate],
    actor: Actor,
) -> CollectionRun:
    now = clock.now()
    number = next_numbers(session, "collection run", 1)[0]
    run = CollectionRun(
        number=f"DD{now:%Y}-{number:05d}",
        creditor_account_id=account.id,
        creditor_name=legal_name(account.name),
        creditor_identifier=account.creditor_identifier,
        creditor_iban=account.iban,
        creditor_bic=account.bic,
        scheme=account.scheme,
        collection_date=collection_date,
        state=RunState.CREATED.value,
        collection_count=len(chosen),
        amount=sum((one.amount for one in chosen), Decimal(0)),
        created_at=now,
        created_by_id=actor.operator_id,
        created_by_label=actor.label,
    )
    session.add(run)
    session.flush()
    return run


def _collection(run: CollectionRun, one: Candidate) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "invoice_id": one.invoice_id,
        "customer_id": one.customer_id,
        "mandate_id": one.mandate_id,
        "state": CollectionState.LIVE.value,
        "end_to_end_id": legal_id(f"{run.number}-{one.invoice_id}", one.invoice),
        "sequence_type": one.sequence_type,
        "amount": one.amount,
        "debtor_name": legal_name(one.debtor_name),
        "iban": one.iban,
        "bic": one.bic,
        "mandate_reference": one.mandate_reference,
        "mandate_signed_on": one.mandate_signed_on,
        "original_reference": one.original_reference,
        "original_iban": one.original_iban,
        # A text in a script that banks cannot read leaves the invoice's number.
        "remittance_text": legal_text(one.remittance_text, MAX_REMITTANCE)
        or legal_text(f"Invoice {one.invoice}", MAX_REMITTANCE),
        **{name: one.address.get(name) for name in ("street", "postcode", "place", "country")},
    }


def _use_mandates(session: Session, chosen: Sequence[Candidate]) -> None:
    """A one-off mandate serves once."""
    once = [one.mandate_id for one in chosen if one.mandate_type == MandateType.ONE_OFF]
    if once:
        MANDATE_STATES.check(MandateState.ACTIVE, MandateState.USED)
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_(once))
            .values(state=MandateState.USED.value, version=Mandate.version + 1)
        )


def _figures(run: CollectionRun) -> dict[str, Any]:
    return {
        "collections": [None, run.collection_count],
        "amount": [None, str(run.amount)],
        "collection_date": [None, run.collection_date.isoformat()],
    }
