"""Values as people type them: what is read, and in which words the rest is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from app.core import values
from app.core.values import ValueProblem, is_iban


def reason(read: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(ValueProblem) as caught:
        read(*arguments)
    return caught.value.reason


@pytest.mark.parametrize(
    ("raw", "wanted"), [(10, 10), (10.0, 10), ("15", 15), (" 7 ", 7), ("0", 0), ("100", 100)]
)
def test_a_whole_number_is_read_from_numbers_and_text(raw: Any, wanted: int) -> None:
    assert values.parse_whole_number(raw, "Rebate", 0, 100) == wanted


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("10.0", "Rebate is not a whole number"),
        ("10,5", "Rebate is not a whole number"),
        (12.5, "Rebate is not a whole number"),
        (True, "Rebate is not a whole number"),
        (float("nan"), "Rebate is not a whole number"),
        (float("inf"), "Rebate is not a whole number"),
        ("ten", "Rebate is not a whole number"),
        ("9" * 400, "Rebate is not a whole number"),
        (101, "Rebate is more than 100"),
        ("-1", "Rebate is negative"),
    ],
)
def test_a_rebate_that_is_none_is_refused_with_its_reason(raw: Any, said: str) -> None:
    assert reason(values.parse_whole_number, raw, "Rebate", 0, 100) == said


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("12.34", "12.34"),
        ("12,34", "12.34"),
        ("175,10", "175.10"),
        ("1234", "1234.00"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("12,3 EUR", "12.30"),
        (596.04, "596.04"),
        (0.1 + 0.2, "0.30"),
        (5, "5.00"),
        ("-5", "-5.00"),
    ],
)
def test_an_amount_is_read_with_point_or_comma(raw: Any, wanted: str) -> None:
    assert values.parse_amount(raw, "Amount") == Decimal(wanted)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("1.234", "Amount is ambiguous"),
        ("1,234", "Amount is ambiguous"),
        (12.345, "Amount has more than two decimals"),
        ("0.123", "Amount has more than two decimals"),
        ("1.2345", "Amount has more than two decimals"),
        ("1.234.567", "Amount is not an amount"),
        ("12 34", "Amount is not an amount"),
        ("", "Amount is not an amount"),
        (True, "Amount is not an amount"),
        (float("inf"), "Amount is not an amount"),
        ("9" * 14, "Amount is too large"),
    ],
)
def test_an_amount_that_could_mean_two_things_or_none_is_refused(raw: Any, said: str) -> None:
    assert reason(values.parse_amount, raw, "Amount") == said


@given(st.decimals(0, 999_999_999, places=2, allow_nan=False))
def test_every_amount_is_read_back_as_it_is_written(amount: Decimal) -> None:
    assert values.parse_amount(f"{amount:.2f}", "Amount") == amount
    assert values.parse_amount(f"{amount:.2f}".replace(".", ","), "Amount") == amount
    assert values.parse_amount(float(amount), "Amount") == amount


@pytest.mark.parametrize(
    "raw",
    [
        datetime(1980, 12, 31, tzinfo=UTC),
        date(1980, 12, 31),
        "31.12.1980",
        "1980-12-31",
        " 31.12.1980 ",
    ],
)
def test_a_day_is_read_as_date_or_as_people_type_it(raw: Any) -> None:
    assert values.parse_date(raw, "Date of birth") == date(1980, 12, 31)


@pytest.mark.parametrize("raw", ["31.02.1980", "12/31/1980", "yesterday", "1980", "31.12.80", ""])
def test_a_day_that_no_calendar_has_is_refused(raw: str) -> None:
    assert reason(values.parse_date, raw, "Date of birth") == "Date of birth is not a date"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [("yes", True), ("Ja", True), (True, True), (1.0, True), ("NO", False), ("nein", False)],
)
def test_yes_and_no_are_read_in_words_and_booleans(raw: Any, wanted: bool) -> None:
    assert values.parse_yes_no(raw, "Newsletter") is wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("DE", "DE"), ("de", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("Österreich", "AT"),
        ("Nederland", "NL"), ("España", "ES"), ("Magyarország", "HU"), ("UK", "GB"), ("CHE", "CH"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_code_and_by_its_names(raw: str, wanted: str) -> None:
    assert values.parse_country(raw, "Country") == wanted


def test_an_unknown_country_is_refused() -> None:
    assert reason(values.parse_country, "Atlantis", "Country") == "Country is unknown"


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("0170 1234567", "DE"), ("+49 170 1234567", None), ("0049 170/1234567", "FR"),
        ("+49 (0)170 1234567", None), ("(0170) 123-4567", "de"),
    ],
)  # fmt: skip
def test_a_phone_number_is_one_number_in_every_common_spelling(
    raw: str, country: str | None
) -> None:
    assert values.parse_phone(raw, "Mobile phone", country) == "+491701234567"


@pytest.mark.parametrize("raw", ["12", "abc", "+49", "0170 1234567"])
def test_a_phone_number_that_cannot_be_dialled_is_refused(raw: str) -> None:
    said = reason(values.parse_phone, raw, "Mobile phone", None)
    assert said == "Mobile phone is not a phone number"


def test_an_iban_is_read_with_blanks_and_small_letters() -> None:
    assert values.parse_iban("de89 3704 0044 0532 0130 00", "IBAN") == "DE89370400440532013000"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("DE00370400440532013000", "IBAN check digits are wrong"),
        ("DE8937040044053201300", "IBAN has the wrong length"),
        ("hello", "IBAN is not valid"),
    ],
)
def test_a_wrong_iban_is_refused_with_its_reason(raw: str, said: str) -> None:
    assert reason(values.parse_iban, raw, "IBAN") == said


def test_a_vat_id_is_checked_by_its_country() -> None:
    assert values.parse_vat_id("de 136 695 976", "VAT ID") == "DE136695976"
    assert reason(values.parse_vat_id, "DE123456789", "VAT ID") == "VAT ID is not valid"


def test_an_issn_is_checked_and_written_with_its_hyphen() -> None:
    assert values.parse_issn("00315117", "ISSN") == "0031-5117"
    assert reason(values.parse_issn, "1234-5678", "ISSN") == "ISSN check digit is wrong"


def test_a_memo_is_refused_with_its_count_and_never_cut() -> None:
    with pytest.raises(ValueProblem) as caught:
        values.parse_text("x" * 203, "Memo", 200, lines=True)
    assert caught.value.reason == "Memo is longer than 200 characters"
    assert "203" in caught.value.hint
    assert values.parse_text("a\r\nb", "Memo", 3, lines=True) == "a\nb"


@given(st.text(max_size=60))
def test_no_text_whatever_ends_in_anything_but_a_value_or_a_reason(raw: str) -> None:
    for read in (
        lambda: values.parse_whole_number(raw, "x", 0, 9),
        lambda: values.parse_amount(raw, "x"),
        lambda: values.parse_date(raw, "x"),
        lambda: values.parse_yes_no(raw, "x"),
        lambda: values.parse_country(raw, "x"),
        lambda: values.parse_iban(raw, "x"),
        lambda: values.parse_bic(raw, "x"),
        lambda: values.parse_email(raw, "x"),
        lambda: values.parse_phone(raw, "x", "DE"),
        lambda: values.parse_vat_id(raw, "x"),
        lambda: values.parse_issn(raw, "x"),
    ):
        try:
            read()
        except ValueProblem as problem:
            assert problem.reason.startswith("x ")


@given(country=st.sampled_from(["DE", "FR", "MT", "NO", "GB", "XK", "ZZ"]), data=st.data())
def test_an_iban_is_told_as_the_library_tells_it(country: str, data: st.DataObject) -> None:
    known = country != "ZZ"
    plain = str(IBAN.random(country, random=Random(data.draw(st.integers())))) if known else "ZZ21"
    place = data.draw(st.integers(0, len(plain) - 1))
    sign = data.draw(st.sampled_from([*"0123456789AZaz-²", "٣", "", "00"]))
    changed = plain[:place] + sign + plain[place + 1 :]
    assert is_iban(plain) is known
    try:
        as_told = str(IBAN(changed)) == changed
    except SchwiftyException:
        as_told = False
    assert is_iban(changed) is as_told
