"""Works in what the bank says of a whole file or payment block: accepted, refused, booked as a sum.

A portion of its collections at a time; each gets an entry of its own, so that whoever looks at a
collection finds what the bank said of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.sepa.models import Collection, CollectionState, RunFile
from app.sepa.reports.applying import Work, write
from app.sepa.reports.matching import Match, standings
from app.sepa.reports.message import Item, Scope
from app.sepa.reports.models import BankReport, EntryOutcome, MatchedBy, Told
from app.sepa.reports.rules import Verdict
from app.sepa.reports.scope import in_block, in_file

# What a bank says of a file, from the first look to the last word. It only goes onward.
_STATUSES = ("RCVD", "PDNG", "ACTC", "ACCP", "ACWC", "ACSP", "ACSC", "ACCC", "PART", "RJCT")
_PARTLY = "PART"
_KNOWN = Verdict(EntryOutcome.KNOWN)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many collections of a block stand where, and their sum."""

    by_state: dict[CollectionState, tuple[int, Decimal]]

    def of(self, *states: CollectionState) -> tuple[int, Decimal]:
        """Number and sum of those in one of the states."""
        found = [self.by_state[state] for state in states if state in self.by_state]
        return sum(one for one, _ in found), sum((total for _, total in found), Decimal(0))

    def agree(self, item: Item) -> bool:
        """Whether a sum is that of the block: of all, or of all but the rejected ones.

        Banks book what was rejected neither way alike: some leave it out, some debit it again.
        """
        live, settled = CollectionState.LIVE, CollectionState.SETTLED
        returned, rejected = CollectionState.RETURNED, CollectionState.REJECTED
        candidates = (self.of(live, settled, returned), self.of(live, settled, returned, rejected))
        return any(
            total == item.amount and item.count in (None, number) and number
            for number, total in candidates
        )


def apply_block(
    session: Session, report: BankReport, item: Item, most: int, *, actor: Actor
) -> bool:
    """Work in some of what is said of a block or file; True while there is more to do."""
    work = Work(report)
    more = False
    file = _file(session, item)
    if file is None:
        said = "No bank file of ours has this id" if item.looks_like_ours else None
        work.judge(replace(item, problem=said), Match())
    else:
        condition = _scope(session, file, item)
        if item.told is Told.ACCEPTED:
            work.runs.add(file.run_id)
            if not item.detailed and item.status != _PARTLY:
                work.note(item, Verdict(EntryOutcome.ACCEPTED), Match(by=MatchedBy.BLOCK))
        elif item.told is Told.REJECTED:
            more = _reject(session, work, item, condition, most)
        elif item.told is Told.SETTLED:
            more = _settle(session, work, item, condition, most)
        else:
            said = "A sum was debited, and the bank does not say which collections it is of"
            work.note(item, Verdict(EntryOutcome.UNMATCHED, problem=said), Match())
        if item.scope is Scope.FILE and item.status is not None:
            _note_status(file, item.status)
    write(session, work, actor=actor)
    return more


def settle_sum(
    session: Session, report: BankReport, item: Item, most: int, *, actor: Actor
) -> bool | None:
    """Try once more to book a sum that did not fit; None where it still does not, else as above."""
    file = _file(session, item)
    if file is None:
        return None
    condition = _scope(session, file, item)
    if not _totals(session, condition).agree(item):
        return None
    work = Work(report)
    more = _settle(session, work, item, condition, most)
    write(session, work, actor=actor)
    return more


def _file(session: Session, item: Item) -> RunFile | None:
    """The bank file that is meant: by its own id, or by that of a block of it."""
    names = {item.message_id, (item.block_id or "").rpartition("-")[0]} - {None, ""}
    found = session.scalars(select(RunFile).where(RunFile.message_id.in_(names))).all()
    # Two different ones: the bank contradicts itself.
    return found[0] if len(found) == 1 else None


def _scope(session: Session, file: RunFile, item: Item) -> Any:
    """The condition for the collections that are meant."""
    if item.scope is Scope.BLOCK:
        return in_block(session, file, item.block_id or "")
    return in_file(session, file)


def _totals(session: Session, condition: Any) -> Totals:
    rows = session.execute(
        select(Collection.state, func.count(), func.sum(Collection.amount))
        .where(condition)
        .group_by(Collection.state)
    )
    return Totals({CollectionState(state): (number, total) for state, number, total in rows})


def _live(session: Session, condition: Any, most: int) -> Sequence[Any]:
    ids = session.scalars(
        select(Collection.id)
        .where(condition, Collection.state == CollectionState.LIVE.value)
        .order_by(Collection.id)
        .limit(most)
    ).all()
    return standings(session, Collection.id.in_(ids))


def _reject(session: Session, work: Work, item: Item, condition: Any, most: int) -> bool:
    totals = _totals(session, condition)
    live, _ = totals.of(CollectionState.LIVE)
    each = replace(item, amount=None, scope=Scope.ONE)
    for one in _live(session, condition, most):
        work.judge(each, Match(one, MatchedBy.BLOCK))
    if live > most:
        return True
    booked, _ = totals.of(CollectionState.SETTLED)
    void, _ = totals.of(CollectionState.VOID)
    if booked:
        said = f"The bank refuses a {_what(item)} of which it has booked {booked:,} before"
        work.note(item, Verdict(EntryOutcome.UNMATCHED, problem=said), Match())
    elif void:
        # The clerk cancelled it and the bank refused it: both know that nothing is collected.
        work.note(item, _KNOWN, Match(by=MatchedBy.BLOCK))
    elif not live and not item.detailed:
        work.note(item, _KNOWN, Match(by=MatchedBy.BLOCK))
    return False


def _settle(session: Session, work: Work, item: Item, condition: Any, most: int) -> bool:
    totals = _totals(session, condition)
    if not totals.agree(item) or item.currency not in (None, "EUR"):
        work.note(
            item, Verdict(EntryOutcome.UNMATCHED, problem=_disagreement(item, totals)), Match()
        )
        return False
    live, _ = totals.of(CollectionState.LIVE)
    each = replace(item, amount=None, count=None, scope=Scope.ONE)
    for one in _live(session, condition, most):
        work.judge(each, Match(one, MatchedBy.BLOCK))
    if not live:
        work.note(item, _KNOWN, Match(by=MatchedBy.BLOCK))
    return live > most


def _disagreement(item: Item, totals: Totals) -> str:
    number, total = totals.of(
        CollectionState.LIVE, CollectionState.SETTLED, CollectionState.RETURNED
    )
    if not number and totals.of(CollectionState.VOID)[0]:
        return "Its run was cancelled, but the bank has collected by its file"
    told = f"{item.amount:,.2f} €" if item.amount is not None else "no amount"
    held = f" for {item.count:,} collections" if item.count is not None else ""
    return f"The bank books {told}{held}; the {_what(item)} holds {number:,}, {total:,.2f} €"


def _what(item: Item) -> str:
    return "payment block" if item.scope is Scope.BLOCK else "file"


def _note_status(file: RunFile, status: str) -> None:
    known = _STATUSES.index(file.bank_status) if file.bank_status in _STATUSES else -1
    if status not in _STATUSES or _STATUSES.index(status) > known:
        file.bank_status = status
