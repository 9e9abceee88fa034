"""Turns what stands in a cell into a value: the parsers that columns name.

The rules of each kind of value live in core/values.py, shared with the forms; here they meet the
spreadsheet: numbers in text columns, words that stand for stored records, lists in one cell.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.core import values
from app.core.partial_date import PartialDate
from app.core.text import fold
from app.core.values import ValueProblem
from app.transfer.columns.base import Parse, RowContext

_LIST_SEPARATOR = re.compile(r"[;\n]")
_RATE = re.compile(r"\d{1,3}(\.\d)?")


def as_text(raw: Any) -> str:
    """A cell as the text a person sees: 1234 without a point, yes and no for booleans."""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, float):
        return f"{raw:.15g}"
    if isinstance(raw, datetime):
        return raw.isoformat(" ")
    if isinstance(raw, date):
        return raw.isoformat()
    return str(raw).strip()


def text(limit: int, *, lines: bool = False) -> Parse:
    """Text of at most `limit` characters; control characters go, line breaks where not kept."""

    def parse(raw: Any, label: str, context: RowContext) -> str:
        return values.parse_text(as_text(raw), label, limit, lines=lines)

    return parse


def whole_number(minimum: int, maximum: int) -> Parse:
    """A whole number from `minimum` to `maximum`."""

    def parse(raw: Any, label: str, context: RowContext) -> int:
        return values.parse_whole_number(raw, label, minimum, maximum)

    return parse


def yes_no(raw: Any, label: str, context: RowContext) -> bool:
    """Yes or no, in words or as a boolean."""
    return values.parse_yes_no(raw, label)


def day(raw: Any, label: str, context: RowContext) -> date:
    """A date, as one or as people type it."""
    return values.parse_date(raw, label)


def amount(raw: Any, label: str, context: RowContext) -> Any:
    """An amount in euros with at most two decimals, as a Decimal."""
    return values.parse_amount(raw, label)


def currency(raw: Any, label: str, context: RowContext) -> str:
    """A currency by its ISO code or its sign; whether it is taken is a matter of the rules."""
    text = as_text(raw).upper()
    return "EUR" if text in {"€", "EURO", "EUR"} else text


def country(raw: Any, label: str, context: RowContext) -> str:
    """A country's ISO code of two letters, from its code or its name."""
    return values.parse_country(as_text(raw), label)


def iban(raw: Any, label: str, context: RowContext) -> str:
    """An IBAN without blanks, in capitals."""
    return values.parse_iban(as_text(raw), label)


def bic(raw: Any, label: str, context: RowContext) -> str:
    """A BIC of eight or eleven characters."""
    return values.parse_bic(as_text(raw), label)


def email(raw: Any, label: str, context: RowContext) -> str:
    """An email address."""
    return values.parse_email(as_text(raw), label)


def phone(raw: Any, label: str, context: RowContext) -> str:
    """A phone number as E.164, read with the country of the address in the same row."""
    return values.parse_phone(as_text(raw), label, context.values.get("country") or context.country)


def vat_id(raw: Any, label: str, context: RowContext) -> str:
    """A VAT identification number with its country."""
    return values.parse_vat_id(as_text(raw), label)


def issn(raw: Any, label: str, context: RowContext) -> str:
    """An ISSN as NNNN-NNNC."""
    return values.parse_issn(as_text(raw), label)


def coverage_date(raw: Any, label: str, context: RowContext) -> str:
    """A year, a month or a day, kept with the precision it was given in."""
    try:
        found = PartialDate.parse(raw)
    except ValueError as error:
        raise ValueProblem(
            f"{label} is not a year, a month or a day", "Write 2010, 2010-03 or 2010-03-15"
        ) from error
    return str(found)


def one_of(words: Mapping[str, Any]) -> Parse:
    """One of a fixed set of words, whatever their case; `words` maps each to its value."""
    by_key = {fold(word): value for word, value in words.items()}
    offered: dict[Any, str] = {}
    for word, value in words.items():
        offered.setdefault(value, word)

    def parse(raw: Any, label: str, context: RowContext) -> Any:
        try:
            return by_key[fold(as_text(raw))]
        except KeyError:
            raise ValueProblem(
                f"{label} is unknown", "Write " + ", ".join(offered.values())
            ) from None

    return parse


def member_of(enum: type[StrEnum], **others: str) -> Parse:
    """A member of an enumeration by its own word; `others` are further spellings of members."""
    words: dict[str, Any] = {member.value: member.value for member in enum}
    words |= {spelling: enum[name].value for spelling, name in others.items()}
    return one_of(words)


def stored(source: str, what: str) -> Parse:
    """The id of a stored record by its name; `source` names the lookup, `what` one of them."""

    def parse(raw: Any, label: str, context: RowContext) -> Any:
        known = context.lookups.get(source, {})
        try:
            return known[fold(as_text(raw))]
        except KeyError:
            raise ValueProblem(f"Unknown {what}", _offer(as_text(raw))) from None

    return parse


def stored_list(source: str, what: str) -> Parse:
    """The ids of several stored records, separated by semicolons, each once."""

    def parse(raw: Any, label: str, context: RowContext) -> list[Any]:
        known = context.lookups.get(source, {})
        found: list[Any] = []
        for word in _LIST_SEPARATOR.split(as_text(raw)):
            if not word.strip():
                continue
            if fold(word) not in known:
                raise ValueProblem(f"Unknown {what}", _offer(word.strip()))
            if known[fold(word)] not in found:
                found.append(known[fold(word)])
        return found

    return parse


def _offer(word: str) -> str:
    return f"There is no “{word}”; the template offers those that are known"


def percentage(raw: Any, label: str, context: RowContext) -> Decimal:
    """A rate in per cent from 0 to 100, with at most one decimal."""
    typed = as_text(raw).removesuffix("%").strip().replace(",", ".")
    if not _RATE.fullmatch(typed) or Decimal(typed) > 100:
        raise ValueProblem(
            f"{label} is not a rate from 0 to 100", "Write it in per cent, such as 19 or 5.5"
        )
    return Decimal(typed)
