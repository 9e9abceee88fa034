"""Whether content may be used, and the reason in a sentence."""

from datetime import date

import pytest

from app.catalogue.coverage import Coverage
from app.core.partial_date import PartialDate
from app.subscriptions.models import Format, SubscriptionSource, SubscriptionStatus
from app.subscriptions.verdicts import Answer, Claim, Question, Verdict, answer
from tests.subscriptions.test_merge import dated

TODAY = date(2026, 11, 24)
VOLUMES = Coverage(first_volume="5", last_volume="9")


def owned(coverage: Coverage, number: int = 1, **values: object) -> Claim:
    return Claim(SubscriptionSource.PERPETUAL, number, coverage, "purchase", **values)  # type: ignore[arg-type]


def subscribed(coverage: Coverage, **values: object) -> Claim:
    term: dict[str, object] = {"term_from": date(2026, 1, 1), "term_to": date(2026, 12, 31)}
    return Claim(SubscriptionSource.ORDINARY, 7, coverage, **(term | values))  # type: ignore[arg-type]


def asked(*claims: Claim, content: str = "", volume: str | None = None) -> Answer:
    return answer(Question(PartialDate.parse(content), volume, TODAY), claims)


def test_a_year_inside_a_perpetual_right_may_be_used_for_ever() -> None:
    found = asked(owned(dated("2010", "2014")), content="2014")
    assert (found.verdict, found.entitled) == (Verdict.YES, True)
    assert found.reason == "Yes, for ever: 2014 is covered by purchase 2010–2014."
    assert [one.id for one in found.sources] == [1]


def test_two_rights_cover_a_year_together() -> None:
    halves = owned(dated("2013", "2014-06")), owned(dated("2014-07-01", ""), 2)
    found = asked(*halves, content="2014")
    assert found.verdict is Verdict.YES
    assert [one.id for one in found.sources] == [1, 2]


def test_a_part_of_a_year_is_told_with_what_is_missing() -> None:
    found = asked(owned(dated("1995-03-01", "1995-08-31")), content="1995")
    assert (found.verdict, found.entitled) == (Verdict.PARTLY, True)
    assert found.reason == (
        "In part: 1995-03 – 1995-08 is covered by purchase 1995-03-01 – 1995-08-31;"
        " 1995-01 – 1995-02 and 1995-09 – 1995-12 is not."
    )


def test_a_gap_is_told_as_such() -> None:
    found = asked(owned(dated("2010", "2011")), owned(dated("2013", ""), 2), content="2012")
    assert (found.verdict, found.sources) == (Verdict.NO, ())
    assert found.reason == (
        "No: 2012 lies outside of what is held: purchase 2010–2011 and purchase from 2013."
    )


def test_without_any_right_the_answer_says_so() -> None:
    assert "neither a perpetual right nor a subscription" in asked(content="2012").reason


def test_a_running_subscription_gives_until_its_term_ends() -> None:
    found = asked(subscribed(dated("2026", "2026")), content="2026")
    assert found.verdict is Verdict.YES
    assert found.reason.startswith("Yes, until 2026-12-31:")
    print_only = subscribed(dated("2026", "2026"), format=Format.PRINT)
    assert "in print only" in asked(print_only, content="2026").reason


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"term_to": date(2026, 6, 30)}, "ended on 2026-06-30"),
        ({"term_from": date(2026, 12, 1)}, "begins on 2026-12-01"),
        ({"status": SubscriptionStatus.CANCELLED}, "is cancelled"),
        ({"status": SubscriptionStatus.DRAFT}, "is draft"),
    ],
)
def test_a_subscription_that_does_not_run_gives_nothing_and_says_why(values, why) -> None:
    found = asked(subscribed(dated("2026", "2026"), **values), content="2026")
    assert found.verdict is Verdict.NO
    assert why in found.reason


def test_a_perpetual_right_stays_when_the_subscription_has_lapsed() -> None:
    lapsed = subscribed(dated("2010", ""), status=SubscriptionStatus.EXPIRED)
    found = asked(lapsed, owned(dated("2010", "2014")), content="2014")
    assert found.reason == "Yes, for ever: 2014 is covered by purchase 2010–2014."


@pytest.mark.parametrize(
    ("coverage", "content", "volume", "verdict"),
    [
        (VOLUMES, "", "7", Verdict.YES),
        (VOLUMES, "2014", "7", Verdict.YES),
        (VOLUMES, "", "10", Verdict.NO),
        (VOLUMES, "2014", None, Verdict.UNKNOWN),
        (VOLUMES, "", "supplement", Verdict.UNKNOWN),
        (Coverage(first_volume="5"), "", "400", Verdict.YES),
        (dated("2010", "2014"), "", "7", Verdict.UNKNOWN),
        (dated("", ""), "", "7", Verdict.YES),
        (dated("2010", "2014", first_volume="5", last_volume="9"), "", "7", Verdict.YES),
        (dated("2010", "2014", first_volume="5", last_volume="9"), "2014", "9", Verdict.YES),
        (dated("2010", "2014", first_volume="5", last_volume="9"), "2014", "10", Verdict.NO),
        (dated("2010", "2014", first_volume="5"), "", "7", Verdict.UNKNOWN),
        (dated("2010", "", first_volume="5"), "", "7", Verdict.YES),
        (dated("2010", "", first_volume="5"), "", "4", Verdict.NO),
    ],
)
def test_volumes_are_answered_as_far_as_they_are_stated(
    coverage: Coverage, content: str, volume: str | None, verdict: Verdict
) -> None:
    found = asked(owned(coverage), content=content, volume=volume)
    assert found.verdict is verdict, found.reason


@pytest.mark.parametrize(
    ("embargo", "content", "verdict"),
    [
        ("P1Y", "2026-06", Verdict.NO),
        ("P1Y", "2025-06", Verdict.YES),
        ("P1Y", "2025", Verdict.PARTLY),
        ("R5Y", "2019", Verdict.NO),
        ("R5Y", "2024", Verdict.YES),
        ("R10Y;P30D", "2026-11", Verdict.NO),
        ("P900Y", "1900", Verdict.NO),
    ],
)
def test_an_embargo_hides_what_it_hides_on_that_day(
    embargo: str, content: str, verdict: Verdict
) -> None:
    found = asked(owned(dated("1990", ""), embargo=embargo), content=content)
    assert found.verdict is verdict, found.reason
    if verdict is Verdict.NO:
        assert f"embargo {embargo}" in found.reason
