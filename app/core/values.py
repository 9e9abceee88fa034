"""What people type, read into values: one reader for each kind, for forms and imports alike.

Each takes the raw value and the label of its field, and raises ValueProblem, whose reason says
what is wrong and whose hint says what would be right (domain.md, sections 1 and 2).
"""

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from string import ascii_uppercase
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, LOCAL_PART_MAX_LENGTH
from schwifty import BIC, IBAN, registry
from schwifty.exceptions import InvalidChecksumDigits, InvalidLength, SchwiftyException
from stdnum import issn
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.no import mva as no_vat

from app.core.countries import country_code
from app.core.text import clean, clean_lines

YES = {"yes", "y", "true", "1", "ja", "j", "oui", "si", "sí", "on", "x", "wahr"}
NO = {"no", "n", "false", "0", "nein", "non", "off", "falsch"}
_WHOLE = re.compile(r"[+-]?\d+")
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})"), (3, 2, 1)),
)
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)", re.ASCII)
_AMOUNT = re.compile(
    r"([+-]?)(\d+|\d{1,3}(?:\.\d{3})+(?=,)|\d{1,3}(?:,\d{3})+(?=\.))(?:[.,](\d+))?"
)
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_-]+(?:[.+][A-Za-z0-9_-]+)*")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]+", re.ASCII)
_LETTERS_AS_NUMBERS = {ord(one): str(ord(one) - 55) for one in ascii_uppercase}
_GROUP_MARK = re.compile(r"[\s'’]")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[\s'’]\d{3})+(?:[.,]\d+)?")
OLDEST_DAY = date(1000, 1, 1)


class ValueProblem(ValueError):
    """A value that cannot be read: the reason, and in `hint` what would be right."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


def parse_text(raw: str, label: str, limit: int, *, lines: bool = False) -> str:
    """Text of at most `limit` characters, a line break counting as one; refused, never cut."""
    text = (clean_lines(raw) if lines else clean(raw)) or ""
    if len(text) > limit:
        raise ValueProblem(
            f"{label} is longer than {limit} characters",
            f"It has {len(text)}; shorten it by {len(text) - limit}",
        )
    return text


def parse_whole_number(raw: Any, label: str, minimum: int, maximum: int) -> int:
    """A whole number without point or comma; a number cell of 10.0 is 10, the text 10.0 is not."""
    hint = f"A whole number from {minimum} to {maximum}, without point or comma"
    if isinstance(raw, bool):
        raise ValueProblem(f"{label} is not a whole number", hint)
    if isinstance(raw, int | float | Decimal):
        if not isfinite(raw) or raw != int(raw):
            raise ValueProblem(f"{label} is not a whole number", hint)
        number = int(raw)
    else:
        text = str(raw).strip()
        if not _WHOLE.fullmatch(text) or len(text) > 18:
            raise ValueProblem(f"{label} is not a whole number", hint)
        number = int(text)
    if number < minimum:
        what = "negative" if minimum == 0 else f"less than {minimum}"
        raise ValueProblem(f"{label} is {what}", hint)
    if number > maximum:
        raise ValueProblem(f"{label} is more than {maximum}", hint)
    return number


def parse_yes_no(raw: Any, label: str) -> bool:
    """Yes or no, as a boolean, a number 1 or 0, or a word."""
    if isinstance(raw, bool):
        return raw
    word = f"{raw:.15g}" if isinstance(raw, float) else str(raw).strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueProblem(f"{label} is neither yes nor no", "Write yes or no")


def parse_date(raw: Any, label: str) -> date:
    """A day: a date, 2026-12-31 or 31.12.2026."""
    if isinstance(raw, datetime):
        raw = raw.date()
    if isinstance(raw, date):
        return raw
    text = str(raw).strip()
    for pattern, order in _DATES:
        match = pattern.fullmatch(text)
        if match:
            try:
                found = date(*(int(match[place]) for place in order))
            except ValueError:
                break
            if found >= OLDEST_DAY:
                return found
    raise ValueProblem(f"{label} is not a date", "Write it like 31.12.1980 or 1980-12-31")


def parse_time_of_day(raw: str, label: str) -> time:
    """A time of day in hours and minutes, like 14:00."""
    match = _TIME_OF_DAY.fullmatch(raw.strip())
    if match is None:
        raise ValueProblem(f"{label} is no time of day", "Write it like 14:00")
    return time(int(match[1]), int(match[2]))


def parse_amount(raw: Any, label: str) -> Decimal:
    """An amount in euros: 12.34 or 12,34. `1.234` as text could mean two things and is refused."""
    hint = "Write it like 12.34 or 12,34"
    if isinstance(raw, bool):
        raise ValueProblem(f"{label} is not an amount", hint)
    if isinstance(raw, int | float | Decimal):
        if not isfinite(raw):
            raise ValueProblem(f"{label} is not an amount", hint)
        amount = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
        # Binary fractions carry noise far behind the cents that a spreadsheet showed.
        rounded = _bounded(amount, label).quantize(Decimal("1e-9"))
        if rounded != rounded.quantize(Decimal("0.01")):
            raise ValueProblem(f"{label} has more than two decimals", hint)
        return _bounded(rounded.quantize(Decimal("0.01")), label)
    text = str(raw).strip().removesuffix("EUR").removesuffix("€").strip()
    if _GROUPED.fullmatch(text):  # 1 234,56 in France and Norway, 1'234.56 in Switzerland
        text = _GROUP_MARK.sub("", text)
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise ValueProblem(f"{label} is not an amount", hint)
    sign, whole, cents = match.groups()
    if (
        cents is not None
        and len(cents) == 3
        and len(whole.lstrip("0")) in {1, 2, 3}
        and whole.isdigit()
    ):
        raise ValueProblem(
            f"{label} is ambiguous", f"{text} may have a thousands separator; {hint.lower()}"
        )
    if cents is not None and len(cents) > 2:
        raise ValueProblem(f"{label} has more than two decimals", hint)
    digits = whole.replace(".", "").replace(",", "")
    try:
        return _bounded(Decimal(f"{sign}{digits}.{cents or '0'}").quantize(Decimal("0.01")), label)
    except InvalidOperation as error:
        raise ValueProblem(f"{label} is not an amount", hint) from error


def _bounded(amount: Decimal, label: str) -> Decimal:
    if abs(amount) > Decimal("999999999999.99"):
        raise ValueProblem(f"{label} is too large")
    return amount


def parse_country(raw: str, label: str) -> str:
    """A country's ISO 3166 code of two letters, from its code or its name in many languages."""
    code = country_code(raw)
    if code is None:
        raise ValueProblem(f"{label} is unknown", "Write a name like Germany or a code like DE")
    return code


def is_iban(text: str) -> bool:
    """Tell whether a text is a valid IBAN without blanks.

    By the library's table, but not by its objects: a file of 50,000 asks for each of its IBANs,
    and they would take ten times as long.
    """
    if not _IBAN.fullmatch(text):
        return False
    form = _iban_form(text[:2])
    if form is None or len(text) != form.iban_length or not form.regex.match(text[4:]):
        return False
    remainder = int(f"{text[4:]}{text[:2]}00".translate(_LETTERS_AS_NUMBERS)) % 97
    return int(text[2:4]) == 98 - remainder


@lru_cache(maxsize=256)
def _iban_form(country: str) -> Any:
    try:
        return registry.get_iban_spec(country)
    except SchwiftyException:
        return None


@lru_cache(maxsize=4096)
def read_iban(text: str) -> IBAN:
    """A valid IBAN in its parts: taken apart once for all who ask. Raises SchwiftyException."""
    return IBAN(text)


@lru_cache(maxsize=4096)
def parse_iban(raw: str, label: str) -> str:
    """An IBAN without blanks, in capitals, with right length, format and check digits."""
    text = re.sub(r"[\s\u00a0\-]", "", raw).upper().removeprefix("IBAN")
    try:
        return str(read_iban(text))
    except InvalidChecksumDigits as error:
        raise ValueProblem(
            f"{label} check digits are wrong", "Compare it with the bank card, digit by digit"
        ) from error
    except InvalidLength as error:
        raise ValueProblem(
            f"{label} has the wrong length",
            f"It has {len(text)} characters; a German one has 22",
        ) from error
    except SchwiftyException as error:
        raise ValueProblem(
            f"{label} is not valid", "It begins with the country, like DE89 3704 0044 0532 0130 00"
        ) from error


def parse_bic(raw: str, label: str) -> str:
    """A BIC of 8 or 11 characters."""
    try:
        return str(BIC(re.sub(r"\s", "", raw).upper()))
    except SchwiftyException as error:
        raise ValueProblem(
            f"{label} is not valid", "It has 8 or 11 characters, like COBADEFFXXX"
        ) from error


def bank_of(iban: str) -> tuple[str | None, str | None]:
    """The bank's BIC and name of a valid IBAN, where the register of banks knows them."""
    try:
        found = read_iban(iban)
        # Of a million accounts most are with the same few thousand banks.
        bank = (found.country_code, found.bank_code, found.branch_code)
        if bank not in _banks:
            bic = found.bic
            _banks[bank] = (str(bic) if bic else None, found.bank_name or None)
        return _banks[bank]
    except SchwiftyException:
        return None, None


_banks: dict[tuple[str, str, str], tuple[str | None, str | None]] = {}


def parse_email(raw: str, label: str) -> str:
    """An email address by its syntax, normalised. Whether it receives mail is not asked here."""
    text = raw.strip()
    if len(text) <= 254 and (usual := _usual_email(text)):
        return usual
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueProblem(
            f"{label} is not an address", "Write it like name@example.com"
        ) from error
    if len(found.normalized) > 254:
        raise ValueProblem(f"{label} is longer than 254 characters")
    return found.normalized


def _usual_email(text: str) -> str | None:
    """An address as most are: a plain name before a domain that has been judged before."""
    local, _, domain = text.rpartition("@")
    if len(local) > LOCAL_PART_MAX_LENGTH or not _PLAIN_LOCAL.fullmatch(local):
        return None
    if local.lower() in CASE_INSENSITIVE_MAILBOX_NAMES or not domain.isascii():
        return None
    known = _domain(domain)
    return f"{local}@{known}" if known else None


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str | None:
    """The domain of an address as it is stored; None where it is for the library to say why not."""
    try:
        found = validate_email(f"a@{domain}", check_deliverability=False)
    except EmailNotValidError:
        return None
    return found.domain


def parse_phone(raw: str, label: str, country: str | None) -> str:
    """A phone number as E.164 with extension, in any common spelling.

    A number without a country's prefix is read with `country` (ISO 3166), the address's.
    """
    text = raw.strip()
    # People write (0) for the zero that is dialled only inside the country.
    text = re.sub(r"^((?:\+|00)\d{1,3}[\s-]*)\(0\)", r"\1", text)
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, (country or "").upper() or None)
    except phonenumbers.NumberParseException as error:
        raise ValueProblem(f"{label} is not a phone number", _phone_hint(country)) from error
    if not phonenumbers.is_valid_number(number):
        raise ValueProblem(f"{label} is not a phone number", _phone_hint(country))
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{found};ext={number.extension}" if number.extension else found


