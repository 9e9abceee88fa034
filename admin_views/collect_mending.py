"""What to do about each reason for leaving an invoice out: a sentence, and the way to the place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from admin_views.access import acting
from admin_views.assets import address_of
from admin_views.formatters import Link
from admin_views.mandate_pages import CUSTOMERS_ACCOUNT
from app.core import clock
from app.core.permissions import Permission, RoleName
from app.sepa.calendar import target_day_from
from app.sepa.models import CreditorAccount, MandateState
from app.sepa.previews.queries import Line
from app.sepa.rules import Caution, Exclusion, Policy, noticed_by


@dataclass(frozen=True, slots=True)
class Here:
    """The preview that the links lead from, and back to."""

    account: CreditorAccount
    accounts: Sequence[CreditorAccount]
    day: date
    policy: Policy
    back: str
    roles: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Way:
    """A page where something can be mended, and who may."""

    label: str
    endpoint: str
    arguments: Mapping[str, Any]
    permissions: tuple[Permission, ...]


# What to do about each reason; the link of each row leads to the place.
MENDING: Mapping[Exclusion | Caution, str] = {
    Exclusion.NO_MANDATE: "Have a mandate signed and enter it, or choose another method.",
    Exclusion.MANDATE_NOT_ACTIVE: "Resume the mandate, enter its signing, or get a new one.",
    Exclusion.MANDATE_EXPIRED: "36 months have passed without a collection: have a new one signed.",
    Exclusion.MANDATE_OTHER_SCHEME: "Collect it with an account of that scheme.",
    Exclusion.MANDATE_OTHER_IBAN: "Amend the mandate to the new IBAN, or correct the customer's.",
    Exclusion.MANDATE_REFERENCE: "Amend the mandate: give it another reference.",
    Exclusion.MANDATE_NOT_SIGNED: "Correct the day of signing, or choose a later collection date.",
    Exclusion.ONE_OFF_TAKEN: "Have another mandate signed.",
    Exclusion.IBAN_INVALID: "Ask the customer for the right IBAN.",
    Exclusion.IBAN_OUTSIDE_SEPA: "Choose another method of payment, or enter another IBAN.",
    Exclusion.BIC_NEEDED: "Enter the BIC of the customer's bank.",
    Exclusion.BIC_INVALID: "Correct the BIC.",
    Exclusion.ADDRESS_NEEDED: "Enter a main address with place and country.",
    Exclusion.NAME_ILLEGAL: "Write the account holder in Latin letters.",
    Exclusion.COLLECTION_HOLD: "Lift the hold once the reason is settled.",
    Exclusion.CUSTOMER_DELETED: "An administrator can restore the customer.",
    Exclusion.AMOUNT: "Cancel the invoice and write it anew.",
    Exclusion.AMOUNT_OVER_FILE: "Raise the limit of the account, or split the invoice.",
    Exclusion.ALREADY_IN_COLLECTION: "Nothing is to be done: another run collects it.",
    Exclusion.NOTICE_TOO_SHORT: "Choose a later collection date.",
    Caution.IBAN_CHANGED: "Collected all the same. Compare the IBAN with the customer's order.",
    Caution.NOT_REGISTERED: "Collected all the same, and returned if the bank does not know it.",
}


def mend(section: Exclusion | Caution, line: Line, here: Here) -> Any:
    """The ways to where a row can be mended, or only what they are for who may not go there."""
    found = WAYS[section](line, here)
    ways = found if isinstance(found, tuple) else (found,) if found is not None else ()
    links = [_link(way, here) for way in ways]
    return links if len(links) > 1 else next(iter(links), "")


def _link(way: Way, here: Here) -> Link | str:
    address = address_of(way.endpoint, **way.arguments, url=here.back)
    open_to_me = any(acting().may(one) for one in way.permissions)
    if address and open_to_me:
        return Link(way.label, address)
    return f"{way.label}: ask {_who_may(way, here)}"


def _who_may(way: Way, here: Here) -> str:
    """The roles that may go there; administrators only where nobody else may."""
    wanted = {one.value for one in way.permissions}
    names = [name for name, allowed in here.roles if wanted.intersection(allowed)]
    others = [name for name in names if name != RoleName.ADMINISTRATOR]
    return " or ".join(others[:3]) or f"an {RoleName.ADMINISTRATOR}"


def _new_mandate(line: Line, here: Here) -> Way:
    return Way(
        "Enter a mandate", "mandates.create_view", {"customer_id": line.customer_id},
        (Permission.MANDATES_EDIT,),
    )  # fmt: skip


def _mandate(line: Line, here: Here) -> Way:
    """The form of a mandate that was never used; one that was is amended."""
    if line.mandate_id is None:
        return _new_mandate(line, here)
    editable = line.mandate_state in (MandateState.DRAFT, MandateState.ACTIVE)
    if editable and not line.mandate_collected:
        label, page = "Correct the mandate", "mandates.edit_view"
    else:
        label, page = "Amend the mandate", "mandates.amend_view"
    return Way(label, page, {"id": line.mandate_id}, (Permission.MANDATES_EDIT,))


def _other_iban(line: Line, here: Here) -> tuple[Way, ...]:
    """The mandate follows the customer's account, or the customer's IBAN was wrong."""
    amend = Way(
        "Amend the mandate", "mandates.amend_view",
        {"id": line.mandate_id, "to": CUSTOMERS_ACCOUNT}, (Permission.MANDATES_EDIT,),
    )  # fmt: skip
    return (amend, _payment("Correct the IBAN", "iban")(line, here))


def _see_mandate(label: str, permission: Permission) -> Callable[[Line, Here], Way]:
    def way(line: Line, here: Here) -> Way:
        return Way(label, "mandates.details_view", {"id": line.mandate_id}, (permission,))

    return way


def _not_signed(line: Line, here: Here) -> Way:
    """The day of signing can be corrected until the mandate is used; no amendment changes it."""
    if line.mandate_collected:
        return _new_mandate(line, here)
    return _mandate(line, here)


def _activate(line: Line, here: Here) -> Way:
    if line.mandate_state == MandateState.SUSPENDED:
        return Way(
            "Resume the mandate", "mandates.details_view", {"id": line.mandate_id},
            (Permission.MANDATES_EDIT,),
        )  # fmt: skip
    return (
        _mandate(line, here)
        if line.mandate_state == MandateState.DRAFT
        else (_new_mandate(line, here))
    )


def _other_scheme(line: Line, here: Here) -> Way:
    other = next((one for one in here.accounts if one.scheme != here.account.scheme), None)
    if other is None:
        return _new_mandate(line, here)
    return Way(
        f"Preview with {other.label}", "direct_debit.collect_view",
        {"account": other.id, "date": here.day.isoformat()}, (Permission.DIRECT_DEBIT_RUN,),
    )  # fmt: skip


def _customer(label: str, field: str) -> Callable[[Line, Here], Way]:
    def way(line: Line, here: Here) -> Way:
        arguments = {"id": line.customer_id, "_anchor": field}
        page = f"{line.customer_kind}.edit_view"
        return Way(label, page, arguments, (Permission.CUSTOMERS_EDIT,))

    return way


def _payment(label: str, field: str) -> Callable[[Line, Here], Way]:
    """The form of the bank details and of what belongs to collecting, for accounting too."""

    def way(line: Line, here: Here) -> Way:
        arguments = {"id": line.customer_id, "part": "payment", "_anchor": field}
        page = f"{line.customer_kind}.edit_view"
        return Way(label, page, arguments, (Permission.BANK_DETAILS_EDIT,))

    return way


def _outside_sepa(line: Line, here: Here) -> tuple[Way, ...]:
    """Another method of payment, or another account to collect from."""
    other = _customer("Choose another method", "payment_method")(line, here)
    return (other, _mandate(line, here))


def _restore(line: Line, here: Here) -> Way:
    return Way(
        "Restore the customer", "deleted_customers.details_view", {"id": line.customer_id},
        (Permission.CUSTOMERS_RESTORE,),
    )  # fmt: skip


def _invoice(line: Line, here: Here) -> Way:
    return Way(
        "See the invoice", "invoices.details_view", {"id": line.invoice_id},
        (Permission.INVOICES_EDIT,),
    )  # fmt: skip


def _account(line: Line, here: Here) -> Way:
    return Way(
        "Raise the limit", "creditor_accounts.edit_view",
        {"id": here.account.id, "_anchor": "max_amount"}, (Permission.CREDITOR_ACCOUNTS_EDIT,),
    )  # fmt: skip


def _run(line: Line, here: Here) -> Way | None:
    if line.run_id is None:
        return None
    return Way(
        "See its run", "direct_debit.details_view", {"id": line.run_id},
        (Permission.DIRECT_DEBIT_VIEW,),
    )  # fmt: skip


def _later(line: Line, here: Here) -> Way:
    today = clock.today(here.policy.zone)
    day = target_day_from(noticed_by(line.issued_on, today, line.notice_days, here.policy))
    return Way(
        f"Collect on {day:%d.%m.%Y}", "direct_debit.collect_view",
        {"account": here.account.id, "date": day.isoformat()}, (Permission.DIRECT_DEBIT_RUN,),
    )  # fmt: skip


WAYS: Mapping[Exclusion | Caution, Callable[[Line, Here], Way | tuple[Way, ...] | None]] = {
    Exclusion.NO_MANDATE: _new_mandate,
    Exclusion.MANDATE_NOT_ACTIVE: _activate,
    Exclusion.MANDATE_EXPIRED: _new_mandate,
    Exclusion.MANDATE_OTHER_SCHEME: _other_scheme,
    Exclusion.MANDATE_OTHER_IBAN: _other_iban,
    Exclusion.MANDATE_REFERENCE: _mandate,
    Exclusion.MANDATE_NOT_SIGNED: _not_signed,
    Exclusion.ONE_OFF_TAKEN: _new_mandate,
    Exclusion.IBAN_INVALID: _mandate,
    Exclusion.IBAN_OUTSIDE_SEPA: _outside_sepa,
    Exclusion.BIC_NEEDED: _mandate,
    Exclusion.BIC_INVALID: _mandate,
    Exclusion.ADDRESS_NEEDED: _customer("Enter the address", "addresses"),
    Exclusion.NAME_ILLEGAL: _mandate,
    Exclusion.COLLECTION_HOLD: _payment("Lift the hold", "collection_hold"),
    Exclusion.CUSTOMER_DELETED: _restore,
    Exclusion.AMOUNT: _invoice,
    Exclusion.AMOUNT_OVER_FILE: _account,
    Exclusion.ALREADY_IN_COLLECTION: _run,
    Exclusion.NOTICE_TOO_SHORT: _later,
    Caution.IBAN_CHANGED: _see_mandate("See the mandate", Permission.MANDATES_VIEW),
    Caution.NOT_REGISTERED: _see_mandate("Confirm the registration", Permission.MANDATES_EDIT),
}
