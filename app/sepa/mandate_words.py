"""What a mandate form says, in English and German.

The rulebooks (EPC016-06 and EPC222-07, annexes on the mandate) prescribe what it must say: both
authorisations, the refund right of CORE, that there is none in B2B. The words are our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.sepa.models import Scheme

LANGUAGES = {"en": "English", "de": "German"}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: labels of fields, and by scheme the title and what is agreed to.

    {creditor} stands for the creditor's name, {days} for the days of notice.
    """

    words: Mapping[str, str]
    titles: Mapping[Scheme, str]
    subtitle: str
    paragraphs: Mapping[Scheme, tuple[str, ...]]
    iban_to_fill_in: str
    send_back: str


_AUTHORISE = (
    "With your signature you authorise {creditor} to instruct your bank to debit your account, and "
    "you authorise your bank to debit your account as {creditor} instructs."
)
_REFUND = (
    "You can claim your money back: within eight weeks of the day on which your account was "
    "debited, your bank refunds the amount. The terms agreed between you and your bank apply, and "
    "your bank tells you about this right on request."
)
_NO_REFUND = (
    "This mandate serves payments between businesses only. Once your account has been debited, you "
    "are not entitled to a refund from your bank; until the day on which the payment is due you "
    "may ask your bank not to debit your account."
)
_REGISTER = (
    "Please give your bank notice of this mandate before the first debit. Your bank rejects direct "
    "debits under a mandate that it does not know."
)
_NOTICE = "{creditor} tells you the amount and the day at least {days} before each debit."
ENGLISH = Wording(
    words={
        "creditor_part": "Creditor",
        "creditor_name": "Name",
        "creditor_identifier": "Creditor identifier",
        "reference": "Mandate reference",
        "payment_type": "Type of payment",
        "recurrent": "Recurrent payments",
        "one_off": "One-off payment",
        "authorisation_part": "What you agree to",
        "debtor_part": "Your account",
        "debtor_name": "Account holder",
        "customer_number": "Customer number",
        "street": "Street and number",
        "town": "Postcode, place and country",
        "iban": "IBAN",
        "bic": "BIC",
        "signature_part": "Signature",
        "place_date": "Place and date",
        "signature": "Signature of the account holder",
    },
    titles={
        Scheme.CORE: "SEPA Direct Debit Mandate",
        Scheme.B2B: "SEPA Business-to-Business Direct Debit Mandate",
    },
    subtitle="Please check what is filled in, complete what is missing, and sign.",
    paragraphs={
        Scheme.CORE: (_AUTHORISE, _REFUND, _NOTICE),
        Scheme.B2B: (_AUTHORISE, _NO_REFUND, _REGISTER, _NOTICE),
    },
    iban_to_fill_in="IBAN (please fill in; the account ends in {end})",
    send_back="Please return the signed form to {creditor}.",
)
_ERMAECHTIGUNG = (
    "Mit Ihrer Unterschrift ermächtigen Sie {creditor}, Zahlungen von Ihrem Konto per Lastschrift "
    "einzuziehen. Zugleich weisen Sie Ihre Bank an, diese Lastschriften einzulösen."
)
_ERSTATTUNG = (
    "Sie können Ihr Geld zurückverlangen: Innerhalb von acht Wochen ab dem Tag der Belastung "
    "erstattet Ihre Bank den Betrag. Es gelten die Bedingungen, die Sie mit Ihrer Bank vereinbart "
    "haben; über dieses Recht gibt sie Ihnen Auskunft."
)
_KEINE_ERSTATTUNG = (
    "Dieses Mandat gilt nur für Zahlungen zwischen Unternehmen. Nach der Einlösung haben Sie "
    "gegenüber Ihrer Bank keinen Anspruch auf Erstattung; bis zum Fälligkeitstag können Sie Ihre "
    "Bank anweisen, eine Lastschrift nicht einzulösen."
)
_ANZEIGEN = (
    "Bitte zeigen Sie dieses Mandat vor der ersten Lastschrift Ihrer Bank an. Sie weist "
    "Lastschriften zu einem Mandat zurück, das sie nicht kennt."
)
_ANKUENDIGUNG = "{creditor} teilt Ihnen Betrag und Tag spätestens {days} vor jeder Lastschrift mit."
GERMAN = Wording(
    words={
        "creditor_part": "Zahlungsempfänger",
        "creditor_name": "Name",
        "creditor_identifier": "Gläubiger-Identifikationsnummer",
        "reference": "Mandatsreferenz",
        "payment_type": "Zahlungsart",
        "recurrent": "Wiederkehrende Zahlungen",
        "one_off": "Einmalige Zahlung",
        "authorisation_part": "Womit Sie einverstanden sind",
        "debtor_part": "Ihr Konto",
        "debtor_name": "Kontoinhaber",
        "customer_number": "Kundennummer",
        "street": "Straße und Hausnummer",
        "town": "Postleitzahl, Ort und Land",
        "iban": "IBAN",
        "bic": "BIC",
        "signature_part": "Unterschrift",
        "place_date": "Ort und Datum",
        "signature": "Unterschrift des Kontoinhabers",
    },
    titles={
        Scheme.CORE: "SEPA-Lastschriftmandat",
        Scheme.B2B: "SEPA-Firmenlastschrift-Mandat",
    },
    subtitle="Bitte prüfen Sie die Angaben, ergänzen Sie, was fehlt, und unterschreiben Sie.",
    paragraphs={
        Scheme.CORE: (_ERMAECHTIGUNG, _ERSTATTUNG, _ANKUENDIGUNG),
        Scheme.B2B: (_ERMAECHTIGUNG, _KEINE_ERSTATTUNG, _ANZEIGEN, _ANKUENDIGUNG),
    },
    iban_to_fill_in="IBAN (bitte eintragen; das Konto endet auf {end})",
    send_back="Bitte senden Sie das unterschriebene Formular an {creditor} zurück.",
)
WORDINGS = {"en": ENGLISH, "de": GERMAN}


def days_in_words(days: int, language: str) -> str:
    """So many days of notice, as the sentence about them wants it."""
    if language == "de":
        return "einen Tag" if days == 1 else f"{days} Tage"
    return "one day" if days == 1 else f"{days} days"
