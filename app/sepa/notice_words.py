"""What a notice of a collection says, in English and German: as a mail, and in a letter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.sepa.models import Scheme

ENGLISH, GERMAN = "en", "de"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language; braces are filled in."""

    subject: str
    greeting: str
    intro: str
    one_account: str
    several_accounts: str
    creditor: str
    identifier: str
    mandate: str
    account: str
    customer: str
    invoice: str
    amount: str
    total: str
    closing: str
    schemes: Mapping[str, str]


WORDS: Mapping[str, Words] = {
    ENGLISH: Words(
        subject="Direct debit of {total} on {day}",
        greeting="Good day {name},",
        intro="on {day} we will collect {total} by {scheme}{account}, as you have allowed us to.",
        one_account=" from your account ending in {account}",
        several_accounts=" from your accounts",
        creditor="Creditor",
        identifier="Creditor identifier",
        mandate="Mandate reference",
        account="Account ending in",
        customer="Customer number",
        invoice="Invoice",
        amount="Amount",
        total="Total",
        closing="Please make sure that the account holds this amount on that day. If anything "
        "here is not right, please tell us before then.",
        schemes={
            Scheme.CORE: "SEPA core direct debit",
            Scheme.B2B: "SEPA business-to-business direct debit",
        },
    ),
    GERMAN: Words(
        subject="Lastschrift über {total} am {day}",
        greeting="Guten Tag {name},",
        intro="am {day} ziehen wir {total} per {scheme}{account} ein, wie Sie es uns erlaubt "
        "haben.",
        one_account=" von Ihrem Konto mit den Endziffern {account}",
        several_accounts=" von Ihren Konten",
        creditor="Zahlungsempfänger",
        identifier="Gläubiger-Identifikationsnummer",
        mandate="Mandatsreferenz",
        account="Konto mit den Endziffern",
        customer="Kundennummer",
        invoice="Rechnung",
        amount="Betrag",
        total="Summe",
        closing="Bitte sorgen Sie dafür, dass das Konto an diesem Tag gedeckt ist. Sollte etwas "
        "nicht stimmen, sagen Sie uns bitte vorher Bescheid.",
        schemes={
            Scheme.CORE: "SEPA-Basislastschrift",
            Scheme.B2B: "SEPA-Firmenlastschrift",
        },
    ),
}


def language_of(preferred: str | None) -> str:
    """The language to write in: German for those who prefer it, English for everybody else."""
    wanted = (preferred or "").strip().casefold()
    return GERMAN if wanted.startswith(("de", "ger")) else ENGLISH


def day_in(language: str, day: date) -> str:
    """A day as the language writes it."""
    if language == GERMAN:
        return f"{day:%d.%m.%Y}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def amount_in(language: str, amount: Decimal) -> str:
    """An amount as the language writes it."""
    plain = f"{amount:,.2f}"
    if language == GERMAN:
        plain = plain.translate(str.maketrans(",.", ".,"))
    return f"{plain} EUR"
