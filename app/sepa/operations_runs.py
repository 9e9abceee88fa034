"""The steps of a collection run: create, release, file, hand out and in, cancel.

Nobody is collected from twice: creation claims the invoices under a lock, and the partial unique
index on live collections has the last word (sepa.md, "Run").
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.billing.models import InvoiceState
from app.billing.operations import change_states
from app.core import clock, storage
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.models import StoredFile
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
    RunFile,
    RunState,
)
from app.sepa.rules import MANDATE_STATES, RUN_STATES, Policy
from app.sepa.run_files import Part, parts_of, write_part


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
    _tell(session, run, Action.CREATED, actor, _figures(run))
    return run, assessed


def release_run(session: Session, run: CollectionRun, *, policy: Policy, actor: Actor) -> None:
    """Release a run for filing; by a second person where the setting asks for one."""
    actor.require(Permission.DIRECT_DEBIT_RELEASE)
    run = _locked(session, run)
    RUN_STATES.check(RunState(run.state), RunState.RELEASED)
    if policy.two_person_rule and is_creator(run, actor):
        raise Refused.because(
            "Who created a run may not release it", hint="Ask a second person to release it"
        )
    run.released_at = clock.now()
    run.released_by_id, run.released_by_label = actor.operator_id, actor.label
    _to_state(session, run, RunState.RELEASED, actor)


def file_run(session: Session, run: CollectionRun, *, policy: Policy, actor: Actor) -> None:
    """Write, check and store the bank file or files of a run, once; then they never change.

    A run that is only created is released on the way, unless a second person must do that.
    Raises Refused with the row and the reason where a bank would refuse the file.
    """
    actor.require(Permission.DIRECT_DEBIT_FILE)
    run = _locked(session, run)
    if run.state == RunState.VOID:
        raise Refused.because("This run was cancelled", hint="Its invoices are open again")
    if run.files:
        return
    if run.state == RunState.CREATED:
        release_run(session, run, policy=policy, actor=actor)
    RUN_STATES.check(RunState(run.state), RunState.FILED)
    policy.check_collection_date(run.collection_date, clock.now())
    for part in parts_of(session, run):
        _store(session, run, part, actor)
    run.filed_at = clock.now()
    _to_state(session, run, RunState.FILED, actor)
    session.refresh(run, ["files"])


def hand_out_files(session: Session, run: CollectionRun, *, actor: Actor) -> list[StoredFile]:
    """The bank files of a run for download, noted beforehand; their bytes never change.

    Raises Refused while there are none, and for a cancelled run, whose file no bank may get.
    """
    actor.require(Permission.DIRECT_DEBIT_FILE)
    if run.state == RunState.VOID:
        raise Refused.because("This run was cancelled; no bank may get its file")
    if not run.files:
        raise Refused.because("This run has no bank file yet", hint="Make the bank file first")
    files = [one.file for one in run.files]
    for stored in files:
        storage.log_download(session, stored, actor=actor)
    return files


def hand_in_run(session: Session, run: CollectionRun, *, actor: Actor) -> None:
    """Note that the bank has the file: from now on only its answer changes anything."""
    actor.require(Permission.DIRECT_DEBIT_HAND_IN)
    run = _locked(session, run)
    RUN_STATES.check(RunState(run.state), RunState.HANDED_IN)
    run.handed_in_at = clock.now()
    mandates = select(Collection.mandate_id).where(Collection.run_id == run.id)
    # The bank knows from this collection on what stands in it. A mandate that was amended since
    # the run was created still has to tell of that, with the next one.
    session.execute(
        update(Mandate)
        .where(Mandate.id.in_(mandates))
        .values(
            last_collected_on=run.collection_date,
            original_reference=_told(run, Collection.mandate_reference, Mandate.reference),
            original_iban=_told(run, Collection.iban, Mandate.iban),
            version=Mandate.version + 1,
        )
    )
    _to_state(session, run, RunState.HANDED_IN, actor)


def _told(run: CollectionRun, frozen: Any, current: Any) -> Any:
    """What the bank was told of a mandate by a run, or nothing where that still holds."""
    return (
        select(func.nullif(frozen, current))
        .where(Collection.run_id == run.id, Collection.mandate_id == Mandate.id)
        .limit(1)
        .scalar_subquery()
    )


def cancel_run(
    session: Session, run: CollectionRun, *, actor: Actor, reason: str | None = None
) -> None:
    """Void a run that was not handed in: its invoices are open again, its file is never reused."""
    actor.require(Permission.DIRECT_DEBIT_RUN)
    run = _locked(session, run)
    RUN_STATES.check(RunState(run.state), RunState.VOID)
    rows = session.execute(
        select(Collection.invoice_id, Collection.mandate_id).where(
            Collection.run_id == run.id, Collection.state == CollectionState.LIVE.value
        )
    ).all()
    session.execute(
        update(Collection)
        .where(Collection.run_id == run.id)
        .values(state=CollectionState.VOID.value)
    )
    change_states(
        session, [row.invoice_id for row in rows], InvoiceState.OPEN, actor=actor,
        reason=f"Collection run {run.number} was cancelled",
    )  # fmt: skip
    session.execute(
        update(Mandate)
        .where(
            Mandate.id.in_([row.mandate_id for row in rows]),
            Mandate.state == MandateState.USED.value,
        )
        .values(state=MandateState.ACTIVE.value, version=Mandate.version + 1)
    )
    run.voided_at = clock.now()
    _to_state(session, run, RunState.VOID, actor, reason)


def _locked(session: Session, run: CollectionRun) -> CollectionRun:
    """The run as it is now, kept from others until the transaction ends."""
    found = session.scalar(
        select(CollectionRun)
        .where(CollectionRun.id == run.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such run")
    return found


def is_creator(run: CollectionRun, actor: Actor) -> bool:
    """Tell whether the actor created the run; the two-person rule asks."""
    if actor.operator_id is not None or run.created_by_id is not None:
        return actor.operator_id == run.created_by_id
    return actor.label == run.created_by_label


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


def _store(session: Session, run: CollectionRun, part: Part, actor: Actor) -> None:
    with write_part(session, run, part) as content:
        stored = storage.save(
            session, content, name=f"{part.message_id}.xml", media_type="application/xml",
            purpose="bank-file", owner_id=actor.operator_id,
        )  # fmt: skip
    session.add(
        RunFile(
            run_id=run.id, part=part.number, message_id=part.message_id, file_id=stored.id,
            collection_count=part.count, amount=part.total,
        )
    )  # fmt: skip
    session.flush()


def _figures(run: CollectionRun) -> dict[str, Any]:
    return {
        "collections": [None, run.collection_count],
        "amount": [None, str(run.amount)],
        "collection_date": [None, run.collection_date.isoformat()],
    }


def _to_state(
    session: Session,
    run: CollectionRun,
    state: RunState,
    actor: Actor,
    reason: str | None = None,
) -> None:
    old, run.state = run.state, state.value
    session.flush()
    _tell(session, run, Action.STATE_CHANGED, actor, {"state": [old, state.value]}, reason)


def _tell(
    session: Session,
    run: CollectionRun,
    action: Action,
    actor: Actor,
    changes: dict[str, Any],
    reason: str | None = None,
) -> None:
    audit.record(
        session, actor=actor, action=action, entity="collection run", entity_id=run.id,
        entity_label=run.number, changes=changes, reason=reason,
    )  # fmt: skip
