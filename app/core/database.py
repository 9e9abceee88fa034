"""The declarative base, the column types every table shares, and how SQLite begins a write."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    event,
    text,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from app.core import server_connections

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# How long a writer waits for SQLite's write lock, and how often it looks whether it is free.
PATIENCE_SECONDS = 30
LOOK_AGAIN_SECONDS = 0.004
# After so many pages of 4 KB in the write-ahead log, whoever commits copies them into the
# database. Much, because a long write copies them itself before, when nobody has to wait for it.
LOG_PAGES = 16_000

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY; PostgreSQL gets room for the
# ten million related rows and beyond.
BigId = BigInteger().with_variant(Integer(), "sqlite")


def key_string(length: int) -> String:
    """A normalised text compared byte by byte on every database, so that ranges and order agree."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Every table of Kontor."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


@lru_cache(maxsize=64)  # a long write stores the same moment in every row
def _as_stored(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, naive UTC with milliseconds in the database.

    Raises ValueError for a naive moment, whose zone nobody could know later.
    """

    impl = DateTime
    cache_ok = True
    python_type = datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _as_stored(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Identified:
    """A row with a number of its own, never given to another: the history outlives its rows."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-10)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Without AUTOINCREMENT, SQLite gives the number of the last deleted row to the next one.
        cls.__table__.dialect_options["sqlite"]["autoincrement"] = True  # type: ignore[attr-defined]


class Versioned:
    """A row that people edit: the version tells the loser of two savers (design.md)."""

    version: Mapped[int] = mapped_column(Integer, nullable=False, info={"audit": "skip"})


# As much as SQLite is built to map; of a larger file the first part.
_MOST_MAPPED = 2**31 - 2**16
_MAPPED = "file is mapped"
# What a connection keeps of SQLite's file in memory, in KB.
PAGE_CACHE, SMALL_PAGE_CACHE = 65_536, 1_024

_writing: ContextVar[bool] = ContextVar("writing", default=False)


@contextmanager
def immediate_begin() -> Iterator[None]:
    """Let transactions that begin inside take SQLite's write lock at once.

    A deferred BEGIN that turns into a write later fails instead of waiting, and one that
    read before it could accept a stale write. PostgreSQL needs no such hint.
    """
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


def is_writing() -> bool:
    """Tell whether this thread is inside a write transaction."""
    return _writing.get()


def prepare_engine(engine: Engine) -> None:
    """Give every SQLite connection WAL, foreign keys, a busy timeout, and explicit BEGINs.

    One to PostgreSQL is looked at before it is used again.
    """
    if engine.dialect.name != "sqlite":
        server_connections.watch(engine)
        return
    if event.contains(engine, "connect", _on_connect):
        return
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "before_cursor_execute", _with_plan, retval=True)


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # None stops the driver from beginning transactions on its own, before the first write only.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        f"busy_timeout={PATIENCE_SECONDS * 1000}",
        "synchronous=NORMAL",
        f"cache_size=-{PAGE_CACHE}",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={LOG_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def map_file(session: Session) -> None:
    """Let this connection to SQLite read through a map of the file, as pages of lists do.

    Rows all over a large file are then read about twice as fast. Jobs go without: what they have
    mapped would count as their memory.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite" and not connection.info.get(_MAPPED):
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA mmap_size={_MOST_MAPPED}")
        connection.info[_MAPPED] = True


def _on_begin(connection: Connection) -> None:
    if not _writing.get():
        connection.exec_driver_sql("BEGIN")
        return
    with _queue(connection.engine) as place:
        fcntl.flock(place, fcntl.LOCK_SH)
        _take_write_lock(connection.connection.driver_connection)  # type: ignore[arg-type]


def _take_write_lock(connection: sqlite3.Connection) -> None:
    """Begin to write, soon after the writer before has ended.

    SQLite's own patience sleeps a tenth of a second at a time, in which a long write would have
    begun its next commit.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > until:
                    raise
            time.sleep(LOOK_AGAIN_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000}")


@contextmanager
def _queue(engine: Engine) -> Iterator[int]:
    """A file beside the database, locked by all that wait for SQLite's write lock."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    place = os.open(f"{engine.url.database}-queue", flags, 0o600)
    try:
        yield place
    finally:
        os.close(place)  # and with it its lock, as when the process is killed


def somebody_waits(engine: Engine, *, otherwise: bool) -> bool:
    """Tell whether somebody waits for SQLite's write lock; `otherwise` where that is not known."""
    if engine.dialect.name != "sqlite":
        return otherwise
    with _queue(engine) as place:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def let_others_write(engine: Engine, most_seconds: float) -> None:
    """Wait until nobody waits to write any more, on SQLite; who writes long asks between commits.

    SQLite wakes nobody: those who wait look again now and then, and a long write that goes on at
    once would be there before them. PostgreSQL serves them in their order.
    """
    if engine.dialect.name != "sqlite":
        return
    until = time.monotonic() + most_seconds
    while time.monotonic() < until and somebody_waits(engine, otherwise=False):
        time.sleep(LOOK_AGAIN_SECONDS / 2)


def write_back(engine: Engine) -> None:
    """Copy what was written from SQLite's write-ahead log into the database.

    Nobody waits for it, neither to read nor to write; left to itself, SQLite lets somebody's
    save do it. The log grows where somebody reads at every moment: a long one begins anew, and
    nobody writes while the last readers are waited for, a twentieth of a second at most.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        sqlite: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        _busy, pages, _done = sqlite.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages < LOG_PAGES:
            return
        sqlite.execute("PRAGMA busy_timeout=50")
        try:
            sqlite.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        finally:
            sqlite.execute(f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000}")


def _with_plan(
    _connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    _many: bool,
) -> tuple[str, Any]:
    """Tell SQLite which way to go where a statement asks for it (`sqlite_plan`: old, new text).

    SQLAlchemy has no words for INDEXED BY and CROSS JOIN, by which SQLite takes an index or an
    order of tables that its planner would not choose.
    """
    old, new = context.execution_options.get("sqlite_plan", ("", ""))
    return (statement.replace(old, new, 1) if old else statement), parameters


@contextmanager
def page_cache(session: Session, kilobytes: int) -> Iterator[None]:
    """Let this connection to SQLite keep fewer pages in memory, as long as the transaction lasts.

    For work that goes through a large table once: what it has kept would only be its memory.
    """
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    driver: Any = session.connection().connection.driver_connection
    driver.execute(f"PRAGMA cache_size=-{kilobytes}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA cache_size=-{PAGE_CACHE}")


def reading_through(session: Session) -> AbstractContextManager[None]:
    """Read a large table from end to end without keeping the pages that are read only once."""
    return page_cache(session, SMALL_PAGE_CACHE)


def refresh_statistics(session: Session) -> None:
    """Let the database look anew at how its values are spread, by samples: a matter of moments.

    PostgreSQL does so by itself sooner or later; after a great many new rows, later is too late.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA analysis_limit = 1000"))
    session.execute(text("ANALYZE"))


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call back once the transaction under way is committed; forget it if it is rolled back.

    The same callback is called once, however often it was asked for.
    """
    waiting: list[Callable[[], None]] = session.info.setdefault("after_commit", [])
    if callback not in waiting:
        waiting.append(callback)


def run_after_commit(session: Session) -> None:
    """Run what waited for the commit. Called by the one commit boundary only."""
    for callback in session.info.pop("after_commit", []):
        callback()


def forget_after_commit(session: Session) -> None:
    """Drop what waited for a commit that did not come."""
    session.info.pop("after_commit", None)
