"""The merge of rights, against an oracle that marks single days."""

from calendar import monthrange
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue.coverage import Coverage, coverage_problems
from app.core.partial_date import PartialDate
from app.subscriptions.rules import Right, merge

WINDOW_START, WINDOW_END = date(2010, 7, 1), date(2014, 12, 31)


def dated(start: str = "", end: str = "", **numbers: object) -> Coverage:
    return Coverage(PartialDate.parse(start), PartialDate.parse(end), **numbers)  # type: ignore[arg-type]


def merged(*coverages: Coverage) -> list[str]:
    rights = [Right(number, coverage) for number, coverage in enumerate(coverages, 1)]
    return [
        f"{right.coverage.start or ''}/{right.coverage.end or ''}"
        f" {','.join(str(source) for source in right.sources)}"
        for right in merge(rights)
    ]


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    # 2012 is a leap year, and bounds crowd around the ends of months so that ranges often adjoin.
    year = draw(st.integers(2011, 2012))
    precision = draw(st.integers(1, 3))
    if precision == 1:
        return PartialDate(year)
    month = draw(st.sampled_from([1, 2, 3, 6, 12]))
    if precision == 2:
        return PartialDate(year, month)
    last = monthrange(year, month)[1]
    return PartialDate(year, month, draw(st.sampled_from([1, 2, 15, last - 1, last])))


ends = st.one_of(st.none(), partial_dates(), partial_dates(), partial_dates())
coverages = st.builds(Coverage, start=ends, end=ends).filter(
    lambda coverage: not coverage_problems(coverage)
)


def follower(end: PartialDate, kind: str) -> PartialDate:
    """What comes after the end of a coverage: the next year, month or day, or a day too late."""
    if kind == "next" and end.precision == 1:
        return PartialDate(end.year + 1)
    after = end.last_day + timedelta(days=2 if kind == "too late" else 1)
    if kind == "next" and end.precision == 2:
        return PartialDate(after.year, after.month)
    return PartialDate.of(after)


@st.composite
def right_sets(draw: st.DrawFn) -> list[Right]:
    """Random rights, some of which adjoin another at its precision, begin one day too late, or
    bridge the gap between two."""
    drawn = draw(st.lists(coverages, min_size=1, max_size=7))
    for coverage in list(drawn):
        if coverage.end is None:
            continue
        kind = draw(st.sampled_from(["alone", "alone", "next", "day after", "too late"]))
        if kind != "alone":
            after = follower(coverage.end, kind)
            drawn.append(Coverage(after, draw(st.sampled_from([after, None]))))
    bounded = [one for one in drawn if one.start is not None and one.end is not None]
    if len(bounded) > 1 and draw(st.booleans()):
        one, other = draw(st.permutations(bounded))[:2]
        if one.last + 1 < other.first:
            first = PartialDate.of(one.end.last_day + timedelta(days=1))
            drawn.append(Coverage(first, PartialDate.of(other.start.first_day - timedelta(days=1))))
    return [Right(number, coverage) for number, coverage in enumerate(drawn, 1)]


def days(coverage: Coverage) -> range:
    """The days covered, counted from the start of the window that open ends are cut to."""
    first = coverage.start.first_day if coverage.start else WINDOW_START
    last = coverage.end.last_day if coverage.end else WINDOW_END
    return range((first - WINDOW_START).days, (last - WINDOW_START).days + 1)


def oracle(rights: list[Right]) -> list[tuple[range, tuple[int, ...]]]:
    """Mark every day of every right; each run of marked days is one merged right."""
    marks: list[set[int]] = [set() for _ in range((WINDOW_END - WINDOW_START).days + 2)]
    for right in rights:
        for day in days(right.coverage):
            marks[day].add(right.source)
    runs = []
    start, sources = 0, set[int]()
    for day, marked in enumerate(marks):
        if marked and not sources:
            start = day
        if not marked and sources:
            runs.append((range(start, day), tuple(sorted(sources))))
            sources = set()
        sources |= marked
    return runs


@settings(max_examples=1500, deadline=None)
@given(right_sets(), st.randoms(use_true_random=False))
def test_the_merge_agrees_with_marking_single_days_in_any_order(rights, random) -> None:
    result = merge(rights)
    assert [(days(right.coverage), right.sources) for right in result] == oracle(rights)
    shuffled = list(rights)
    random.shuffle(shuffled)
    assert merge(shuffled) == result


@settings(max_examples=500, deadline=None)
@given(right_sets())
def test_merging_what_is_merged_changes_nothing(rights) -> None:
    once = [right.coverage for right in merge(rights)]
    again = merge([Right(number, coverage) for number, coverage in enumerate(once)])
    assert [right.coverage for right in again] == once


@settings(max_examples=500, deadline=None)
@given(right_sets())
def test_a_bound_keeps_the_precision_of_a_right_that_gave_it(rights) -> None:
    by_source = {right.source: right.coverage for right in rights}
    for right in merge(rights):
        sources = [by_source[source] for source in right.sources]
        assert right.coverage.start in {source.start for source in sources}
        assert right.coverage.end in {source.end for source in sources}


@settings(max_examples=500, deadline=None)
@given(right_sets(), right_sets())
def test_taking_a_right_away_and_adding_it_again_restores_the_same_rows(rights, others) -> None:
    whole = [*rights, *(Right(100 + other.source, other.coverage) for other in others)]
    before = merge(whole)
    assert merge([*whole[1:], whole[0]]) == before