def _phone_hint(country: str | None) -> str:
    example = phonenumbers.example_number(country) if country else None
    if example is None:
        return "Write it with its country, like +49 170 1234567"
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"Write it with its country, like {written}"


@lru_cache(maxsize=4096)
def show_phone(stored: str) -> str:
    """A stored number as people read it: +49 170 1234567."""
    plain, _, extension = stored.partition(";ext=")
    try:
        number = phonenumbers.parse(plain)
    except phonenumbers.NumberParseException:
        return stored
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{shown} ext. {extension}" if extension else shown


def parse_vat_id(raw: str, label: str) -> str:
    """A VAT identification number with its country, checked by that country's rule (offline)."""
    text = re.sub(r"[\s./-]", "", raw).upper()
    hint = "It begins with the country, like DE136695976; compare it digit by digit"
    checks = {"CH": ch_vat, "GB": gb_vat, "NO": no_vat}
    module = checks.get("CH" if text.startswith("CHE") else text[:2], eu_vat)
    try:
        bare = text.removeprefix("GB").removeprefix("NO") if module in (gb_vat, no_vat) else text
        module.validate(bare)
    except ValidationError as error:
        raise ValueProblem(f"{label} is not valid", hint) from error
    return text


@lru_cache(maxsize=65536)
def parse_issn(raw: str, label: str) -> str:
    """An ISSN as NNNN-NNNC."""
    text = raw.strip().upper().removeprefix("ISSN").strip(" :")
    try:
        compact = issn.validate(text)
    except InvalidChecksum as error:
        raise ValueProblem(
            f"{label} check digit is wrong", "Compare it with the journal, digit by digit"
        ) from error
    except ValidationError as error:
        raise ValueProblem(f"{label} is not an ISSN", "Write it like 0031-5117") from error
    return f"{compact[:4]}-{compact[4:]}"
