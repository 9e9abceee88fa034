"""What part of a journal is meant: from one date or volume to another, either end open."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from app.core.errors import Problem
from app.core.partial_date import PartialDate
from app.core.values import ValueProblem

# Days are counted as date.toordinal() does. An open end lies beyond every day that a date can
# name, and not next to one: 9999-12-31 is a date like any other.
OPEN_START = -1
OPEN_END = date.max.toordinal() + 2


@dataclass(frozen=True, slots=True)
class Coverage:
    """The content that a right or a holding covers. A missing end is open."""

    start: PartialDate | None = None
    end: PartialDate | None = None
    first_volume: str | None = None
    first_issue: str | None = None
    last_volume: str | None = None
    last_issue: str | None = None

    @property
    def first(self) -> int:
        """The number of the first day covered."""
        return OPEN_START if self.start is None else self.start.first_day.toordinal()

    @property
    def last(self) -> int:
        """The number of the last day covered."""
        return OPEN_END if self.end is None else self.end.last_day.toordinal()

    @property
    def volume_only(self) -> bool:
        """Stated by volume or issue alone; nobody can tell which days that is."""
        if self.start is not None or self.end is not None:
            return False
        numbered = (self.first_volume, self.first_issue, self.last_volume, self.last_issue)
        return any(part is not None for part in numbered)


def parse_coverage_date(raw: object, label: str) -> PartialDate | None:
    """A year, a month or a day; blank is None. Raises ValueProblem for anything else."""
    try:
        return PartialDate.parse(raw)
    except ValueError as error:
        raise ValueProblem(
            f"{label} is not a year, a month or a day", "Write 2010, 2010-03 or 2010-03-15"
        ) from error


def coverage_problems(coverage: Coverage) -> list[Problem]:
    """Why a coverage cannot be: it starts after it ends, by date or by volume."""
    problems = []
    if coverage.first > coverage.last:
        problems.append(
            Problem(
                "coverage_from",
                "Coverage from is after coverage to",
                f"{coverage.start} is after {coverage.end}; leave coverage to blank if it is open",
            )
        )
    first, last = coverage.first_volume, coverage.last_volume
    backwards = first is not None and last is not None and natural(first)[0] > natural(last)[0] > 0
    if backwards:
        problems.append(
            Problem(
                "first_volume",
                "First volume is after last volume",
                f"{first} is more than {last}; leave last volume blank if it is open",
            )
        )
    return problems


def natural(number: str | None) -> tuple[int, str]:
    """The order of volumes and issues: '9' before '10', and what is no number by its letters."""
    text = number or ""
    digits = re.match(r"\d+", text)
    return (int(digits.group()) if digits else 0, text)


def in_words(coverage: Coverage) -> str:
    """A coverage as people read it: '2010–2012', 'from 2016', 'volumes 5–9', 'everything'."""
    if coverage.volume_only:
        first = _place(coverage.first_volume, coverage.first_issue)
        last = _place(coverage.last_volume, coverage.last_issue)
        return f"volumes {_span(first, last)}"
    return _span(str(coverage.start or ""), str(coverage.end or "")) or "everything"


@lru_cache(20_000)
def days_in_words(first: int, last: int) -> str:
    """A span of days, numbered as in `Coverage`, in the coarsest words that are exact."""
    begin = None if first <= OPEN_START else date.fromordinal(first)
    end = None if last >= OPEN_END - 1 else date.fromordinal(last)
    if begin and end:
        for whole in (PartialDate(end.year), PartialDate(end.year, end.month), PartialDate.of(end)):
            if (whole.first_day, whole.last_day) == (begin, end):
                return str(whole)
        if begin.year == end.year:
            # "2010 – 2010-06" would say the year twice, and once too much.
            return _span(str(_in_months(begin, _coarse_start)), str(_in_months(end, _coarse_end)))
    return (
        _span(str(_coarse_start(begin)) if begin else "", str(_coarse_end(end)) if end else "")
        or "everything"
    )


def _in_months(day: date, coarse: Callable[[date], PartialDate]) -> PartialDate:
    """A bound in coarse words, but no coarser than a month."""
    found = coarse(day)
    return PartialDate(day.year, day.month) if found.month is None else found


def _coarse_start(day: date) -> PartialDate:
    if day.day > 1:
        return PartialDate.of(day)
    return PartialDate(day.year, None if day.month == 1 else day.month)


def _coarse_end(day: date) -> PartialDate:
    month = PartialDate(day.year, day.month)
    if month.last_day != day:
        return PartialDate.of(day)
    return PartialDate(day.year) if day.month == 12 else month


def _span(first: str, last: str) -> str:
    if first == last:
        return first
    if not last:
        return f"from {first}"
    # Months and days have hyphens of their own; blanks keep the two ends apart.
    dash = " – " if "-" in first + last else "–"
    return f"{first}{dash}{last}" if first else f"to {last}"


def _place(volume: str | None, issue: str | None) -> str:
    return f"{volume or ''}({issue})" if issue else volume or ""
