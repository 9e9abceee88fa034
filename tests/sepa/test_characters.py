"""Names and ids in the characters that banks accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sepa.characters import (
    MAX_ID,
    MAX_NAME,
    IllegalTextError,
    is_legal_id,
    is_legal_text,
    legal_id,
    legal_name,
    legal_text,
)

ANY_SCRIPT = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)


@given(ANY_SCRIPT)
def test_a_name_in_any_script_becomes_legal_or_an_error_and_never_blank(name: str) -> None:
    try:
        said = legal_name(name)
    except IllegalTextError:
        return
    assert is_legal_text(said, MAX_NAME)
    assert any(c.isalnum() for c in said)
    assert legal_name(said) == said


@given(ANY_SCRIPT, st.integers(1, 140))
def test_a_text_is_legal_and_fits_or_is_empty(text: str, limit: int) -> None:
    said = legal_text(text, limit)
    assert said == "" or is_legal_text(said, limit)


@given(st.lists(ANY_SCRIPT, min_size=2, max_size=20))
def test_ids_are_legal_and_unique_whatever_the_invoices_are_called(names: list[str]) -> None:
    ids = [legal_id(f"DD2026-00001-{place}", name) for place, name in enumerate(names, 1)]
    assert all(is_legal_id(one) and len(one) <= MAX_ID for one in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Müller & Söhne", "Mueller + Soehne"),
        ("Straße 5", "Strasse 5"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Đorđe Šešelj", "Dorde Seselj"),
        ("Ólafur Þór", "Olafur Thor"),
        ("  two   blanks ", "two blanks"),
    ],
)
def test_a_name_is_said_as_banks_expect(name: str, said: str) -> None:
    assert legal_name(name) == said


@pytest.mark.parametrize("name", ["", "   ", "***", "///", "..."])
def test_a_name_without_letters_is_an_error(name: str) -> None:
    with pytest.raises(IllegalTextError):
        legal_name(name)


@pytest.mark.parametrize("text", ["", "/a", "a/", "a//b", "a" * 36, " a", "a_b", "ä"])
def test_such_an_id_is_refused(text: str) -> None:
    assert not is_legal_id(text)
