"""Imports an edited export of customers, kinds mixed, as an update of exactly the edited cells.

A cell that still says what the export said changes nothing, also in the form in which the export
had to say it: a masked IBAN, a text made harmless by a leading quotation mark. A customer whom
somebody edited since the export is not overwritten.
"""

from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from flask import current_app

from app.audit.rules import mask_iban
from app.customers.choices import CustomerKind
from app.transfer.columns.export import MASK
from app.transfer.columns.parsers import as_text
from app.transfer.imports.kinds import stored
from app.transfer.imports.kinds.base import Judged, Judging
from app.transfer.imports.kinds.conflicts import refuse_conflicts
from app.transfer.imports.kinds.customers import CustomerRowKind, changed, refuse_collisions
from app.transfer.imports.rows import ReadRow

_RUNS: Final = frozenset("=+-@\t\r")


class ExportedKind(CustomerRowKind):
    """Each row is an existing customer of any kind; its number says which."""

    name: ClassVar[str] = "customers"
    only_updates: ClassVar[bool] = True

    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Find what really differs, and refuse what somebody else changed meanwhile."""
        for row in rows:
            if not row.values.get("number") and not row.has_refusal("number"):
                row.refuse("number", "Customer number is missing", "It says who is meant")
        targets = stored.find_targets(judging, rows, None)
        known = [row for row in rows if id(row) in targets]
        for row in known:
            _as_exported(row, targets[id(row)])
        refuse_collisions(judging.session, rows, targets)
        changes = stored.judge_updates(known, targets)
        zone = ZoneInfo(current_app.config["SETTINGS"].timezone)
        changing = [row for row in known if changes[id(row)] is not None]
        refuse_conflicts(judging.session, changing, targets, zone)
        for row in changing:
            line = changes[id(row)]
            if line is not None:
                line.version = targets[id(row)].values["version"]
        return [changed(row, changes.get(id(row))) for row in rows]


def _as_exported(row: ReadRow, target: stored.Stored) -> None:
    """Bring the cells back from the form that the export gave them."""
    if target.values["kind"] != CustomerKind.INDIVIDUAL:
        row.aliases["company_name"] = "name"
        if "name" in row.values:
            row.values["company_name"] = row.values.pop("name")
    if MASK in str(row.values.get("iban", "")):
        masked = row.values.pop("iban")
        if masked != mask_iban(target.values["iban"]):
            row.refuse("iban", "IBAN is masked", "Write it in full, or leave the cell as it was")
    _unlock(row, target)
    for name, value in list(row.values.items()):
        defused = isinstance(value, str) and value[:1] == "'" and value[1:2] in _RUNS
        if defused and value != _stored_value(target, name):
            row.values[name] = value[1:]
    for column in row.layout.columns.values():
        field = "company_name" if row.aliases and column.field == "name" else column.field
        cell = row.cells.get(column.field)
        if row.has_refusal(column.field) and _says(cell, _stored_value(target, field)):
            row.forgive(column.field)  # it broke no rule when it was stored


def _unlock(row: ReadRow, target: stored.Stored) -> None:
    """Locking needs a lock text, which the export does not carry."""
    locked = row.values.pop("locked", None)
    if isinstance(locked, bool) and locked != target.values["locked"]:
        row.refuse(
            "locked", "Customers are not locked or unlocked by an import", "Do it on the record"
        )


def _stored_value(target: stored.Stored, field: str) -> Any:
    return target.values.get(field) if field in target.values else target.address.get(field)


def _says(cell: Any, value: Any) -> bool:
    return cell is not None and value is not None and as_text(cell).lstrip("'") == as_text(value)
