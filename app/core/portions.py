"""Long lists in portions, because no database takes any number of values in one statement."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

# Both databases take several thousand values in one IN (...).
AT_ONCE = 500


def portions(values: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The values in their order, in lists of at most `size`; never an empty one."""
    rest = iter(values)
    while portion := list(islice(rest, size)):
        yield portion
