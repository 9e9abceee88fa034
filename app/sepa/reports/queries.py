"""Reads about bank reports: the lists, what a run's answer comes to, what an entry may be about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice
from app.core import clock, filters
from app.core.filters import Condition
from app.core.listing import Listing
from app.core.money import CENT
from app.customers.models import Customer
from app.customers.search import list_condition
from app.sepa.models import Collection, CollectionRun, CollectionState, Mandate, RunFile, RunState
from app.sepa.reports.models import BankReport, EntryOutcome, ReportEntry, ReportKind, Told
from app.sepa.reports.scope import in_file

# What waits for a person.
WAITING = and_(
    ReportEntry.outcome == EntryOutcome.UNMATCHED.value, ReportEntry.worked_off_at.is_(None)
)
# Returns may come for 13 months.
_RETURNABLE = timedelta(days=400)
_BANK_HAS_IT = (RunState.FILED, RunState.HANDED_IN, RunState.ANSWERED, RunState.CLOSED)


def _search_reports(text: str) -> Condition:
    return func.lower(BankReport.message_id).startswith(text.lower(), autoescape=True)


def _search_entries(text: str) -> Condition:
    """By the ids that the bank tells, by the invoice's number, or by the customer."""
    invoices = select(Invoice.id).where(filters.begins_with(Invoice.number, text))
    whose = select(Customer.id).where(list_condition(text))
    collections = select(Collection.id).where(
        or_(Collection.invoice_id.in_(invoices), Collection.customer_id.in_(whose))
    )
    return or_(
        ReportEntry.end_to_end_id == text,
        ReportEntry.mandate_reference == text,
        ReportEntry.bank_reference == text,
        ReportEntry.collection_id.in_(collections),
    )


def _waiting_reports(yes: bool) -> Condition:
    found = exists().where(ReportEntry.report_id == BankReport.id, WAITING)
    return found if yes else ~found


REPORTS = Listing(
    statement=select(BankReport),
    filters=(
        filters.choice(
            "kind", "Kind", BankReport.kind, [(one.value, one.value) for one in ReportKind]
        ),
        filters.moment_between("received", "Read", BankReport.received_at),
        filters.yes_no("waiting", "Entries to look at", apply=_waiting_reports),
    ),
    sorts={"received": BankReport.received_at},
    default_sort="-received",
    search=_search_reports,
    options=(joinedload(BankReport.file),),
)
ENTRIES = Listing(
    statement=select(ReportEntry),
    filters=(
        filters.choice(
            "outcome", "Outcome", ReportEntry.outcome,
            [(one.value, one.value.capitalize()) for one in EntryOutcome],
        ),
        filters.yes_no("waiting", "To look at", apply=lambda yes: WAITING if yes else ~WAITING),
        filters.choice(
            "told", "The bank says", ReportEntry.told,
            [(one.value, one.value.capitalize()) for one in Told],
        ),
        filters.date_between("booked", "Booked on", ReportEntry.booked_on),
        filters.number_between("amount", "Amount", ReportEntry.amount, decimals=2),
        filters.text("code", "Reason code", ReportEntry.reason_code, begins=True),
        filters.choice("report", "Report", ReportEntry.report_id, (), coerce=filters.identifier),
    ),
    sorts={"number": ()},
    default_sort="-number",
    search=_search_entries,
    options=(
        joinedload(ReportEntry.report),
        joinedload(ReportEntry.collection).joinedload(Collection.invoice),
        joinedload(ReportEntry.collection).joinedload(Collection.customer),
    ),
)  # fmt: skip


def entries_of_report(report: BankReport, outcome: str = "") -> Select[ReportEntry]:
    """The entries of a report in the order of its file."""
    wanted = select(ReportEntry).where(ReportEntry.report_id == report.id)
    if outcome:
        wanted = wanted.where(ReportEntry.outcome == outcome)
    return wanted.order_by(ReportEntry.position).options(*ENTRIES.options)


def waiting_of_report(report: BankReport) -> Select[ReportEntry]:
    """Those that wait for a person."""
    return entries_of_report(report).where(WAITING)


def entries_of_invoice(invoice: Invoice) -> Select[ReportEntry]:
    """What banks have said of the collections of an invoice, the latest first."""
    own = select(Collection.id).where(Collection.invoice_id == invoice.id)
    return (
        select(ReportEntry)
        .where(ReportEntry.collection_id.in_(own))
        .order_by(ReportEntry.id.desc())
        .options(joinedload(ReportEntry.report))
    )


