"""TARGET days, and the earliest day that can be collected on."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest

from app.sepa.calendar import is_target_day, next_collection_day, target_day_from

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1),
        date(2026, 12, 25), date(2026, 11, 21), date(2026, 11, 22), date(2027, 3, 26),
    ],
)  # fmt: skip
def test_banks_rest_on(day: date) -> None:
    assert not is_target_day(day)


@pytest.mark.parametrize(
    "day", [date(2026, 1, 2), date(2026, 10, 2), date(2026, 12, 24), date(2026, 12, 31)]
)
def test_banks_work_on(day: date) -> None:
    assert is_target_day(day)


def test_the_closing_days_are_those_that_the_library_of_holidays_knows() -> None:
    years = range(2024, 2051)
    days = (date(years[0], 1, 1) + timedelta(days=n) for n in range(366 * len(years)))
    closed = {day for day in days if day.weekday() < 5 and not is_target_day(day)}
    known = holidays.financial_holidays("ECB", years=[*years, years[-1] + 1])
    last = max(closed)
    assert closed == {day for day in known if day.weekday() < 5 and day <= last}


def test_the_next_working_day_after_easter_is_tuesday() -> None:
    assert target_day_from(date(2026, 4, 3)) == date(2026, 4, 7)


@pytest.mark.parametrize(
    ("now", "earliest"),
    [
        ("2026-11-23T09:00:00", date(2026, 11, 24)),
        ("2026-11-23T13:59:59", date(2026, 11, 24)),
        ("2026-11-23T14:00:00", date(2026, 11, 25)),
        ("2026-11-20T09:00:00", date(2026, 11, 23)),
        ("2026-11-20T15:00:00", date(2026, 11, 24)),
        ("2026-11-22T09:00:00", date(2026, 11, 24)),
        ("2026-12-24T09:00:00", date(2026, 12, 28)),
        ("2026-12-31T18:00:00", date(2027, 1, 5)),
    ],
)
def test_the_earliest_collection_day_counts_the_cut_off_and_holidays(
    now: str, earliest: date
) -> None:
    local = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(BERLIN))
    assert next_collection_day(local, zone=BERLIN, cutoff=time(14)) == earliest


def test_the_cut_off_is_one_of_the_banks_zone() -> None:
    now = datetime(2026, 11, 23, 13, 30, tzinfo=ZoneInfo("UTC"))  # 14:30 in Berlin
    assert next_collection_day(now, zone=BERLIN, cutoff=time(14)) == date(2026, 11, 25)
