"""Works entries of a report in: what becomes of collections and invoices, and a row for each.

In bulk, in the transaction of the caller, who comes back with the next ones (jobs/bank_reports.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from app.billing.models import InvoiceState
from app.billing.operations import change_states
from app.core.actor import Actor
from app.core.bulk import add_rows
from app.sepa.models import Collection, CollectionState
from app.sepa.reports.matching import Match, Standing, find
from app.sepa.reports.message import Item
from app.sepa.reports.models import BankReport, EntryOutcome, MatchedBy, ReportEntry, Told
from app.sepa.reports.rules import Verdict, fee_of, verdict
from app.sepa.reports.runs import note_answers
from app.sepa.returns import Ended, follow_up

COLLECTIONS = cast(Table, Collection.__table__)
ENTRIES = cast(Table, ReportEntry.__table__)
# Which figure of a report counts which outcome.
COUNTS = {
    EntryOutcome.ACCEPTED: "accepted",
    EntryOutcome.SETTLED: "settled",
    EntryOutcome.REJECTED: "rejected",
    EntryOutcome.RETURNED: "returned",
    EntryOutcome.KNOWN: "known",
    EntryOutcome.UNMATCHED: "unmatched",
    EntryOutcome.OTHER: "other",
}


@dataclass(slots=True)
class Work:
    """What a chunk of entries comes to, before it is written."""

    report: BankReport
    rows: list[dict[str, Any]] = field(default_factory=list)
    changed: dict[int, Standing] = field(default_factory=dict)
    paid: list[int] = field(default_factory=list)
    ended: dict[tuple[CollectionState, str | None], list[Ended]] = field(
        default_factory=lambda: defaultdict(list)
    )
    runs: set[int] = field(default_factory=set)

    def judge(self, item: Item, match: Match) -> EntryOutcome:
        """Say what an entry does, and remember it. Returns the outcome."""
        one = match.standing
        if one is None:
            said = match.problem or (item.problem if item.looks_like_ours else None)
            return self.note(item, _unmatched(item, said), match)
        found = verdict(one.state, one.run_state, item, ended_on=one.ended_on)
        problem, fee = fee_of(item, one.amount)
        if problem is not None and found.problem is None and item.told is not Told.ACCEPTED:
            found = Verdict(EntryOutcome.UNMATCHED, problem=problem)
        if found.outcome is not EntryOutcome.UNMATCHED:
            self.runs.add(one.run_id)
            self._follow(one, item, found, fee, match.by)
        return self.note(item, found, match, fee)

    def assign(self, one: Standing, item: Item, found: Verdict, fee: Decimal | None) -> None:
        """Let a collection follow an entry that is there already, and that a person assigns."""
        self._follow(one, item, found, fee, MatchedBy.PERSON)

    def note(
        self, item: Item, found: Verdict, match: Match, fee: Decimal | None = None
    ) -> EntryOutcome:
        """Remember the row of an entry."""
        one = match.standing
        amount = item.amount if item.amount is not None else one.amount if one else None
        self.rows.append(
            {
                "report_id": self.report.id,
                "told": item.told.value,
                "outcome": found.outcome.value,
                "problem": found.problem,
                "collection_id": one.id if one else None,
                "matched_by": match.by.value if match.by else None,
                "end_to_end_id": _cut(item.end_to_end_id, 35),
                "message_id": _cut(item.message_id, 35),
                "block_id": _cut(item.block_id, 35),
                "mandate_reference": _cut(item.mandate_reference, 35),
                "amount": -amount if item.debited and amount is not None else amount,
                "transactions": item.count,
                "currency": item.currency,
                "booked_on": item.booked_on,
                "bank_reference": item.bank_reference,
                "reason_code": item.reason_code,
                "reason_text": item.reason_text,
                "fee": fee if fee is not None else item.charges,
                "party_name": item.party_name,
                "party_iban": item.party_iban,
                "remittance_text": item.remittance_text,
            }
        )
        return found.outcome

    def _follow(
        self, one: Standing, item: Item, found: Verdict, fee: Decimal | None, by: MatchedBy | None
    ) -> None:
        """Bring a collection to where the entry says it is, and fill in what was not told yet."""
        before = (one.state, one.settled_on, one.reason_code, one.reason_text, one.fee)
        if item.told is Told.SETTLED and one.settled_on is None:
            one.settled_on = item.booked_on
        if item.told in {Told.REJECTED, Told.RETURNED}:
            one.reason_code = one.reason_code or item.reason_code
            one.reason_text = one.reason_text or item.reason_text
            one.fee = one.fee if one.fee is not None else fee
        if found.state is not None:
            one.state = found.state
            if found.state is CollectionState.SETTLED:
                self.paid.append(one.invoice_id)
            else:
                one.ended_on = item.booked_on
                whole = by is MatchedBy.BLOCK and item.told is Told.REJECTED
                self.ended[found.state, item.reason_code].append(
                    Ended(
                        one.id, one.invoice_id, one.customer_id, one.mandate_id,
                        item.reason_code, whole_file=whole,
                    )
                )  # fmt: skip
        if before != (one.state, one.settled_on, one.reason_code, one.reason_text, one.fee):
            self.changed[one.id] = one


def apply_items(
    session: Session, report: BankReport, items: Sequence[Item], *, actor: Actor
) -> None:
    """Work in entries of single transactions. The report is locked by the caller."""
    work = Work(report)
    for item, match in zip(items, find(session, items), strict=True):
        work.judge(item, match)
    write(session, work, actor=actor)


def write(session: Session, work: Work, *, actor: Actor) -> None:
    """Write what a chunk came to: collections, invoices, mandates, runs, rows and counts."""
    report = work.report
    note_answers(session, work.runs, actor=actor)
    _write_collections(session, work.changed.values())
    told = f"Bank report {report}"
    if work.paid:
        change_states(session, work.paid, InvoiceState.PAID, actor=actor, reason=told)
    for (state, code), ended in work.ended.items():
        why = f"{state.capitalize()} by the bank{f', {code}' if code else ''}: {told}"
        follow_up(session, ended, reason=why, actor=actor)
    add_entries(session, report, work.rows)


def add_entries(session: Session, report: BankReport, rows: list[dict[str, Any]]) -> None:
    """Add rows behind those that the report has, and count them."""
    if not rows:
        return
    last = select(func.max(ENTRIES.c.position)).where(ENTRIES.c.report_id == report.id)
    after = session.scalar(last) or 0
    add_rows(
        session,
        ENTRIES,
        [row | {"position": after + place} for place, row in enumerate(rows, start=1)],
    )
    count(session, report, Counter(row["outcome"] for row in rows))


def count(session: Session, report: BankReport, outcomes: Counter[str]) -> None:
    """Add to the figures of a report."""
    counted = {COUNTS[EntryOutcome(name)]: number for name, number in outcomes.items()}
    session.execute(
        update(BankReport)
        .where(BankReport.id == report.id)
        .values(
            entries=BankReport.entries + sum(counted.values()),
            **{name: getattr(BankReport, name) + number for name, number in counted.items()},
        )
        .execution_options(synchronize_session=False)
    )
    session.expire(report)


def _write_collections(session: Session, changed: Iterable[Standing]) -> None:
    rows = [
        {
            "key": one.id,
            "new_state": one.state.value,
            "new_settled_on": one.settled_on,
            "new_ended_on": one.ended_on,
            "new_reason_code": one.reason_code,
            "new_reason_text": one.reason_text,
            "new_fee": one.fee,
        }
        for one in changed
    ]
    if not rows:
        return
    names = ("state", "settled_on", "ended_on", "reason_code", "reason_text", "fee")
    session.connection().execute(
        update(COLLECTIONS)
        .where(COLLECTIONS.c.id == bindparam("key"))
        .values({name: bindparam(f"new_{name}", type_=COLLECTIONS.c[name].type) for name in names}),
        rows,
    )


def _unmatched(item: Item, problem: str | None) -> Verdict:
    """What fits nothing is for a person where it looks like one of ours, else for nobody."""
    if item.looks_like_ours or problem is not None:
        said = problem or "No collection fits"
        return Verdict(EntryOutcome.UNMATCHED, problem=said)
    return Verdict(EntryOutcome.OTHER)


def _cut(text: str | None, most: int) -> str | None:
    return text[:most] if text else None
