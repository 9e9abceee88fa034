"""Rights in words, and what a change of rights takes and gives."""

import pytest
from hypothesis import given, settings

from app.catalogue.coverage import Coverage, in_words
from app.core.partial_date import PartialDate
from app.subscriptions.rules import lost_and_won
from tests.subscriptions.test_merge import coverages, dated, days, right_sets


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (dated("2010", "2012"), "2010–2012"),
        (dated("2010", "2010"), "2010"),
        (dated("2010-03", "2012"), "2010-03 – 2012"),
        (dated("2016", ""), "from 2016"),
        (dated("", "2005"), "to 2005"),
        (dated("", ""), "everything"),
        (Coverage(first_volume="5", last_volume="9"), "volumes 5–9"),
        (Coverage(first_volume="5", first_issue="2"), "volumes from 5(2)"),
    ],
)
def test_a_coverage_in_words(coverage: Coverage, words: str) -> None:
    assert in_words(coverage) == words


@pytest.mark.parametrize(
    ("before", "after", "lost", "won"),
    [
        ([dated("2010", "2012")], [dated("2010", "2014")], "", "2013–2014"),
        ([dated("2010", "")], [dated("2012-03", "2014")], "2010 – 2012-02; from 2015", ""),
        ([dated("", "2005")], [dated("2003", "")], "to 2002", "from 2006"),
        ([], [dated("2012-02-29", "2012-02-29")], "", "2012-02-29"),
        ([dated("2012", "2012")], [dated("2012-01", "2012-11")], "2012-12", ""),
        ([], [Coverage(first_volume="5", last_volume="9")], "", "volumes 5–9"),
        ([dated("2010", "2012")], [dated("2010-01", "2012-12-31")], "", ""),
        ([dated("2010", "2010")], [dated("2010-07", "2010")], "2010-01 – 2010-06", ""),
        ([dated("2010", "2010")], [dated("2010", "2010-06-15")], "2010-06-16 – 2010-12", ""),
    ],
)
def test_what_a_change_takes_and_gives(
    before: list[Coverage], after: list[Coverage], lost: str, won: str
) -> None:
    assert lost_and_won(before, after) == (lost, won)
    assert lost_and_won(after, before) == (won, lost)


@settings(max_examples=500, deadline=None)
@given(right_sets(), coverages)
def test_what_is_said_to_be_won_is_exactly_what_was_missing(rights, more) -> None:
    before = [right.coverage for right in rights]
    _, won = lost_and_won(before, [*before, more])
    spans = [] if not won else [spoken(part) for part in won.split("; ")]
    missing = marked([more]) - marked(before)
    assert marked(spans) & marked([more]) == missing
    assert not marked(spans) & marked(before)


def marked(spans: list[Coverage]) -> set[int]:
    return {day for span in spans for day in days(span)}


def spoken(words: str) -> Coverage:
    """The coverage that words mean, read back."""
    if words == "everything":
        return Coverage()
    if words.startswith("from "):
        return Coverage(PartialDate.parse(words[5:]), None)
    if words.startswith("to "):
        return Coverage(None, PartialDate.parse(words[3:]))
    first, _, last = words.partition("–")
    return Coverage(PartialDate.parse(first), PartialDate.parse(last or first))
