"""What is typed in any spelling stands in the text that the search reads: properties of the key."""

import unicodedata
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.text import fold
from app.core.values import parse_phone
from app.customers.rules import derived
from app.customers.search import search_terms

PLAIN = "abcdefghijklmnopqrstuvwxyz"
NAMES = st.text(st.sampled_from(PLAIN + PLAIN.upper() + "äöüßéñçøłåæ -'"), min_size=2, max_size=20)
FORMATS = (
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.E164,
)


def text_of(**values: Any) -> str:
    return str(derived({"kind": "individual", "number": "1000001", **values})["search_text"])


def finds(query: str, text: str) -> bool:
    terms = search_terms(query)
    return bool(terms) and all(term in text for term in terms)


def accented() -> list[tuple[str, str]]:
    """Every letter of the Latin blocks that is a plain letter with accents, beside that letter."""
    pairs = []
    for code in (*range(0x00C0, 0x0250), *range(0x1E00, 0x1F00)):
        plain, *marks = unicodedata.normalize("NFD", chr(code))
        if marks and plain.lower() in PLAIN and all(unicodedata.combining(one) for one in marks):
            pairs.append((chr(code), plain))
    return pairs


def test_every_accented_letter_finds_the_plain_one_and_the_other_way_round() -> None:
    pairs = accented()
    assert len(pairs) > 400
    for accent, plain in pairs:
        assert finds(f"T{plain}rmin", text_of(first_name=f"T{accent}rmin")), (accent, plain)
        assert finds(f"T{accent}rmin", text_of(first_name=f"T{plain}rmin")), (accent, plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Müller", "Mueller"), ("Müller", "Muller"), ("Groß", "Gross"), ("Groß", "Gros"),
     ("Søren", "Soeren"), ("Æther", "Aether"), ("Łódź", "Lodz"), ("Þór", "Thor"),
     ("ANNA", "anna"), ("Straße", "STRASSE"), ("Jürgen", "Ju\u0308rgen"), ("Ñandú", "nandu")],
)  # fmt: skip
def test_spellings_of_one_name_find_each_other(one: str, other: str) -> None:
    assert finds(one, text_of(first_name=other)) and finds(other, text_of(first_name=one))


@given(NAMES, NAMES)
def test_names_are_found_in_either_order(first: str, last: str) -> None:
    text = text_of(first_name=first, name=last)
    for query in (f"{first} {last}", f"{last} {first}", f"{last}, {first}", f"{first}  {last} "):
        assert not search_terms(query) or finds(query, text)


@given(NAMES)
def test_a_part_of_a_name_of_three_letters_is_found(name: str) -> None:
    word = max(search_terms(name) or [""], key=len)
    for start in range(len(word) - 2):
        assert finds(word[start : start + 3], text_of(first_name=name))


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.integers(1_000_000, 99_999_999), st.sampled_from(["170", "151", "30", "89", "341"]))
def test_a_phone_is_found_in_every_spelling(local: int, area: str) -> None:
    typed = f"0{area} {local}"
    parsed = phonenumbers.parse(typed, "DE")
    if not phonenumbers.is_valid_number(parsed):
        return
    stored = parse_phone(typed, "Phone", "DE")
    text = text_of(first_name="Anna", mobile_phone=stored)
    spellings = [phonenumbers.format_number(parsed, one) for one in FORMATS]
    digits = f"{area}{local}"
    spellings += [
        f"0049{digits}",
        f"+49 (0) {area}/{local}",
        f"0{area}-{local}",
        f"(0{area}) {local}",
    ]
    for spelling in spellings:
        assert finds(spelling, text), (spelling, text)
        assert finds(f"Anna {spelling}", text), (spelling, text)
