"""Reads of jobs: who sees which, newest first."""

from sqlalchemy import ColumnElement, select

from app.core import filters
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.jobs.models import Job, JobState

STATE_LABELS = {
    JobState.QUEUED: "Waiting",
    JobState.RUNNING: "Running",
    JobState.DONE: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}


def visible_to(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions of the jobs an actor may see: one's own, or all with that permission."""
    if actor.may(Permission.JOBS_VIEW_ALL):
        return []
    return [Job.created_by_id == actor.operator_id]


def listing(actor: Actor) -> Listing:
    """The list of jobs, the newest first."""
    shown = [
        filters.choice(
            "state", "State", Job.state, [(s.value, t) for s, t in STATE_LABELS.items()]
        ),
        filters.text("title", "Job", Job.title),
        filters.moment_between("created", "Asked for", Job.created_at),
    ]
    if actor.may(Permission.JOBS_VIEW_ALL):
        shown.append(filters.text("by", "Asked for by", Job.created_by_label))
    return Listing(
        statement=select(Job).where(*visible_to(actor)),
        filters=shown,
        sorts={"number": ()},
        default_sort="-number",
    )
