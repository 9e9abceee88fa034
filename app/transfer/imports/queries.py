"""Reads of imports: the list, the refused cells page by page, and whether a file came before."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core import filters
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.jobs.models import Job, JobUndo
from app.transfer.models import Import, ImportRefusal, ImportState

# Options that decide what a row means. "All or nothing" decides only whether it is written.
MEANING = ("update", "match")


def imported_before(
    session: Session, one: Import, alike: Callable[[Import], bool]
) -> Import | None:
    """The last finished import of the same bytes, as the same kind and with the same options.

    `alike` tells whether its headings would be understood today as they were then.
    """
    candidates = session.scalars(
        select(Import)
        .where(
            Import.sha256 == one.sha256,
            Import.kind == one.kind,
            Import.state == ImportState.DONE,
            Import.refused_rows < Import.rows,
            # Which rows were refused is no longer known once their upload is gone.
            or_(Import.refused_rows == 0, Import.file.has(StoredFile.removed_at.is_(None))),
            Import.id < one.id,
        )
        .order_by(Import.id.desc())
        .limit(50)
    )
    wanted, undone_at = meaning(one), _last_undone(session, one)
    return next(
        (
            earlier
            for earlier in candidates
            if meaning(earlier) == wanted
            and alike(earlier)
            and (undone_at is None or earlier.created_at > undone_at)
        ),
        None,
    )


def _last_undone(session: Session, one: Import) -> datetime | None:
    """When somebody last asked for an import of the same bytes to be taken back.

    What came before that says nothing any more, also where it found its rows there already.
    """
    return session.scalar(
        select(func.max(Job.created_at))
        .join(JobUndo, JobUndo.undo_job_id == Job.id)
        .join(Import, Import.run_job_id == JobUndo.job_id)
        .where(Import.sha256 == one.sha256, Import.kind == one.kind)
    )


def meaning(one: Import) -> tuple[object, ...]:
    """The options that decide what the rows of an import mean."""
    return tuple(one.options.get(name) or None for name in MEANING)


def told_before(earlier: Import) -> str:
    """What to say about a file that came before."""
    said = (
        f"This file was imported before, on {earlier.created_at:%d.%m.%Y} by "
        f"{earlier.created_by_label}"
    )
    if earlier.refused_rows:
        return (
            f"{said}. What was imported then stays as it is; "
            "only the rows that were refused then are judged again."
        )
    return f"{said}. Nothing is changed."


def refusals_of(import_id: int) -> Select[ImportRefusal]:
    """The refused cells of an import in the order of the file."""
    return (
        select(ImportRefusal).where(ImportRefusal.import_id == import_id).order_by(ImportRefusal.id)
    )


def count_refusals(session: Session, import_id: int) -> int:
    """How many cells an import refused."""
    return (
        session.scalar(
            select(func.count())
            .select_from(ImportRefusal)
            .where(ImportRefusal.import_id == import_id)
        )
        or 0
    )


def last_refusal(session: Session, import_id: int) -> int:
    """The number of the last refused cell so far; 0 if there is none."""
    last = select(func.max(ImportRefusal.id)).where(ImportRefusal.import_id == import_id)
    return session.scalar(last) or 0


def visible_to(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions of the imports a person may see: one's own, or all with that permission."""
    if actor.may(Permission.JOBS_VIEW_ALL):
        return []
    return [Import.created_by_id == actor.operator_id]


def listing(actor: Actor, kinds: Sequence[tuple[str, str]]) -> Listing:
    """The list of imports, the newest first; `kinds` are names and titles to filter by."""
    shown = [
        filters.choice("kind", "Kind", Import.kind, kinds),
        filters.choice(
            "state", "State", Import.state, [(s.value, s.value.capitalize()) for s in ImportState]
        ),
        filters.moment_between("created", "Uploaded", Import.created_at),
    ]
    if actor.may(Permission.JOBS_VIEW_ALL):
        shown.append(filters.text("by", "Uploaded by", Import.created_by_label))
    return Listing(
        statement=select(Import).where(*visible_to(actor)),
        filters=shown,
        sorts={"number": ()},
        default_sort="-number",
        options=(joinedload(Import.file),),
    )
