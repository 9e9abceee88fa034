"""What a customer's record shows: badges, the first tab, and the tabs of what belongs to it."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin_views.formatters import Badge, Column, Link, masked, show, spaced
from admin_views.history import history_tab
from admin_views.institution_fields import LABELS as INSTITUTION_LABELS
from admin_views.records import RecordTab, Section, badges_for
from admin_views.timeline import timeline_tab
from app.accounts.identity import current_actor
from app.audit.queries import About
from app.core.countries import country_name, language_name
from app.core.permissions import Permission
from app.core.values import show_phone
from app.customers.choices import KIND_LABELS, CustomerKind
from app.customers.collisions import record_address
from app.customers.models import (
    Address,
    Customer,
    CustomerCompany,
)
from app.customers.queries import addresses_of
from app.customers.rules import FIELD_LABELS

ROWS = 25
RECORDS = "customers"  # under this name features hang their tabs onto customers of every kind
_PHONES = ("mobile_phone", "telephone_private", "business_telephone", "fax")
# Shown also where nothing is known: what somebody on the phone would ask for next.
_GAPS = {FIELD_LABELS[name] for name in ("email", "mobile_phone", "group_id", "rebate")}
_BLANK: tuple[Any, ...] = (None, "", [])
_KIND_COLOURS = {"individual": "blue", "business": "azure", "perpetual": "purple"}
_KIND_BADGES = {k.value: Badge(KIND_LABELS[k], _KIND_COLOURS[k]) for k in CustomerKind}


def phone(stored: str | None) -> str | None:
    """A phone number as people read it."""
    return show_phone(stored) if stored else None


def kind_badge(kind: str) -> Badge:
    """The kind of a customer."""
    return _KIND_BADGES[kind]


def state_badges(customer: Customer) -> list[Badge]:
    """What one has to know before talking to the customer."""
    found = []
    if customer.deleted_at is not None:
        found.append(Badge("Deleted", "grey", "trash"))
    if customer.locked:
        found.append(Badge("Locked", "red", "lock"))
    if customer.restricted:
        found.append(Badge("Restricted", "orange", "ban"))
    if not customer.active:
        found.append(Badge("Inactive", "grey"))
    if customer.favourite:
        found.append(Badge("Favourite", "yellow", "star"))
    return found


def header_badges(customer: Customer) -> list[Badge]:
    """Everything beside the name."""
    group = [Badge(customer.group.name, "green", "users-group")] if customer.group else []
    own = [kind_badge(customer.kind), *state_badges(customer), *group]
    return own + badges_for(RECORDS, current_actor(), customer)


def main_address(customer: Customer) -> Address | None:
    """The default main address, else the first there is."""
    found = customer.addresses
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda a: (a.kind != "main", not a.is_default, a.id))


def bank_account(customer: Customer) -> str | None:
    """The IBAN as this person may see it."""
    full = current_actor().may(Permission.BANK_DETAILS_VIEW)
    return spaced(customer.iban) if full else masked(customer.iban)


def sections(customer: Customer) -> list[Section]:
    """The tab Personal information: what is known, and the gaps that matter."""
    return [
        Section(
            one.title,
            [(label, value) for label, value in one.lines if value not in _BLANK or label in _GAPS],
        )
        for one in _all_sections(customer)
    ]


def _all_sections(customer: Customer) -> list[Section]:
    identity = ["title", "first_name", "name", "alias", "gender", "date_of_birth", "citizenship",
                "id_number", "id_number_issued_by"]  # fmt: skip
    if customer.kind != CustomerKind.INDIVIDUAL:
        identity = ["company_name", "alias", "vat_id", "registration_number", "title",
                    "contact_name", "first_name", "name"]  # fmt: skip
    email = customer.email and Link(customer.email, f"mailto:{customer.email}")
    operator, language = customer.dedicated_operator, customer.preferred_language
    return [
        Section("Identity", [
            (FIELD_LABELS["number"], customer.number),
            *_lines(customer, identity),
            *_lines(customer, ["former_number"]),
        ]),
        Section("Reach", [
            (FIELD_LABELS["email"], email),
            *((FIELD_LABELS[name], phone(getattr(customer, name))) for name in _PHONES),
            *_lines(customer, ["homepage"]),
            (FIELD_LABELS["preferred_language"], language and language_name(language)),
        ]),
        Section("Commerce", [
            ("Products/Services in use", [product.name for product in customer.products]),
            (FIELD_LABELS["group_id"], customer.group and customer.group.name),
            (FIELD_LABELS["price_level_id"], customer.price_level and customer.price_level.name),
            (FIELD_LABELS["rebate"], None if customer.rebate is None else f"{customer.rebate} %"),
            (FIELD_LABELS["dedicated_operator_id"], operator and str(operator)),
            (FIELD_LABELS["store_id"], customer.store and customer.store.name),
            *_lines(customer, ["source", "reason_for_loss", "favourite"]),
        ]),
        Section("Consent and state", [
            *((FIELD_LABELS[name], _consent(customer, name))
              for name in ("newsletter", "promotional_sms", "invoices_by_email")),
            *_lines(customer, ["active", "restricted"]),
            ("Created", customer.created_at),
            ("Last changed", customer.changed_at),
        ]),
    ]  # fmt: skip


def _lines(customer: Customer, names: Sequence[str]) -> list[tuple[str, Any]]:
    found = [(FIELD_LABELS[name], getattr(customer, name)) for name in names]
    return [(label, value.capitalize() if label == "Gender" and value else value)
            for label, value in found]  # fmt: skip


def _consent(customer: Customer, name: str) -> list[Any]:
    """The consent, and since when by whom."""
    found: list[Any] = [getattr(customer, name)]
    when, who = getattr(customer, f"{name}_set_at"), getattr(customer, f"{name}_set_by")
    if when is not None:
        since = Markup('<span class="text-secondary">since {} by {}</span>')
        found.append(since.format(show(when), who))
    return found


# Tabs ------------------------------------------------------------------------------------------

ADDRESS_COLUMNS = (
    Column("kind", "Kind", lambda a: a.kind.capitalize(), main=True),
    Column("is_default", "Default", lambda a: Badge("Default", "green") if a.is_default else None),
    Column("label", "Label"),
    Column("care_of", "c/o"),
    Column("street", "Street/No.", lambda a: [p for p in (a.street, a.line_2) if p]),
    Column("po_box", "PO box"),
    Column("place", "Place", lambda a: " ".join(p for p in (a.postcode, a.place) if p)),
    Column("state", "State"),
    Column("country", "Country", lambda a: country_name(a.country) if a.country else None),
)
COMPANY_COLUMNS = (
    Column("company", "Company", lambda c: _company(c), main=True),
    Column("role", "Role"),
)


def _company(one: CustomerCompany) -> Link | str | None:
    if one.company is None or one.company.deleted_at is not None:
        return one.company_name or (one.company.display_name if one.company else None)
    text = f"{one.company.display_name} ({one.company.number})"
    return Link(text, record_address(one.company.number))


def _addresses(view: Any, session: Session, customer: Customer, page: int) -> str:
    rows = addresses_of(session, [customer.id])[customer.id]
    return _table(view, customer, "addresses", ADDRESS_COLUMNS, rows, page)


def _companies(view: Any, session: Session, customer: Customer, page: int) -> str:
    return _table(view, customer, "companies", COMPANY_COLUMNS, customer.companies, page)


def _table(
    view: Any, customer: Customer, tab: str, columns: Sequence[Column], rows: Any, page: int
) -> str:
    pages = max(1, ceil(len(rows) / ROWS))
    page = min(page, pages)
    return render_template(
        f"customers/{tab}.html",
        admin_view=view,
        columns=columns,
        rows=rows[(page - 1) * ROWS : page * ROWS],
        page=page,
        pages=pages,
        tab_url=_pages_of(view, customer, tab),
    )


def payment_sections(customer: Customer) -> list[Section]:
    """How the customer pays, and from which account."""
    until = customer.collection_hold_until or "until further notice"
    hold: list[Any] = [customer.collection_hold]
    if customer.collection_hold:
        hold += [until, customer.collection_hold_reason]
    days, notice = customer.term_of_payment, customer.notice_days
    account = [
        ("IBAN", bank_account(customer)),
        *((FIELD_LABELS[n], getattr(customer, n)) for n in ("bic", "institute", "account_holder")),
    ]
    terms = [
        (FIELD_LABELS["payment_method"], customer.payment_method),
        (FIELD_LABELS["term_of_payment"], None if days is None else f"{days} days"),
        (FIELD_LABELS["collection_hold"], hold),
    ]
    if notice is not None:
        terms.append((FIELD_LABELS["notice_days"], "1 day" if notice == 1 else f"{notice} days"))
    return [Section("Terms", terms), Section("Bank account", account)]


def _memos(view: Any, session: Session, customer: Customer, page: int) -> str:
    return render_template("customers/memos.html", admin_view=view, customer=customer)


def _about(customer: Customer) -> About:
    return About(customer=customer.id)


def _exported(customer: Customer) -> dict[str, str] | None:
    """What the export of the history asks for; that of a deleted customer stays here."""
    return {"customer": customer.number} if customer.deleted_at is None else None


def _pages_of(view: Any, customer: Customer, tab: str) -> Callable[[int], str]:
    return lambda page: str(view.get_url(".tab_view", id=customer.id, tab=tab, page=page))


def _rows(model: Any) -> Callable[[Customer], Select[Any]]:
    return lambda customer: select(model.id).where(model.customer_id == customer.id)


_LABELS = {**FIELD_LABELS, **INSTITUTION_LABELS}
HISTORY = history_tab("customer", _about, labels=_LABELS, export=_exported)
TABS = (
    timeline_tab(RECORDS, HISTORY),
    RecordTab("addresses", "Addresses", _addresses, rows=_rows(Address), order=10),
    RecordTab("companies", "Companies", _companies, rows=_rows(CustomerCompany), order=20),
    RecordTab("memos", "Memos", _memos, lambda session, one: int(bool(one.memo)), order=80),
    HISTORY,
)
