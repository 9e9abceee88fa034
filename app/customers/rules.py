"""What a customer must be, and what is derived from the fields: pure functions."""

from collections.abc import Mapping
from typing import Any

from app.core import clock
from app.core.errors import Problem, Refused
from app.core.text import digits, fold, sort_key

INDIVIDUAL = "individual"
DIRECT_DEBIT = "SEPA direct debit"
LONGEST_MEMO = 200

FIELD_LABELS: dict[str, str] = {
    "number": "Customer number",
    "former_number": "Former number",
    "kind": "Kind",
    "title": "Title",
    "first_name": "First name",
    "name": "Name",
    "alias": "Alias",
    "gender": "Gender",
    "date_of_birth": "Date of birth",
    "company_name": "Company name",
    "vat_id": "VAT ID",
    "registration_number": "Registration number",
    "contact_name": "Contact name",
    "citizenship": "Citizenship",
    "id_number": "ID number",
    "id_number_issued_by": "ID number issued by",
    "email": "Email",
    "telephone_private": "Telephone private",
    "business_telephone": "Business telephone",
    "mobile_phone": "Mobile phone",
    "fax": "Fax",
    "homepage": "Homepage",
    "preferred_language": "Preferred language",
    "store_id": "Store",
    "source": "Source",
    "group_id": "Group",
    "dedicated_operator_id": "Dedicated operator",
    "rebate": "Rebate",
    "price_level_id": "Price level",
    "reason_for_loss": "Reason for loss",
    "favourite": "Favourite",
    "payment_method": "Method of payment",
    "term_of_payment": "Term of payment",
    "iban": "IBAN",
    "bic": "BIC",
    "institute": "Institute",
    "account_holder": "Account holder",
    "collection_hold": "Collection hold",
    "collection_hold_until": "Collection hold until",
    "collection_hold_reason": "Reason for collection hold",
    "notice_days": "Days of notice agreed on",
    "newsletter": "Newsletter",
    "promotional_sms": "Promotional SMS",
    "invoices_by_email": "Invoices by email",
    "login_allowed": "Shop login allowed",
    "password_hash": "Password",
    "security_question_id": "Security question",
    "security_answer_hash": "Security answer",
    "security_answer": "Security answer",
    "restricted": "Restricted",
    "approval_state": "Approval",
    "suppress_registration_email": "Do not send registration email",
    "memo": "Memo",
    "active": "Active",
    "locked": "Locked customer",
    "lock_text": "Lock text",
    "deleted_at": "Deleted",
    "addresses": "Addresses",
    "companies": "Companies",
    "products": "Products/Services",
}
CONSENTS = ("newsletter", "promotional_sms", "invoices_by_email")
BANK_FIELDS = frozenset({"iban", "bic", "account_holder"})
# What belongs to collecting by direct debit, beside the account.
COLLECTION_FIELDS = frozenset(
    {"collection_hold", "collection_hold_until", "collection_hold_reason", "notice_days"}
)
# What accounting may change of a customer; nothing else.
PAYMENT_FIELDS = BANK_FIELDS | COLLECTION_FIELDS
# Notice of a direct debit is given 14 days ahead unless fewer were agreed on.
MOST_NOTICE_DAYS = 14
_SPANS = (("rebate", 0, 100), ("term_of_payment", 0, 365), ("notice_days", 1, MOST_NOTICE_DAYS))
PHONES = ("telephone_private", "business_telephone", "mobile_phone", "fax")


