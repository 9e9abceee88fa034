"""Spans of days: what they cover together, what one set leaves of another. Pure arithmetic.

A span is a pair of day numbers, both included, as `Coverage` counts them.
"""

import itertools
from collections.abc import Iterable

from app.catalogue.coverage import days_in_words

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same days in as few spans as possible, in order."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def beyond(these: Iterable[Span], those: Iterable[Span]) -> list[Span]:
    """The days that `these` cover and `those` do not; a span of `these` stays by itself."""
    taken = sorted(those)
    left = []
    for first, last in sorted(these):
        for start, end in taken:
            if start > last:
                break
            if first < start:
                left.append((first, start - 1))
            first = max(first, end + 1)
        if first <= last:
            left.append((first, last))
    return left


def common(these: Iterable[Span], those: Iterable[Span]) -> list[Span]:
    """The days that both cover, in as few spans as possible."""
    others = union(those)
    return [
        (max(first, start), min(last, end))
        for first, last in union(these)
        for start, end in others
        if max(first, start) <= min(last, end)
    ]


def gaps(spans: Iterable[Span]) -> list[Span]:
    """The days between the first and the last one covered that are not covered."""
    joined = union(spans)
    return [(end + 1, start - 1) for (_, end), (start, _) in itertools.pairwise(joined)]


def in_words(spans: Iterable[Span]) -> list[str]:
    """Each span in the coarsest words that are exact: 2010–2012."""
    return [days_in_words(first, last) for first, last in spans]
