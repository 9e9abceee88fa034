"""A date known to the year, the month or the day: 2010, 2010-03, 2010-03-15."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ]00:00(?::00)?)?)?)?")
_DAY = timedelta(days=1)
_DOTTED = re.compile(r"(?:(?:(\d{1,2})\.\s*)?(\d{1,2})\.\s*)?(\d{4})")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A year, a month or a day. Raises ValueError for one that no calendar has."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day needs its month")
        # Four digits and no sign: what is stored as text sorts as it is read.
        if not 1000 <= self.year <= 9999:
            raise ValueError(f"{self.year} is not a year of four digits")
        if self.month == 0 or self.day == 0:
            raise ValueError("months and days count from 1")
        date(self.year, self.month or 1, self.day or 1)

    def __str__(self) -> str:
        if self.month is None:
            return f"{self.year:04}"
        if self.day is None:
            return f"{self.year:04}-{self.month:02}"
        return f"{self.year:04}-{self.month:02}-{self.day:02}"

    @property
    def first_day(self) -> date:
        """The first day that the date covers."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last_day(self) -> date:
        """The last day that the date covers."""
        if self.day is not None:
            return self.first_day
        month = self.month or 12
        return date(self.year, 12, 31) if month == 12 else date(self.year, month + 1, 1) - _DAY

    @property
    def precision(self) -> int:
        """1 for a year, 2 for a month, 3 for a day."""
        return 1 + (self.month is not None) + (self.day is not None)

    @classmethod
    def of(cls, day: date) -> "PartialDate":
        """The date with the precision of a day."""
        return cls(day.year, day.month, day.day)

    @classmethod
    def parse(cls, raw: object) -> "PartialDate | None":
        """Read what a person typed or a spreadsheet holds; blank is None.

        Takes 2010, 2010-03, 2010-03-15, 15.03.2010, 03.2010, a date, or a whole number that is a
        year. Raises ValueError for everything else.
        """
        if raw is None:
            return None
        if isinstance(raw, datetime | date):
            return cls(raw.year, raw.month, raw.day)
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        text = str(raw).strip()
        if not text:
            return None
        if found := _ISO.fullmatch(text):
            year, month, day = found.groups()
        elif found := _DOTTED.fullmatch(text):
            day, month, year = found.groups()
        else:
            raise ValueError(f"{text} is not a year, a month or a day")
        return cls(int(year), int(month) if month else None, int(day) if day else None)