def problems(kind: str, values: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with the values of one customer by themselves (domain.md, section 1)."""
    found = []
    if kind == INDIVIDUAL and not values.get("first_name"):
        found.append(Problem("first_name", "First name is missing", "Every person needs one"))
    if kind != INDIVIDUAL and not values.get("company_name"):
        found.append(Problem("company_name", "Company name is missing"))
    if (born := values.get("date_of_birth")) and born > clock.today():
        found.append(Problem("date_of_birth", "Date of birth is in the future"))
    if values.get("payment_method") == DIRECT_DEBIT and not values.get("iban"):
        found.append(
            Problem(
                "iban", "SEPA direct debit needs an IBAN", "Or choose another method of payment"
            )
        )
    if values.get("invoices_by_email") and not values.get("email"):
        found.append(Problem("email", "Invoices by email need an email address"))
    if values.get("login_allowed") and not values.get("email"):
        found.append(
            Problem("email", "Shop login needs an email address", "Customers log in with it")
        )
    memo = values.get("memo") or ""
    if len(memo) > LONGEST_MEMO:
        found.append(
            Problem(
                "memo",
                f"Memo is longer than {LONGEST_MEMO} characters",
                f"It has {len(memo)}; shorten it by {len(memo) - LONGEST_MEMO}",
            )
        )
    for field, least, most in _SPANS:
        number = values.get(field)
        if number is not None and not least <= number <= most:
            found.append(Problem(field, f"{FIELD_LABELS[field]} is not between {least} and {most}"))
    if values.get("locked") and not values.get("lock_text"):
        found.append(
            Problem(
                "lock_text", "Lock text is missing", "It tells the till why the customer is locked"
            )
        )
    if values.get("collection_hold") and not values.get("collection_hold_reason"):
        found.append(Problem("collection_hold_reason", "Reason for collection hold is missing"))
    return found


def address_problems(address: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with one address: one without anything in it says nothing."""
    told = ("street", "line_2", "postcode", "place", "state", "country", "care_of", "po_box")
    if any(address.get(field) for field in told):
        return []
    return [Problem("street", "The address is empty", "Fill it in or remove it")]


def derived(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that follow from others: what the search reads and lists sort by."""
    company = values.get("company_name")
    person = [values.get("first_name"), values.get("name")]
    spoken = [values.get("alias"), company, values.get("contact_name")]
    folded = [key for part in person if (key := fold(part))]
    found_by = folded + [fold(part) for part in spoken if part]
    # Folded as a query is, also where it is no name: melissa@ is looked for as melisa@.
    found_by += [
        fold(str(values[f])) for f in ("number", "former_number", "email") if values.get(f)
    ]
    found_by += [digits(values[f].partition(";")[0]) for f in PHONES if values.get(f)]
    if values["kind"] == INDIVIDUAL:
        # Sorted by the last name, as a card index is; a person with one name by that.
        ordered, name_key = " ".join(reversed(folded)), " ".join(folded)
    else:
        ordered = name_key = fold(company)
    email = values.get("email")
    return {
        # A blank at both ends, so that the index finds whole words and beginnings, too.
        "search_text": f" {' '.join(found_by)} ",
        "sort_name": sort_key(ordered),
        "name_key": name_key[:330],
        "email_key": email.casefold() if email else None,
    }


def display_name(values: Mapping[str, Any]) -> str:
    """The name a person would call the customer of these values by."""
    if values["kind"] != INDIVIDUAL and values.get("company_name"):
        return str(values["company_name"])
    return " ".join(p for p in (values.get("first_name"), values.get("name")) if p)


def one_line(address: Mapping[str, Any]) -> str:
    """An address in a line, as the history tells it."""
    parts = [
        address.get("label"),
        f"c/o {address['care_of']}" if address.get("care_of") else None,
        address.get("street"),
        address.get("line_2"),
        f"PO box {address['po_box']}" if address.get("po_box") else None,
        " ".join(p for p in (address.get("postcode"), address.get("place")) if p),
        address.get("state"),
        address.get("country"),
    ]
    text = ", ".join(part for part in parts if part)
    return f"{address.get('kind') or 'main'}: {text}"


def checked_lock_text(text: str, *, field: str = "lock_text") -> str:
    """The text of a lock in one line. Raises Refused when there is none, or when it is too long."""
    text = " ".join(text.split())
    if not 1 <= len(text) <= 400:
        raise Refused.because(
            "Lock text is missing" if not text else "Lock text is longer than 400 characters",
            field=field,
            hint="It tells the till why the customer is locked",
        )
    return text
