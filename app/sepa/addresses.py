"""A debtor's address as a bank is told it: structured, or hybrid where the account says so.

Unstructured addresses ended on 15 November 2026. A hybrid one has town and country as such, and at
most two lines of 70 that say nothing again (EPC153-22).
"""

import re
from collections.abc import Iterator

from app.sepa.characters import MAX_POSTCODE, MAX_STREET, MAX_TOWN, legal_text, to_legal
from app.sepa.message import Address

MAX_LINE = 70
MOST_LINES = 2
_COUNTRY = re.compile(r"[A-Z]{2}")


def make_address(
    street: str | None,
    postcode: str | None,
    place: str | None,
    country: str | None,
    *,
    hybrid: bool,
) -> Address | None:
    """The address in legal characters, or none at all where town or country cannot be said."""
    town = legal_text(place or "", MAX_TOWN)
    code = (country or "").strip().upper()
    if not town or not is_country(code):
        return None
    postal = legal_text(postcode or "", MAX_POSTCODE) or None
    if not hybrid:
        line = legal_text(street or "", MAX_STREET) or None
        return Address(town=town, country=code, street=line, postcode=postal)
    said = {one.casefold() for one in _elsewhere(postal, town, code)}
    pieces = dict.fromkeys(p for p in _pieces(street or "") if p.casefold() not in said)
    return Address(town=town, country=code, postcode=postal, lines=tuple(_lines(", ".join(pieces))))


def is_country(code: str) -> bool:
    """Tell whether a text has the form of a country code."""
    return _COUNTRY.fullmatch(code) is not None


def says_twice(address: Address) -> bool:
    """Tell whether a line repeats what stands elsewhere in the address."""
    said = {one.casefold() for one in _elsewhere(address.postcode, address.town, address.country)}
    if address.street:
        said.add(address.street.casefold())
    for line in address.lines:
        for piece in _pieces(line):
            if piece.casefold() in said:
                return True
            said.add(piece.casefold())
    return False


def _elsewhere(postcode: str | None, town: str, country: str) -> Iterator[str]:
    yield from (town, country)
    if postcode:
        yield from (postcode, f"{postcode} {town}", f"{country}-{postcode} {town}")


def _pieces(text: str) -> Iterator[str]:
    """What commas and line ends divide, in legal characters."""
    for part in to_legal(re.sub(r"[\r\n]+", ",", text)).split(","):
        if said := part.strip():
            yield said


def _lines(text: str) -> Iterator[str]:
    """As many lines as there may be, broken between words; what has no room is left out."""
    for _ in range(MOST_LINES):
        if not text:
            return
        line = text[:MAX_LINE]
        if len(text) > MAX_LINE and text[MAX_LINE] != " " and " " in line:
            line = line[: line.rindex(" ")]
        text = text[len(line) :].strip(" ,")
        yield line.rstrip(" ,")
