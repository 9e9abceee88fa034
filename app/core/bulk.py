"""Inserts many rows in one go, with their ids taken ahead: nothing has to be asked back.

A statement of the ORM is split wherever two rows leave different columns empty, and one that
returns ids is read row by row; of 100,000 customers each of both costs a minute. On SQLite the
rows go to the driver as they are to be stored, column by column made ready: as dicts, each row
would cost as much again as its insert.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, column, func, insert, select
from sqlalchemy import table as sql_table
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import Session

# The columns of rows, each as the driver takes its values.
Ready = dict[str, list[Any]]

# Where SQLite notes the last id that each table has given out.
sqlite_sequence = sql_table("sqlite_sequence", column("name"), column("seq"))
# So many rows go to SQLite by one statement: before each one that sets off triggers, it writes to
# the table what the full-text search has gathered, and twice the time of an insert went into that.
TOGETHER = 50


class _Raw(NamedTuple):
    """The statements for one row and for TOGETHER of them, and what makes values ready to store.

    Both take a row's values in the order of the processors.
    """

    of_one: str
    of_many: str
    processors: dict[str, Callable[[Any], Any] | None]


# The columns that rows of a table have filled so far. They only become more, so that few
# different statements are made.
_told: dict[Table, set[str]] = {}


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows of one shape into a table with ids; their ids in the order of the rows."""
    if not rows:
        return []
    session.flush()
    ids = take_ids(session, table, len(rows))
    _insert(session.connection(), table, {"id": ids, **_filled(table, rows)})
    return ids


def add_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of one shape whose ids are known already, or of no interest."""
    if not rows:
        return
    session.flush()
    _insert(session.connection(), table, _filled(table, rows))


def make_ready(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], late: Sequence[str]
) -> Ready:
    """Rows of one shape made ready to be stored later, without the columns `late`."""
    filled = _filled(table, rows) if rows else {}
    dialect = session.get_bind().dialect
    raw = _raw_insert(table, _names(table, {*filled, *late}), dialect)
    if raw is None:
        return filled
    return {
        name: values if (process := raw.processors[name]) is None else _processed(values, process)
        for name, values in filled.items()
    }


def add_ready(
    session: Session, table: Table, ready: Ready, late: Mapping[str, Sequence[Any]]
) -> None:
    """Insert rows that were made ready before, with what was not known yet."""
    if not ready:
        return
    session.flush()
    _insert(session.connection(), table, {**ready, **late}, stored=ready)


def _names(table: Table, filled: Container[str]) -> tuple[str, ...]:
    return tuple(one.name for one in table.columns if one.name in filled)


def _filled(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The rows by column, without columns that nobody has ever filled.

    What no row says costs as much as what they say: most customers leave half of it empty.
    """
    told = _told.setdefault(table, set())
    filled = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in told or _has_default(table, name) or values.count(None) < len(values):
            told.add(name)
            filled[name] = values
    return filled


def _insert(
    connection: Connection,
    table: Table,
    filled: Mapping[str, Sequence[Any]],
    stored: Container[str] = (),
) -> None:
    """Insert columns of values; those of `stored` are as the driver takes them already."""
    names = _names(table, filled)
    raw = _raw_insert(table, names, connection.dialect)
    if raw is None:
        values = [
            dict(zip(names, row, strict=True)) for row in zip(*map(filled.get, names), strict=True)
        ]
        connection.execute(insert(table), values)
        return
    columns = [
        filled[name] if process is None or name in stored else _processed(filled[name], process)
        for name, process in raw.processors.items()
    ]
    rows = list(zip(*columns, strict=True))
    whole = len(rows) - len(rows) % TOGETHER
    if whole:
        flat = list(chain.from_iterable(rows[:whole]))
        size = TOGETHER * len(names)
        connection.exec_driver_sql(
            raw.of_many, [tuple(flat[at : at + size]) for at in range(0, len(flat), size)]
        )
    if rows[whole:]:
        connection.exec_driver_sql(raw.of_one, rows[whole:])


def _processed(values: Sequence[Any], process: Callable[[Any], Any]) -> list[Any]:
    """The values as the driver takes them; what all rows share, such as the moment, once."""
    stored = []
    known, as_known = None, process(None)
    for value in values:
        if value is not known:
            known, as_known = value, process(value)
        stored.append(as_known)
    return stored


@lru_cache(maxsize=256)
def _raw_insert(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Raw | None:
    """How rows with values for `names` are handed to the driver.

    None where SQLAlchemy itself must fill in a default, and where the driver has other ways.
    """
    if dialect.name != "sqlite" or any(
        one.default is not None and one.name not in names for one in table.columns
    ):
        return None
    of_one = str(insert(table).compile(dialect=dialect, column_keys=names))
    placeholders = f"({', '.join('?' * len(names))})"
    of_many = of_one + f", {placeholders}" * (TOGETHER - 1)
    processors: dict[str, Callable[[Any], Any] | None] = {
        name: table.columns[name].type.dialect_impl(dialect).bind_processor(dialect)
        for name in names
    }
    return _Raw(of_one, of_many, processors)


def _has_default(table: Table, name: str) -> bool:
    one = table.columns[name]
    return one.default is not None or one.server_default is not None


def take_ids(session: Session, table: Table, count: int) -> list[int]:
    """Ids for new rows of a table.

    On SQLite the write lock is held already, and the next id is one more than the last given.
    """
    if session.get_bind().dialect.name == "sqlite":
        given = sqlite_sequence.c
        last = session.scalar(select(given.seq).where(given.name == table.name)) or 0
        return list(range(last + 1, last + 1 + count))
    places = func.generate_series(1, count).alias("places")
    series = func.pg_get_serial_sequence(table.name, "id")
    return list(session.scalars(select(func.nextval(series)).select_from(places)))
