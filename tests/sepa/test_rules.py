"""States pair by pair, dates, accounts and amounts: the rules without a database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest

from app.core.errors import Refused
from app.core.values import parse_date
from app.sepa.models import MandateState, MandateType, RunState
from app.sepa.rules import (
    COUNTRIES_NEEDING_ADDRESS,
    MANDATE_STATES,
    RUN_STATES,
    SEPA_COUNTRIES,
    Exclusion,
    Policy,
    amount_fits,
    iban_problem,
    is_expired,
    is_valid_creditor_identifier,
    sequence_type,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RUN_STEPS = {
    "created": {"released", "void"},
    "released": {"filed", "void"},
    "filed": {"handed in", "void"},
    "handed in": {"answered"},
    "answered": {"closed"},
    "closed": set(),
    "void": set(),
}
MANDATE_STEPS = {
    "draft": {"active", "cancelled"},
    "active": {"suspended", "cancelled", "expired", "used"},
    "suspended": {"active", "cancelled", "expired"},
    "used": {"active"},
    "cancelled": set(),
    "expired": set(),
}


@pytest.mark.parametrize(("old", "new"), list(product(RunState, RunState)))
def test_a_run_takes_only_the_steps_of_the_table(old: RunState, new: RunState) -> None:
    assert RUN_STATES.allows(old, new) == (new.value in RUN_STEPS[old.value])


@pytest.mark.parametrize(("old", "new"), list(product(MandateState, MandateState)))
def test_a_mandate_takes_only_the_steps_of_the_table(old: MandateState, new: MandateState) -> None:
    assert MANDATE_STATES.allows(old, new) == (new.value in MANDATE_STEPS[old.value])


@pytest.mark.parametrize("country", ["AL", "ME", "MK", "MD", "RS", "CH", "GB", "DE"])
def test_the_countries_of_sepa_include_the_late_ones(country: str) -> None:
    assert country in SEPA_COUNTRIES
    assert (country in COUNTRIES_NEEDING_ADDRESS) == (country != "DE")


@pytest.mark.parametrize(
    ("iban", "wrong"),
    [
        ("DE89370400440532013000", None),
        ("DE88370400440532013000", Exclusion.IBAN_INVALID),
        ("", Exclusion.IBAN_INVALID),
        ("TR330006100519786457841326", Exclusion.IBAN_OUTSIDE_SEPA),
    ],
)
def test_an_iban_is_judged(iban: str, wrong: Exclusion | None) -> None:
    assert iban_problem(iban) == wrong


@pytest.mark.parametrize(
    ("identifier", "right"),
    [
        ("DE98ZZZ09999999999", True),
        ("DE98ABC09999999999", True),  # the business code counts for nothing
        ("DE99ZZZ09999999999", False),
        ("garbage", False),
        ("", False),
    ],
)
def test_a_creditor_identifier_is_checked(identifier: str, right: bool) -> None:
    assert is_valid_creditor_identifier(identifier) is right


@pytest.mark.parametrize(
    ("amount", "fits"),
    [("0.01", True), ("999999999.99", True), ("0", False), ("-1", False),
     ("1000000000.00", False), ("0.001", False)],
)  # fmt: skip
def test_an_amount_fits_between_a_cent_and_the_bound(amount: str, fits: bool) -> None:
    assert amount_fits(Decimal(amount)) is fits


@pytest.mark.parametrize(
    ("collected", "day", "expired"),
    [
        (None, date(2026, 1, 15), False),
        (None, date(2026, 1, 16), True),
        (date(2025, 12, 31), date(2028, 12, 31), False),
        (date(2025, 12, 31), date(2029, 1, 2), True),
    ],
)
def test_a_mandate_lapses_36_months_after_it_was_last_used(
    collected: date | None, day: date, expired: bool
) -> None:
    assert is_expired(date(2023, 1, 15), collected, day) is expired


def test_the_sequence_follows_mandate_and_setting() -> None:
    recurrent, once = MandateType.RECURRENT, MandateType.ONE_OFF
    assert sequence_type(recurrent, None, first_as_recurrent=True) == "RCUR"
    assert sequence_type(recurrent, None, first_as_recurrent=False) == "FRST"
    assert sequence_type(recurrent, date(2026, 1, 2), first_as_recurrent=False) == "RCUR"
    assert sequence_type(once, None, first_as_recurrent=True) == "OOFF"


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 11, 28), "not a day on which banks work"),
        (date(2026, 12, 25), "not a day on which banks work"),
        (date(2026, 11, 23), "too early"),
        (date(2020, 11, 20), "too early"),
        (date(2028, 1, 3), "more than a year ahead"),
    ],
)
def test_an_impossible_day_is_refused_with_the_next_possible_one(day: date, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        Policy().check_collection_date(day, NOW)
    assert refused.value.problems[0].field == "collection_date"
    proposed = refused.value.problems[0].hint.removeprefix("The next possible day is ")
    Policy().check_collection_date(parse_date(proposed, "Day"), NOW)


def test_the_next_possible_day_is_accepted() -> None:
    policy = Policy()
    policy.check_collection_date(policy.next_collection_day(NOW), NOW)
