"""What goes and what stays when subscriptions are not renewed."""

from datetime import date

from app.catalogue.coverage import Coverage
from app.subscriptions import spans
from app.subscriptions.lapse import Lapse, lapse
from app.subscriptions.models import SubscriptionStatus
from app.subscriptions.verdicts import Claim
from tests.subscriptions.test_merge import dated
from tests.subscriptions.test_verdicts import TODAY, owned, subscribed


def lapsed(*claims: Claim) -> Lapse:
    return lapse(claims, {7}, TODAY)


def test_what_no_other_right_covers_goes_and_perpetual_rights_stay() -> None:
    found = lapsed(subscribed(dated("2010", "")), owned(dated("2008", "2014")))
    assert spans.in_words(found.lost) == ["from 2015"]
    assert spans.in_words(found.kept) == ["2010–2014"]
    assert [one.perpetual for one in found.remaining] == [True]
    assert found.day == date(2027, 1, 1)


def test_a_subscription_without_any_other_right_takes_all_with_it() -> None:
    found = lapsed(subscribed(dated("2026", "2026")))
    assert (found.loses, spans.in_words(found.lost), found.kept) == (True, ["2026"], [])


def test_nothing_goes_where_all_is_held_otherwise() -> None:
    found = lapsed(subscribed(dated("2010", "2012")), owned(dated("", "")))
    assert (found.loses, spans.in_words(found.kept)) == (False, ["2010–2012"])


def test_another_subscription_keeps_what_it_covers_if_it_goes_on() -> None:
    def beside(**values: object) -> Lapse:
        other = Claim(**{  # type: ignore[arg-type]
            "kind": "ordinary", "id": 8, "coverage": dated("2026", "2026"),
            "term_from": date(2026, 1, 1), "term_to": date(2026, 12, 31), **values,
        })  # fmt: skip
        return lapsed(subscribed(dated("2026", "2026")), other)

    assert not beside(renewal=True).loses
    assert not beside(term_to=None).loses
    assert beside(renewal=False).loses
    assert beside(renewal=True, status=SubscriptionStatus.CANCELLED).loses


def test_volumes_alone_are_compared_by_what_they_say() -> None:
    volumes = Coverage(first_volume="5", last_volume="9")
    assert lapsed(subscribed(volumes)).lost_by_volume == ["volumes 5–9"]
    assert not lapsed(subscribed(volumes), owned(volumes)).loses
    beside = lapsed(subscribed(dated("2010", "2012")), owned(volumes))
    assert (spans.in_words(beside.lost), len(beside.by_volume)) == (["2010–2012"], 1)


def test_a_subscription_that_has_no_end_is_looked_at_from_tomorrow() -> None:
    assert lapsed(subscribed(dated("2010", ""), term_to=None)).day == date(2026, 11, 25)
