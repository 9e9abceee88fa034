"""Every state change of creditor accounts."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.rules import snapshot
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.permissions import Permission
from app.core.values import ValueProblem, bank_of, parse_bic, parse_iban
from app.sepa.characters import IllegalTextError, legal_name
from app.sepa.models import CreditorAccount, Scheme
from app.sepa.rules import MAX_AMOUNT, is_valid_creditor_identifier


@dataclass(frozen=True, slots=True)
class CreditorAccountDraft:
    """What a creditor account shall be. `max_amount` is in euros for one file."""

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


def save_creditor_account(
    session: Session, account: CreditorAccount | None, draft: CreditorAccountDraft, *, actor: Actor
) -> CreditorAccount:
    """Make or change a creditor account; a new default takes the place of the old one."""
    actor.require(Permission.CREDITOR_ACCOUNTS_EDIT)
    problems = _problems(session, account, draft)
    if problems:
        raise Refused(problems)
    before = snapshot(account) if account is not None else {}
    first = not session.scalar(select(func.count()).select_from(CreditorAccount))
    if draft.is_default:
        session.execute(update(CreditorAccount).values(is_default=False))
    if account is None:
        account = CreditorAccount()
        session.add(account)
    account.label, account.name = draft.label.strip(), draft.name.strip()
    account.creditor_identifier = _compact(draft.creditor_identifier)
    account.iban = parse_iban(draft.iban, "IBAN")
    account.bic = parse_bic(draft.bic, "BIC") if draft.bic else bank_of(account.iban)[0]
    account.scheme, account.active = draft.scheme, draft.active
    account.is_default = draft.is_default or first
    account.max_transactions, account.max_amount = draft.max_transactions, draft.max_amount
    session.flush()
    audit.record_change(
        session, account, before, actor=actor, entity="creditor account",
        entity_label=account.label,
    )  # fmt: skip
    return account


def _compact(identifier: str) -> str:
    return "".join(identifier.split()).upper()


def _problems(
    session: Session, account: CreditorAccount | None, draft: CreditorAccountDraft
) -> list[Problem]:
    found = []
    if not 1 <= len(draft.label.strip()) <= 80:
        found.append(Problem("label", "Label must have 1 to 80 characters"))
    holder = session.scalar(
        select(CreditorAccount.id).where(
            func.lower(CreditorAccount.label) == draft.label.strip().lower()
        )
    )
    if holder is not None and (account is None or holder != account.id):
        found.append(Problem("label", "There is an account with this label already"))
    try:
        if legal_name(draft.name) != draft.name.strip():
            found.append(
                Problem(
                    "name",
                    "Name has characters or a length that banks refuse",
                    f"Banks would read: {legal_name(draft.name)}",
                )
            )
    except IllegalTextError:
        found.append(Problem("name", "Name has no letter that a bank could read"))
    if not is_valid_creditor_identifier(_compact(draft.creditor_identifier)):
        found.append(
            Problem(
                "creditor_identifier",
                "Creditor identifier is not valid",
                "Compare it with the letter of your central bank, like DE98ZZZ09999999999",
            )
        )
    for field, value, read in (("iban", draft.iban, parse_iban), ("bic", draft.bic, parse_bic)):
        if field == "iban" and not value:
            found.append(Problem("iban", "IBAN is missing"))
        elif value:
            try:
                read(value, field.upper())
            except ValueProblem as error:
                found.append(Problem(field, error.reason, error.hint))
    if draft.max_transactions < 1:
        found.append(Problem("max_transactions", "Transactions per file must be at least 1"))
    if not Decimal("0.01") <= draft.max_amount <= MAX_AMOUNT:
        found.append(
            Problem("max_amount", "Amount per file is not between 0.01 and 999,999,999.99")
        )
    if draft.is_default and not draft.active:
        found.append(Problem("active", "The default account has to be active"))
    return found
