"""The steps of a collection run once it is created: release, file, hand out and in, cancel.

Nobody is collected from twice: creation claims the invoices under a lock, and the partial unique
index on live collections has the last word (sepa.md, "Run").
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.billing.models import InvoiceState
from app.billing.operations import change_states
from app.core import clock, storage
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.core.portions import portions
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    Mandate,
    MandateState,
    RunFile,
    RunState,
)
from app.sepa.notices import cancel_waiting
from app.sepa.rules import RUN_STATES, Policy
from app.sepa.run_files import PURPOSE, Written, write_files


def release_run(session: Session, run: CollectionRun, *, policy: Policy, actor: Actor) -> None:
    """Release a run for filing; by a second person where the setting asks for one."""
    run = _locked(session, run)
    _check_release(run, policy, actor)
    run.released_at = clock.now()
    run.released_by_id, run.released_by_label = actor.operator_id, actor.label
    _to_state(session, run, RunState.RELEASED, actor)


def check_filing(session: Session, run: CollectionRun, *, policy: Policy, actor: Actor) -> None:
    """Raise Refused or NotAllowed where the files of a run cannot be made now; changes nothing."""
    actor.require(Permission.DIRECT_DEBIT_FILE)
    if run.state == RunState.VOID:
        raise Refused.because("This run was cancelled", hint="Its invoices are open again")
    if run.files:
        return
    if run.state == RunState.CREATED:
        _check_release(run, policy, actor)
    else:
        RUN_STATES.check(RunState(run.state), RunState.FILED)
    policy.of_account(run.creditor_account).check_collection_date(run.collection_date, clock.now())


def file_run(
    session: Session,
    run: CollectionRun,
    *,
    policy: Policy,
    actor: Actor,
    written: Sequence[Written] | None = None,
) -> bool:
    """Write, check and store the bank file or files of a run, once; then they never change.

    A run that is only created is released on the way, unless a second person must do that.
    `written` are files of this run that were kept beforehand, so that nobody waits for their
    writing. Raises Refused with the row and the reason where a bank would refuse the file. Tells
    whether the files were made now; False where they were there already.
    """
    run = _locked(session, run)
    session.refresh(run, ["files"])
    check_filing(session, run, policy=policy, actor=actor)
    if run.files:
        return False
    if run.state == RunState.CREATED:
        release_run(session, run, policy=policy, actor=actor)
    for one in write_files(session, run) if written is None else written:
        _store(session, run, one, actor)
    run.filed_at = clock.now()
    _to_state(session, run, RunState.FILED, actor)
    session.refresh(run, ["files"])
    return True


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
    session.flush()
    # The bank knows by now what the file said. What was changed since is told next time.
    known = select(func.max(Collection.mandate_reference), func.max(Collection.iban)).where(
        Collection.run_id == run.id, Collection.mandate_id == Mandate.id
    )
    reference, iban = (
        known.with_only_columns(column).scalar_subquery() for column in known.selected_columns
    )
    mandates = select(Collection.mandate_id).where(Collection.run_id == run.id)
    session.execute(
        update(Mandate)
        .where(Mandate.id.in_(mandates))
        .values(
            last_collected_on=case(
                (Mandate.last_collected_on > run.collection_date, Mandate.last_collected_on),
                else_=run.collection_date,
            ),
            original_reference=func.nullif(reference, Mandate.reference),
            original_iban=func.nullif(iban, Mandate.iban),
            version=Mandate.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    for one in session.identity_map.values():
        if isinstance(one, Mandate):
            session.expire(one)
    _to_state(session, run, RunState.HANDED_IN, actor)


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
    for some in portions([row.mandate_id for row in rows], 5000):
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_(some), Mandate.state == MandateState.USED.value)
            .values(state=MandateState.ACTIVE.value, version=Mandate.version + 1)
        )
    run.voided_at = clock.now()
    cancel_waiting(session, run, actor=actor)
    _to_state(session, run, RunState.VOID, actor, reason)


def _check_release(run: CollectionRun, policy: Policy, actor: Actor) -> None:
    actor.require(Permission.DIRECT_DEBIT_RELEASE)
    RUN_STATES.check(RunState(run.state), RunState.RELEASED)
    if policy.two_person_rule and is_creator(run, actor):
        raise Refused.because(
            "Who created a run may not release it", hint="Ask a second person to release it"
        )


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


def _store(session: Session, run: CollectionRun, written: Written, actor: Actor) -> None:
    part = written.part
    stored = storage.save(
        session, written.kept, name=f"{part.message_id}.xml", media_type="application/xml",
        purpose=PURPOSE, owner_id=actor.operator_id,
    )  # fmt: skip
    session.add(
        RunFile(
            run_id=run.id, part=part.number, message_id=part.message_id, file_id=stored.id,
            collection_count=part.count, amount=part.total,
        )
    )  # fmt: skip
    session.flush()


def _to_state(
    session: Session,
    run: CollectionRun,
    state: RunState,
    actor: Actor,
    reason: str | None = None,
) -> None:
    old, run.state = run.state, state.value
    session.flush()
    tell_run(session, run, Action.STATE_CHANGED, actor, {"state": [old, state.value]}, reason)


def tell_run(
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
