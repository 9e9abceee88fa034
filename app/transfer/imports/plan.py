"""What a check has decided, one line of JSON for each thing to write: the file a run works off."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, BinaryIO

from app.transfer.columns.base import CLEAR


class Action(StrEnum):
    """What is done with a row."""

    CREATE = "create"
    UPDATE = "update"


@dataclass(slots=True)
class PlanLine:
    """One thing to write. `rows` are the rows it stands for: [sheet, number] pairs.

    `parts` are what belongs to it and is written together with it, by sheet. An update with a
    `version` is for that one only: whoever edits the record after the check is not overwritten.
    """

    action: Action
    values: dict[str, Any]
    rows: list[list[Any]]
    target: int | None = None
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    version: int | None = None

    def dump(self) -> str:
        """The line as JSON."""
        return json.dumps(
            {
                "action": self.action,
                "target": self.target,
                "rows": self.rows,
                "values": self.values,
                "parts": self.parts,
                "version": self.version,
            },
            default=_encode,
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, line: str | bytes) -> "PlanLine":
        """The line from JSON."""
        found = load_values(line)
        return cls(
            Action(found["action"]),
            found["values"],
            found["rows"],
            found["target"],
            found["parts"],
            found.get("version"),
        )


def dump_values(values: Mapping[str, Any]) -> str:
    """Values of a row as JSON, for the scratch."""
    return json.dumps(values, default=_encode, ensure_ascii=False)


def load_values(line: str | bytes) -> Any:
    """Values of a row from JSON."""
    return _DECODER.decode(line if isinstance(line, str) else line.decode())


def read_plan(file: BinaryIO, skip: int) -> Iterator[PlanLine]:
    """The lines of a plan, without the first `skip`."""
    for number, line in enumerate(file):
        if number >= skip:
            yield PlanLine.load(line)


def _encode(value: object) -> Any:
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if value is CLEAR:
        return {"$clear": True}
    raise TypeError(f"{type(value).__name__} has no place in a plan")


def _decode(value: dict[str, Any]) -> Any:
    if "$date" in value:
        return date.fromisoformat(value["$date"])
    if "$decimal" in value:
        return Decimal(value["$decimal"])
    return CLEAR if "$clear" in value else value


_DECODER = json.JSONDecoder(object_hook=_decode)  # made once: a plan has a million lines
