"""Reads of exports: the receipts that a person may see, and the files that they tell of."""

from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.core import filters
from app.core.actor import Actor
from app.core.filters import Choice
from app.core.listing import Listing
from app.core.models import FileDownload, StoredFile
from app.core.permissions import Permission

ENTITY: Final = "export"


def visible_to(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions of the receipts a person may see: one's own, or all with that permission."""
    exports = [AuditEntry.entity == ENTITY, AuditEntry.action == Action.EXPORTED]
    if actor.may(Permission.JOBS_VIEW_ALL):
        return exports
    return [*exports, AuditEntry.operator_id == actor.operator_id]


def listing(actor: Actor) -> Listing:
    """The receipts of exports, the newest first."""
    shown = [
        filters.choice(
            "list",
            "List",
            AuditEntry.entity_label,
            _exported_lists,
        ),
        filters.moment_between("exported", "Exported", AuditEntry.at),
    ]
    if actor.may(Permission.JOBS_VIEW_ALL):
        shown.append(filters.text("by", "Exported by", AuditEntry.actor_label))
    return Listing(
        statement=select(AuditEntry).where(*visible_to(actor)),
        filters=shown,
        sorts={"number": ()},
        default_sort="-number",
    )


def _exported_lists(session: Session) -> list[Choice]:
    """The lists that somebody has exported."""
    titles = session.scalars(
        select(AuditEntry.entity_label)
        .where(AuditEntry.entity == ENTITY)
        .distinct()
        .order_by(AuditEntry.entity_label)
    )
    return [(title, title) for title in titles]


def receipt_of(session: Session, number: int) -> AuditEntry:
    """The receipt of this number."""
    return session.get_one(AuditEntry, number)


def file_of(session: Session, receipt: AuditEntry) -> StoredFile | None:
    """The file of an export, while it is kept; none where it went to the command line."""
    if receipt.entity_id is None:
        return None
    stored = session.get(StoredFile, receipt.entity_id)
    return stored if stored is not None and stored.removed_at is None else None


def downloads_of(session: Session, receipt: AuditEntry) -> list[FileDownload]:
    """Who downloaded the file of an export, and when."""
    if receipt.entity_id is None:
        return []
    return list(
        session.scalars(
            select(FileDownload)
            .where(FileDownload.file_id == receipt.entity_id)
            .order_by(FileDownload.id)
        )
    )
