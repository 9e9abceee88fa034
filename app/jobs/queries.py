"""Reads of jobs: who sees which, newest first."""

from sqlalchemy import Select, select

from app.core.actor import Actor
from app.core.permissions import Permission
from app.jobs.models import Job


def visible_to(actor: Actor) -> Select[tuple[Job]]:
    """The jobs an actor may see: all with the permission for it, else the actor's own."""
    actor.require(Permission.JOBS_VIEW)
    statement = select(Job)
    if not actor.may(Permission.JOBS_VIEW_ALL):
        statement = statement.where(Job.created_by_id == actor.operator_id)
    return statement
