"""What part of a journal is meant: from one date or volume to another, either end open."""

import re
from dataclasses import dataclass
from datetime import date

from app.core.errors import Problem
from app.core.partial_date import PartialDate

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
        dated = self.start is not None or self.end is not None
        numbered = (self.first_volume, self.first_issue, self.last_volume, self.last_issue)
        return not dated and any(part is not None for part in numbered)


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
