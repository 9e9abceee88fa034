"""Takes back what a job changed, by the undo journal, but for records edited since.

The notes of a job are taken in portions, newest first, and by units (undo.py): of each unit either
all rows are taken back or none. One is left, with the reason, when somebody edited or removed it
since, when what it referred to is gone, when a value of it is taken by now, or when other records
have come to need it. Whatever became of them, the notes of a portion are forgotten with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    Row,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import undo
from app.core.actor import Actor
from app.core.database import Base
from app.core.models import UndoEntry
from app.core.portions import portions
from app.core.putting_back import RowChange, Values, put_back

EDITED = "It was edited since"
REMOVED = "It was removed since"
NEEDED = "Other records have come to need it, or hold what it had"


@dataclass(slots=True)
class Unit:
    """What is taken back or left as one; `left` is the reason, empty for one taken back."""

    table: str
    id: int | None
    rows: list[RowChange] = field(default_factory=list)
    label: str = ""
    left: str = ""

    @property
    def root(self) -> RowChange | None:
        """The row of the record itself, where the job touched that."""
        return next((row for row in self.rows if row.table.name == self.table), None)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of one portion."""

    taken: Sequence[Unit] = ()
    left: Sequence[Unit] = ()

    def __len__(self) -> int:
        return len(self.taken) + len(self.left)


