"""Invoices: what customers owe, entered by hand or imported, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import render_template, request
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from wtforms import TextAreaField

from admin_views.access import needs
from admin_views.accounting_states import collection_badge, invoice_badge, is_overdue
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.customer_events import INVOICES as INVOICE_EVENTS
from admin_views.customer_lookup import CUSTOMERS, customer_in_list, customer_in_record
from admin_views.customer_payment import PAYMENT_TAB, account_of, balance_badge
from admin_views.filters import Request, read_request
from admin_views.formatters import Badge, Column, day
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
from admin_views.invoice_steps import InvoiceStepsView, register_job_pages
from admin_views.records import RecordTab, Section, register_badges, register_tab
from admin_views.registry import address_of
from admin_views.timeline import register_telling
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import (
    InvoiceChange,
    InvoiceDraft,
    cancel_invoices,
    create_invoices,
    mark_paid,
    update_invoice,
)
from app.billing.queries import INVOICES
from app.billing.rules import (
    EDITABLE,
    FIELD_LABELS,
    INVOICE_STATES,
    LONGEST_NUMBER,
    LONGEST_REMITTANCE,
)
from app.billing.sums import Sums, sum_found
from app.core import clock
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.money import format_amount
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
    """An invoice to be corrected; whose it is stays."""

    groups: tuple[Group, ...] = (
        Group("Invoice", ("number", "amount", "issued_on", "due_on")),
        Group("Bank statement", ("remittance_text",), wide=("remittance_text",)),
    )

    number = TextField(FIELD_LABELS["number"], [Required(), Longest(LONGEST_NUMBER)])
    amount = ParsedField(
        "Amount (euros)", [Required()], parse=partial(parse_amount, label=FIELD_LABELS["amount"]),
        description="Like 12.34 or 12,34",
    )  # fmt: skip
    issued_on = _date("issued_on", required=True)
    due_on = _date("due_on", required=True, description="Like 31.12.2026")
    remittance_text = TextAreaField(
        FIELD_LABELS["remittance_text"], [Longest(LONGEST_REMITTANCE)],
        description="What the customer reads on the bank statement; blank is the invoice number",
    )  # fmt: skip


class NewInvoiceForm(InvoiceForm):
    """An open invoice entered by hand."""

    groups = (
        Group("Invoice", ("number", "customer_id", "amount", "issued_on", "due_on")),
        InvoiceForm.groups[1],
    )

    customer_id = LookupField(FIELD_LABELS["customer_id"], [Required()], lookup="customers")
    issued_on = _date("issued_on", description="Blank is today")


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


# Of many at once, the list shows first what would be done (invoice_steps.py).
_ON_RECORD = frozenset({"record"})


def _due(invoice: Invoice) -> Any:
    if is_overdue(invoice, clock.today()):
        return Markup('<span class="text-nowrap">{}</span> <span class="k-over">overdue</span>'
                      ).format(day(invoice.due_on))  # fmt: skip
    return invoice.due_on


def _collections(view: Any, session: Session, invoice: Invoice, page: int) -> str:
    return render_template(
        "invoices/collections_tab.html",
        admin_view=view,
        columns=COLLECTION_COLUMNS,
        rows=collections_of_invoice(session, invoice),
        run_url=lambda one: address_of("direct_debit.details_view", id=one.run_id),
    )


def _count_collections(session: Session, invoice: Invoice) -> int:
    wanted = select(func.count(Collection.id)).where(Collection.invoice_id == invoice.id)
    return session.scalar(wanted) or 0


def _outcome(one: Collection) -> Any:
    """What became of it, and since when."""
    since = one.ended_on or one.settled_on
    return [collection_badge(one), *([since] if since else [])]


def _answer(one: Collection) -> Any:
    """What the bank said: its code, its words, and what it charged."""
    fee = f"Fee {format_amount(one.fee)} €" if one.fee else ""
    more = " · ".join(part for part in (one.reason_text, fee) if part)
    if not one.reason_code and not more:
        return None
    return Markup('<b>{}</b><br><span class="text-secondary">{}</span>').format(
        one.reason_code or "", more
    )


COLLECTION_COLUMNS = (
    Column("run", "Run", lambda one: one.run.number, main=True),
    Column("collection_date", "Collection date", lambda one: one.run.collection_date),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("iban", "Account", account_of),
    Column("state", "State", _outcome),
    Column("answer", "What the bank said", _answer),
    Column("worked_off", "Worked off", lambda one: one.worked_off_note or one.worked_off_at),
)
COLLECTIONS_TAB = RecordTab(
    "collections", "Direct debit", _collections, _count_collections,
    permission=Permission.DIRECT_DEBIT_VIEW, order=10,
)  # fmt: skip


class InvoicesView(InvoiceStepsView):
    """What every customer owes or has paid."""

    model_class = Invoice
    label, singular = "Invoices", "invoice"
    menu_group, icon, endpoint_name = "Accounting", "file-invoice", "invoices"
    permissions = {
        "view": Permission.INVOICES_VIEW,
        "create": Permission.INVOICES_EDIT,
        "edit": Permission.INVOICES_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "invoices"
    list_template = "invoices/list.html"
    search_hint = "Invoice number, customer number or name"
    empty_hint = "Import the open invoices of another program, or enter one by hand."
    form_class, create_form_class = InvoiceForm, NewInvoiceForm
    lookups = {"customers": CUSTOMERS}
    tabs = (COLLECTIONS_TAB, history_tab("invoice"))
    columns = (
        Column("number", "Number", sort="number", main=True),
        Column("customer", "Customer", customer_in_list, filter="customer"),
        Column("amount", "Amount", numeric=True, suffix="\u00a0€", filter="amount"),
        Column("state", "State", invoice_badge, filter="state"),
        Column("issued_on", "Issued on", sort="issued", filter="issued"),
        Column("due_on", "Due on", _due, sort="due", filter="due"),
        Column("payment", "Payment", lambda one: one.customer.payment_method, filter="payment"),
    )
    actions = (
        Action(
            "paid", "Mark as paid", Permission.INVOICES_EDIT, _mark_paid, icon="cash",
            confirm="Mark {this invoice|# invoices} as paid by other means than a direct debit?",
            ask=Ask("reason", "How it was paid", required=False, hint="Kept in the history"),
            shown=_may_become(InvoiceState.PAID), places=_ON_RECORD,
        ),
        Action(
            "cancel", "Cancel invoice", Permission.INVOICES_EDIT, _cancel, icon="ban", danger=True,
            confirm="Cancel {this invoice|# invoices}? This cannot be taken back.",
            ask=Ask("reason", "Reason", hint="Kept in the history"),
            shown=_may_become(InvoiceState.CANCELLED), places=_ON_RECORD,
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
        return [
            Section("Invoice", [
                ("Customer", customer_in_record(model.customer)),
                ("Amount", Markup("{} €").format(f"{model.amount:,.2f}")),
                (FIELD_LABELS["issued_on"], model.issued_on),
                (FIELD_LABELS["due_on"], model.due_on),
                (FIELD_LABELS["remittance_text"], model.remittance_text),
            ]),
        ]  # fmt: skip

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

    def editable(self, model: Invoice) -> bool:
        """What is in collection or settled stays as the bank and the customer know it."""
        return model.state in EDITABLE

    def perform_update(self, session: Session, model: Invoice, form: Any, actor: Actor) -> None:
        """Number, amount, days and text."""
        change = InvoiceChange(
            number=form.number.data,
            amount=form.amount.data,
            issued_on=form.issued_on.data,
            due_on=form.due_on.data,
            remittance_text=" ".join((form.remittance_text.data or "").split()) or None,
        )
        update_invoice(session, model.id, change, actor=actor)

    # For the template ---------------------------------------------------------------------------

    def sums(self, asked: Request) -> Sums:
        """What the rows come to, where they are few enough to be counted."""
        return sum_found(db.session(), asked.criteria)

    @expose("/sums/")
    @needs(Permission.INVOICES_VIEW)
    def sums_view(self) -> str:
        """What all that was found comes to, worked out when somebody asks."""
        asked = read_request(self.listing(), request.args)
        sums = sum_found(db.session(), asked.criteria, many=True)
        return render_template("invoices/sums.html", sums=sums)


def views() -> list[KontorView]:
    """The views of this module."""
    register_tab("customers", PAYMENT_TAB)
    register_badges("customers", balance_badge)
    register_telling("customers", INVOICE_EVENTS)
    register_job_pages()
    return [InvoicesView()]
