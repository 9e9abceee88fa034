"""A notebook on disk for one search for duplicates: keys of all customers, and pairs found.

A million customers have seven million keys; a private SQLite database keeps and sorts them
without filling the memory, and vanishes with the search.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import combinations, groupby
from types import TracebackType
from typing import NamedTuple, Self

from app.customers.duplicate_rules import LIKE, Likeness

# What many share says nothing of any two: the telephone exchange of a company, a bank account
# of an office. Blocks that also ask for a like name may be larger, since names tell them apart.
MOST_ALIKE = 20
MOST_NEAR = 2000
# Nobody looks through more likenesses of one customer within one block.
MOST_OF_ONE = 20


class Block(IntEnum):
    """What the customers of a block have in common."""

    EMAIL = 1
    PHONE = 2
    VAT_ID = 3
    IBAN = 4
    DATE_OF_BIRTH = 5
    POSTCODE = 6
    STREET = 7


STRONG = frozenset({Block.EMAIL, Block.PHONE, Block.VAT_ID, Block.IBAN})


class Found(NamedTuple):
    """A pair that belongs into the worklist."""

    first_id: int
    second_id: int
    score: int
    reasons: str
    fingerprint: str


class Scratch:
    """Keys, candidates and pairs of one search."""

    def __init__(self) -> None:
        self.too_common = 0
        # An empty name is a private database that SQLite spills to disk and deletes by itself.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768;"
            "PRAGMA temp_store=FILE;"
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE keys (block INTEGER NOT NULL, key INTEGER NOT NULL, id INTEGER NOT NULL);"
            "CREATE TABLE candidates (first INTEGER, second INTEGER, PRIMARY KEY (first, second))"
            " WITHOUT ROWID;"
            "CREATE TABLE found (first INTEGER, second INTEGER, score INTEGER, reasons TEXT,"
            " fingerprint TEXT, known INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (first, second))"
            " WITHOUT ROWID;"
            "BEGIN"
        )

    def add(self, people: Iterable[tuple[int, Likeness]]) -> None:
        """Note what customers may be found by."""
        names: list[tuple[int, str]] = []
        keys: list[tuple[int, int, int]] = []
        for id_, one in people:
            names.append((id_, one.name))
            keys.extend({(block, _hashed(value), id_) for block, value in _keys(one)})
        self._db.executemany("INSERT INTO people VALUES (?, ?)", names)
        self._db.executemany("INSERT INTO keys VALUES (?, ?, ?)", keys)

    def sort(self) -> None:
        """Bring the keys into order, once all are there."""
        self._db.execute("CREATE INDEX keys_in_order ON keys (block, key, id)")

    def count_keys(self) -> int:
        """How many keys there are."""
        return int(self._db.execute("SELECT count(*) FROM keys").fetchone()[0])

    def compare(self) -> Iterator[int]:
        """Fill the candidates, block by block; yields how many keys were seen so far."""
        shared = self._db.execute("SELECT block, key, id FROM keys ORDER BY block, key, id")
        writer = self._db.cursor()
        seen = 0
        for (block, _), rows in groupby(shared, key=lambda row: row[:2]):
            ids = list(dict.fromkeys(row[2] for row in rows))
            seen += len(ids)
            if len(ids) > 1:
                writer.executemany(
                    "INSERT OR IGNORE INTO candidates VALUES (?, ?)", self._pairs(block, ids)
                )
            yield seen

    def _pairs(self, block: int, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The pairs of one block that are worth a closer look, the smaller id first."""
        if block in STRONG:
            if len(ids) > MOST_ALIKE:
                self.too_common += 1
                return
            yield from combinations(ids, 2)
            return
        people = self._named(ids)
        if len(people) <= MOST_NEAR:
            yield from _like_names(people)
            return
        # A default date of birth, a block of flats: only names that begin alike are compared.
        people.sort(key=lambda one: (one[1][:3], one[0]))
        for _, some in groupby(people, key=lambda one: one[1][:3]):
            part = list(some)
            if len(part) > MOST_NEAR:
                self.too_common += 1
                continue
            yield from _like_names(part)

    def _named(self, ids: Sequence[int]) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            marks = ",".join("?" * len(some))
            found += self._db.execute(
                f"SELECT id, name FROM people WHERE id IN ({marks}) AND name <> ''",  # noqa: S608
                some,
            ).fetchall()
        return found

    def forget_keys(self) -> None:
        """Give the room of the keys back."""
        self._db.executescript("DROP TABLE keys; DROP TABLE people;")

    def count_candidates(self) -> int:
        """How many pairs deserve a closer look."""
        return int(self._db.execute("SELECT count(*) FROM candidates").fetchone()[0])

    def candidates(self, after: tuple[int, int], limit: int) -> list[tuple[int, int]]:
        """The next pairs in their order."""
        return self._db.execute(
            "SELECT first, second FROM candidates WHERE (first, second) > (?, ?)"
            " ORDER BY first, second LIMIT ?",
            (*after, limit),
        ).fetchall()

    def keep(self, found: Iterable[Found]) -> None:
        """Note pairs for the worklist."""
        self._db.executemany(
            "INSERT OR REPLACE INTO found (first, second, score, reasons, fingerprint)"
            " VALUES (?, ?, ?, ?, ?)",
            found,
        )

    def keep_best(self, most: int) -> int:
        """Keep the pairs with the highest scores; how many there were beyond."""
        total = self.count_found()
        if total > most:
            self._db.execute(
                "DELETE FROM found WHERE (first, second) IN (SELECT first, second FROM found"
                " ORDER BY score DESC, first, second LIMIT -1 OFFSET ?)",
                (most,),
            )
        return max(0, total - most)

    def count_found(self) -> int:
        """How many pairs the worklist gets."""
        return int(self._db.execute("SELECT count(*) FROM found").fetchone()[0])

    def take(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Found]:
        """Those of the pairs that were found; they count as known from now on."""
        taken = {}
        for pair in pairs:
            row = self._db.execute(
                "SELECT first, second, score, reasons, fingerprint FROM found"
                " WHERE first = ? AND second = ?",
                pair,
            ).fetchone()
            if row is not None:
                taken[pair] = Found(*row)
        self._db.executemany(
            "UPDATE found SET known = 1 WHERE first = ? AND second = ?", list(taken)
        )
        return taken

    def new(self, limit: int) -> list[Found]:
        """The next pairs that the worklist does not know."""
        rows = self._db.execute(
            "SELECT first, second, score, reasons, fingerprint FROM found WHERE known = 0"
            " ORDER BY first, second LIMIT ?",
            (limit,),
        ).fetchall()
        return [Found(*row) for row in rows]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()


