"""A notebook on disk for one check: what rows of the file have claimed, and what waits for others.

A million rows claim three million values; a temporary SQLite database keeps them without
filling the memory, and vanishes with the check.
"""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Self


class Scratch:
    """Claims and waiting lines of one check."""

    def __init__(self) -> None:
        self._appended = 0
        # An empty name is a private database that SQLite spills to disk and deletes by itself.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;"
            "CREATE TABLE claims (kind TEXT, key TEXT, row INTEGER, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID;"
            "CREATE TABLE lines (owner TEXT, number INTEGER, line TEXT,"
            " PRIMARY KEY (owner, number)) WITHOUT ROWID;"
            "BEGIN"
        )

    def claim(self, kind: str, key: str, row: int) -> int | None:
        """Claim a value for a row; return the row that has it already, None if it was free."""
        added = self._db.execute(
            "INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", (kind, key, row)
        ).rowcount
        return None if added else self.claimed_by(kind, key)

    def claimed_by(self, kind: str, key: str) -> int | None:
        """The row that claimed a value, if one has."""
        found = self._db.execute(
            "SELECT row FROM claims WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if found is None else int(found[0])

    def keep(self, owner: str, number: int, line: str) -> None:
        """Keep a line for an owner, to be fetched in the order of its number."""
        self._db.execute("INSERT INTO lines VALUES (?, ?, ?)", (owner, number, line))

    def append(self, owner: str, line: str) -> None:
        """Keep a line for an owner, after those it has."""
        self._appended += 1
        self.keep(owner, self._appended, line)

    def kept(self, owner: str) -> Iterator[tuple[int, str]]:
        """The lines kept for an owner, with their numbers."""
        yield from self._db.execute(
            "SELECT number, line FROM lines WHERE owner = ? ORDER BY number", (owner,)
        )

    def owners(self, prefix: str) -> list[str]:
        """Every owner whose name begins with a prefix."""
        found = self._db.execute(
            "SELECT DISTINCT owner FROM lines WHERE owner >= ? AND owner < ?",
            (prefix, prefix + "\U0010ffff"),
        )
        return [owner for (owner,) in found]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()
