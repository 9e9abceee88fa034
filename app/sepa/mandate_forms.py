"""The mandate form as a PDF: all that the customer signs, filled in as far as it is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from babel import Locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.customers.choices import AddressKind
from app.customers.models import Address, Customer
from app.sepa.mandate_words import WORDINGS, days_in_words
from app.sepa.models import CreditorAccount, Mandate, MandateType, Scheme

TEMPLATE = Path(__file__).with_name("mandate_form.typ")
GERMAN_SPEAKING = frozenset({"DE", "AT", "CH", "LI"})


@dataclass(frozen=True, slots=True)
class MandateForm:
    """A form that was set: its name as a file, and the PDF."""

    name: str
    pdf: bytes


def language_for(customer: Customer, country: str) -> str:
    """The language of a customer's form: the preferred one, else that of the country."""
    preferred = (customer.preferred_language or "").lower().replace("_", "-").partition("-")[0]
    if preferred:
        return preferred if preferred in WORDINGS else "en"
    return "de" if country in GERMAN_SPEAKING else "en"


def accounts_for(session: Session, mandate: Mandate) -> Sequence[CreditorAccount]:
    """The creditor accounts that could collect under a mandate, the default one first."""
    return session.scalars(
        select(CreditorAccount)
        .where(CreditorAccount.active, CreditorAccount.scheme == mandate.scheme)
        .order_by(CreditorAccount.is_default.desc(), CreditorAccount.label)
    ).all()


def print_mandate(
    session: Session,
    mandate: Mandate,
    *,
    language: str,
    account_id: int | None,
    notice_days: int,
    at: datetime,
    actor: Actor,
) -> MandateForm:
    """Set the form; the history tells of it. Raises Refused where no account fits the scheme.

    `notice_days`: of every customer who has not agreed on fewer.
    For whoever may not see the IBAN the customer fills it in by hand.
    """
    actor.require(Permission.MANDATES_VIEW)
    wording = WORDINGS.get(language)
    if wording is None:
        raise Refused.because("There is no form in this language", field="language")
    accounts = accounts_for(session, mandate)
    if not accounts:
        raise Refused.because(
            f"There is no active creditor account for {mandate.scheme}",
            hint="An administrator makes one; its name and identifier stand on the form",
        )
    chosen = accounts[0] if account_id is None else _chosen(accounts, account_id)
    scheme = Scheme(mandate.scheme)
    days = min(mandate.customer.notice_days or notice_days, notice_days)
    fill = {"creditor": chosen.name, "days": days_in_words(days, language)}
    full = actor.may(Permission.BANK_DETAILS_VIEW)
    to_fill_in = wording.iban_to_fill_in.format(end=mandate.iban[-4:])
    values: dict[str, Any] = {
        "lang": language,
        "words": wording.words,
        "title": wording.titles[scheme],
        "subtitle": wording.subtitle,
        "reference": mandate.reference,
        "recurrent": mandate.type == MandateType.RECURRENT,
        "paragraphs": [one.format(**fill) for one in wording.paragraphs[scheme]],
        "creditor": {
            "name": chosen.name,
            "identifier": chosen.creditor_identifier,
            **_place(chosen, language),
        },
        "debtor": {
            "name": mandate.account_holder,
            "number": mandate.customer.number,
            "iban": _spaced(mandate.iban) if full else "",
            "bic": mandate.bic,
            **_place(_main_address(session, mandate.customer_id), language),
        },
        "iban_label": wording.words["iban"] if full else to_fill_in,
        "send_back": wording.send_back.format(**fill),
    }
    # Loaded here: the typesetter is large, and few processes ever set a page.
    from app.core.pdf import typeset

    title = f"{values['title']} {mandate.reference}"
    pdf = typeset(TEMPLATE.read_text("utf-8"), values, at=at, title=title)
    audit.record(
        session, actor=actor, action=Action.EXPORTED, entity="mandate", entity_id=mandate.id,
        entity_label=mandate.reference, customer_id=mandate.customer_id,
        changes={"mandate_form": [None, language], "creditor_account": [None, chosen.label]},
    )  # fmt: skip
    plain = "".join(c if c.isalnum() else "-" for c in mandate.reference)
    return MandateForm(f"Mandate-{plain}-{language}.pdf", pdf)


def _chosen(accounts: Sequence[CreditorAccount], account_id: int) -> CreditorAccount:
    found = next((one for one in accounts if one.id == account_id), None)
    if found is None:
        raise Refused.because("This account does not collect by this scheme", field="account")
    return found


def _main_address(session: Session, customer_id: int) -> Address | None:
    return session.scalar(
        select(Address)
        .where(
            Address.customer_id == customer_id,
            Address.kind == AddressKind.MAIN.value,
            Address.is_default,
        )
        .limit(1)
    )


def _place(address: Any, language: str) -> dict[str, str]:
    """Street, and the line with postcode, place and country; blanks are filled in by hand."""
    if address is None:
        return {"street": "", "town": ""}
    country = Locale(language).territories.get(address.country or "", "")
    town = " ".join(part for part in (address.postcode, address.place) if part)
    return {
        "street": address.street or "",
        "town": ", ".join(part for part in (town, country) if part),
    }


def _spaced(iban: str) -> str:
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
