"""Writes rows as they were before a job changed them; taking_back.py decides which."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Boolean, Column, Table, bindparam, delete, insert, tuple_, update
from sqlalchemy.orm import Session

from app.core.portions import portions

Values = dict[str, Any]
Stamp = Callable[[str, Values], Values]


@dataclass(slots=True)
class RowChange:
    """One row: as it is `now` and as it was `then`, before the job; None where it is not there."""

    table: Table
    key: tuple[Any, ...]
    now: Values | None
    then: Values | None
    newest: int

    @property
    def step(self) -> str:
        """What takes it back: "delete", "insert", "update", or "" where nothing is to do."""
        if self.now is None:
            return "insert" if self.then is not None else ""
        return "delete" if self.then is None else "update"


def put_back(session: Session, changed: Iterable[RowChange], stamp: Stamp) -> None:
    """Make rows what they were, newest first; `stamp` adds to the values of a table's row."""
    rows = sorted((row for row in changed if row.step), key=lambda row: -row.newest)
    _give_up_marks(session, rows)
    for (table, step), run in groupby(rows, key=lambda row: (row.table, row.step)):
        for some in portions(run):
            if step == "delete":
                keys = [row.key for row in some]
                session.execute(delete(table).where(tuple_(*table.primary_key).in_(keys)))
            elif step == "insert":
                back = [stamp(table.name, dict(row.then or {})) for row in some]
                session.execute(insert(table), back)
            else:
                _update(session, table, some, stamp)


def _update(session: Session, table: Table, rows: Sequence[RowChange], stamp: Stamp) -> None:
    values = []
    for row in rows:
        assert row.now is not None and row.then is not None
        new = stamp(table.name, {**row.now, **row.then})
        if "version" in new:
            new["version"] = row.now["version"] + 1
        values.append((row.now, new))
    names = [name for name in values[0][1] if any(now[name] != new[name] for now, new in values)]
    if not names:
        return
    statement = update(table).values({name: bindparam(f"new_{name}") for name in names})
    for column in table.primary_key:
        statement = statement.where(column == bindparam(f"key_{column.name}"))
    session.connection().execute(
        statement,
        [
            {f"new_{name}": new[name] for name in names}
            | {f"key_{column.name}": now[column.name] for column in table.primary_key}
            for now, new in values
        ],
    )


def _give_up_marks(session: Session, rows: Sequence[RowChange]) -> None:
    """Take marks that only one of several may bear, such as that of the default address.

    Those that had them get them back afterwards, in whatever order the rows are written.
    """
    for table in {row.table for row in rows if row.step == "update"}:
        for column in _marks(table):
            keys = [
                row.key
                for row in rows
                if row.table is table
                and row.now is not None
                and row.then is not None
                and row.now[column.name]
                and not row.then[column.name]
            ]
            for some in portions(keys):
                session.execute(
                    update(table)
                    .where(tuple_(*table.primary_key).in_(some))
                    .values({column.name: False})
                )


def _marks(table: Table) -> list[Column[Any]]:
    """The yes-or-no columns of a table that are unique where they say yes."""
    where = [str(one.dialect_options["sqlite"]["where"]) for one in table.indexes if one.unique]
    return [c for c in table.columns if isinstance(c.type, Boolean) and c.name in where]
