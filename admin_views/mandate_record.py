"""What a mandate's record shows: badges, notices with the way to mend things, and its facts."""

from typing import Any

from admin_views.accounting_states import mandate_badge
from admin_views.customer_lookup import customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Link, masked, size, spaced
from admin_views.mandate_pages import CUSTOMERS_ACCOUNT, sees_ibans
from admin_views.records import Section
from admin_views.registry import address_of
from app.core.actor import Actor
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db
from app.sepa.amending import AMENDABLE
from app.sepa.models import Mandate, MandateState, Scheme
from app.sepa.operations_mandates import LIVING
from app.sepa.queries_mandates import mismatched
from app.sepa.suspending import advice_for, reason_of

NOT_REGISTERED = "Bank registration not confirmed"
REGISTERED_ON = "Registered with the bank on"
# Label, address, icon, and whether it is the main one of the page.
Way = tuple[str, str, str, bool]
# Kind of notice, title, text, and the label and address of where it leads.
Told = tuple[str, str, str, str, str]
OTHER_IBAN = (
    "Nothing is collected under this mandate until it is amended, or the customer's IBAN is "
    "corrected."
)


def registration_missing(one: Mandate) -> bool:
    """Whether the bank of a B2B debtor would refuse the collection for all that is known."""
    return (
        one.scheme == Scheme.B2B
        and one.bank_registered_on is None
        and MandateState(one.state) in LIVING
    )


def state_badges(one: Mandate) -> list[Badge]:
    """The state of a mandate, with what is to be done for it or is not known of it yet."""
    found = [mandate_badge(one)]
    if one.state_code:
        found.append(Badge(one.state_code, "red"))
    if one.original_iban or one.original_reference:
        found.append(Badge("Amended", "azure", "writing"))
    if registration_missing(one):
        found.append(Badge(NOT_REGISTERED, "yellow", "bell"))
    return found


def list_badges(one: Mandate) -> list[Badge]:
    """The same for a row of a list, where there is less room for words."""
    short = {badge.text: badge for badge in state_badges(one)}
    if registration_missing(one):
        del short[NOT_REGISTERED]
        short[""] = Badge("Not registered", "yellow", "bell")
    return list(short.values())


def amend_url(one: Mandate, back: str) -> str:
    """Where a mandate is amended to the account that its customer has now, and back from there."""
    return address_of("mandates.amend_view", id=one.id, to=CUSTOMERS_ACCOUNT, url=back)


def mismatch_badge(actor: Actor, customer: Customer) -> list[Badge]:
    """On a customer's record: no mandate is for the account that the customer has now."""
    if not actor.may(Permission.MANDATES_VIEW) or customer.deleted_at is not None:
        return []
    if not mismatched(db.session(), customer):
        return []
    tab = address_of(f"{customer.kind}.details_view", id=customer.id, tab="payment")
    return [Badge("Mandate is for another IBAN", "orange", "alert-triangle", tab)]


def account_lines(one: Mandate) -> list[tuple[str, Any]]:
    """What an amendment may change."""
    return [
        ("IBAN", account_of(one)),
        ("BIC", one.bic),
        ("Account holder", one.account_holder),
        ("Mandate reference", one.reference),
    ]


def sections(view: Any, one: Mandate) -> list[Section]:
    """What was signed, for which account, and its document."""
    lines: list[tuple[str, Any]] = [
        ("Customer", customer_in_record(one.customer)),
        ("Type", one.type.capitalize()),
        ("Scheme", one.scheme),
        ("Signed on", one.signed_on),
        ("Last collected on", one.last_collected_on),
        ("Created", one.created_at),
    ]
    if one.scheme == Scheme.B2B:
        lines.insert(4, (REGISTERED_ON, one.bank_registered_on))
    if one.state_reason:
        lines.append(("Reason", one.state_reason))
    if one.state_code:
        lines.append(("Return code", one.state_code))
    account = account_lines(one)[:3]
    if one.iban_changed_at:
        account.append(("IBAN changed", one.iban_changed_at))
    if one.original_reference:
        account.append(("Reference before the amendment", one.original_reference))
    if one.original_iban:
        before = one.original_iban
        shown = spaced(before) if sees_ibans() else masked(before)
        account.append(("IBAN before the amendment", shown))
    return [
        Section("Mandate", lines),
        Section("Account", account),
        Section("Signed document", _document_lines(view, one)),
    ]


def _document_lines(view: Any, one: Mandate) -> list[tuple[str, Any]]:
    stored = one.document
    if stored is None:
        return [("Document", "None was uploaded yet")]
    url = view.get_url(".document_view", id=one.id)
    return [
        # It shows the account, so only whoever may see that gets it.
        ("Document", Link(stored.name, url) if sees_ibans() else stored.name),
        ("Size", size(stored.size)),
        ("Uploaded", stored.created_at),
        ("SHA-256", stored.sha256),
    ]


def ways(view: Any, one: Mandate) -> list[Way]:
    """The pages that do something with a mandate."""
    found: list[Way] = []
    state = MandateState(one.state)
    if state not in LIVING:
        return found
    found.append(("Print form", view.get_url(".form_view", id=one.id), "printer", False))
    if not view.may("edit"):
        return found
    draft = state is MandateState.DRAFT
    label, icon = ("Enter signature", "signature") if draft else ("Upload document", "upload")
    found.append((label, view.get_url(".sign_view", id=one.id), icon, False))
    if state in AMENDABLE:
        main = not view.editable(one)
        found.append(("Amend", view.get_url(".amend_view", id=one.id), "writing", main))
    return found


def told(view: Any, one: Mandate) -> list[Told]:
    """What somebody has to know or do about a mandate, above its facts."""
    found: list[Told] = []
    state = MandateState(one.state)
    if state is MandateState.SUSPENDED:
        why = f"Suspended. {reason_of(one)}"
        found.append(("warning", why, advice_for(one.state_code), "", ""))
    elif one.state_reason:
        over = f"{one.state[:1].upper()}{one.state[1:]}"
        found.append(("info", f"{over}. {one.state_reason}", "", "", ""))
    if state in LIVING and (one.original_iban or one.original_reference):
        text = "The next collection tells the bank what stood here before."
        found.append(("info", "Amended: the bank is still to be told", text, "", ""))
    if state is MandateState.ACTIVE and one in mismatched(db.session(), one.customer):
        title = "The customer has another IBAN by now"
        label = "Amend it to the customer's account" if view.may("edit") else ""
        url = amend_url(one, view.record_url(one)) if label else ""
        found.append(("warning", title, OTHER_IBAN, label, url))
    return found
