"""Countries by ISO 3166 code and by their names in the languages of Europe; languages by code."""

from functools import cache, lru_cache

import pycountry
from babel import Locale, UnknownLocaleError

from app.core.text import fold

# The languages whose names of countries are understood: English, German, and the own languages
# of the countries that customers come from.
LANGUAGES = (
    "en", "de", "fr", "it", "es", "pt", "nl", "pl", "ro", "fi", "sv", "da", "nb", "cs", "sk",
    "hu", "sl", "hr", "el", "bg", "et", "lv", "lt", "ga", "mt", "is", "sq", "mk", "sr", "tr",
    "ja", "zh", "ko", "ru", "uk", "he", "ar",
)  # fmt: skip
# Words that people use and no list of names has.
COMMON = {"uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
          "usa": "US", "america": "US", "holland": "NL", "brd": "DE", "schweiz": "CH",
          "czech republic": "CZ", "eire": "IE"}  # fmt: skip


_LONGEST = 100  # characters; no country's name has more, and nothing long is kept


@cache
def _codes() -> frozenset[str]:
    """The two-letter codes of countries; regions like 001 or EU are none."""
    return frozenset(country.alpha_2 for country in pycountry.countries) | {"XK"}


@cache
def _by_name() -> dict[str, str]:
    names = {country.alpha_3.lower(): country.alpha_2 for country in pycountry.countries}
    for language in reversed(LANGUAGES):
        for code, name in Locale(language).territories.items():
            if code in _codes():
                names[fold(name)] = code
    return names | {fold(word): code for word, code in COMMON.items()}


def country_code(raw: str) -> str | None:
    """The ISO code of a country given by code or name, or None where it is unknown."""
    text = raw.strip()
    return _code(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _code(text: str) -> str | None:
    if text.upper() in _codes():
        return text.upper()
    return _by_name().get(fold(text))


@lru_cache(maxsize=1024)
def country_name(code: str | None) -> str:
    """The English name of a country; the code itself where there is none."""
    return str(Locale("en").territories.get(code or "", code or ""))


@lru_cache(maxsize=256)
def language_name(code: str) -> str:
    """The English name of a language given by a code such as de or en-GB; else what was given."""
    try:
        named = Locale.parse(code.replace("_", "-"), sep="-").get_display_name("en")
    except (ValueError, UnknownLocaleError):
        return code
    return named or code


@cache
def country_names() -> list[str]:
    """All English names in order, as drop-downs offer them."""
    return sorted((country_name(code) for code in _codes()), key=fold)
