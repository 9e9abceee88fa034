"""The undo journal: what a long write touched, so that it can be taken back.

A job that writes in several commits sets `session.info["undo_journal"]` to its number; operations
then note what they touch, in the same transaction. Without it nothing is noted. Here stands the
noting, and the taking back of a killed job; taking_back.py takes back a finished one.

Each note belongs to a unit: the row itself, or the record whose deletion deletes the row (a
foreign key with ON DELETE CASCADE), so that a customer's address is judged with the customer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import Column, Table, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.bulk import add_rows
from app.core.database import Base
from app.core.models import UndoEntry
from app.core.portions import portions

KEY = "undo_journal"
_NOTES = cast(Table, UndoEntry.__table__)
Hook = Callable[[Session, Sequence[Mapping[str, Any]]], None]
# Called with the rows of a table that a take-back is about to remove or has restored, so that
# what is derived from them is derived anew.
_hooks: dict[str, Hook] = {}


def after_take_back(table_name: str, hook: Hook) -> None:
    """Let a feature recompute what it derives from rows of a table once they are taken back."""
    _hooks[table_name] = hook


def run_hook(session: Session, table_name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let the feature that derives something from these rows do it anew, if there is one."""
    if table_name in _hooks and rows:
        _hooks[table_name](session, rows)


def note_inserted(
    session: Session,
    table: Table,
    keys: Iterable[Sequence[Any]],
    *,
    units: Sequence[str] | None = None,
) -> None:
    """Note new rows by their primary keys, once they are inserted.

    `units` names the record with which each is taken back or left, where the tables do not say.
    """
    if _job(session) is None:
        return
    known = [list(key) for key in keys]
    owners = {} if units else _owners(session, table, known)
    version = 1 if "version" in table.columns else None
    entries = [_entry(table, key, None, version, owners.get(tuple(key))) for key in known]
    for entry, unit in zip(entries, units or (), strict=bool(units)):
        entry["unit"] = unit
    _note(session, entries)


def note_updated(session: Session, table: Table, before: Iterable[Mapping[str, Any]]) -> None:
    """Note rows about to be updated, or ones without a version about to be deleted, as they are.

    Of a row about to be updated, its key, its owner, its version and what is about to change are
    enough.
    """
    _note_before(session, table, before, gone=False)


def note_deleted(session: Session, table: Table, before: Iterable[Mapping[str, Any]]) -> None:
    """Note rows about to be deleted, as they are now: taking back makes them anew."""
    _note_before(session, table, before, gone=True)


@cache
def owner_of(table: Table) -> Column[Any] | None:
    """The column that names the record to which a row of the table belongs, if there is one."""
    return next(
        (
            column
            for column in table.columns
            if any(key.ondelete == "CASCADE" for key in column.foreign_keys)
        ),
        None,
    )


def take_back(session: Session, job_id: int, *, most: int = 1000) -> int:
    """Undo the newest `most` notes of a job, newest first, and forget them; 0 when none is left.

    Rows that somebody edited since are overwritten: this is for jobs that were killed, whose
    rows nobody could rely on yet.
    """
    notes = session.scalars(
        select(UndoEntry)
        .where(UndoEntry.job_id == job_id)
        .order_by(UndoEntry.id.desc())
        .limit(most)
    ).all()
    touched: dict[str, list[Mapping[str, Any]]] = {}
    for note in notes:
        table = Base.metadata.tables[note.table_name]
        match = tuple_(*table.primary_key) == tuple_(*note.row_key)
        row = session.execute(select(table).where(match)).mappings().first()
        if note.table_name in _hooks and (row or note.before):
            touched.setdefault(note.table_name, []).append(dict(row or note.before or {}))
        if note.before is None:
            session.execute(delete(table).where(match))
            continue
        values = restored(table, note.before)
        if row is None:
            session.execute(insert(table).values(values))
        else:
            if "version" in values:
                values["version"] = row["version"] + 1
            session.execute(update(table).where(match).values(values))
    session.execute(delete(UndoEntry).where(UndoEntry.id.in_([note.id for note in notes])))
    for name, rows in touched.items():
        run_hook(session, name, rows)
    return len(notes)


def _job(session: Session) -> int | None:
    job_id: int | None = session.info.get(KEY)
    return job_id


def _note_before(
    session: Session, table: Table, before: Iterable[Mapping[str, Any]], *, gone: bool
) -> None:
    if _job(session) is None:
        return
    names = [column.name for column in table.primary_key]
    owner = owner_of(table)
    _note(
        session,
        [
            _entry(
                table,
                [row[name] for name in names],
                {name: _plain(value) for name, value in row.items()},
                row["version"] + 1 if "version" in row and not gone else None,
                row[owner.name] if owner is not None else None,
            )
            for row in before
        ],
    )


def _owners(
    session: Session, table: Table, keys: Sequence[Sequence[Any]]
) -> dict[tuple[Any, ...], Any]:
    """To whom rows belong, by their keys."""
    owner = owner_of(table)
    if owner is None:
        return {}
    names = [column.name for column in table.primary_key]
    if owner.name in names:
        return {tuple(key): key[names.index(owner.name)] for key in keys}
    found: dict[tuple[Any, ...], Any] = {}
    for some in portions(keys):
        rows = session.execute(
            select(owner, *table.primary_key).where(tuple_(*table.primary_key).in_(some))
        )
        found |= {tuple(key): owned_by for owned_by, *key in rows}
    return found


def _entry(
    table: Table, key: Sequence[Any], before: Any, version: int | None, owned_by: Any
) -> dict[str, Any]:
    owner = owner_of(table)
    if owner is not None and owned_by is not None:
        (reference,) = owner.foreign_keys
        unit = f"{reference.column.table.name}:{owned_by}"
    else:
        unit = ":".join([table.name, *map(str, key)])
    return {
        "unit": unit,
        "table_name": table.name,
        "row_key": list(key),
        "before": before,
        "version_after": version,
    }


def _note(session: Session, entries: list[dict[str, Any]]) -> None:
    if entries:
        shared = {"job_id": _job(session), "created_at": clock.now()}
        add_rows(session, _NOTES, [entry | shared for entry in entries])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def restored(table: Table, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a before-image as the columns' types want them back."""
    values: dict[str, Any] = {}
    for name, value in stored.items():
        kind = table.columns[name].type.python_type
        if isinstance(value, str) and kind is datetime:
            values[name] = datetime.fromisoformat(value)
        elif isinstance(value, str) and kind is date:
            values[name] = date.fromisoformat(value)
        elif isinstance(value, str) and kind is Decimal:
            values[name] = Decimal(value)
        else:
            values[name] = value
    return values
