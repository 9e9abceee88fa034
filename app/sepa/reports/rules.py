"""What follows from a bank's statement about a collection: pure functions and one table.

Reports come in any order: camt.054 and camt.053 tell of the same booking, a return may be told
before the booking that it takes back. So the outcome depends on where the collection stands, never
on which report was first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.sepa.models import CollectionState, RunState
from app.sepa.reports.message import Item
from app.sepa.reports.models import EntryOutcome, Told

LIVE, SETTLED = CollectionState.LIVE, CollectionState.SETTLED
REJECTED, RETURNED, VOID = (
    CollectionState.REJECTED, CollectionState.RETURNED, CollectionState.VOID,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an entry does: its outcome, the collection's new state if any, or what is wrong."""

    outcome: EntryOutcome
    state: CollectionState | None = None
    problem: str | None = None


_KNOWN = Verdict(EntryOutcome.KNOWN)
_CANCELLED = Verdict(
    EntryOutcome.UNMATCHED,
    problem="Its run was cancelled, but the bank has collected by its file: its invoice is open",
)
_VERDICTS: Mapping[tuple[CollectionState, Told], Verdict] = {
    (LIVE, Told.ACCEPTED): Verdict(EntryOutcome.ACCEPTED),
    (LIVE, Told.SETTLED): Verdict(EntryOutcome.SETTLED, SETTLED),
    (LIVE, Told.REJECTED): Verdict(EntryOutcome.REJECTED, REJECTED),
    (LIVE, Told.RETURNED): Verdict(EntryOutcome.RETURNED, RETURNED),
    (SETTLED, Told.ACCEPTED): _KNOWN,
    (SETTLED, Told.SETTLED): _KNOWN,
    (SETTLED, Told.REJECTED): Verdict(
        EntryOutcome.UNMATCHED, problem="The bank rejects what it has booked before"
    ),
    (SETTLED, Told.RETURNED): Verdict(EntryOutcome.RETURNED, RETURNED),
    (REJECTED, Told.ACCEPTED): _KNOWN,
    (REJECTED, Told.SETTLED): Verdict(
        EntryOutcome.UNMATCHED, problem="The bank books what it has rejected before"
    ),
    (REJECTED, Told.REJECTED): _KNOWN,
    # Booked as part of a sum, and debited again: the collection was rejected all the same.
    (REJECTED, Told.RETURNED): _KNOWN,
    (RETURNED, Told.ACCEPTED): _KNOWN,
    (RETURNED, Told.SETTLED): _KNOWN,
    (RETURNED, Told.REJECTED): _KNOWN,
    (RETURNED, Told.RETURNED): _KNOWN,
}
_WITHOUT_FILE = frozenset({RunState.CREATED, RunState.RELEASED})


def verdict(
    state: CollectionState,
    run_state: RunState,
    item: Item,
    *,
    ended_on: date | None = None,
) -> Verdict:
    """What an entry does to a collection that stands so."""
    if state is VOID:
        return _CANCELLED
    if run_state in _WITHOUT_FILE:
        return _wrong("Its run has no bank file yet, so the bank cannot know of it")
    if item.told is Told.OTHER:
        return _wrong("The bank has taken back a return, or a transfer came back")
    again = (
        state is RETURNED and item.told is Told.SETTLED and ended_on is not None
        and item.booked_on is not None and item.booked_on > ended_on
    )  # fmt: skip
    if again:
        return _wrong("The bank books it again after it was returned")
    return _VERDICTS[state, item.told]


def fee_of(item: Item, collected: Decimal) -> tuple[str | None, Decimal | None]:
    """Why the amount of an entry is not that of its collection, or None; and the bank's fee.

    A return is debited with the bank's fee in one sum: what was collected and the fee, where the
    bank says one of the two.
    """
    if item.currency not in (None, "EUR"):
        return f"The amount is in {item.currency}, not in EUR", None
    amount, charges = item.amount, item.charges or None
    if amount is None or amount == collected:
        return None, charges
    if item.told is Told.RETURNED and amount > collected:
        explained = item.instructed == collected or (charges and amount - charges == collected)
        if explained:
            return None, amount - collected
    return f"The amount is {amount:,.2f} €, that of the collection {collected:,.2f} €", None


def _wrong(problem: str) -> Verdict:
    return Verdict(EntryOutcome.UNMATCHED, problem=problem)