def _keys(one: Likeness) -> Iterator[tuple[Block, str]]:
    if one.email:
        yield Block.EMAIL, one.email
    for phone in one.phones:
        yield Block.PHONE, phone
    if one.vat_id:
        yield Block.VAT_ID, one.vat_id
    if one.iban:
        yield Block.IBAN, one.iban
    if one.name:
        if one.date_of_birth:
            yield Block.DATE_OF_BIRTH, one.date_of_birth.isoformat()
        for postcode in one.postcodes:
            yield Block.POSTCODE, postcode
        for street in one.streets:
            yield Block.STREET, street


def _hashed(value: str) -> int:
    """Eight bytes instead of the text; two texts with the same are told apart by the rules."""
    digest = hashlib.blake2b(value.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _like_names(people: Sequence[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    """The pairs whose names are alike."""
    # Loaded here: only a search for duplicates compares names.
    from rapidfuzz import fuzz, process

    names = [name for _, name in people]
    for place, (id_, name) in enumerate(people[:-1]):
        rest = names[place + 1 :]
        for _, _, offset in process.extract(
            name, rest, scorer=fuzz.ratio, processor=None, score_cutoff=LIKE, limit=MOST_OF_ONE
        ):
            other = people[place + 1 + offset][0]
            yield (id_, other) if id_ < other else (other, id_)
