"""How alike two customers are: a score from 0 to 100 and the signs for it. Pure functions.

Each sign is a chance that the two are one, and signs add up like independent chances:
score = 100 * (1 - product of (1 - weight)). One sign never proves it; two of them nearly do.

    same email          0.90    same phone in any field     0.60
    same VAT ID         0.80    same IBAN                   0.45
    like name and same date of birth                        0.80
    like name and same street and house number              0.62
    like name and same postcode                             0.58
    like name beside one of the first four                  0.45

Names are alike from LIKE on (rapidfuzz's ratio over folded names in alphabetical order); a
name that is only just alike counts 0.9 of its sign, an equal one all of it. What speaks against
it takes a part of the score away: another date of birth leaves 0.45 of it (father and son at one
address are two people), another VAT ID 0.6, names without any likeness 0.85. From THRESHOLD on a
pair stands in the worklist: one strong sign with nothing against it is enough, an IBAN alone is
not (couples share one). Who is alike in everything and has at least one sign gets 100.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import lru_cache

from app.core.text import fold

THRESHOLD = 50
LIKE = 88.0
_UNLIKE = 50.0
_STREET = re.compile(r"(?<=[a-z])(?:strase|str)\b\.?|\bstrase\b|\bstr\b\.?")
_WORD = re.compile(r"[a-z0-9]+")
_HOUSE_NUMBER = re.compile(r"(\d+)\s*(?:[-/]\s*\d+\s*)?([a-z]?)\b")


class Sign(StrEnum):
    """What speaks for two customers being one."""

    EMAIL = "email"
    PHONE = "phone"
    VAT_ID = "vat_id"
    IBAN = "iban"
    NAME_BIRTH = "name_birth"
    NAME_STREET = "name_street"
    NAME_POSTCODE = "name_postcode"
    NAME = "name"


LABELS: dict[Sign, str] = {
    Sign.EMAIL: "Same email",
    Sign.PHONE: "Same phone",
    Sign.VAT_ID: "Same VAT ID",
    Sign.IBAN: "Same IBAN",
    Sign.NAME_BIRTH: "Like name, same date of birth",
    Sign.NAME_STREET: "Like name, same street",
    Sign.NAME_POSTCODE: "Like name, same postcode",
    Sign.NAME: "Like name",
}
_WEIGHTS: dict[Sign, float] = {
    Sign.EMAIL: 0.90,
    Sign.PHONE: 0.60,
    Sign.VAT_ID: 0.80,
    Sign.IBAN: 0.45,
    Sign.NAME_BIRTH: 0.80,
    Sign.NAME_STREET: 0.62,
    Sign.NAME_POSTCODE: 0.58,
    Sign.NAME: 0.45,
}
_NAMED = frozenset({Sign.NAME_BIRTH, Sign.NAME_STREET, Sign.NAME_POSTCODE, Sign.NAME})
_JUST_ALIKE = 0.9
_OTHER_BIRTH, _OTHER_VAT_ID, _UNLIKE_NAMES = 0.45, 0.6, 0.85


@dataclass(frozen=True, slots=True)
class Likeness:
    """What of a customer is compared: everything folded, and sets where there may be several."""

    name: str = ""
    email: str | None = None
    phones: frozenset[str] = frozenset()
    vat_id: str | None = None
    iban: str | None = None
    date_of_birth: date | None = None
    postcodes: frozenset[str] = frozenset()
    streets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """How alike two customers are, and why, the strongest sign first."""

    score: int
    signs: tuple[Sign, ...]


def judge(one: Likeness, other: Likeness) -> Judgement:
    """Compare two customers; the order does not matter."""
    likeness = name_ratio(one.name, other.name)
    signs = tuple(_signs(one, other, likeness >= LIKE))
    if likeness >= LIKE and signs and not _NAMED & set(signs):
        signs += (Sign.NAME,)
    if not signs:
        return Judgement(0, ())
    if one == other:
        return Judgement(100, signs)
    part = _JUST_ALIKE + (1 - _JUST_ALIKE) * max(0.0, likeness - LIKE) / (100 - LIKE)
    against = 1.0
    for sign in signs:
        against *= 1 - _WEIGHTS[sign] * (part if sign in _NAMED else 1)
    score = 100 * (1 - against)
    if one.date_of_birth and other.date_of_birth and one.date_of_birth != other.date_of_birth:
        score *= _OTHER_BIRTH
    if one.vat_id and other.vat_id and one.vat_id != other.vat_id:
        score *= _OTHER_VAT_ID
    if one.name and other.name and likeness < _UNLIKE:
        score *= _UNLIKE_NAMES
    return Judgement(min(99, round(score)), signs)


def _signs(one: Likeness, other: Likeness, like_name: bool) -> Iterator[Sign]:
    if one.email and one.email == other.email:
        yield Sign.EMAIL
    if one.vat_id and one.vat_id == other.vat_id:
        yield Sign.VAT_ID
    if like_name and one.date_of_birth and one.date_of_birth == other.date_of_birth:
        yield Sign.NAME_BIRTH
    if like_name and one.streets & other.streets:
        yield Sign.NAME_STREET
    if one.phones & other.phones:
        yield Sign.PHONE
    if like_name and one.postcodes & other.postcodes:
        yield Sign.NAME_POSTCODE
    if one.iban and one.iban == other.iban:
        yield Sign.IBAN


def name_ratio(one: str, other: str) -> float:
    """How alike two names are, from 0 to 100; both as the keys give them."""
    # Loaded here: the words of these rules are shown where nothing is compared.
    from rapidfuzz.fuzz import ratio

    return ratio(one, other) if one and other else 0.0


def person_key(first_name: str | None, name: str | None) -> str:
    """A person's first and last names, each written as one word, in alphabetical order.

    So Anne-Marie, Anne Marie and Annemarie are one, and so is who wrote the last name first.
    """
    return " ".join(sorted(filter(None, (_one_word(first_name), _one_word(name)))))


def company_key(name: str | None) -> str:
    """The words of a company's name in alphabetical order."""
    return " ".join(sorted(_WORD.findall(fold(name))))


@lru_cache(maxsize=50_000)
def _one_word(name: str | None) -> str:
    """Names come up again and again: folding is most of the work."""
    return "".join(_WORD.findall(fold(name)))


@lru_cache(maxsize=50_000)
def street_key(street: str | None) -> str | None:
    """A street with its house number: Hauptstr. 5, Hauptstraße 5 and hauptstrasse 5 are one.

    None for one without a house number: half a town lives in it.
    """
    text = _STREET.sub("str", fold(street))
    numbers = list(_HOUSE_NUMBER.finditer(text))
    if not numbers:
        return None
    number = numbers[-1]
    name = "".join(_WORD.findall(text[: number.start()] + " " + text[number.end() :]))
    return f"{name[:60]} {number[1].lstrip('0')}{number[2]}" if name else None


def postcode_key(postcode: str | None, country: str | None) -> str | None:
    """A postcode within its country; none is taken for the home one."""
    code = re.sub(r"\W+", "", postcode or "").casefold()
    return f"{(country or '').upper()} {code}" if code else None


def fingerprint(one: Likeness, other: Likeness) -> str:
    """A mark of all that is compared: it changes when the data of either does."""
    told = "|".join(sorted((_told(one), _told(other))))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def _told(one: Likeness) -> str:
    values = (getattr(one, field.name) for field in fields(one))
    return repr([sorted(v) if isinstance(v, frozenset) else v for v in values])
