"""How alike two customers are: symmetric, bounded, in words that hold."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.customers.duplicate_rules import (
    LABELS,
    THRESHOLD,
    Likeness,
    Sign,
    fingerprint,
    judge,
    person_key,
    postcode_key,
    street_key,
)

PHONES = st.frozensets(st.sampled_from(["+491701", "+491702", "+491703"]), max_size=3)
CODES = st.frozensets(st.sampled_from(["DE 10115", "DE 10117"]), max_size=2)
STREETS = st.frozensets(st.sampled_from(["hauptstr 5", "hauptstr 6"]), max_size=2)


def key(name: str) -> str:
    return person_key(*(name.replace(",", "").split(" ", 1) if name else (None, None)))


# A machine that does much else at once is no fault of the rules.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WRITTEN = ("Anna Müller", "Müller Anna", "Ana Mueller", "Otto Kern", "Acme GmbH", "")
NAMES = st.sampled_from([key(name) for name in WRITTEN])


@st.composite
def likenesses(draw: st.DrawFn) -> Likeness:
    return Likeness(
        name=draw(NAMES),
        email=draw(st.sampled_from([None, "a@example.com", "b@example.com"])),
        phones=draw(PHONES),
        vat_id=draw(st.sampled_from([None, "DE1", "DE2"])),
        iban=draw(st.sampled_from([None, "DE89", "DE90"])),
        date_of_birth=draw(st.sampled_from([None, date(1970, 1, 1), date(1980, 5, 5)])),
        postcodes=draw(CODES),
        streets=draw(STREETS),
    )


@PATIENT
@given(likenesses(), likenesses())
def test_the_order_of_two_customers_does_not_matter(one: Likeness, other: Likeness) -> None:
    assert judge(one, other) == judge(other, one)
    assert fingerprint(one, other) == fingerprint(other, one)


@PATIENT
@given(likenesses(), likenesses())
def test_a_score_is_between_0_and_100_and_only_equals_have_100(
    one: Likeness, other: Likeness
) -> None:
    judged = judge(one, other)
    assert 0 <= judged.score <= 100
    assert (judged.score == 100) <= (one == other)
    assert (judged.score == 0) == (not judged.signs)


@PATIENT
@given(likenesses())
def test_who_is_alike_in_everything_has_100(one: Likeness) -> None:
    judged = judge(one, one)
    told = one.email or one.phones or one.vat_id or one.iban
    near = one.name and (one.date_of_birth or one.postcodes or one.streets)
    assert judged.score == (100 if told or near else 0)


@PATIENT
@given(likenesses(), likenesses(), likenesses())
def test_the_fingerprint_changes_with_the_data(
    one: Likeness, other: Likeness, third: Likeness
) -> None:
    assert (fingerprint(one, other) == fingerprint(one, third)) == (other == third)


def test_every_sign_has_a_label() -> None:
    assert LABELS.keys() == set(Sign)


def person(name: str = "Anna Müller", **given: object) -> Likeness:
    return Likeness(name=key(name), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "sign"),
    [
        (person(email="a@example.com"), person("Otto Kern", email="a@example.com"), Sign.EMAIL),
        (person(vat_id="DE1"), person("Otto Kern", vat_id="DE1"), Sign.VAT_ID),
        (
            person(phones=frozenset({"+491", "+492"})),
            person("Otto Kern", phones=frozenset({"+492"})),
            Sign.PHONE,
        ),
        (
            person(date_of_birth=date(1970, 1, 1)),
            person("Mueller, Ana", date_of_birth=date(1970, 1, 1)),
            Sign.NAME_BIRTH,
        ),
        (
            person(postcodes=frozenset({"DE 10115"})),
            person("Anna Möller", postcodes=frozenset({"DE 10115"})),
            Sign.NAME_POSTCODE,
        ),
        (
            person(streets=frozenset({"hauptstr 5"})),
            person("MUELLER Anna", streets=frozenset({"hauptstr 5"})),
            Sign.NAME_STREET,
        ),
    ],
)
def test_one_strong_sign_is_enough(one: Likeness, other: Likeness, sign: Sign) -> None:
    judged = judge(one, other)
    assert judged.signs == (sign,)
    assert judged.score >= THRESHOLD


def test_an_iban_alone_is_not_enough_since_couples_share_one() -> None:
    assert judge(person(iban="DE89"), person("Otto Kern", iban="DE89")).score < THRESHOLD
    assert judge(person(iban="DE89"), person("Anna Mueller", iban="DE89")).score >= THRESHOLD


def test_a_like_name_makes_more_of_a_shared_phone() -> None:
    phone = frozenset({"+491"})
    like = judge(person(phones=phone), person("Ana Mueller", phones=phone))
    unlike = judge(person(phones=phone), person("Otto Kern", phones=phone))
    assert like.signs == (Sign.PHONE, Sign.NAME)
    assert like.score > unlike.score >= THRESHOLD


def test_another_date_of_birth_speaks_against_one_person() -> None:
    home = {"postcodes": frozenset({"DE 10115"}), "streets": frozenset({"hauptstr 5"})}
    father = person("Hans Kern", date_of_birth=date(1950, 1, 1), **home)
    son = person("Hans Kern", date_of_birth=date(1980, 1, 1), **home)
    assert judge(father, son).score < THRESHOLD


def test_unlike_names_with_the_same_postcode_are_no_sign() -> None:
    home = frozenset({"DE 10115"})
    assert judge(person(postcodes=home), person("Otto Kern", postcodes=home)).score == 0


@pytest.mark.parametrize(
    "written",
    ["Hauptstraße 5", "Hauptstr. 5", "hauptstrasse 05", "Haupt Str. 5", "HAUPT-STRASSE 5"],
)
def test_a_street_is_the_same_however_it_is_written(written: str) -> None:
    assert street_key(written) == "hauptstr 5"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hauptstr. 5", "Hauptstr. 6"), ("Hauptstr. 5", "Hauptstr. 5a"), ("Hauptstr. 5", "Haupt 5")],
)
def test_another_house_is_another_street(one: str, other: str) -> None:
    assert street_key(one) != street_key(other)


@pytest.mark.parametrize(
    "written",
    [("Anne-Marie", "Löwenstein"), ("Anne Marie", "Loewenstein"), ("LÖWENSTEIN", "Annemarie")],
)
def test_a_name_is_the_same_however_it_is_written(written: tuple[str, str]) -> None:
    assert person_key(*written) == "annemarie lowenstein"


def test_a_street_without_a_number_is_none() -> None:
    assert street_key("Rosenweg") is street_key(None) is street_key("5") is None


def test_a_postcode_stands_in_its_country() -> None:
    assert postcode_key("1010", "AT") != postcode_key("1010", "CH")
    assert postcode_key("SW1A 1AA", "GB") == postcode_key("sw1a1aa", "GB")
    assert postcode_key(" ", "DE") is None


@PATIENT
@given(st.text(max_size=60))
def test_any_street_at_all_has_a_key_or_none(written: str) -> None:
    key = street_key(written)
    assert key is None or key == street_key(written.upper()) or not written.isascii()
