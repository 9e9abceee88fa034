"""Finds customers whom somebody edited since their export, and says who, when and what now."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.audit.rules import old_and_new, words
from app.core.portions import portions
from app.customers.rules import FIELD_LABELS
from app.transfer.imports.kinds import stored
from app.transfer.imports.rows import ReadRow

# A workbook keeps a moment as a fraction of days, which is a little off.
_TOLERANCE: Final = timedelta(milliseconds=2)
_SHOWN: Final = 4  # changed fields that are told one by one
_LONGEST: Final = 60
_AGAIN: Final = "Export again, and repeat the change there"


def refuse_conflicts(
    session: Session,
    rows: Sequence[ReadRow],
    targets: Mapping[int, stored.Stored],
    zone: ZoneInfo,
) -> None:
    """Refuse rows about customers whom somebody edited after the export, or at an unknown time."""
    edited = []
    for row in rows:
        since = _conflict(row, targets[id(row)], zone)
        if since is not None:
            edited.append((row, targets[id(row)], since))
    if not edited:
        return
    entries = _history(session, {target.id: since for _, target, since in edited})
    for row, target, _ in edited:
        _refuse(row, target, entries.get(target.id, []), zone)


def _conflict(row: ReadRow, target: stored.Stored, zone: ZoneInfo) -> datetime | None:
    """The moment of the export's version of a customer who has another one now; else None."""
    exported = _moment(row.cells.get("changed_at"))
    if exported is None:
        return None
    now = target.values["changed_at"].astimezone(zone).replace(tzinfo=None)
    if not exported.microsecond:  # a workbook may have been told whole seconds only
        now = now.replace(microsecond=0)
    return exported.replace(tzinfo=zone) if abs(exported - now) > _TOLERANCE else None


def _moment(cell: Any) -> datetime | None:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    try:
        return datetime.fromisoformat(str(cell).strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _history(session: Session, since: Mapping[int, datetime]) -> dict[int, list[AuditEntry]]:
    """What the history tells of each customer after its moment, oldest first."""
    found: dict[int, list[AuditEntry]] = {}
    for some in portions(sorted(since)):
        entries = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.customer_id.in_(some), AuditEntry.entity == "customer")
            .where(AuditEntry.at > min(since[id_] for id_ in some) + _TOLERANCE)
            .order_by(AuditEntry.id)
        )
        for one in entries:
            id_ = one.customer_id or 0
            if one.at > since[id_] + _TOLERANCE:
                found.setdefault(id_, []).append(one)
    return found


def _refuse(
    row: ReadRow, target: stored.Stored, entries: Sequence[AuditEntry], zone: ZoneInfo
) -> None:
    number = target.values["number"]
    who = list(dict.fromkeys(one.actor_label for one in reversed(entries))) or ["Somebody"]
    others = f" and {len(who) - 1} more" if len(who) > 1 else ""
    at = (entries[-1].at if entries else target.values["changed_at"]).astimezone(zone)
    row.refuse(
        "changed_at",
        f"{who[0]}{others} edited this customer after the export, on {at:%d.%m.%Y at %H:%M}"
        f"{_now(entries)}: customer {number}",
        _AGAIN,
    )


def _now(entries: Sequence[AuditEntry]) -> str:
    """What the edits came to, field by field."""
    values: dict[str, Any] = {}
    for one in entries:
        values |= {name: old_and_new(change)[1] for name, change in (one.changes or {}).items()}
    if not values:
        return ""
    shown = [
        f"{FIELD_LABELS.get(name) or words(name)}: {_said(value)}"
        for name, value in list(values.items())[:_SHOWN]
    ]
    more = f"; and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return f" (now {'; '.join(shown)}{more})"


def _said(value: Any) -> str:
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "nothing" if value in (None, "") else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
