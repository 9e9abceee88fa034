"""Countries and languages are shown by their names, whatever somebody has typed."""

import pytest

from app.core.countries import language_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("de", "German"), ("en-GB", "English (United Kingdom)"), ("de_AT", "German (Austria)"),
        ("xx", "xx"),
        ("Plattdeutsch", "Plattdeutsch"), ("", ""), ("\0", "\0"), ("de-de-de-", "de-de-de-"),
    ],
)  # fmt: skip
def test_a_language_is_shown_by_its_name_and_else_as_it_was_typed(code: str, name: str) -> None:
    assert language_name(code) == name
