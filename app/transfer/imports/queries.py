"""Reads of imports: the list, the refused cells page by page, and whether a file came before."""

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.transfer.models import Import, ImportRefusal, ImportState

# Options that decide what a row means. "All or nothing" decides only whether it is written.
MEANING = ("update", "match")


def imported_before(session: Session, one: Import) -> Import | None:
    """The last finished import of the same bytes, as the same kind and with the same options."""
    candidates = session.scalars(
        select(Import)
        .where(
            Import.sha256 == one.sha256,
            Import.kind == one.kind,
            Import.state == ImportState.DONE,
            Import.id < one.id,
        )
        .order_by(Import.id.desc())
        .limit(50)
    )
    wanted = meaning(one)
    return next((earlier for earlier in candidates if meaning(earlier) == wanted), None)


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


def refusals_of(import_id: int) -> Select[tuple[ImportRefusal]]:
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


def visible_imports(actor: Actor) -> Select[tuple[Import]]:
    """The imports that a person may see, newest first: one's own, or all with the permission."""
    statement = select(Import).order_by(Import.id.desc())
    if not actor.may(Permission.JOBS_VIEW_ALL):
        statement = statement.where(Import.created_by_id == actor.operator_id)
    return statement


def find_import(session: Session, import_id: int, *, actor: Actor) -> Import:
    """An import that this person may see. Raises NotFound otherwise."""
    found = session.scalar(visible_imports(actor).where(Import.id == import_id))
    if found is None:
        raise NotFound("There is no such import")
    return found
