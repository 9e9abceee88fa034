"""The Payment tab of a customer, with mandates and what is owed, and the open balance."""

from math import ceil
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_views import customer_record
from admin_views.accounting_states import invoice_badge, mandate_badge
from admin_views.formatters import Badge, Column, Link, masked, spaced
from admin_views.records import RecordTab
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.billing.queries import open_balance, owed_by
from app.core.actor import Actor
from app.core.money import format_amount
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db
from app.sepa.models import Mandate
from app.sepa.queries_mandates import mandates_of, mismatched
from app.sepa.suspending import reason_of

ROWS = 25


def account_of(row: Any) -> Markup | None:
    """The IBAN of a row as this person may see it, in one piece."""
    full = current_actor().may(Permission.BANK_DETAILS_VIEW)
    said = spaced(row.iban) if full else masked(row.iban)
    return Markup('<span class="k-piece">{}</span>').format(said) if said else None


def _state(one: Mandate) -> list[Any]:
    """The state, and below it why it is not active any more."""
    return [mandate_badge(one), *([reason_of(one)] if one.state_reason else [])]


MANDATE_COLUMNS = (
    Column("reference", "Mandate reference", main=True),
    Column("state", "State", _state),
    Column("iban", "IBAN", account_of),
    Column("scheme", "Scheme"),
    Column("type", "Type", lambda one: one.type.capitalize()),
    Column("signed_on", "Signed on"),
)
# What can be done with a mandate at once; the rest is offered on its own page.
MANDATE_WAYS = {
    "draft": (("Print form", "form"), ("Enter signature", "sign")),
    "active": (("Amend", "amend"), ("Print form", "form")),
    "suspended": (("Amend", "amend"),),
}


def mandate_ways(one: Mandate, back: str) -> list[Link]:
    """The links at the end of a mandate's row, for whoever may use them; they lead back here."""
    may = current_actor().may(Permission.MANDATES_EDIT)
    return [
        Link(label, address_of(f"mandates.{page}_view", id=one.id, url=back))
        for label, page in MANDATE_WAYS.get(one.state, ())
        if may or page == "form"
    ]


INVOICE_COLUMNS = (
    Column("number", "Invoice", main=True),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("state", "State", invoice_badge),
    Column("issued_on", "Issued on"),
    Column("due_on", "Due on"),
)


def _render(view: Any, session: Session, customer: Customer, page: int) -> str:
    actor = current_actor()
    mandates: Any = None
    invoices: Any = None
    pages = 1
    if actor.may(Permission.MANDATES_VIEW):
        mandates = mandates_of(session, customer.id)
    if actor.may(Permission.INVOICES_VIEW):
        wanted = owed_by(customer.id)
        total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
        pages = max(1, ceil(total / ROWS))
        page = min(page, pages)
        invoices = session.scalars(wanted.offset((page - 1) * ROWS).limit(ROWS)).all()
    here = view.get_url(".details_view", id=customer.id, tab="payment")
    return render_template(
        "invoices/payment_tab.html",
        admin_view=view,
        sections=customer_record.payment_sections(customer),
        edit_url=(
            view.get_url(".edit_view", id=customer.id, part="payment", url=here)
            if customer.deleted_at is None and actor.may(Permission.BANK_DETAILS_EDIT)
            else ""
        ),
        mandates=mandates,
        mandate_columns=(
            *MANDATE_COLUMNS,
            Column("ways", "What next", lambda one: mandate_ways(one, here)),
        ),
        other_iban=[
            (one, address_of("mandates.amend_view", id=one.id, to="customer", url=here))
            for one in (mismatched(session, customer) if mandates else ())
        ],
        may_amend=actor.may(Permission.MANDATES_EDIT),
        mandate_url=lambda one: address_of("mandates.details_view", id=one.id),
        new_mandate=(
            address_of("mandates.create_view", customer_id=customer.id)
            if actor.may(Permission.MANDATES_EDIT) and customer.deleted_at is None
            else ""
        ),
        invoices=invoices,
        invoice_columns=INVOICE_COLUMNS,
        invoice_url=lambda one: address_of("invoices.details_view", id=one.id),
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(
            ".tab_view", id=customer.id, tab="payment", page=number
        ),
    )


PAYMENT_TAB = RecordTab("payment", "Payment", _render, order=50)


def balance_badge(actor: Actor, customer: Customer) -> list[Badge]:
    """What the customer owes, for those who may see invoices."""
    if not actor.may(Permission.INVOICES_VIEW):
        return []
    owed = open_balance(db.session(), customer.id)
    return [Badge(f"Open balance {format_amount(owed)} €", "orange", "wallet")] if owed else []
