"""The jobs about duplicate customers: look for them over all customers; merge two of them."""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.customers import duplicate_search as search
from app.customers import merge_undo, merging
from app.customers.duplicate_models import DuplicatePair
from app.customers.duplicate_scratch import Scratch
from app.customers.duplicate_search import Written
from app.customers.merging import MergePlan
from app.customers.models import Customer
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobState
from app.jobs.registry import OnAbandoned
from app.jobs.story import tell

FIND = "find_duplicates"
MERGE = "merge_customers"
# Customers read in one short statement: others' saves wait for none of these.
READ_AT_ONCE = 2000
_NOTHING = {"new": 0, "gone": 0, "changed": 0}


def register() -> None:
    """Make the kinds of jobs known."""
    registry.register(FIND, find, on_abandoned=OnAbandoned.RESUME)
    registry.register(MERGE, merge, on_abandoned=OnAbandoned.TAKE_BACK)


def start_search(session: Session, *, actor: Actor, foreground: bool = False) -> Job:
    """Queue a search over all customers. Raises Refused while one is under way."""
    actor.require(Permission.CUSTOMERS_EDIT)
    running = latest_search(session, operations.ACTIVE)
    if running is not None:
        raise Refused.because(f"{running.created_by_label} is looking for duplicates already")
    return operations.enqueue(
        session, FIND, {}, actor=actor, title="Look for duplicates", foreground=foreground
    )


def latest_search(session: Session, states: frozenset[JobState]) -> Job | None:
    """The newest search in one of these states."""
    return session.scalar(
        select(Job).where(Job.kind == FIND, Job.state.in_(states)).order_by(Job.id.desc()).limit(1)
    )


def merge_now(plan: MergePlan, *, actor: Actor) -> Job:
    """Merge two customers at once, in this process; the job whose journal holds the way back.

    Raises what the merge refuses: NotFound, Conflict, or Refused with every reason.
    """
    with transaction() as session:
        told = merging.preview(session, plan, actor=actor)
        if told.against:
            raise Refused(told.against)
        winner, loser = (session.get_one(Customer, one) for one in (plan.winner_id, plan.loser_id))
        job_id = operations.enqueue(
            session,
            MERGE,
            plan.as_json(),
            actor=actor,
            title=f"Merge customer {loser.number} into {winner.number}",
            foreground=True,
        ).id
    job = operations.run_now(job_id)
    if job.state != JobState.DONE:
        raise Refused.because(job.error or f"The merge was {job.state}")
    return job


def merge(context: JobContext) -> Mapping[str, Any]:
    """Merge in one commit: all or nothing."""
    plan = MergePlan.from_json(context.params)
    try:
        with context.chunk() as session:
            moved = merging.merge_customers(session, plan, actor=context.actor)
    except IntegrityError as error:
        raise Refused.because(
            "Somebody else took a value of these customers at the same moment",
            hint="Nothing was merged; try once more",
        ) from error
    return {"pair": plan.pair_id, "moved": ", ".join(moved) or "nothing"}


def undo(session: Session, pair_id: int, *, actor: Actor) -> None:
    """Take a merge back, and tell it in the story of its job."""
    pair = session.get(DuplicatePair, pair_id)
    job = session.get(Job, pair.job_id) if pair is not None and pair.job_id else None
    merge_undo.undo_merge(session, pair_id, actor=actor)
    if job is not None:
        tell(job, f"{actor.label} undid the merge")


def find(context: JobContext) -> Mapping[str, Any]:
    """Look for duplicates over all customers, and bring the worklist up to date.

    A search that was killed is done again from the start, in a minute or two for a million
    customers; what it has written is found to be there, and the counts go on.
    """
    with Scratch() as scratch:
        customers = _read(context, scratch)
        _compare(context, scratch)
        beyond = scratch.keep_best(search.MOST_PAIRS)
        counts = _write(context, scratch)
        return {
            "customers": customers,
            "pairs": scratch.count_found(),
            **counts,
            "too_common": scratch.too_common,
            "left_out": beyond,
        }


def _read(context: JobContext, scratch: Scratch) -> int:
    live = select(func.count()).select_from(Customer).where(Customer.deleted_at.is_(None))
    total = db.session.scalar(live) or 0
    done, last = 0, 0
    while True:
        context.stop_if_cancelled()
        people = search.read_likenesses(db.session(), last, READ_AT_ONCE)
        # Ends the read: a long one would keep the database from tidying up behind it.
        db.session.rollback()
        if not people:
            return done
        scratch.add(people)
        done, last = done + len(people), people[-1][0]
        context.progress(done, max(total, done), "Reading customers")


def _compare(context: JobContext, scratch: Scratch) -> None:
    scratch.sort()
    total = scratch.count_keys()
    for seen in scratch.compare():
        context.stop_if_cancelled()
        context.progress(seen, total, "Comparing what they have in common")
    scratch.forget_keys()
    total, done, last = scratch.count_candidates(), 0, (0, 0)
    while pairs := scratch.candidates(last, READ_AT_ONCE):
        context.stop_if_cancelled()
        scratch.keep(search.judge_candidates(db.session(), pairs))
        db.session.rollback()
        done, last = done + len(pairs), pairs[-1]
        context.progress(done, total, "Comparing pairs")


def _write(context: JobContext, scratch: Scratch) -> dict[str, int]:
    counts = dict(context.cursor or _NOTHING)
    rows = current_app.config["SETTINGS"].chunk_rows
    total, done, after = scratch.count_found(), 0, 0
    context.progress(0, total, "Writing the worklist")
    more = True
    while more:
        context.stop_if_cancelled()
        with context.chunk() as session:
            last, written = search.renew(session, scratch, after, rows)
            more = last is not None
            after = last if last is not None else after
            _count(context, session, counts, written, 0)
    more = True
    while more:
        context.stop_if_cancelled()
        with context.chunk() as session:
            more, written = search.add_new(session, scratch, rows)
            done += written.new
            _count(context, session, counts, written, done)
    return counts


def _count(
    context: JobContext, session: Session, counts: dict[str, int], written: Written, done: int
) -> None:
    for name in counts:
        counts[name] += getattr(written, name)
    context.checkpoint(session, dict(counts), done)
