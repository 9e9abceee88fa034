"""The steps of a run, each by its own permission: release, bank file, hand-in, cancel."""

from collections.abc import Mapping, Sequence

from flask import current_app
from sqlalchemy.orm import Session

from admin_views.actions import Action, Ask
from admin_views.jobs import is_active
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import filing
from app.jobs.models import Job
from app.sepa import operations_runs as operations
from app.sepa.models import CollectionRun, RunState
from app.sepa.queries import policy_of
from app.sepa.rules import RUN_STATES, Policy


def policy() -> Policy:
    """How this installation collects."""
    return policy_of(current_app.config["SETTINGS"])


def _run(session: Session, ids: Sequence[int]) -> CollectionRun:
    """The one run that an action is about; steps are taken one run at a time."""
    if len(ids) != 1:
        raise Refused.because("Choose one run")
    return session.get_one(CollectionRun, ids[0])


def _release(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    run = _run(session, ids)
    operations.release_run(session, run, policy=policy(), actor=actor)
    return f"Run {run.number} was released. Next, make its bank file."


def _file(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    run = _run(session, ids)
    if run.collection_count > filing.AT_ONCE and not run.files:
        filing.start(session, run, policy=policy(), actor=actor)
        return "The bank file is being written and checked. You can leave this page meanwhile."
    operations.file_run(session, run, policy=policy(), actor=actor)
    count = len(run.files)
    made = "The bank file was" if count == 1 else f"{count} bank files were"
    return f"{made} made and checked. Download, and hand in at the bank."


def _hand_in(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    run = _run(session, ids)
    operations.hand_in_run(session, run, actor=actor)
    return f"Run {run.number} was handed in. The bank's answer comes next."


def _cancel(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    run = _run(session, ids)
    operations.cancel_run(session, run, actor=actor, reason=answers["reason"])
    return f"Run {run.number} was cancelled. Its invoices are open again."


def _may_release(run: CollectionRun) -> bool:
    return _allows(run, RunState.RELEASED) and not waits_for_second_person(run)


def _may_file(run: CollectionRun) -> bool:
    """From released on; where one person may do both, the release happens on the way."""
    on_the_way = current_actor().may(Permission.DIRECT_DEBIT_RELEASE) and _may_release(run)
    may = not run.files and (on_the_way or _allows(run, RunState.FILED))
    return may and not _is_being_filed(run)


def _is_being_filed(run: CollectionRun) -> bool:
    job = filing_job(run)
    return job is not None and is_active(job)


def filing_job(run: CollectionRun) -> Job | None:
    """The job that makes the files of a large run, or could not; None once they are there."""
    waiting = run.state in (RunState.CREATED, RunState.RELEASED) and not run.files
    if not waiting or run.collection_count <= filing.AT_ONCE:
        return None
    return filing.latest(db.session(), run)


def _allows(run: CollectionRun, state: RunState) -> bool:
    return RUN_STATES.allows(RunState(run.state), state)


def waits_for_second_person(run: CollectionRun) -> bool:
    """Whether the present operator created the run and may therefore not release it."""
    return (
        policy().two_person_rule
        and run.state == RunState.CREATED
        and operations.is_creator(run, current_actor())
    )


_ON_RECORD = frozenset({"record"})
ACTIONS = (
    Action(
        "release", "Release", Permission.DIRECT_DEBIT_RELEASE, _release, icon="shield-check",
        confirm="Release this run, so that its bank file can be made?",
        places=_ON_RECORD, shown=lambda run: _may_release(run) and not _is_being_filed(run),
    ),
    Action(
        "file", "Make bank file", Permission.DIRECT_DEBIT_FILE, _file, icon="file-export",
        confirm="Make the bank file of this run? It is checked, kept, and never changes again.",
        places=_ON_RECORD, shown=_may_file,
    ),
    Action(
        "hand_in", "Hand in", Permission.DIRECT_DEBIT_HAND_IN, _hand_in, icon="building-bank",
        confirm="Has the bank been given this file? From then on, only its answer changes the run.",
        places=_ON_RECORD, shown=lambda run: _allows(run, RunState.HANDED_IN),
    ),
    Action(
        "cancel", "Cancel run", Permission.DIRECT_DEBIT_RUN, _cancel, icon="ban", danger=True,
        confirm="Cancel this run? Its invoices are open again; a file of it must not be used.",
        ask=Ask("reason", "Reason", hint="Kept in the history"),
        places=_ON_RECORD, shown=lambda run: _allows(run, RunState.VOID),
    ),
)  # fmt: skip