@dataclass(slots=True)
class Figures:
    """Number, sum and fees of the collections of a block, by where they stand."""

    label: str
    status: str | None = None
    by_state: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    fees: Decimal = Decimal("0.00")

    def of(self, *states: CollectionState) -> tuple[int, Decimal]:
        """Number and sum of those in one of the states; of none named, of all."""
        chosen = [one.value for one in states] or list(self.by_state)
        found = [self.by_state[one] for one in chosen if one in self.by_state]
        return sum(one for one, _ in found), sum((total for _, total in found), Decimal("0.00"))

    def add(self, state: str, number: int, total: Decimal, fees: Decimal | None) -> None:
        """Count some more."""
        known, sum_ = self.by_state.get(state, (0, Decimal("0.00")))
        self.by_state[state] = known + number, sum_ + total
        self.fees += fees or Decimal(0)


def answer_of_run(session: Session, run: CollectionRun) -> tuple[Figures, list[Figures]]:
    """What became of a run as a whole, and of each payment block of its files."""
    whole = Figures("All")
    blocks: list[Figures] = []
    for file in run.files:
        rows = session.execute(
            select(
                Collection.sequence_type,
                Collection.state,
                func.count(),
                func.sum(Collection.amount),
                func.sum(Collection.fee),
            )
            .where(in_file(session, file))
            .group_by(Collection.sequence_type, Collection.state)
            .order_by(Collection.sequence_type)
        ).all()
        by_block: dict[str, Figures] = {}
        for sequence, state, number, total, fees in rows:
            name = f"{file.message_id}-{sequence}"
            block = by_block.setdefault(name, Figures(name, file.bank_status))
            for one in (whole, block):
                one.add(state, number, total, fees)
        blocks += by_block.values()
    return whole, blocks


def reports_of_run(session: Session, run: CollectionRun, most: int = 50) -> Sequence[BankReport]:
    """The reports that speak of a run, the latest first."""
    of_collections = (
        select(ReportEntry.report_id)
        .join(Collection, Collection.id == ReportEntry.collection_id)
        .where(Collection.run_id == run.id)
    )
    names = select(RunFile.message_id).where(RunFile.run_id == run.id)
    of_files = select(ReportEntry.report_id).where(
        ReportEntry.collection_id.is_(None), ReportEntry.message_id.in_(names)
    )
    wanted = or_(BankReport.id.in_(of_collections), BankReport.id.in_(of_files))
    return session.scalars(
        select(BankReport).where(wanted).order_by(BankReport.received_at.desc()).limit(most)
    ).all()


def candidates(session: Session, entry: ReportEntry, text: str, most: int) -> Sequence[Collection]:
    """Collections that an entry may be about, as a person searches: by invoice, customer, amount.

    Without a text, those of its mandate or its amount.
    """
    own = {
        Told.SETTLED: (CollectionState.LIVE,),
        Told.REJECTED: (CollectionState.LIVE,),
        Told.ACCEPTED: (CollectionState.LIVE,),
    }.get(Told(entry.told), (CollectionState.LIVE, CollectionState.SETTLED))
    return session.scalars(
        select(Collection)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(
            Collection.state.in_([one.value for one in own]),
            CollectionRun.state.in_([one.value for one in _BANK_HAS_IT]),
            CollectionRun.collection_date > clock.today() - _RETURNABLE,
            _about(entry, text),
        )
        .order_by(Collection.id.desc())
        .limit(most)
        .options(
            joinedload(Collection.run), joinedload(Collection.invoice),
            joinedload(Collection.customer),
        )
    ).all()  # fmt: skip


def _about(entry: ReportEntry, text: str) -> Any:
    if not text:
        mandate = select(Mandate.id).where(
            func.lower(Mandate.reference) == (entry.mandate_reference or "").lower()
        )
        amount = abs(entry.amount) if entry.amount is not None else None
        return or_(Collection.mandate_id.in_(mandate), Collection.amount == amount)
    invoices = select(Invoice.id).where(filters.begins_with(Invoice.number, text))
    whose = select(Customer.id).where(list_condition(text))
    conditions = [
        Collection.invoice_id.in_(invoices),
        Collection.customer_id.in_(whose),
        Collection.end_to_end_id == text,
    ]
    amount = _amount(text)
    return or_(*conditions, Collection.amount == amount) if amount else or_(*conditions)


def _amount(text: str) -> Decimal | None:
    """An amount as people type it, or None."""
    try:
        found = Decimal(text.replace("€", "").replace(",", ".").strip())
    except InvalidOperation:
        return None
    fits = found.is_finite() and 0 < found < 10**12 and found == found.quantize(CENT)
    return found if fits else None