def test_years_adjoin_years_and_gaps_stay() -> None:
    assert merged(dated("2010", "2012"), dated("2013", "2014")) == ["2010/2014 1,2"]
    assert merged(dated("2010", "2011"), dated("2013", "2014")) == ["2010/2011 1", "2013/2014 2"]


def test_days_months_and_years_adjoin_in_any_mixture() -> None:
    assert merged(dated("2018-01", "2018-06"), dated("2018-07-01", "2019-02-28")) == [
        "2018-01/2019-02-28 1,2"
    ]
    assert merged(dated("2012-02-29", "2012-02-29"), dated("2012-03", "2012")) == [
        "2012-02-29/2012 1,2"
    ]
    assert merged(dated("2011", "2011-02"), dated("2011-03-01", "")) == ["2011/ 1,2"]


def test_a_gap_of_one_day_stays() -> None:
    assert merged(dated("1995-03-01", "1995-08-31"), dated("1995-09-02", "1995-12")) == [
        "1995-03-01/1995-08-31 1",
        "1995-09-02/1995-12 2",
    ]
    assert len(merged(dated("2012-02", "2012-02-28"), dated("2012-03", "2012-03"))) == 2


def test_a_bridge_joins_both_sides() -> None:
    sides = dated("1987", "1988"), dated("1990", "1991")
    assert merged(*sides, dated("1988-06", "1990-03")) == ["1987/1991 1,2,3"]
    assert merged(*sides, dated("1989", "1989")) == ["1987/1991 1,2,3"]


def test_a_short_range_inside_a_long_one_does_not_shorten_it() -> None:
    assert merged(dated("2000", "2010"), dated("2001", "2002"), dated("2009", "2012")) == [
        "2000/2012 1,2,3"
    ]


def test_open_ends_reach_over_everything_beyond_them() -> None:
    assert merged(dated("2016", ""), dated("2013", "2015"), dated("2030", "2031")) == [
        "2013/ 1,2,3"
    ]
    assert merged(dated("", "2005"), dated("2006", ""), dated("1950", "1960")) == ["/ 1,2,3"]
    assert merged(dated("", ""), dated("2010", "2012")) == ["/ 1,2"]
    assert merged(dated("", "2005"), dated("2007", "")) == ["/2005 1", "2007/ 2"]


def test_where_two_rights_give_the_same_bound_the_coarser_way_to_say_it_stands() -> None:
    assert merged(dated("2010-01-01", "2011"), dated("2010", "2011-12")) == ["2010/2011 1,2"]


def test_a_right_by_volume_alone_is_never_merged_by_date() -> None:
    volumes = Coverage(first_volume="5", last_volume="9")
    result = merge([Right(1, dated("2000", "")), Right(2, volumes), Right(3, dated("", "2001"))])
    assert [(right.coverage.volume_only, right.sources) for right in result] == [
        (False, (1, 3)),
        (True, (2,)),
    ]
    assert result[1].coverage == volumes


def test_rights_by_volume_stand_each_by_itself_unless_they_say_the_same() -> None:
    early, late = (
        Coverage(first_volume="5", last_volume="9"),
        Coverage(first_volume="10", last_volume="12"),
    )
    result = merge([Right(1, late), Right(2, early), Right(3, late)])
    assert [(right.coverage, right.sources) for right in result] == [(early, (2,)), (late, (1, 3))]


def test_the_volumes_of_a_merged_right_come_from_the_givers_of_its_bounds() -> None:
    [right] = merge(
        [
            Right(1, dated("2010", "2012", first_volume="5", last_volume="7")),
            Right(2, dated("2013", "2014", first_volume="8", last_volume="9", last_issue="4")),
            Right(3, dated("2011", "2012", first_volume="1", last_volume="99")),
        ]
    )
    assert right.coverage == dated(
        "2010", "2014", first_volume="5", last_volume="9", last_issue="4"
    )


def test_an_open_right_without_a_last_volume_leaves_the_last_volume_open() -> None:
    [right] = merge(
        [
            Right(1, dated("2010", "", first_volume="5", last_volume="7")),
            Right(2, dated("2013", "", first_volume="8")),
        ]
    )
    assert (right.coverage.first_volume, right.coverage.last_volume) == ("5", None)


def test_a_whole_volume_goes_beyond_its_issues_at_either_end() -> None:
    [right] = merge(
        [
            Right(1, dated("2010", "2010", first_volume="5", first_issue="10", last_volume="5")),
            Right(
                2,
                dated(
                    *("2010", "2010"),
                    first_volume="5",
                    first_issue="9",
                    last_volume="5",
                    last_issue="12",
                ),
            ),
        ]
    )
    assert right.coverage.first_issue == "9"
    assert right.coverage.last_issue is None


def test_coverage_that_starts_after_it_ends_is_refused() -> None:
    problems = coverage_problems(dated("2010", "2008"))
    assert [problem.message for problem in problems] == ["Coverage from is after coverage to"]
    assert coverage_problems(dated("2010-06", "2010")) == []
    assert coverage_problems(dated("2010", "2010-03")) == []
    assert coverage_problems(dated("", "")) == []
    assert coverage_problems(dated("2010-03-15", "2010-02"))


def test_volumes_that_run_backwards_are_refused() -> None:
    problems = coverage_problems(Coverage(first_volume="10", last_volume="9"))
    assert [problem.message for problem in problems] == ["First volume is after last volume"]
