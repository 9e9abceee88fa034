"""Asks again and again, one request after the other, and keeps the median and the worst."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# How often something is asked; what takes seconds is asked less often, but never only once.
TIMES, FEWEST, SECONDS_EACH = 15, 3, 10.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one request took, in milliseconds, over so many times."""

    label: str
    median: float
    worst: float
    times: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: several requests of a kind, or only one.

    `median` is the median of their medians, `worst` the longest of all single requests.
    """

    key: str
    median: float
    worst: float
    requests: int
    details: Sequence[Timing] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """As it is kept between two runs."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Row":
        """What `as_json` gave."""
        return cls(**kept | {"details": [Timing(**one) for one in kept["details"]]})


def timed(
    label: str,
    ask: Callable[[], object],
    *,
    times: int = TIMES,
    before: Callable[[], object] = lambda: None,
) -> Timing:
    """Ask once to warm up, then `times` times. What one has to wait long for is asked less often.

    `before` gets ready what is asked for, each time, and does not count.
    """
    before()
    ask()
    gc.collect()
    took: list[float] = []
    began = time.perf_counter()
    for done in range(times):
        if done >= FEWEST and time.perf_counter() - began > SECONDS_EACH:
            break
        before()
        took.append(once(ask))
    return Timing(label, statistics.median(took), max(took), len(took))


def once(ask: Callable[[], object]) -> float:
    """The milliseconds that one request takes."""
    begin = time.perf_counter()
    ask()
    return (time.perf_counter() - begin) * 1000


def row(key: str, timings: Sequence[Timing]) -> Row:
    """Several requests of a kind as one line."""
    found = Row(
        key,
        statistics.median(one.median for one in timings),
        max(one.worst for one in timings),
        sum(one.times for one in timings),
        tuple(timings),
    )
    say(f"{key}: median {found.median:,.1f} ms, worst {found.worst:,.1f} ms")
    return found


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
