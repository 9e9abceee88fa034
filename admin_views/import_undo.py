"""Taking an import back, as its page offers it."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from admin_views.access import acting
from admin_views.actions import Action
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import undoing
from app.jobs.leftovers import count_leftovers
from app.jobs.models import Job
from app.transfer.models import Import, ImportState


def undone_by(one: Import) -> Job | None:
    """The job that takes this import back, or did."""
    return undoing.undone_by(db.session(), one.run_job_id) if one.run_job_id else None


def left_by(one: Import) -> Job | None:
    """The job that lists what stayed as it was, for whoever may see it."""
    if one.state != ImportState.TAKEN_BACK or one.run_job is None:
        return None
    job = undone_by(one) or one.run_job
    may_see = current_actor().may(Permission.JOBS_VIEW_ALL) or (
        job.created_by_id == current_actor().operator_id
    )
    return job if may_see and count_leftovers(db.session(), job.id) else None


def _undo(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    for import_id in ids:
        run_job_id = session.get_one(Import, import_id).run_job_id
        if run_job_id is None:
            raise Refused.because("This import has written nothing that could be taken back")
        undoing.start_undo(session, run_job_id, actor=actor)
    return "What this import has written is being taken back."


def may_undo(one: Import) -> bool:
    """Whether the present operator may still take it back."""
    return (
        one.state == ImportState.DONE
        and one.run_job is not None
        and undoing.may_undo(db.session(), one.run_job, acting())
    )


UNDO = Action(
    "undo",
    "Undo",
    Permission.JOBS_VIEW,
    _undo,
    icon="arrow-back-up",
    confirm=(
        "Take back everything that this import has written? Records that somebody edited "
        "since stay as they are and are listed."
    ),
    places=frozenset({"record"}),
    shown=may_undo,
)
