"""Connections to PostgreSQL: how they plan, and whether a pooled one is still there.

One is looked at before it is used. A server that is restarted, or that ends a connection, says so
on it before it goes: what has come in unasked is seen without a question. Only a connection that
nobody has used for a while is asked, since a network between the two may forget it in silence. To
ask each time, as SQLAlchemy offers it, took every request three answers of the server.
"""

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

# How long a connection may have been idle without being asked.
TRUSTED_SECONDS = 30
_SINCE = "idle since"
# The server's own default is that of turning disks: it would rather read a million wide rows from
# end to end than some thousands of an index. What an administrator has set himself is left.
_AS_FROM_MEMORY = """
    SELECT set_config('random_page_cost', '1.1', false)
    FROM pg_settings WHERE name = 'random_page_cost' AND source = 'default'
"""


def watch(engine: Engine) -> None:
    """Let each plan as fits tables in memory; never hand out one that the server has ended."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "checkout", _on_checkout)


def _on_connect(connection: Any, _record: Any) -> None:
    connection.execute(_AS_FROM_MEMORY)
    connection.commit()


def _on_checkin(_connection: Any, record: Any) -> None:
    record.info[_SINCE] = time.monotonic()


def _on_checkout(connection: Any, record: Any, _fairy: Any) -> None:
    since = record.info.get(_SINCE)
    if since is None:  # a new one
        return
    if time.monotonic() - since < TRUSTED_SECONDS and not _has_come_in(connection):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        record.info.pop(_SINCE)
        # The pool makes a new one, and trusts none that is older.
        raise InvalidatePoolError from error


def _has_come_in(connection: Any) -> bool:
    """Whether something stands on the connection to be read, its end included."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
