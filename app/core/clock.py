"""The only clock: now, and the day in the company's zone. `frozen` stops it: tests, the demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC, cut to milliseconds as the database keeps it."""
    moment = _frozen.get() or datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def today(zone: str = "UTC") -> date:
    """The present day in a zone named as in the IANA database."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Stop the clock at an aware moment."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)
