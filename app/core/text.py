"""Text made comparable: folded for finding, keyed for sorting, transliterated for banks."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from anyascii import anyascii

# Spellings that people use for one another: ä, ae and a; ö, oe and o; ß, ss. All are brought to the
# shortest, so that each finds the others, and folding a folded text changes nothing.
_LONG = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe",
                       "å": "aa", "þ": "th", "ð": "d", "ł": "l", "đ": "d"})  # fmt: skip
_UMLAUT = re.compile(r"([aou])e+")
_DOUBLED = re.compile(r"a{2,}|s{2,}")
_NOT_WORD = re.compile(r"[^a-z0-9@._+-]+")
_BLANKS = re.compile(r"\s+")
_SHORT: Final = 60  # characters of a text whose folding is kept
_NOT_DIGIT = re.compile(r"[^0-9]+")


def clean(value: str | None) -> str | None:
    """The text with inner blanks made one, none at the ends, and no control characters.

    Gives None for what is empty then. Line breaks are blanks, too.
    """
    if value is None:
        return None
    if value.isprintable():  # nothing in it but marks, and blanks of the plain sort
        return " ".join(value.split()) or None
    spaced = _BLANKS.sub(" ", value)
    kept = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cs"})
    return kept.strip() or None


def clean_lines(value: str | None) -> str | None:
    """Like `clean`, but line breaks stay, each as one line feed."""
    if value is None:
        return None
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(clean(line) or "" for line in lines).strip() or None


def fold(value: str | None) -> str:
    """The text in small Latin letters without accents: Müller, MUELLER and Muller become muller.

    ä, ae and a fall together on purpose (domain.md: ä/ae and ß/ss do not matter), as do
    accented and plain letters of every alphabet, transliterated.
    """
    if not value:
        return ""
    return _folded(value) if len(value) <= _SHORT else _fold(value)


def _fold(value: str) -> str:
    if value.isascii():  # most are, and a long write folds ten texts for each customer
        text = value.lower()
    else:
        text = unicodedata.normalize("NFC", value).casefold().translate(_LONG)
        text = anyascii(text).lower()
    # Looking for the letters first is cheap; most texts have none of these spellings.
    if "ae" in text or "oe" in text or "ue" in text:
        text = _UMLAUT.sub(r"\1", text)
    if "aa" in text or "ss" in text:
        text = _DOUBLED.sub(lambda run: run[0][0], text)
    return " ".join(text.split())


# Imports ask for the same few words a million times: groups, countries, methods of payment.
_folded = lru_cache(maxsize=8192)(_fold)


def words(value: str | None) -> list[str]:
    """The folded words of a text, cut at everything that stands in no name, email or number."""
    return [word.strip(".-_") for word in _NOT_WORD.split(fold(value)) if word.strip(".-_")]


def sort_key(value: str | None, length: int = 120) -> str:
    """A key that sorts as people expect: without case, accents, quotes or leading marks."""
    return " ".join(words(value))[:length]


def digits(value: str | None) -> str:
    """Only the digits of a text, whatever script they are in."""
    if value and value.isascii():
        return _NOT_DIGIT.sub("", value)
    return "".join(str(unicodedata.digit(c)) for c in value or "" if c.isdigit())