class Records:
    """How the records of one table are named, judged and told of; features register their own."""

    def labels(self, session: Session, units: Sequence[Unit]) -> Mapping[int | None, str]:
        """What a person knows each record by; the others go by their number."""
        return {}

    def edited(self, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> str:
        """What to say of one that has another version now."""
        return EDITED

    def objections(self, session: Session, rows: Sequence[RowChange]) -> Mapping[int, str]:
        """What speaks against making rows what they were, by their place."""
        return {}

    def stamp(self, values: Values) -> Values:
        """What a row that is taken back says besides what it said then."""
        return values

    def tell(self, session: Session, units: Sequence[Unit], *, actor: Actor, why: str) -> None:
        """Write the history of units taken back."""

    def tell_parts(
        self, session: Session, rows: Sequence[RowChange], *, actor: Actor, why: str
    ) -> None:
        """Write the history of rows taken back with a record of another table."""


_records: dict[str, Records] = {}
_PLAIN = Records()


def register(table_name: str, records: Records) -> None:
    """Let a feature say how its records are taken back."""
    _records[table_name] = records


def count_units(session: Session, job_id: int) -> int:
    """How many records the journal still holds of a job."""
    units = select(UndoEntry.unit).where(UndoEntry.job_id == job_id).distinct().subquery()
    return session.scalar(select(func.count()).select_from(units)) or 0


def has_notes(session: Session, job_id: int) -> bool:
    """Whether the journal holds anything of a job."""
    found = select(UndoEntry.id).where(UndoEntry.job_id == job_id).limit(1)
    return session.scalar(found) is not None


def take_back(
    session: Session, job_id: int, *, actor: Actor, why: str, most: int = 1000
) -> TakenBack:
    """Take back the units of the newest `most` notes of a job; nothing is left when it is empty."""
    names = list(
        dict.fromkeys(
            session.scalars(
                select(UndoEntry.unit)
                .where(UndoEntry.job_id == job_id)
                .order_by(UndoEntry.id.desc())
                .limit(most)
            )
        )
    )
    if not names:
        return TakenBack()
    units = _read(session, job_id, names)
    _judge(session, units)
    _apply(session, [unit for unit in units if not unit.left])
    _name(session, units)
    taken = [unit for unit in units if not unit.left]
    for table, some in _by_table(taken).items():
        _kind(table).tell(session, some, actor=actor, why=why)
    for table, rows in _parts(taken).items():
        _kind(table).tell_parts(session, rows, actor=actor, why=why)
    _derive(session, taken)
    for names_ in portions(names):
        session.execute(
            delete(UndoEntry).where(UndoEntry.job_id == job_id, UndoEntry.unit.in_(names_))
        )
    session.expire_all()
    return TakenBack(taken, [unit for unit in units if unit.left])


def _kind(table: str) -> Records:
    return _records.get(table, _PLAIN)


def _by_table(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        found[unit.table].append(unit)
    return found


def _parts(units: Iterable[Unit]) -> dict[str, list[RowChange]]:
    """What was taken back together with records of other tables, by its table."""
    found: dict[str, list[RowChange]] = defaultdict(list)
    for unit in units:
        for row in unit.rows:
            if row.table.name != unit.table and row.step:
                found[row.table.name].append(row)
    return found


# Reading ------------------------------------------------------------------------------------------


def _read(session: Session, job_id: int, names: Sequence[str]) -> list[Unit]:
    """The units with their rows, and left already where somebody came in between."""
    notes: dict[tuple[str, str, tuple[Any, ...]], list[Row[Any]]] = defaultdict(list)
    columns = (
        UndoEntry.id, UndoEntry.unit, UndoEntry.table_name, UndoEntry.row_key,
        UndoEntry.before, UndoEntry.version_after,
    )  # fmt: skip
    for some in portions(names):
        statement = select(*columns).where(UndoEntry.job_id == job_id, UndoEntry.unit.in_(some))
        for note in session.execute(statement.order_by(UndoEntry.id)):
            notes[note.unit, note.table_name, tuple(note.row_key)].append(note)
    present = _present(session, [(table, key) for _, table, key in notes])
    units = {name: _empty(name) for name in names}
    for (name, table_name, key), told in notes.items():
        table = Base.metadata.tables[table_name]
        now, first = present.get((table_name, key)), told[0].before
        then = None if first is None else undo.restored(table, first)
        row = RowChange(table, key, now, then, told[-1].id)
        unit = units[name]
        unit.rows.append(row)
        unit.left = unit.left or _came_between(row, told)
        if now is not None and then is not None:
            # A before-image may hold only what the job was about to change.
            row.then = {**now, **then}
    return list(units.values())


def _empty(name: str) -> Unit:
    table, _, key = name.partition(":")
    return Unit(table, int(key) if key.isdecimal() else None)


def _present(
    session: Session, wanted: Iterable[tuple[str, tuple[Any, ...]]]
) -> dict[tuple[str, tuple[Any, ...]], Values]:
    """The rows as they are now, locked until the transaction ends where the database can."""
    by_table: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for name, key in wanted:
        by_table[name].append(key)
    found: dict[tuple[str, tuple[Any, ...]], Values] = {}
    # Owners first and in the order of their numbers, as whoever saves one locks them too.
    order = sorted(by_table, key=lambda n: undo.owner_of(Base.metadata.tables[n]) is not None)
    for name in order:
        table = Base.metadata.tables[name]
        keys = list(table.primary_key)
        for some in portions(sorted(by_table[name])):
            match = keys[0].in_([k for (k,) in some]) if len(keys) == 1 else tuple_(*keys).in_(some)
            rows = session.execute(select(table).where(match).order_by(*keys).with_for_update())
            for row in rows.mappings():
                found[name, tuple(row[key.name] for key in keys)] = dict(row)
    return found


def _came_between(row: RowChange, notes: Sequence[Row[Any]]) -> str:
    """Why a row cannot be taken back because of what was done to it since; or ""."""
    if "version" not in row.table.columns:
        return ""  # its owner's version tells
    after = notes[-1].version_after
    if row.now is None:
        # The job may have deleted it; otherwise somebody did, and it must not come back.
        return "" if row.then is None or after is None else REMOVED
    edited = row.now["version"] != after or any(
        later.before is not None and later.before["version"] != earlier.version_after
        for earlier, later in pairwise(notes)
    )
    return _kind(row.table.name).edited(row.now, row.then) if edited else ""


# Judging ------------------------------------------------------------------------------------------


def _judge(session: Session, units: Sequence[Unit]) -> None:
    """Leave the units that would not fit any more among what is there now."""
    by_table: dict[str, list[tuple[Unit, RowChange]]] = defaultdict(list)
    for unit in units:
        if not unit.left:
            for row in unit.rows:
                if row.step in ("insert", "update"):
                    by_table[row.table.name].append((unit, row))
    back = {(name, row.key) for name, pairs in by_table.items() for _, row in pairs}
    for name, pairs in by_table.items():
        gone = _gone_references(session, [row for _, row in pairs], back)
        against = _kind(name).objections(session, [row for _, row in pairs])
        for place, (unit, _) in enumerate(pairs):
            unit.left = unit.left or gone.get(place, "") or against.get(place, "")


def _gone_references(
    session: Session, rows: Sequence[RowChange], back: set[tuple[str, tuple[Any, ...]]]
) -> dict[int, str]:
    """Which rows referred to something that is not there any more, by their place."""
    found: dict[int, str] = {}
    for reference in rows[0].table.foreign_keys if rows else ():
        name, target = reference.parent.name, reference.column
        wanted = {
            place: row.then[name]
            for place, row in enumerate(rows)
            if row.then is not None
            and row.then.get(name) is not None
            and (row.now is None or row.now[name] != row.then[name])
            and (target.table.name, (row.then[name],)) not in back
        }
        there: set[Any] = set()
        for some in portions(sorted(set(wanted.values()))):
            there |= set(session.scalars(select(target).where(target.in_(some))))
        words = name.removesuffix("_id").replace("_", " ")
        found |= {
            place: f"The {words} that it had is not there any more"
            for place, value in wanted.items()
            if value not in there
        }
    return found


# Writing ------------------------------------------------------------------------------------------


def _apply(session: Session, units: Sequence[Unit]) -> None:
    """Write the units; where the database refuses, one by one, so that only those it means stay."""
    if not units:
        return
    try:
        with session.begin_nested():
            rows = [row for unit in units for row in unit.rows]
            put_back(session, rows, lambda table, values: _kind(table).stamp(values))
    except IntegrityError:
        if len(units) == 1:
            units[0].left = NEEDED
            return
        for unit in sorted(units, key=lambda one: -max(row.newest for row in one.rows)):
            _apply(session, [unit])


def _name(session: Session, units: Sequence[Unit]) -> None:
    for table, some in _by_table(units).items():
        known = _kind(table).labels(session, some)
        for unit in some:
            unit.label = known.get(unit.id) or f"{table.replace('_', ' ')} {unit.id or ''}".strip()


def _derive(session: Session, units: Sequence[Unit]) -> None:
    """Let features work out anew what they derive from rows that were taken back."""
    touched: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for unit in units:
        for row in unit.rows:
            if row.step:
                touched[row.table.name].append(row.now or row.then or {})
    for name, rows in touched.items():
        undo.run_hook(session, name, rows)
