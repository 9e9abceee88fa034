"""What the bank's answers do to runs: handed in, answered, closed."""

from collections.abc import Collection as Several
from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor
from app.core.permissions import Permission
from app.core.portions import portions
from app.sepa.models import Collection, CollectionRun, CollectionState, RunState
from app.sepa.operations_runs import hand_in_run
from app.sepa.rules import RUN_STATES


def note_answers(session: Session, run_ids: Several[int], *, actor: Actor) -> None:
    """Note that the bank has answered runs.

    One whose hand-in nobody has noted was handed in all the same: the bank knows its collections.
    """
    for run in _runs(session, run_ids):
        if run.state == RunState.FILED:
            proven = replace(
                actor, permissions=actor.permissions | {Permission.DIRECT_DEBIT_HAND_IN}
            )
            hand_in_run(session, run, actor=proven)
        if run.state == RunState.HANDED_IN:
            run.answered_at = clock.now()
            _to_state(session, run, RunState.ANSWERED, actor)


def close_what_is_done(session: Session, run_ids: Several[int], *, actor: Actor) -> None:
    """Close answered runs of which nothing is open any more; returns may still come."""
    live = exists().where(
        Collection.run_id == CollectionRun.id, Collection.state == CollectionState.LIVE.value
    )
    for some in portions(sorted(run_ids)):
        done = session.scalars(
            select(CollectionRun.id).where(
                CollectionRun.id.in_(some),
                CollectionRun.state == RunState.ANSWERED.value,
                ~live,
            )
        ).all()
        for run in _runs(session, done):
            run.closed_at = clock.now()
            _to_state(session, run, RunState.CLOSED, actor)


def _runs(session: Session, run_ids: Several[int]) -> list[CollectionRun]:
    found: list[CollectionRun] = []
    for some in portions(sorted(run_ids)):
        found += session.scalars(
            select(CollectionRun)
            .where(CollectionRun.id.in_(some))
            .order_by(CollectionRun.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
    return found


def _to_state(session: Session, run: CollectionRun, state: RunState, actor: Actor) -> None:
    RUN_STATES.check(RunState(run.state), state)
    old, run.state = run.state, state.value
    session.flush()
    audit.record(
        session, actor=actor, action=Action.STATE_CHANGED, entity="collection run",
        entity_id=run.id, entity_label=run.number, changes={"state": [old, state.value]},
    )  # fmt: skip
