"""Every filter of the customers' list and every pair of them, in every order that is offered."""

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from bench.filter_values import Value, values_of
from bench.installation import Panel
from bench.kontor import LIST
from bench.timing import once, say

FAST, SLOW = 60, 300
# What takes longer than FAST is asked twice more, and its median counts.
AGAIN = 2
WORST = 10
PAGES = 200
TOLD_EVERY = 500


@dataclass(frozen=True, slots=True)
class Way:
    """Filter values with an order: one list that somebody may ask for."""

    values: tuple[Value, ...]
    sort: str
    descending: bool

    @property
    def filters(self) -> dict[str, str]:
        """The values under the names of their filters."""
        return {name: text for value in self.values for name, text in value.given.items()}

    def __str__(self) -> str:
        wanted = " and ".join(str(value) for value in self.values)
        return f"{wanted}, by {self.sort}{' descending' if self.descending else ''}"

    @property
    def url(self) -> str:
        """The address of the list."""
        sort = f"-{self.sort}" if self.descending else self.sort
        return f"{LIST}?{urlencode(self.filters | {'sort': sort})}"


@dataclass(frozen=True, slots=True)
class Shares:
    """How a number of lists fared, in milliseconds; `ran` may be less than `of` there are."""

    key: str
    ran: int
    of: int
    median: float
    within_fast: float
    within_slow: float
    worst: Sequence[tuple[str, float]]
    failed: Sequence[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """As it is kept between two runs."""
        return asdict(self)


def measure_filters(app: Flask, panel: Panel, minutes: float) -> tuple[list[Shares], list[str]]:
    """Singles, pairs, and a sample of both as pages; and the filters that have no values here.

    Each may take so many minutes. They come in a shuffled order, so that those that ran until then
    stand for all.
    """
    from app.customers.queries import CLIENTS
    from app.extensions import db

    with app.app_context():
        offered, without = values_of(db.session(), CLIENTS)
    orders = list(product(CLIENTS.sorts, (False, True)))
    singles = [Way((value,), *order) for values in offered for value in values for order in orders]
    pairs = [
        Way(both, *order)
        for first, second in combinations(offered, 2)
        for both in product(first, second)
        for order in orders
    ]
    chance = random.Random(1)
    chance.shuffle(singles)
    chance.shuffle(pairs)
    sample = [*singles[: PAGES // 4], *pairs[: PAGES - PAGES // 4]]
    found = [
        _run("filters-one", singles, lambda way: _fetch(app, way), minutes),
        _run("filters-two", pairs, lambda way: _fetch(app, way), minutes),
        _run("filters-pages", sample, lambda way: panel.get(way.url), minutes),
    ]
    return found, without


def _fetch(app: Flask, way: Way) -> None:
    """The rows of the list with all that it shows of them, and their count."""
    from app.core.listing import Criteria
    from app.core.paging import fetch_page
    from app.customers.queries import CLIENTS
    from app.extensions import db

    criteria = Criteria(filters=way.filters, sort=way.sort, descending=way.descending)
    with app.app_context():
        fetch_page(db.session(), CLIENTS, criteria)


def _run(key: str, ways: Sequence[Way], ask: Any, minutes: float) -> Shares:
    until = time.monotonic() + minutes * 60
    took: list[tuple[str, float]] = []
    failed: list[tuple[str, str]] = []
    for done, way in enumerate(ways):
        if time.monotonic() > until:
            say(f"{key}: the time is over after {done:,} of {len(ways):,}")
            break
        try:
            times = [once(lambda way=way: ask(way))]
            if times[0] > FAST:
                times += [once(lambda way=way: ask(way)) for _ in range(AGAIN)]
        except Exception as error:  # one list that fails must not end the other thousands
            failed.append((str(way), f"{type(error).__name__}: {error}"[:200]))
            continue
        took.append((str(way), statistics.median(times)))
        if (done + 1) % TOLD_EVERY == 0:
            say(f"{key}: {done + 1:,} of {len(ways):,}")
    return _shares(key, took, len(ways), failed)


def _shares(
    key: str, took: list[tuple[str, float]], of: int, failed: list[tuple[str, str]]
) -> Shares:
    times = [ms for _, ms in took] or [0.0]
    ranked = sorted(took, key=lambda one: -one[1])[:WORST]
    fast, slow = (
        sum(ms <= limit for ms in times) / len(times) if took else 0.0 for limit in (FAST, SLOW)
    )
    say(f"{key}: {len(took):,} lists, {fast:.1%} within {FAST} ms, {slow:.1%} within {SLOW} ms")
    return Shares(key, len(took), of, statistics.median(times), fast, slow, ranked, failed)
