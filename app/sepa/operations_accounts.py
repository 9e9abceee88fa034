"""Every state change of creditor accounts."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import time
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.rules import snapshot
from app.core.actor import Actor
from app.core.countries import country_code, country_name
from app.core.errors import Problem, Refused
from app.core.permissions import Permission
from app.core.text import clean
from app.core.values import ValueProblem, bank_of, parse_bic, parse_iban
from app.sepa.characters import IllegalTextError, legal_name
from app.sepa.models import CreditorAccount, Scheme
from app.sepa.rules import (
    COUNTRIES_NEEDING_ADDRESS,
    MAX_AMOUNT,
    MOST_TRANSACTIONS,
    SEPA_COUNTRIES,
    is_valid_creditor_identifier,
)

ADDRESS_LIMITS = {"street": 70, "postcode": 16, "place": 35}
_LABELS = {"street": "Street/No.", "postcode": "Postcode", "place": "Place"}


@dataclass(frozen=True, slots=True)
class CreditorAccountDraft:
    """What a creditor account shall be. `max_amount` is in euros for one file.

    `cutoff` is the bank's time of day, None that of the installation; `country` is a code.
    """

    label: str
    name: str
    creditor_identifier: str
    iban: str
    bic: str | None = None
    scheme: str = Scheme.CORE.value
    is_default: bool = False
    active: bool = True
    max_transactions: int = 50_000
    max_amount: Decimal = MAX_AMOUNT
    cutoff: time | None = None
    one_block_per_file: bool = False
    hybrid_addresses: bool = False
    street: str | None = None
    postcode: str | None = None
    place: str | None = None
    country: str | None = None


def save_creditor_account(
    session: Session, account: CreditorAccount | None, draft: CreditorAccountDraft, *, actor: Actor
) -> CreditorAccount:
    """Make or change a creditor account; a new default takes the place of the old one."""
    actor.require(Permission.CREDITOR_ACCOUNTS_EDIT)
    problems = _problems(session, account, draft)
    if problems:
        raise Refused(problems)
    if draft.is_default:
        _retire_default(session, account, actor)
    before = snapshot(account) if account is not None else {}
    if account is None:
        first = not session.scalar(select(func.count()).select_from(CreditorAccount))
        account = CreditorAccount(is_default=first and draft.active)
        session.add(account)
    _fill(account, draft)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused.because(
            "Somebody else has just made the same account or another default",
            hint="Look at the accounts, and save once more",
        ) from error
    audit.record_change(
        session, account, before, actor=actor, entity="creditor account",
        entity_label=account.label,
    )  # fmt: skip
    return account


def _retire_default(session: Session, account: CreditorAccount | None, actor: Actor) -> None:
    """Let the default so far be one of the others, and tell it in its history."""
    old = session.scalar(select(CreditorAccount).where(CreditorAccount.is_default))
    if old is None or old is account:
        return
    before = snapshot(old)
    old.is_default = False
    session.flush()
    audit.record_change(
        session, old, before, actor=actor, entity="creditor account", entity_label=old.label
    )


def _fill(account: CreditorAccount, draft: CreditorAccountDraft) -> None:
    read = {"label", "name", "creditor_identifier", "iban", "bic", "is_default", *ADDRESS_LIMITS}
    for one in fields(draft):
        if one.name not in read:
            setattr(account, one.name, getattr(draft, one.name))
    account.label, account.name = clean(draft.label) or "", draft.name.strip()
    account.creditor_identifier = _compact(draft.creditor_identifier)
    account.iban = parse_iban(draft.iban, "IBAN")
    account.bic = parse_bic(draft.bic, "BIC") if draft.bic else bank_of(account.iban)[0]
    account.is_default = account.is_default or draft.is_default
    for name in ADDRESS_LIMITS:
        setattr(account, name, clean(getattr(draft, name)))


def _compact(identifier: str) -> str:
    return "".join(identifier.split()).upper()


def _problems(
    session: Session, account: CreditorAccount | None, draft: CreditorAccountDraft
) -> list[Problem]:
    return [
        *_label_problems(session, account, draft),
        *_creditor_problems(draft),
        *_bank_problems(draft),
        *_limit_problems(draft),
        *_use_problems(account, draft),
        *_address_problems(draft),
    ]


def _label_problems(
    session: Session, account: CreditorAccount | None, draft: CreditorAccountDraft
) -> Iterator[Problem]:
    label = clean(draft.label) or ""
    if not 1 <= len(label) <= 80:
        yield Problem("label", "Label must have 1 to 80 characters")
        return
    holder = session.scalar(
        select(CreditorAccount.id).where(func.lower(CreditorAccount.label) == label.lower())
    )
    if holder is not None and (account is None or holder != account.id):
        yield Problem("label", "There is an account with this label already")


def _creditor_problems(draft: CreditorAccountDraft) -> Iterator[Problem]:
    try:
        read = legal_name(draft.name)
    except IllegalTextError:
        yield Problem("name", "Name has no letter that a bank could read")
    else:
        if read != draft.name.strip():
            yield Problem(
                "name",
                "Name has characters or a length that banks refuse",
                f"Banks would read: {read}",
            )
    if not is_valid_creditor_identifier(_compact(draft.creditor_identifier)):
        yield Problem(
            "creditor_identifier",
            "Creditor identifier is not valid",
            "Compare it with the letter of your central bank, like DE98ZZZ09999999999",
        )


def _bank_problems(draft: CreditorAccountDraft) -> Iterator[Problem]:
    try:
        iban = parse_iban(draft.iban, "IBAN") if draft.iban else ""
    except ValueProblem as error:
        yield Problem("iban", error.reason, error.hint)
        return
    try:
        bic = parse_bic(draft.bic, "BIC") if draft.bic else ""
    except ValueProblem as error:
        yield Problem("bic", error.reason, error.hint)
        return
    if not iban:
        yield Problem("iban", "IBAN is missing")
    elif iban[:2] not in SEPA_COUNTRIES:
        yield Problem("iban", "IBAN is not of a SEPA country")
    elif iban[:2] in COUNTRIES_NEEDING_ADDRESS and not bic and not bank_of(iban)[0]:
        yield Problem("bic", f"BIC is needed for an account in {country_name(iban[:2])}")
    if bic and bic[4:6] not in SEPA_COUNTRIES:
        yield Problem("bic", "BIC is not of a SEPA country")


def _limit_problems(draft: CreditorAccountDraft) -> Iterator[Problem]:
    if not 1 <= draft.max_transactions <= MOST_TRANSACTIONS:
        yield Problem(
            "max_transactions", f"Collections in a file are not between 1 and {MOST_TRANSACTIONS:,}"
        )
    if not Decimal("0.01") <= draft.max_amount <= MAX_AMOUNT:
        yield Problem("max_amount", "Amount per file is not between 0.01 and 999,999,999.99")


def _use_problems(
    account: CreditorAccount | None, draft: CreditorAccountDraft
) -> Iterator[Problem]:
    if draft.scheme not in {one.value for one in Scheme}:
        yield Problem("scheme", "Scheme is neither CORE nor B2B")
    was_default = account is not None and account.is_default
    if was_default and not draft.is_default:
        yield Problem(
            "is_default", "There has to be a default account", "Make another one the default"
        )
    elif draft.is_default and not draft.active:
        yield Problem(
            "active", "The default account has to be active", "Make another one the default first"
        )


def _address_problems(draft: CreditorAccountDraft) -> Iterator[Problem]:
    for name, limit in ADDRESS_LIMITS.items():
        length = len(clean(getattr(draft, name)) or "")
        if length > limit:
            yield Problem(name, f"{_LABELS[name]} has {length} characters; at most {limit} fit")
    if draft.country and country_code(draft.country) != draft.country:
        yield Problem("country", "Country is unknown")
