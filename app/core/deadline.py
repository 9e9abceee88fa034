"""A limit on how long a read may take: past it the database itself is asked to stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

# SQLite looks at the clock each time it has done so many steps of its machine; some microseconds.
_STEPS = 2_000
# PostgreSQL's code for a statement that was cancelled.
_CANCELLED = "57014"


class DeadlinePassed(Exception):
    """The read inside the deadline was stopped; the transaction goes on."""


@contextmanager
def deadline(session: Session, milliseconds: float) -> Iterator[None]:
    """Stop reads inside that take longer. Raises DeadlinePassed. Not for writes, not nested."""
    stop = _in_sqlite if session.get_bind().dialect.name == "sqlite" else _in_postgresql
    with stop(session, milliseconds):
        yield


@contextmanager
def _in_sqlite(session: Session, milliseconds: float) -> Iterator[None]:
    connection: Any = session.connection().connection.driver_connection
    end = perf_counter() + milliseconds / 1000
    connection.set_progress_handler(lambda: perf_counter() > end, _STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" in str(error.orig):
            raise DeadlinePassed from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


@contextmanager
def _in_postgresql(session: Session, milliseconds: float) -> Iterator[None]:
    """Inside a savepoint, since a cancelled statement ends what it stands in.

    The driver sends several commands at once where they have no values; a search is often over
    before as many answers could have been waited for.
    """
    driver: Any = session.connection().connection.driver_connection
    driver.execute(
        f"SAVEPOINT deadline; SET LOCAL statement_timeout = {max(1, int(milliseconds))}",
        prepare=False,
    )
    try:
        yield
    except BaseException as error:
        if not driver.closed:
            driver.execute("ROLLBACK TO SAVEPOINT deadline; RELEASE SAVEPOINT deadline")
        if isinstance(error, OperationalError) and _is_cancelled(error):
            raise DeadlinePassed from error
        raise
    driver.execute("SET LOCAL statement_timeout TO DEFAULT; RELEASE SAVEPOINT deadline")


def _is_cancelled(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _CANCELLED
