"""The characters that banks accept in a SEPA message, and how names and ids are brought to them.

EPC217-08 (SEPA conversion table) leaves a-z A-Z 0-9 and / - ? : ( ) . , ' + and the blank.
"""

import re
import string
import unicodedata

from anyascii import anyascii

LEGAL = frozenset(string.ascii_letters + string.digits + "/-?:().,'+ ")

MAX_NAME = 70
MAX_REMITTANCE = 140
MAX_ID = 35
MAX_STREET = 70
MAX_POSTCODE = 16
MAX_TOWN = 35

# What people in the banking trade expect; it comes before the general transliteration, which
# would give "Muller" for "Müller" and words such as "(c)" for signs.
OWN_TABLE = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS",
        "æ": "ae", "Æ": "Ae", "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa", "œ": "oe", "Œ": "Oe",
        "&": "+", "@": "(at)", "€": "EUR", "$": "USD", "£": "GBP", "%": "pct", "§": "par.",
        "_": "-", "~": "-", "=": "-", "*": ".", "·": ".", "!": ".", ";": ",", "#": "/", "|": "/",
        "\\": "/", '"': "'", "`": "'", "´": "'", "^": "'", "’": "'", "‘": "'", "„": "'", "“": "'",
        "”": "'", "«": "'", "»": "'", "[": "(", "]": ")", "{": "(", "}": ")", "<": "(", ">": ")",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "°": "o", "№": "No.",
    }
)  # fmt: skip

_BLANKS = re.compile(r" +")
_SLASHES = re.compile(r"/{2,}")


class IllegalTextError(ValueError):
    """A text of which no legal character is left; says so in words."""


def to_legal(text: str) -> str:
    """The text in legal characters, blanks collapsed; empty if nothing of it can be said."""
    if LEGAL.issuperset(text) and "  " not in text:
        return text.strip()  # as most are; a run of 50,000 asks four times for each
    composed = unicodedata.normalize("NFC", text).translate(OWN_TABLE)
    # The general transliteration may itself bring signs of the table, such as quotes.
    plain = anyascii(composed).translate(OWN_TABLE)
    kept = "".join(c if c in LEGAL else " " if c.isspace() else "" for c in plain)
    return _BLANKS.sub(" ", kept).strip()


def legal_text(text: str, limit: int) -> str:
    """The text in legal characters, cut to `limit`; may be empty."""
    return to_legal(text)[:limit].strip()


def legal_name(name: str) -> str:
    """A party's name in legal characters, at most 70. Raises IllegalTextError if none is left."""
    said = legal_text(name, MAX_NAME)
    if not any(c.isalnum() for c in said):
        raise IllegalTextError(f"The name {name!r} has no letter that a bank could read")
    return said


def is_legal_text(text: str, limit: int) -> bool:
    """Tell whether a text may stand in a message as it is."""
    return 0 < len(text) <= limit and LEGAL.issuperset(text) and text == text.strip()


def is_legal_id(text: str) -> bool:
    """Tell whether a text may be an id: 35 characters, no slash at an end, no two in a row."""
    return (
        is_legal_text(text, MAX_ID)
        and not text.startswith("/")
        and not text.endswith("/")
        and "//" not in text
    )


def legal_id(prefix: str, text: str) -> str:
    """An id made of a unique legal prefix and as much of the text as has room.

    The prefix must be legal and must not be cut: it alone makes the id unique.
    """
    made = _SLASHES.sub("/", f"{prefix}-{to_legal(text)}")[:MAX_ID].strip(" /-")
    if not is_legal_id(made) or not made.startswith(prefix):
        raise IllegalTextError(f"{prefix!r} cannot begin an id")
    return made
