"""Invents customers: valid in every rule, alike for the same seed, unlike for the same number.

What must be unique (email, mobile phone, IBAN, mandate) is made from the customer's number,
which the system gives out once only; so no call ever collides with an earlier one.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

from app.cli.synthetic import words
from app.core.text import fold
from app.core.values import bank_of
from app.customers.choices import AddressKind, CustomerKind, Gender, PaymentMethod, Source

# Fourteen, five and one of twenty: 70, 25 and 5 per cent, exactly.
KINDS: Final = (
    (CustomerKind.INDIVIDUAL,) * 14 + (CustomerKind.BUSINESS,) * 5 + (CustomerKind.PERPETUAL,)
)
# Fixed days, so that a seed gives the same customers tomorrow.
FIRST_DAY: Final = datetime(2016, 1, 4, 8, 0, tzinfo=UTC)
DAYS: Final = 3600
_PLACES: Final = {
    country: [place for place in words.PLACES if place.country == country]
    for country in words.COUNTRY_SHARES
}
_METHODS: Final = {
    PaymentMethod.DIRECT_DEBIT: 45,
    PaymentMethod.INVOICE: 35,
    PaymentMethod.CREDIT_CARD: 8,
    PaymentMethod.PREPAYMENT: 7,
    PaymentMethod.CASH: 5,
}
_SEVEN_DIGITS: Final = 10**7


@dataclass(frozen=True, slots=True)
class References:
    """The ids of stored records that customers may point to; none there is fine."""

    store_id: int | None
    groups: tuple[int, ...] = ()
    price_levels: tuple[int, ...] = ()
    products: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """One invented customer: its own values, its addresses, products, and a mandate or none."""

    values: dict[str, Any]
    addresses: list[dict[str, Any]]
    product_ids: list[int]
    mandate: dict[str, Any] | None


class Inventor:
    """Invents one customer after the other from a seed."""

    def __init__(
        self, seed: int, references: References, since: datetime = FIRST_DAY, days: int = DAYS
    ) -> None:
        self._random = random.Random(seed)
        self._references = references
        self._countries = list(words.COUNTRY_SHARES)
        self._first_day, self._days = since, days
        self._shares = list(words.COUNTRY_SHARES.values())

    def invent(self, place: int, number: int) -> Person:
        """The customer at a place of the series, with the number that was given to it."""
        rnd = self._random
        kind = KINDS[place % len(KINDS)]
        country = rnd.choices(self._countries, self._shares)[0]
        town = rnd.choice(_PLACES[country])
        created = self._first_day + timedelta(
            days=rnd.randrange(self._days),
            seconds=rnd.randrange(36_000),
            milliseconds=rnd.randrange(999),
        )
        values: dict[str, Any] = {
            "number": str(number),
            "kind": kind.value,
            "source": rnd.choice((Source.TELEPHONE, Source.WEB, Source.POS, Source.IMPORT)).value,
            "store_id": self._references.store_id,
            "created_at": created,
            "changed_at": created,
            "preferred_language": "de",
            "newsletter": rnd.random() < 0.6,
            "promotional_sms": rnd.random() < 0.1,
            "favourite": rnd.random() < 0.03,
            "restricted": rnd.random() < 0.005,
            "memo": rnd.choice(words.MEMOS) if rnd.random() < 0.08 else None,
            "reason_for_loss": rnd.choice(words.REASONS_FOR_LOSS) if rnd.random() < 0.02 else None,
        }
        self._name(values, kind, town, number)
        self._reach(values, kind, town, number)
        self._trade(values, kind)
        self._lock(values)
        mandate = self._payment(values, country, number)
        return Person(values, self._addresses(kind, town), self._products(), mandate)

    def _name(
        self, values: dict[str, Any], kind: CustomerKind, town: words.Place, number: int
    ) -> None:
        rnd = self._random
        female = rnd.random() < 0.5
        values |= {
            "first_name": rnd.choice(words.FEMALE if female else words.MALE),
            "name": rnd.choice(words.FAMILY),
        }
        if kind is CustomerKind.INDIVIDUAL:
            values |= {
                "gender": (Gender.FEMALE if female else Gender.MALE).value,
                "title": rnd.choice(words.TITLES) if rnd.random() < 0.07 else None,
                "date_of_birth": date(1935, 1, 1) + timedelta(days=rnd.randrange(25_000)),
            }
        elif kind is CustomerKind.BUSINESS:
            form = rnd.choice(words.LEGAL_FORMS[town.country])
            values["company_name"] = f"{values['name']} {rnd.choice(words.BRANCHES)} {form}"
            values["contact_name"] = f"{values['first_name']} {values['name']}"
            if town.country == "DE":
                values["vat_id"] = german_vat_id(number)
                values["registration_number"] = f"HRB {rnd.randrange(1000, 99_999)}"
        else:
            values["company_name"] = f"{rnd.choice(words.INSTITUTIONS)} {town.name}"
            values["contact_name"] = f"{values['first_name']} {values['name']}"

    def _reach(
        self, values: dict[str, Any], kind: CustomerKind, town: words.Place, number: int
    ) -> None:
        rnd = self._random
        local = f"{town.dialling}{rnd.randrange(2, 9)}{self._digits(town.local_digits - 1)}"
        if kind is not CustomerKind.INDIVIDUAL:
            values["business_telephone"] = local
            values["fax"] = f"{local[:-1]}9" if rnd.random() < 0.3 else None
            values["homepage"] = f"https://www.k{number}.example" if rnd.random() < 0.5 else None
        elif rnd.random() < 0.5:
            values["telephone_private"] = local
        if kind is CustomerKind.INDIVIDUAL or rnd.random() < 0.4:
            prefix = rnd.choice(words.MOBILE[town.country])
            values["mobile_phone"] = f"{prefix}{_scrambled(number, _SEVEN_DIGITS):07}"
        if kind is not CustomerKind.INDIVIDUAL or rnd.random() < 0.92:
            values["email"] = (
                f"{_mail_word(values['first_name'])}.{_mail_word(values['name'])}.{number}"
                f"@{rnd.choice(words.MAIL_DOMAINS)}"
            )
        values["invoices_by_email"] = bool(values.get("email")) and rnd.random() < 0.6

    def _trade(self, values: dict[str, Any], kind: CustomerKind) -> None:
        rnd, known = self._random, self._references
        group, level = rnd.random(), rnd.random()
        values |= {
            "group_id": _pick(known.groups, group) if group < 0.8 else None,
            "price_level_id": _pick(known.price_levels, level) if level < 0.9 else None,
            "rebate": rnd.choice((0, 0, 2, 3, 5, 10, 15)) if rnd.random() < 0.5 else None,
        }

    def _lock(self, values: dict[str, Any]) -> None:
        values["locked"] = self._random.random() < 0.01
        values["lock_text"] = "Payments are overdue" if values["locked"] else None

    def _payment(self, values: dict[str, Any], country: str, number: int) -> dict[str, Any] | None:
        rnd = self._random
        method = rnd.choices(list(_METHODS), list(_METHODS.values()))[0]
        values |= {
            "payment_method": method.value,
            "term_of_payment": rnd.choice((0, 7, 14, 14, 30, 60)),
        }
        if method is not PaymentMethod.DIRECT_DEBIT:
            return None
        code = rnd.choice(words.BANK_CODES[country])
        bic, bank = _bank(country, code)
        iban = _iban(country, code, _scrambled(number, 10 ** words.ACCOUNT_DIGITS[country]))
        values |= {"iban": iban, "bic": bic, "institute": bank}
        person = f"{values['first_name']} {values['name']}"
        # Signed before the customer was written down: never in the future.
        signed = values["created_at"].date() - timedelta(days=rnd.randrange(30))
        return {
            "reference": f"M-{number}",
            "iban": iban,
            "bic": bic,
            "account_holder": (values.get("company_name") or person)[:140],
            "signed_on": signed,
            "created_at": values["created_at"],
        }

    def _addresses(self, kind: CustomerKind, town: words.Place) -> list[dict[str, Any]]:
        found = [self._address(town, AddressKind.MAIN)]
        if kind is not CustomerKind.INDIVIDUAL and self._random.random() < 0.4:
            found.append(self._address(town, AddressKind.SHIPPING))
        return found

    def _address(self, town: words.Place, kind: AddressKind) -> dict[str, Any]:
        rnd = self._random
        missing = (4 if town.country != "DE" else 5) - len(town.postcode)
        return {
            "kind": kind.value,
            "is_default": True,
            "street": f"{rnd.choice(words.STREETS)} {rnd.randrange(1, 180)}",
            "postcode": f"{town.postcode}{self._digits(missing)}",
            "place": town.name,
            "place_key": _place_key(town.name),
            "country": town.country,
        }

    def _products(self) -> list[int]:
        products = self._references.products
        if not products or self._random.random() < 0.5:
            return []
        return sorted(
            self._random.sample(products, min(len(products), 1 + self._random.randrange(2)))
        )

    def _digits(self, count: int) -> str:
        return f"{self._random.randrange(10**count):0{count}}"


def german_vat_id(number: int) -> str:
    """A German VAT ID of its own for a number, with its check digit (ISO 7064, Mod 11, 10)."""
    digits = f"{10_000_000 + _scrambled(number, _SEVEN_DIGITS):08}"
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return f"DE{digits}{(11 - product) % 10}"


def _scrambled(number: int, space: int) -> int:
    """A number below `space`, another for each number, that does not count up."""
    return number * 7_654_321 % space


def _pick(offered: tuple[int, ...], chance: float) -> int | None:
    return offered[int(chance * 997) % len(offered)] if offered else None


@cache
def _mail_word(name: str) -> str:
    return "".join(c for c in fold(name) if c.isascii() and c.isalnum()) or "x"


@cache
def _place_key(name: str) -> str:
    return fold(name)


@cache
def _bank(country: str, code: str) -> tuple[str | None, str | None]:
    bic, bank = bank_of(_iban(country, code, 1))
    return bic, (bank or "")[:120] or None


def _iban(country: str, code: str, account: int) -> str:
    """An IBAN with its check digits (ISO 7064, Mod 97, 10)."""
    bban = f"{code}{account:0{words.ACCOUNT_DIGITS[country]}}"
    letters = "".join(str(ord(letter) - ord("A") + 10) for letter in country)
    return f"{country}{98 - int(f'{bban}{letters}00') % 97:02}{bban}"
