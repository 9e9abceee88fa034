"""When a returned collection may be collected again, and how long the debtor may return it.

Pure rules (EPC016-06, EPC222-07): nothing of them knows a database.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from app.sepa.calendar import target_day_from
from app.sepa.models import Scheme
from app.sepa.return_codes import ReturnCode

REFUND_DAYS, UNAUTHORISED_MONTHS, B2B_DAYS = 56, 13, 3


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one invoice may reach the bank in all, and how long a return has to rest."""

    attempts: int = 2
    days: int = 0

    def first_day(self, ended_on: date | None, today: date) -> date:
        """The first day on which it may be collected again."""
        return today if ended_on is None else ended_on + timedelta(days=self.days)

    def against(self, reason: ReturnCode, attempts: int, ended_on: date | None, today: date) -> str:
        """Why it may not be collected again by itself; empty where it may."""
        if not reason.may_retry:
            first = "mend it, then reopen" if reason.may_after_mending else "a person may reopen"
            return f"Not collected again by itself: {first} it with a reason"
        if self.attempts < 2:
            return "Collecting again is switched off"
        if attempts >= self.attempts:
            return f"It was collected {_times(attempts)} already, of {self.attempts} that are set"
        first = self.first_day(ended_on, today)
        if today < first:
            return f"It may not be collected again before {first:%d.%m.%Y}"
        return ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def window_of(scheme: str, reason: ReturnCode) -> str:
    """How long a debtor may return a collection, in words."""
    if scheme == Scheme.B2B:
        return f"{B2B_DAYS} bank days"
    return f"{UNAUTHORISED_MONTHS} months" if reason.unauthorised else "8 weeks"


def last_day_of_window(scheme: str, reason: ReturnCode, collected_on: date) -> date:
    """The last day on which a debtor may return what was collected on a day."""
    if scheme == Scheme.B2B:
        day = collected_on
        for _ in range(B2B_DAYS):
            day = target_day_from(day + timedelta(days=1))
        return day
    if not reason.unauthorised:
        return collected_on + timedelta(days=REFUND_DAYS)
    year, month = divmod(collected_on.year * 12 + collected_on.month - 1 + UNAUTHORISED_MONTHS, 12)
    return date(year, month + 1, min(collected_on.day, monthrange(year, month + 1)[1]))
