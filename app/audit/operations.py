"""The one way into the history. Entries go into the transaction of the change they tell of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.audit.rules import diff, snapshot
from app.core import clock
from app.core.actor import Actor
from app.core.bulk import add_rows
from app.core.database import Base

_HISTORY = cast(Table, AuditEntry.__table__)


def entry(
    *,
    actor: Actor,
    action: Action,
    entity: str,
    entity_id: int | None,
    entity_label: str = "",
    customer_id: int | None = None,
    changes: Mapping[str, Any] | None = None,
    reason: str | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The values of one history row, for `record_many`; `at` is the moment if it is not now."""
    return {
        "at": at or clock.now(),
        "actor_label": actor.label[:255],
        "operator_id": actor.operator_id,
        "channel": actor.channel.value,
        "job_id": actor.job_id,
        "action": action.value,
        "entity": entity,
        "entity_id": entity_id,
        "entity_label": entity_label[:255],
        "customer_id": customer_id,
        "changes": dict(changes) if changes else None,
        "reason": reason,
    }


def record_many(session: Session, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write many entries (made by `entry`) in one statement."""
    add_rows(session, _HISTORY, list(entries))


def record(
    session: Session,
    *,
    actor: Actor,
    action: Action,
    entity: str,
    entity_id: int | None,
    entity_label: str = "",
    customer_id: int | None = None,
    changes: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Write one entry."""
    record_many(
        session,
        [
            entry(
                actor=actor,
                action=action,
                entity=entity,
                entity_id=entity_id,
                entity_label=entity_label,
                customer_id=customer_id,
                changes=changes,
                reason=reason,
            )
        ],
    )


def record_change(
    session: Session,
    row: Base,
    before: Mapping[str, Any],
    *,
    after: Mapping[str, Any] | None = None,
    actor: Actor,
    entity: str,
    entity_label: str = "",
    customer_id: int | None = None,
    action: Action | None = None,
) -> None:
    """Write what changed on a flushed row since the snapshot `before` ({} for a new row).

    Nothing is written when nothing changed.
    """
    changes = diff(type(row), before, snapshot(row) if after is None else after)
    if not changes:
        return
    record(
        session,
        actor=actor,
        entity=entity,
        entity_id=getattr(row, "id", None),
        entity_label=entity_label,
        customer_id=customer_id,
        changes=changes,
        action=action or (Action.CHANGED if before else Action.CREATED),
    )
