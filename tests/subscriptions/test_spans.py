"""Spans of days, against sets of single days."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.subscriptions import spans

_bound = st.integers(1, 60)
sets = st.lists(st.tuples(_bound, _bound).map(lambda two: (min(two), max(two))), max_size=6)


def marked(found: list[spans.Span]) -> set[int]:
    return {day for first, last in found for day in range(first, last + 1)}


@settings(max_examples=800, deadline=None)
@given(sets, sets)
def test_spans_agree_with_single_days(these, those) -> None:
    assert marked(spans.union(these)) == marked(these)
    assert marked(spans.beyond(these, those)) == marked(these) - marked(those)
    assert marked(spans.common(these, those)) == marked(these) & marked(those)
    covered = marked(these)
    inside = set(range(min(covered, default=0), max(covered, default=-1) + 1))
    assert marked(spans.gaps(these)) == inside - covered


@given(sets)
def test_a_union_is_in_order_and_no_two_of_its_spans_adjoin(these) -> None:
    joined = spans.union(these)
    assert all(end + 1 < start for (_, end), (start, _) in pairwise(joined))
