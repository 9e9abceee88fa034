"""Choices of filters that stand in the database, all that a list offers read in one statement.

A page of a list shows half a dozen of them; each small table by itself took longer to ask for than
to read. They are read for every page, so that each of several web processes shows what is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, String, cast, func, literal_column, select, union_all
from sqlalchemy.orm import Session

from app.core.filters import Choice, Filter


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Choices that stand in the database. `rows` gives a value and a label for each.

    They come in the order of the labels; `shown` may put other words and another order.
    """

    rows: Select[Any]
    shown: Callable[[list[Choice]], list[Choice]] = list

    def __call__(self, session: Session) -> list[Choice]:
        return read(session, [self])[self]


def named(key: Any, label: Any) -> Stored:
    """The rows of a small table by their names."""
    return Stored(select(key, label))


def all_offered(session: Session, filters: Sequence[Filter]) -> list[Sequence[Choice]]:
    """What each filter offers, in the order of the filters."""
    stored = [one.choices for one in filters if isinstance(one.choices, Stored)]
    found = read(session, stored) if stored else {}
    return [
        found[one.choices] if isinstance(one.choices, Stored) else one.offered(session)
        for one in filters
    ]


def read(session: Session, wanted: Sequence[Stored]) -> dict[Stored, list[Choice]]:
    """Several of them at once."""
    found: dict[Stored, list[Choice]] = {one: [] for one in wanted}
    several = tuple(found)
    for place, value, label in session.execute(_statement(several)):
        found[several[place]].append((value, label))
    return {one: one.shown(choices) for one, choices in found.items()}


@lru_cache(maxsize=200)  # one for each list, and one for each condition in force
def _statement(wanted: tuple[Stored, ...]) -> Select[Any]:
    parts = []
    for place, one in enumerate(wanted):
        value, label = one.rows.subquery().c
        # By numbers: columns that compare in different ways cannot be ordered together.
        rank = func.row_number().over(order_by=label)
        number = literal_column(str(place))
        parts.append(select(number.label("place"), cast(value, String), label, rank.label("rank")))
    every = union_all(*parts).subquery()
    place, value, label, rank = every.c
    return select(place, value, label).order_by(place, rank)
