"""What the bank answered: of a run, of an invoice, and in a customer's timeline."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from flask import render_template
from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from admin_views.assets import address_of
from admin_views.bank_entries import outcome_badge, reason_of, told_in_words
from admin_views.formatters import Badge, Column
from admin_views.records import RecordTab
from admin_views.timeline import Event, TimelineSource, older_than, position_of
from app.billing.models import Invoice
from app.core.money import format_amount
from app.core.permissions import Permission
from app.customers.models import Customer
from app.sepa.models import Collection, CollectionRun, CollectionState
from app.sepa.reports.models import BankReport, EntryOutcome, ReportEntry
from app.sepa.reports.queries import answer_of_run, entries_of_invoice, reports_of_run

ROWS = 25
# What the codes of pain.002 mean for a file.
STATUSES = {
    "RCVD": ("Received", "blue"),
    "PDNG": ("Pending", "blue"),
    "ACTC": ("Technically accepted", "azure"),
    "ACCP": ("Accepted", "green"),
    "ACWC": ("Accepted with a change", "green"),
    "ACSP": ("Accepted, in process", "green"),
    "ACSC": ("Accepted and settled", "green"),
    "ACCC": ("Accepted and settled", "green"),
    "PART": ("Partly accepted", "orange"),
    "RJCT": ("Rejected", "red"),
}
_STATES = (
    ("Settled", (CollectionState.SETTLED,)),
    ("Rejected", (CollectionState.REJECTED,)),
    ("Returned", (CollectionState.RETURNED,)),
    ("Still open", (CollectionState.LIVE,)),
)
_HAPPENED = {
    EntryOutcome.SETTLED: ("cash", "was booked by the bank"),
    EntryOutcome.REJECTED: ("ban", "was rejected by the bank"),
    EntryOutcome.RETURNED: ("arrow-back-up", "was returned by the bank"),
}


def status_badge(status: str | None) -> Badge | None:
    """What the bank says of a file."""
    if status is None:
        return None
    text, colour = STATUSES.get(status, (status, "grey"))
    return Badge(f"{text} ({status})" if status in STATUSES else status, colour)


def _sum(pair: tuple[int, Decimal]) -> list[Any] | None:
    number, total = pair
    return [f"{number:,}", f"{format_amount(total)} €"] if number else None


def _sum_of(*states: CollectionState) -> Callable[[Any], list[Any] | None]:
    return lambda one: _sum(one.of(*states))


_BLOCKS = (
    Column("label", "Payment block", main=True),
    Column("status", "File", lambda one: status_badge(one.status)),
    Column("sent", "Sent", lambda one: _sum(one.of()), numeric=True),
    *(Column(label, label, _sum_of(*states), numeric=True) for label, states in _STATES),
    Column("fees", "Fees", lambda one: one.fees or None, numeric=True, suffix="\u00a0€"),
)
_REPORTS = (
    Column("name", "Report", str, main=True),
    Column("made_at", "Made by the bank"),
    Column("received_at", "Read"),
    Column("unmatched", "To look at", numeric=True),
)


def _answer(view: Any, session: Session, run: CollectionRun, page: int) -> str:
    """The booking view of a run: sent, settled, rejected, returned, still open."""
    whole, blocks = answer_of_run(session, run)
    return render_template(
        "bank_reports/answer_tab.html",
        admin_view=view,
        whole=[("Sent", whole.of()), *((label, whole.of(*states)) for label, states in _STATES)],
        fees=whole.fees,
        blocks=blocks,
        block_columns=_BLOCKS,
        reports=reports_of_run(session, run),
        report_columns=_REPORTS,
        report_url=lambda one: address_of("bank_reports.details_view", id=one.id),
    )


ANSWER_TAB = RecordTab(
    "answer", "Bank’s answer", _answer, permission=Permission.BANK_REPORTS_VIEW, order=20,
    shown=lambda run: run.handed_in_at is not None,
)  # fmt: skip

_INVOICE_COLUMNS = (
    Column("booked_on", "Date", main=True),
    Column("told", "The bank says", told_in_words),
    Column("outcome", "Outcome", outcome_badge),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("fee", "Fee", numeric=True, suffix="\u00a0€"),
    Column("reason", "Reason", reason_of),
    Column("report", "Report", lambda one: str(one.report)),
)  # fmt: skip


def _of_invoice(view: Any, session: Session, invoice: Invoice, page: int) -> str:
    wanted = entries_of_invoice(invoice)
    total = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    pages = max(1, ceil(total / ROWS))
    page = min(page, pages)
    return render_template(
        "bank_reports/invoice_tab.html",
        admin_view=view,
        columns=_INVOICE_COLUMNS,
        rows=session.scalars(wanted.offset((page - 1) * ROWS).limit(ROWS)).all(),
        entry_url=lambda one: address_of("bank_entries.details_view", id=one.id),
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(".tab_view", id=invoice.id, tab="bank", page=number),
    )


INVOICE_TAB = RecordTab(
    "bank", "Bank", _of_invoice, permission=Permission.BANK_REPORTS_VIEW, order=50,
    rows=entries_of_invoice,
)  # fmt: skip


def _events(session: Session, customer: Customer, position: str, limit: int) -> Sequence[Event]:
    """What the bank said of a customer's collections, as it was read."""
    wanted = (
        select(ReportEntry)
        .join(ReportEntry.collection)
        .join(ReportEntry.report)
        .where(
            Collection.customer_id == customer.id,
            ReportEntry.outcome.in_([one.value for one in _HAPPENED]),
        )
        .options(
            contains_eager(ReportEntry.report),
            contains_eager(ReportEntry.collection).options(joinedload(Collection.invoice)),
        )
    )
    rows = older_than(wanted, position, BankReport.received_at, ReportEntry.id).limit(limit)
    return [_event(one) for one in session.scalars(rows)]


def _event(entry: ReportEntry) -> Event:
    one = entry.collection
    assert one is not None  # joined
    icon, happened = _HAPPENED[EntryOutcome(entry.outcome)]
    return Event(
        entry.report.received_at,
        icon,
        f"Invoice {one.invoice.number}: {format_amount(one.amount)} € {happened}",
        reason_of(entry),
        address_of("bank_entries.details_view", id=entry.id),
        entry.report.received_by_label,
        position_of(entry.report.received_at, entry.id),
    )


BANK_EVENTS = TimelineSource("bank", "Bank’s answers", _events, Permission.BANK_REPORTS_VIEW)
