"""Invoices: what customers owe, entered by hand or imported, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session, joinedload
from wtforms import TextAreaField

from admin_views.accounting_states import invoice_badge, is_overdue
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.customer_events import INVOICES as INVOICE_EVENTS
from admin_views.customer_lookup import CUSTOMERS, customer_in_list, customer_in_record
from admin_views.customer_payment import PAYMENT_TAB, balance_badge
from admin_views.formatters import Badge, Column, Link, day
from admin_views.forms import (
    Group,
    KontorForm,
    Longest,
    LookupField,
    ParsedField,
    Required,
    TextField,
)
from admin_views.history import history_tab
from admin_views.records import Section, register_badges, register_tab
from admin_views.registry import address_of
from admin_views.timeline import register_telling
from app.accounts.identity import current_actor
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import InvoiceDraft, cancel_invoices, create_invoices, mark_paid
from app.billing.queries import INVOICES
from app.billing.rules import FIELD_LABELS, INVOICE_STATES, LONGEST_NUMBER, LONGEST_REMITTANCE
from app.core import clock
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.core.values import parse_amount, parse_date
from app.extensions import db
from app.sepa.models import Collection
from app.sepa.queries import collections_of_invoice


def _date(name: str, required: bool = False, description: str = "") -> ParsedField:
    label = FIELD_LABELS[name]
    return ParsedField(
        label, [Required()] if required else [], parse=partial(parse_date, label=label),
        display=day, description=description,
    )  # fmt: skip


class InvoiceForm(KontorForm):
    """An open invoice entered by hand. Once it is there, only its state changes."""

    groups = (
        Group("Invoice", ("number", "customer_id", "amount", "issued_on", "due_on")),
        Group("Bank statement", ("remittance_text",), wide=("remittance_text",)),
    )

    number = TextField(FIELD_LABELS["number"], [Required(), Longest(LONGEST_NUMBER)])
    customer_id = LookupField(FIELD_LABELS["customer_id"], [Required()], lookup="customers")
    amount = ParsedField(
        "Amount (euros)", [Required()], parse=partial(parse_amount, label=FIELD_LABELS["amount"]),
        description="Like 12.34 or 12,34",
    )  # fmt: skip
    issued_on = _date("issued_on", description="Blank is today")
    due_on = _date("due_on", required=True, description="Like 31.12.2026")
    remittance_text = TextAreaField(
        FIELD_LABELS["remittance_text"], [Longest(LONGEST_REMITTANCE)],
        description="What the customer reads on the bank statement; blank is the invoice number",
    )  # fmt: skip


def _told(count: int, done: str) -> str:
    return f"The invoice was {done}." if count == 1 else f"{count:,} invoices were {done}."


def _mark_paid(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    mark_paid(session, ids, actor=actor, reason=answers.get("reason") or None)
    return _told(len(ids), "marked as paid")


def _cancel(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    cancel_invoices(session, ids, actor=actor, reason=answers["reason"])
    return _told(len(ids), "cancelled")


def _may_become(state: InvoiceState) -> Callable[[Invoice], bool]:
    return lambda invoice: (
        invoice.state != InvoiceState.IN_COLLECTION
        and INVOICE_STATES.allows(InvoiceState(invoice.state), state)
    )


def _due(invoice: Invoice) -> Any:
    if is_overdue(invoice, clock.today()):
        return Markup('<span class="text-nowrap">{}</span> <span class="k-over">overdue</span>'
                      ).format(day(invoice.due_on))  # fmt: skip
    return invoice.due_on


class InvoicesView(KontorView):
    """What every customer owes or has paid."""

    model_class = Invoice
    label, singular = "Invoices", "invoice"
    menu_group, icon, endpoint_name = "Accounting", "file-invoice", "invoices"
    permissions = {
        "view": Permission.INVOICES_VIEW,
        "create": Permission.INVOICES_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "invoices"
    list_template = "invoices/list.html"
    search_hint = "Invoice number, customer number or name"
    empty_hint = "Import the open invoices of another program, or enter one by hand."
    create_form_class = InvoiceForm
    lookups = {"customers": CUSTOMERS}
    tabs = (history_tab("invoice"),)
    columns = (
        Column("number", "Number", sort="number", main=True),
        Column("customer", "Customer", customer_in_list),
        Column("amount", "Amount", numeric=True, suffix="\u00a0€", filter="amount"),
        Column("state", "State", invoice_badge, filter="state"),
        Column("issued_on", "Issued on", sort="issued", filter="issued"),
        Column("due_on", "Due on", _due, sort="due", filter="due"),
    )
    actions = (
        Action(
            "paid", "Mark as paid", Permission.INVOICES_EDIT, _mark_paid, icon="cash",
            confirm="Mark {this invoice|# invoices} as paid by other means than a direct debit?",
            ask=Ask("reason", "How it was paid", required=False, hint="Kept in the history"),
            shown=_may_become(InvoiceState.PAID),
        ),
        Action(
            "cancel", "Cancel invoice", Permission.INVOICES_EDIT, _cancel, icon="ban", danger=True,
            confirm="Cancel {this invoice|# invoices}? This cannot be taken back.",
            ask=Ask("reason", "Reason", hint="Kept in the history"),
            shown=_may_become(InvoiceState.CANCELLED),
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """All invoices."""
        return INVOICES

    @property
    def can_create(self) -> bool:
        """There is a form for new ones only."""
        return self.may("create")

    def record_options(self) -> Sequence[Any]:
        """The record names the customer."""
        return (joinedload(Invoice.customer),)

    def headline(self, model: Invoice) -> str:
        """The number."""
        return f"Invoice {model.number}"

    def subtitle(self, model: Invoice) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def badges(self, model: Invoice) -> list[Badge]:
        """Its state."""
        overdue = is_overdue(model, clock.today())
        return [invoice_badge(model), *([Badge("Overdue", "orange", "clock")] if overdue else [])]

    def sections(self, model: Invoice) -> list[Section]:
        """What is owed by whom, and how it was collected."""
        found = [
            Section("Invoice", [
                ("Customer", customer_in_record(model.customer)),
                ("Amount", Markup("{} €").format(f"{model.amount:,.2f}")),
                (FIELD_LABELS["issued_on"], model.issued_on),
                (FIELD_LABELS["due_on"], model.due_on),
                (FIELD_LABELS["remittance_text"], model.remittance_text),
            ]),
        ]  # fmt: skip
        if current_actor().may(Permission.DIRECT_DEBIT_VIEW):
            tries = [_collection_line(one) for one in collections_of_invoice(db.session(), model)]
            found.append(Section("Direct debit", tries or [("Collections", "Not collected yet")]))
        return found

    def perform_create(self, session: Session, form: Any, actor: Actor) -> list[int]:
        """An open invoice."""
        draft = InvoiceDraft(
            number=form.number.data,
            customer_id=form.customer_id.data,
            amount=form.amount.data,
            due_on=form.due_on.data,
            issued_on=form.issued_on.data,
            remittance_text=" ".join((form.remittance_text.data or "").split()) or None,
        )
        return create_invoices(session, [draft], actor=actor)


def _collection_line(one: Collection) -> tuple[str, Any]:
    url = address_of("direct_debit.details_view", id=one.run_id)
    return f"Run {one.run.number}", [
        Badge(
            one.state, {"live": "blue", "settled": "green", "void": "grey"}.get(one.state, "red")
        ),
        Link("Open the run", url) if url else one.run.number,
    ]


def views() -> list[KontorView]:
    """The views of this module."""
    register_tab("customers", PAYMENT_TAB)
    register_badges("customers", balance_badge)
    register_telling("customers", INVOICE_EVENTS)
    return [InvoicesView()]
