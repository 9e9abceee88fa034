"""Finding a record of another table while typing, and checking a field when it is left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Problem
from app.core.permissions import Permission

MOST_HITS = 20


@dataclass(frozen=True, slots=True)
class Lookup:
    """A source of choices. `search(session, text, limit)` gives pairs of id and text.

    `label(session, id)` is the text of a chosen one, `labels(session, ids)` those of many at once,
    for forms with a choice in each of many rows. Open to whoever may create or edit here and
    has `permission`, if one is named.
    """

    search: Callable[[Session, str, int], Sequence[tuple[Any, str]]]
    label: Callable[[Session, Any], str | None]
    permission: Permission | None = None
    labels: Callable[[Session, Sequence[Any]], Mapping[Any, str]] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer of a live check: what is wrong, or a note, or values for other fields.

    `fill` names fields of the form; `fill_row` names fields of the row that the checked one
    stands in, and fills only those in which nobody has typed.
    """

    problems: Sequence[Problem] = ()
    note: str = ""
    fill: Mapping[str, str] = field(default_factory=dict)
    fill_row: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What kontor.js shows below the field."""
        return {
            "problems": [
                {"message": one.message, "hint": one.hint, "link": one.link}
                for one in self.problems
            ],
            "note": self.note,
            "fill": dict(self.fill),
            "fill_row": dict(self.fill_row),
        }


Check = Callable[[Session, Mapping[str, str], int | None], Checked]
