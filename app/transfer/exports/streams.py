"""Reads rows for exports a portion at a time, as plain tuples and never as records."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

PORTION: Final = 500


def stream(session: Session, statement: Select[Any]) -> Iterator[Any]:
    """The rows of a statement; memory holds one portion of them."""
    # By the session's connection: the session itself would look at each row for records.
    found = session.connection().execute(statement, execution_options={"yield_per": PORTION})
    for rows in found.partitions():
        yield from rows
