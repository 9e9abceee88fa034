"""The jobs of a large collection run: work its preview out; make the run of what was shown."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobState
from app.jobs.registry import OnAbandoned
from app.sepa.candidates import Judge
from app.sepa.creating import create_from_preview
from app.sepa.models import CreditorAccount
from app.sepa.preparing import Prepared, prepare_preview
from app.sepa.previews import operations as previews
from app.sepa.previews.models import RunPreview
from app.sepa.previews.queries import latest_preview
from app.sepa.previews.totals import Totals
from app.sepa.queries import policy_of
from app.sepa.queries_candidates import count_due
from app.sepa.rules import Policy

WORK_OUT = "work_out_preview"
CREATE = "create_run"
# A preview may become a run on its own day only; after two it is of no interest to anybody.
KEPT = timedelta(days=2)
CLEARED_AT_ONCE = 5000
COUNTED = 10_000_000


def register() -> None:
    """Make the kinds of jobs known."""
    registry.register(WORK_OUT, work_out, on_abandoned=OnAbandoned.RESUME, on_end=_preview_ended)
    # One transaction: there is no middle in which it could be stopped.
    registry.register(CREATE, create, on_abandoned=OnAbandoned.RESUME, stoppable=False)


def start_preview(
    session: Session, account: CreditorAccount, collection_date: date, *, actor: Actor
) -> Job | None:
    """Have a preview worked out; None where somebody has just asked for the same one.

    Raises Refused for an impossible date.
    """
    # Of two who ask at the same moment, the second one finds what the first has begun.
    session.execute(
        select(CreditorAccount.id).where(CreditorAccount.id == account.id).with_for_update()
    )
    latest = latest_preview(session, account.id, collection_date)
    if latest is not None and under_way(session, latest.job_id):
        return None
    preview = previews.begin_preview(
        session, account, collection_date, policy=_policy(), actor=actor
    )
    job = operations.enqueue(
        session,
        WORK_OUT,
        _params(preview),
        actor=actor,
        title=f"Preview of {collection_date:%d.%m.%Y}, {account.label}",
    )
    preview.job_id = job.id
    return job


def start_creating(session: Session, preview_id: int, *, actor: Actor) -> Job:
    """Have a run made of a preview; asked for twice, it is the same job.

    Raises Refused for a preview that can no longer become a run.
    """
    actor.require(Permission.DIRECT_DEBIT_RUN)
    preview = session.get(RunPreview, preview_id, with_for_update=True)
    if preview is None:
        raise NotFound("This preview is no longer there")
    job = session.get(Job, preview.creating_job_id) if preview.creating_job_id else None
    if job is not None and job.state in {*operations.ACTIVE, JobState.DONE}:
        return job
    previews.check_current(preview, preview.creditor_account, _policy())
    totals = Totals.from_json(preview.totals or {})
    if not totals.collected.count:
        raise Refused.because("There is nothing to collect by this date")
    job = operations.enqueue(
        session,
        CREATE,
        _params(preview),
        actor=actor,
        title=f"Create a run of {totals.collected.count:,} collections",
        total=totals.collected.count,
    )
    preview.creating_job_id = job.id
    return job


def _params(preview: RunPreview) -> dict[str, Any]:
    return {
        "preview": preview.id,
        "account": preview.creditor_account_id,
        "date": preview.collection_date.isoformat(),
    }


def under_way(session: Session, job_id: int | None) -> bool:
    """Tell whether a job still waits or runs."""
    job = session.get(Job, job_id) if job_id else None
    return job is not None and job.state in operations.ACTIVE


def work_out(context: JobContext) -> Mapping[str, Any]:
    """Judge everything that is due, from the start: a portion read, then written in a commit.

    One that was killed is done again; what it has written is deleted first.
    """
    session = db.session()
    preview = session.get(RunPreview, context.params["preview"])
    if preview is None:
        raise Refused.because("This preview is no longer there")
    preview_id, day = preview.id, preview.collection_date
    account_id = preview.creditor_account_id
    _clear(context, preview_id)
    total = count_due(session, day, COUNTED)
    context.progress(0, total, "Judging what is due")
    judge = Judge(session, session.get_one(CreditorAccount, account_id), day, _policy())
    totals, places, done = Totals(), Counter[str](), 0
    for portion in judge.portions():
        for verdict in portion:
            totals.add(verdict)
        with context.chunk(journal=False) as writing:
            previews.add_lines(writing, preview_id, portion, places)
        done += len(portion)
        context.progress(done)
        context.stop_if_cancelled()
    with context.chunk(journal=False) as writing:
        previews.finish_preview(writing, preview_id, totals)
    _forget_old(context, preview_id, account_id, day)
    return {"collected": totals.collected.count, "left_out": totals.left_out.count}


def create(context: JobContext) -> Mapping[str, Any]:
    """Make the run in one commit: all or nothing, also where the worker is killed.

    Everything that can be worked out is worked out before, while others can still save.
    """
    preview_id, policy = context.params["preview"], _policy()
    context.progress(0, phase="Getting the collections ready")
    reading = db.session()
    made = reading.scalar(select(RunPreview.run_id).where(RunPreview.id == preview_id))
    with Prepared() as ready:
        if made is None:
            prepare_preview(reading, preview_id, ready, policy=policy, actor=context.actor)
        reading.rollback()
        context.progress(0, phase="Claiming the invoices")
        with context.chunk(journal=False) as session:
            run = create_from_preview(
                session, preview_id, ready, policy=policy, actor=context.actor
            )
            told = {"run": run.number, "collections": run.collection_count}
            # Whoever has lost the job to another worker must not commit.
            context.checkpoint(session, told, run.collection_count)
    return told


def _preview_ended(session: Session, job: Job) -> None:
    if job.state != JobState.DONE:
        previews.finish_preview(session, job.params["preview"], None)


def _forget_old(context: JobContext, newest: int, account_id: int, day: date) -> None:
    """Delete previews that this one follows, and those that are too old for everybody."""
    context.progress(0, phase="Deleting earlier previews")
    session = db.session()
    same = (RunPreview.creditor_account_id == account_id) & (RunPreview.collection_date == day)
    old = session.execute(
        select(RunPreview.id, RunPreview.job_id, RunPreview.creating_job_id).where(
            RunPreview.id < newest, same | (RunPreview.begun_at < clock.now() - KEPT)
        )
    ).all()
    for preview_id, *jobs in old:
        if any(under_way(session, job_id) for job_id in jobs):
            continue
        _clear(context, preview_id)
        with context.chunk(journal=False) as writing:
            writing.execute(delete(RunPreview).where(RunPreview.id == preview_id))


def _clear(context: JobContext, preview_id: int) -> None:
    while True:
        with context.chunk(journal=False) as session:
            if not previews.clear_lines(session, preview_id, CLEARED_AT_ONCE):
                return


def _policy() -> Policy:
    return policy_of(current_app.config["SETTINGS"])
