"""How the records of a table are named and told of when a job's changes are taken back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.core import taking_back
from app.core.actor import Actor
from app.core.database import Base
from app.core.portions import portions
from app.core.putting_back import RowChange
from app.core.taking_back import Unit

# What stands in rows that belong to a record, in a line each: by their table, with a name.
Parts = Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]]


class TableRecords(taking_back.Records):
    """Records of one table, known by one of its columns, whose history stands under `entity`."""

    def __init__(
        self, model: type[Base], entity: str, label: str, parts: Parts | None = None
    ) -> None:
        self._model = model
        self._table: Table = model.__table__  # type: ignore[assignment]
        self._entity = entity
        self._label = label
        self._parts = parts or {}

    def labels(self, session: Session, units: Sequence[Unit]) -> Mapping[int | None, str]:
        roots = {unit.id: unit.root for unit in units if unit.id is not None}
        found: dict[int | None, str] = {
            id_: str((root.then or root.now or {})[self._label])
            for id_, root in roots.items()
            if root is not None and (root.then or root.now)
        }
        key, label = self._table.c.id, self._table.c[self._label]
        for some in portions([id_ for id_ in roots if id_ not in found]):
            found |= {
                id_: str(name)
                for id_, name in session.execute(select(key, label).where(key.in_(some)))
            }
        return found

    def tell(self, session: Session, units: Sequence[Unit], *, actor: Actor, why: str) -> None:
        """One entry for each record, old and new as in every other one."""
        entries = []
        for unit in units:
            changes = self._changes(unit)
            if unit.root is not None:
                entries.append(self._entry(unit.root, changes, unit.label, actor, why))
            elif unit.id is not None and changes:
                row = RowChange(self._table, (unit.id,), None, None, 0)
                entries.append(self._entry(row, changes, unit.label, actor, why))
        audit.record_many(session, entries)

    def tell_parts(
        self, session: Session, rows: Sequence[RowChange], *, actor: Actor, why: str
    ) -> None:
        """One entry for each row that was taken back with the record it belongs to."""
        audit.record_many(session, [self._entry(row, _own(self._model, row), "", actor, why)
                                    for row in rows])  # fmt: skip

    def _entry(
        self, row: RowChange, changes: Mapping[str, Any], label: str, actor: Actor, why: str
    ) -> dict[str, Any]:
        values = row.then or row.now or {}
        return audit.entry(
            actor=actor,
            action=Action.TAKEN_BACK,
            entity=self._entity,
            entity_id=row.key[0],
            entity_label=label or str(values.get(self._label) or ""),
            customer_id=values.get("customer_id"),
            changes=changes,
            reason=why,
        )

    def _changes(self, unit: Unit) -> dict[str, list[Any]]:
        if unit.root is not None and unit.root.step == "delete":
            return {}
        changes = _own(self._model, unit.root) if unit.root is not None else {}
        for table, (name, line) in self._parts.items():
            touched = [row for row in unit.rows if row.table.name == table and row.step]
            if touched:
                changes[name] = [
                    [line(one) for one in side if one is not None]
                    for side in ([row.now for row in touched], [row.then for row in touched])
                ]
        return changes


def _own(model: type[Base], row: RowChange) -> dict[str, list[Any]]:
    if row.now is None or row.then is None:
        return {}
    changes = diff(model, row.now, row.then)
    return {name: pair for name, pair in changes.items() if name != "customer_id"}
