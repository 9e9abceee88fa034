"""Dates of a year, a month or a day."""

from datetime import UTC, date, datetime

import pytest

from app.core.partial_date import PartialDate


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("2010", "2010"),
        (2010, "2010"),
        (2010.0, "2010"),
        (" 2010-03 ", "2010-03"),
        ("2010-3", "2010-03"),
        ("2010-03-15", "2010-03-15"),
        ("15.03.2010", "2010-03-15"),
        ("15. 3. 2010", "2010-03-15"),
        ("03.2010", "2010-03"),
        ("2012-02-29", "2012-02-29"),
        (date(2010, 3, 15), "2010-03-15"),
        (datetime(2010, 3, 15, tzinfo=UTC), "2010-03-15"),
        ("2010-03-15 00:00:00", "2010-03-15"),
    ],
)
def test_a_date_is_read_as_people_type_it(raw: object, text: str) -> None:
    assert str(PartialDate.parse(raw)) == text


@pytest.mark.parametrize("raw", [None, "", "   "])
def test_a_blank_is_no_date(raw: object) -> None:
    assert PartialDate.parse(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        *("10", "20100", "0999", 2010.5, True, "March 2010", "2010-"),
        *("2010-13", "2010-00", "2010-02-30", "2011-02-29", "2010-03-15 12:30"),
        *("31.02.2010", "13.2010"),
    ],
)
def test_what_no_calendar_has_is_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(raw)


def test_a_date_knows_the_days_it_covers() -> None:
    leap = PartialDate(2012, 2)
    assert (leap.first_day, leap.last_day) == (date(2012, 2, 1), date(2012, 2, 29))
    year = PartialDate(2011)
    assert (year.first_day, year.last_day) == (date(2011, 1, 1), date(2011, 12, 31))
    day = PartialDate(2011, 5, 6)
    assert day.first_day == day.last_day == date(2011, 5, 6)


def test_a_day_without_its_month_is_refused() -> None:
    with pytest.raises(ValueError):
        PartialDate(2010, None, 5)
