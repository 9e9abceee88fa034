"""Keeps what was read of a report until it is worked in, so that nothing is read twice."""

import pickle
from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

from app.core.portions import portions
from app.sepa.reports.message import Head, Item

_AT_ONCE: Final = 200


class Spool:
    """A temporary file for the items of one upload, one report after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def keep(self, items: Iterator[Item]) -> int:
        """Write the items of a report behind what is there; where they begin."""
        start = self._file.seek(0, 2)
        for some in portions(items, _AT_ONCE):
            pickle.dump(some, self._file, pickle.HIGHEST_PROTOCOL)
        return start

    def items(self, head: Head) -> Iterator[Item]:
        """The items of a report in their order. Only this process has written them."""
        return islice(self._items(head.start), head.items)

    def _items(self, place: int) -> Iterator[Item]:
        while True:
            self._file.seek(place)
            some = pickle.load(self._file)  # noqa: S301 - from our own temporary file
            place = self._file.tell()
            yield from some
