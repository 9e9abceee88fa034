"""What belongs to a customer in higher rooms, and moves when two customers are merged.

A room registers its tables when the application is made. Where rows only have to change hands,
that is one line:

    register_belonging(plain("invoices", "invoice", "invoices", Invoice.__table__))

Rows are moved through the tables and noted in the undo journal, so that the merge can be undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from app.core import undo
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions


@dataclass(frozen=True, slots=True)
class Merging:
    """Two customers about to become one, as other rooms see them.

    `addresses` are those that neither keeps, by id, each with the kept one that says the same.
    """

    winner_id: int
    loser_id: int
    winner_kind: str
    addresses: Mapping[int, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would move: how many, what one should know, and what speaks against the merge."""

    count: int
    notes: Sequence[str] = ()
    against: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Belonging:
    """One kind of thing that customers have. `move` tells how many changed hands."""

    name: str
    one: str
    many: str
    tables: frozenset[str]
    preview: Callable[[Session, Merging], Preview]
    move: Callable[[Session, Merging, Actor], int]

    def counted(self, count: int) -> str:
        """So many of them, in words: 1 invoice, 12 invoices."""
        return f"{count:,} {self.one if count == 1 else self.many}"


_belongings: dict[str, Belonging] = {}


def register_belonging(belonging: Belonging) -> None:
    """Let what a feature keeps of customers move in a merge; the order of registering is kept."""
    _belongings[belonging.name] = belonging


def belongings() -> list[Belonging]:
    """Everything that belongs to customers in other rooms."""
    return list(_belongings.values())


def plain(name: str, one: str, many: str, table: Any) -> Belonging:
    """Rows of a table that only change hands: nothing of them can collide."""
    return Belonging(
        name,
        one,
        many,
        frozenset({table.name}),
        preview=lambda session, merging: Preview(count_of(session, table, merging.loser_id)),
        move=lambda session, merging, actor: move_rows(session, table, merging),
    )


def count_of(session: Session, table: Table, customer_id: int) -> int:
    """How many rows of the table a customer has."""
    wanted = select(func.count()).select_from(table).where(table.c.customer_id == customer_id)
    return session.scalar(wanted) or 0


def move_rows(session: Session, table: Table, merging: Merging, *where: Any) -> int:
    """Give the loser's rows (those of them that fit) to the winner; how many."""
    mine = select(table).where(table.c.customer_id == merging.loser_id, *where)
    rows = session.execute(mine.order_by(*table.primary_key)).mappings().all()
    values: dict[str, Any] = {"customer_id": merging.winner_id}
    if "version" in table.columns:
        values["version"] = table.c.version + 1
    for some in portions(rows):
        undo.note_updated(session, table, [dict(row) for row in some])
        ids = [row["id"] for row in some]
        session.connection().execute(update(table).where(table.c.id.in_(ids)).values(values))
    return len(rows)
