"""The days on which the euro clearing (TARGET) works, and the next one we can collect on."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.easter import easter

ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=32)
def _closing_days(year: int) -> frozenset[date]:
    # The ECB's long-term calendar, the same days each year since 2002. (The library that knows
    # them takes 20 MB for the holidays of all countries; a test compares.)
    sunday = easter(year)
    return frozenset(
        {
            date(year, 1, 1), sunday - 2 * ONE_DAY, sunday + ONE_DAY, date(year, 5, 1),
            date(year, 12, 25), date(year, 12, 26),
        }
    )  # fmt: skip


def is_target_day(day: date) -> bool:
    """Tell whether TARGET is open: no Saturday, no Sunday, no closing day of the ECB."""
    return day.weekday() < 5 and day not in _closing_days(day.year)


def target_day_from(day: date) -> date:
    """The day itself if TARGET is open, else the next one on which it is."""
    while not is_target_day(day):
        day += ONE_DAY
    return day


def next_collection_day(now: datetime, *, zone: str, cutoff: time) -> date:
    """The earliest collection date that a file handed in now can ask for.

    `now` is aware; `cutoff` is the bank's time of day in `zone`. A file handed in on a TARGET
    day before the cut-off counts for that day, else for the next one; the debtor's bank must
    have it one TARGET day ahead (SDD Core and B2B rulebooks, D-1).
    """
    local = now.astimezone(ZoneInfo(zone))
    counted = local.date()
    if local.time() >= cutoff:
        counted += ONE_DAY
    return target_day_from(target_day_from(counted) + ONE_DAY)
