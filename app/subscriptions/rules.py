"""How rights to journals are merged: pure, by sort and sweep, with provenance.

A right covers *content*: the issues of a journal from one date to another, or from one volume to
another. The window in which it may be used is another matter and has no end for perpetual rights
(domain.md, section 4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.catalogue.coverage import OPEN_END, OPEN_START, Coverage, in_words, natural
from app.core.partial_date import PartialDate
from app.core.state_machine import StateMachine
from app.subscriptions import spans
from app.subscriptions.models import SubscriptionStatus

# What may become of an ordinary subscription. One that has expired may be renewed; one that is
# cancelled is over, and a new one begins.
SUBSCRIPTION_STATES = StateMachine(
    "subscription",
    {
        SubscriptionStatus.DRAFT: frozenset(
            {SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELLED}
        ),
        SubscriptionStatus.ACTIVE: frozenset(
            {SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED}
        ),
        SubscriptionStatus.EXPIRED: frozenset({SubscriptionStatus.ACTIVE}),
        SubscriptionStatus.CANCELLED: frozenset(),
    },
)


@dataclass(frozen=True, slots=True)
class Right:
    """One source of a right: an authorization with its number."""

    source: int
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class MergedRight:
    """An unbroken coverage, and the sources that give it, in ascending order."""

    coverage: Coverage
    sources: tuple[int, ...]


def merge(rights: Iterable[Right]) -> list[MergedRight]:
    """Join rights whose coverage overlaps or adjoins; leave gaps as they are.

    Two coverages adjoin when one begins on the day after the other ends, whatever their
    precision: 2010-2012 and 2013-2014 give 2010-2014. A range that bridges two joins both.
    Rights stated by volume alone are never joined by date: each statement stands by itself.
    The result is in order of coverage, those by volume last, and does not depend on the order
    of `rights`.
    """
    dated: list[Right] = []
    by_volume: dict[Coverage, list[int]] = {}
    for right in rights:
        if right.coverage.volume_only:
            by_volume.setdefault(right.coverage, []).append(right.source)
        else:
            dated.append(right)
    merged = [_join(group) for group in _unbroken(dated)]
    merged += [
        MergedRight(coverage, tuple(sorted(set(sources))))
        for coverage, sources in sorted(by_volume.items(), key=lambda item: _volume_key(item[0]))
    ]
    return merged


# A right with the numbers of its first and its last day.
_Spread = tuple[int, int, Right]


def _unbroken(rights: Iterable[Right]) -> Iterable[list[_Spread]]:
    """Sweep over the rights in order of their first day; yield those that hang together."""
    group: list[_Spread] = []
    reach = OPEN_START
    spread = [(right.coverage.first, right.coverage.last, right) for right in rights]
    for first, last, right in sorted(spread, key=lambda one: one[:2]):
        if group and first > reach + 1:
            yield group
            group = []
        # A short range inside a long one must not shorten the reach.
        reach = max(reach, last) if group else last
        group.append((first, last, right))
    if group:
        yield group


def _join(group: Sequence[_Spread]) -> MergedRight:
    """One coverage from rights that hang together.

    A bound keeps the precision of the right that gave it; where several gave the same day, the
    coarsest way to say it stands. Volume and issue come from the givers of the bound too.
    """
    if len(group) == 1:
        [(_, _, right)] = group
        return MergedRight(right.coverage, (right.source,))
    first = min(first for first, _, _ in group)
    last = max(last for _, last, _ in group)
    starting = [right.coverage for begin, _, right in group if begin == first]
    ending = [right.coverage for _, end, right in group if end == last]
    first_volume, first_issue = _first_number(starting, open_start=first == OPEN_START)
    last_volume, last_issue = _last_number(ending, open_end=last == OPEN_END)
    return MergedRight(
        Coverage(
            start=_coarsest(coverage.start for coverage in starting),
            end=_coarsest(coverage.end for coverage in ending),
            first_volume=first_volume,
            first_issue=first_issue,
            last_volume=last_volume,
            last_issue=last_issue,
        ),
        tuple(sorted({right.source for _, _, right in group})),
    )


def _coarsest(dates: Iterable[PartialDate | None]) -> PartialDate | None:
    """All dates name the same bound; the one with the least precision."""
    known = [partial for partial in dates if partial is not None]
    return min(known, key=lambda partial: partial.precision) if known else None


_Number = tuple[str | None, str | None]
_NO_NUMBER: _Number = (None, None)


def _first_number(coverages: Iterable[Coverage], *, open_start: bool) -> _Number:
    """The lowest volume and issue; none if the start is open and a giver names none."""
    numbers = {(coverage.first_volume, coverage.first_issue) for coverage in coverages}
    if open_start and _NO_NUMBER in numbers:
        return _NO_NUMBER
    return min(numbers - {_NO_NUMBER}, key=_start_key, default=_NO_NUMBER)


def _last_number(coverages: Iterable[Coverage], *, open_end: bool) -> _Number:
    """The highest volume and issue; none if the end is open and a giver names none."""
    numbers = {(coverage.last_volume, coverage.last_issue) for coverage in coverages}
    if open_end and _NO_NUMBER in numbers:
        return _NO_NUMBER
    return max(numbers - {_NO_NUMBER}, key=_end_key, default=_NO_NUMBER)


_NumberKey = tuple[tuple[int, str], bool, tuple[int, str]]


def _start_key(number: _Number) -> _NumberKey:
    # A first volume without an issue begins with the first of its issues.
    volume, issue = number
    return natural(volume), issue is not None, natural(issue)


def _end_key(number: _Number) -> _NumberKey:
    # A last volume without an issue goes beyond any of its issues.
    volume, issue = number
    return natural(volume), issue is None, natural(issue)


def _volume_key(coverage: Coverage) -> tuple[_NumberKey, _NumberKey]:
    return (
        _start_key((coverage.first_volume, coverage.first_issue)),
        _end_key((coverage.last_volume, coverage.last_issue)),
    )


def lost_and_won(before: Iterable[Coverage], after: Iterable[Coverage]) -> tuple[str, str]:
    """What a change takes away and what it gives, in words: ("", "2013–2014").

    Rights by volume alone are compared by their statement.
    """
    old, new = list(before), list(after)
    old_days, new_days = _dated(old), _dated(new)
    lost, won = spans.beyond(old_days, new_days), spans.beyond(new_days, old_days)
    return (
        "; ".join([*spans.in_words(lost), *_statements_beyond(old, new)]),
        "; ".join([*spans.in_words(won), *_statements_beyond(new, old)]),
    )


def _dated(coverages: Iterable[Coverage]) -> list[spans.Span]:
    return [(one.first, one.last) for one in coverages if not one.volume_only]


def _statements_beyond(these: Iterable[Coverage], those: Iterable[Coverage]) -> list[str]:
    known = set(those)
    return [in_words(one) for one in these if one.volume_only and one not in known]
