"""Reports from their first entry to their last, and what a person does about an entry.

A report is worked in chunk by chunk, each in the transaction of the caller. `items_done` says how
far it has come, so that a killed reading goes on after it, whoever reads the file again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.sepa.models import (
    Collection,
    CollectionRun,
    CreditorAccount,
    RunFile,
    RunState,
)
from app.sepa.reports.applying import COUNTS, Work, apply_items, write
from app.sepa.reports.blocks import apply_block, settle_sum
from app.sepa.reports.matching import standings
from app.sepa.reports.message import Head, Item, Scope
from app.sepa.reports.models import (
    BankReport,
    EntryOutcome,
    MatchedBy,
    ReportEntry,
    ReportKind,
    Told,
)
from app.sepa.reports.rules import fee_of, verdict
from app.sepa.reports.runs import close_what_is_done

ENTITY = "bank report"


@dataclass(frozen=True, slots=True)
class Ours:
    """Which statements of a report are of our accounts, and what is to be said of the others."""

    accounts: frozenset[str]
    remarks: Sequence[str]

    def concerns(self, item: Item) -> bool:
        """Whether an entry is of one of our accounts; a pain.002 is always for us."""
        return item.account is None or item.account in self.accounts


def check_accounts(session: Session, head: Head) -> Ours:
    """Raise Refused where a report is of none of our accounts; tell of those that are not ours."""
    if head.variant.kind is ReportKind.STATUS:
        return Ours(frozenset(), [])
    known = set(session.scalars(select(CreditorAccount.iban)))
    known |= set(session.scalars(select(CollectionRun.creditor_iban).distinct()))
    ours = {one for one in head.accounts if one.replace(" ", "").upper() in known}
    others = sorted(set(head.accounts) - ours)
    if not head.accounts:
        raise Refused.because("The file holds no statement of an account")
    if not ours:
        raise Refused.because(
            f"This is a statement of the account {_masked(others[0])}, which is none of the"
            " creditor accounts",
            hint="If it is yours, enter it as a creditor account first",
        )
    said = [f"The statement of another account, {_masked(one)}, was left out" for one in others]
    return Ours(frozenset(ours), said)


def start_report(
    session: Session,
    head: Head,
    file: StoredFile,
    remarks: Sequence[str],
    *,
    actor: Actor,
) -> BankReport:
    """The report of a file: a new one, or the one that was made of the same bytes before.

    The file is kept for good: it is an accounting document.
    """
    actor.require(Permission.BANK_REPORTS_IMPORT)
    known = find_report(session, file.sha256)
    if known is not None:
        return known
    report = BankReport(
        kind=head.variant.kind.value,
        variant=head.variant.version,
        message_id=head.message_id,
        made_at=head.made_at,
        sha256=file.sha256,
        file_id=file.id,
        received_at=clock.now(),
        received_by_id=actor.operator_id,
        received_by_label=actor.label,
        remarks="\n".join([*_remarks(head), *remarks])[:2000] or None,
    )
    file.expires_at = None
    try:
        with session.begin_nested():
            session.add(report)
    except IntegrityError:
        # Somebody else has just begun with the same file.
        known = find_report(session, file.sha256)
        if known is None:
            raise
        return known
    return report


def find_report(session: Session, sha256: str) -> BankReport | None:
    """The report of these very bytes."""
    return session.scalar(select(BankReport).where(BankReport.sha256 == sha256))


def locked(session: Session, report_id: int) -> BankReport:
    """The report as it is now. Whoever else works in a report waits, on PostgreSQL too.

    Reports tell of the same collections in any order: two at once would wait for each other.
    """
    session.execute(select(CreditorAccount.id).order_by(CreditorAccount.id).with_for_update())
    return session.scalars(
        select(BankReport)
        .where(BankReport.id == report_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def work_in(
    session: Session, report: BankReport, items: Sequence[Item], most: int, *, actor: Actor
) -> int:
    """Work in the next items of a locked report, or some of a block; how many of them are done."""
    actor.require(Permission.BANK_REPORTS_IMPORT)
    report_id = report.id
    if len(items) == 1 and items[0].scope is not Scope.ONE:
        done = 0 if apply_block(session, report, items[0], most, actor=actor) else 1
    else:
        apply_items(session, report, items, actor=actor)
        done = len(items)
    session.execute(
        update(BankReport)
        .where(BankReport.id == report_id)
        .values(items_done=BankReport.items_done + done)
    )
    return done


def finish_report(session: Session, report: BankReport, *, actor: Actor) -> None:
    """The end of a reading: runs that are done are closed, and the history tells of it."""
    report.finished_at = clock.now()
    session.flush()
    figures = _figures_by_run(session, report)
    close_what_is_done(session, {*figures, *_answered_runs(session, report)}, actor=actor)
    for run_id, changes in figures.items():
        audit.record(
            session, actor=actor, action=Action.CHANGED, entity="collection run",
            entity_id=run_id, entity_label=session.get_one(CollectionRun, run_id).number,
            changes=changes, reason=f"Bank report {report}",
        )  # fmt: skip
    audit.record(
        session, actor=actor, action=Action.CREATED, entity=ENTITY, entity_id=report.id,
        entity_label=str(report),
        changes={name: [None, getattr(report, name)] for name in COUNTS.values()
                 if getattr(report, name)},
        reason=report.remarks,
    )  # fmt: skip


def sums_to_try_again(session: Session, report: BankReport) -> list[int]:
    """Entries of any report that book a sum which did not fit, of the runs of this report."""
    runs = {*_figures_by_run(session, report), *_answered_runs(session, report)}
    names = session.scalars(select(RunFile.message_id).where(RunFile.run_id.in_(runs))).all()
    if not names:
        return []
    waiting = session.scalars(
        select(ReportEntry).where(
            ReportEntry.outcome == EntryOutcome.UNMATCHED.value,
            ReportEntry.worked_off_at.is_(None),
            ReportEntry.told == Told.SETTLED.value,
            ReportEntry.collection_id.is_(None),
            ReportEntry.end_to_end_id.is_(None),
            ReportEntry.mandate_reference.is_(None),
        )
    )
    return [
        one.id for one in waiting
        if one.message_id in names or (one.block_id or "").rpartition("-")[0] in names
    ]  # fmt: skip


def try_sum_again(session: Session, entry_id: int, most: int, *, actor: Actor) -> bool:
    """Book a sum that did not fit when it was read, if it does now; True while there is more."""
    report = locked(session, session.get_one(ReportEntry, entry_id).report_id)
    entry = session.get_one(ReportEntry, entry_id, with_for_update=True)
    if entry.outcome != EntryOutcome.UNMATCHED.value:
        return False
    item = Item(
        Told.SETTLED,
        Scope.BLOCK if entry.block_id else Scope.FILE,
        message_id=entry.message_id,
        block_id=entry.block_id,
        amount=entry.amount,
        count=entry.transactions,
        currency=entry.currency,
        booked_on=entry.booked_on,
        bank_reference=entry.bank_reference,
    )
    more = settle_sum(session, report, item, most, actor=actor)
    if more is False:
        entry = session.get_one(ReportEntry, entry_id)
        _become(session, entry, EntryOutcome.SETTLED, MatchedBy.BLOCK)
    return bool(more)


def assign_entry(session: Session, entry_id: int, collection_id: int, *, actor: Actor) -> None:
    """Let an entry be that of a collection, because a person says so.

    Raises Refused where the collection stands where that cannot be.
    """
    actor.require(Permission.BANK_REPORTS_IMPORT)
    known = session.get(ReportEntry, entry_id)
    if known is None:
        raise NotFound("There is no such entry")
    report = locked(session, known.report_id)
    entry = _waiting(session, entry_id)
    found = standings(session, Collection.id == collection_id)
    if not found:
        raise NotFound("There is no such collection")
    one, item = found[0], _item_of(entry)
    said = verdict(one.state, one.run_state, item, ended_on=one.ended_on)
    problem, fee = fee_of(item, one.amount)
    if item.told is Told.RETURNED and item.amount is not None and item.amount > one.amount:
        # A person may tell that the difference is the bank's fee.
        problem, fee = None, item.amount - one.amount
    if problem is None:
        problem = said.problem
    if problem is not None:
        raise Refused.because(
            problem, field="collection",
            hint="Choose another collection, or note what came of the entry",
        )  # fmt: skip
    work = Work(report)
    work.runs.add(one.run_id)
    work.assign(one, item, said, fee)
    write(session, work, actor=actor)
    close_what_is_done(session, {one.run_id}, actor=actor)
    entry = session.get_one(ReportEntry, entry_id)
    entry.collection_id, entry.fee = collection_id, fee if fee is not None else entry.fee
    _become(session, entry, said.outcome, MatchedBy.PERSON)
    audit.record(
        session, actor=actor, action=Action.CHANGED, entity=ENTITY, entity_id=entry.report_id,
        entity_label=str(report),
        changes={"assigned": [None, f"Entry {entry.position}: {one.end_to_end_id}"]},
    )  # fmt: skip


def look_at_entries(session: Session, entry_ids: Sequence[int], note: str, *, actor: Actor) -> int:
    """Note what came of entries that nothing fits; how many it were."""
    actor.require(Permission.BANK_REPORTS_IMPORT)
    said = " ".join(note.split())[:500]
    if not said:
        raise Refused.because("The note is missing", field="note", hint="Write what came of it")
    for entry_id in sorted(set(entry_ids)):
        entry = _waiting(session, entry_id)
        entry.worked_off_at = clock.now()
        entry.worked_off_by_label = actor.label
        entry.worked_off_note = said
        report = session.get_one(BankReport, entry.report_id)
        audit.record(
            session, actor=actor, action=Action.CHANGED, entity=ENTITY, entity_id=report.id,
            entity_label=str(report),
            changes={"looked_at": [None, f"Entry {entry.position}"]}, reason=said,
        )  # fmt: skip
    session.flush()
    return len(set(entry_ids))


def _waiting(session: Session, entry_id: int) -> ReportEntry:
    """An entry that waits for a person, locked. Raises Refused for any other."""
    entry = session.get(ReportEntry, entry_id, with_for_update=True, populate_existing=True)
    if entry is None:
        raise NotFound("There is no such entry")
    if entry.outcome != EntryOutcome.UNMATCHED.value:
        raise Refused.because("This entry is matched already")
    if entry.worked_off_at is not None:
        raise Refused.because(
            f"{entry.worked_off_by_label} has looked at this entry already",
            hint=entry.worked_off_note or "",
        )
    return entry


def _item_of(entry: ReportEntry) -> Item:
    """An entry as it was read."""
    return Item(
        Told(entry.told),
        amount=abs(entry.amount) if entry.amount is not None else None,
        currency=entry.currency,
        booked_on=entry.booked_on,
        charges=entry.fee,
        reason_code=entry.reason_code,
        reason_text=entry.reason_text,
    )


def _become(session: Session, entry: ReportEntry, outcome: EntryOutcome, by: MatchedBy) -> None:
    """Let an unmatched entry be matched, and the figures of its report follow."""
    entry.outcome, entry.matched_by, entry.problem = outcome.value, by.value, None
    report = locked(session, entry.report_id)
    report.unmatched -= 1
    name = COUNTS[outcome]
    setattr(report, name, getattr(report, name) + 1)
    session.flush()


def _remarks(head: Head) -> Iterator[str]:
    if head.schema_problem:
        yield f"The file breaks the ISO schema, and was read all the same: {head.schema_problem}"
    if head.pending == 1:
        yield "1 entry is not final yet and was left out; the bank tells of it again"
    elif head.pending:
        yield f"{head.pending:,} entries are not final yet and were left out; the bank tells again"


def _figures_by_run(session: Session, report: BankReport) -> dict[int, dict[str, Any]]:
    """How many entries of each outcome were of which run."""
    rows = session.execute(
        select(Collection.run_id, ReportEntry.outcome, func.count())
        .join(ReportEntry, ReportEntry.collection_id == Collection.id)
        .where(ReportEntry.report_id == report.id)
        .group_by(Collection.run_id, ReportEntry.outcome)
        .order_by(Collection.run_id)
    )
    found: dict[int, dict[str, Any]] = {}
    for run_id, outcome, number in rows:
        found.setdefault(run_id, {})[COUNTS[EntryOutcome(outcome)]] = [None, number]
    return found


def _answered_runs(session: Session, report: BankReport) -> Sequence[int]:
    """Runs of which a whole file is spoken of, that are answered and not closed yet."""
    names = (
        select(ReportEntry.message_id)
        .where(ReportEntry.report_id == report.id, ReportEntry.collection_id.is_(None))
        .distinct()
    )
    return session.scalars(
        select(RunFile.run_id)
        .join(CollectionRun, CollectionRun.id == RunFile.run_id)
        .where(RunFile.message_id.in_(names), CollectionRun.state == RunState.ANSWERED.value)
        .distinct()
    ).all()


def _masked(account: str) -> str:
    return f"{account[:2]}•• •••• {account[-4:]}" if len(account) > 8 else "that is not an IBAN"
