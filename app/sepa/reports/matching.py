"""Finds the collection of an entry: by its end-to-end id, then by its mandate and amount.

(What names a block and no transaction is found in blocks.py.) The collections found are kept from
others until the transaction ends, in the order of their ids.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.core.among import one_of
from app.core.portions import portions
from app.sepa.models import Collection, CollectionRun, CollectionState, Mandate, RunState
from app.sepa.reports.message import Item
from app.sepa.reports.models import MatchedBy, Told

_OPEN = frozenset({CollectionState.LIVE, CollectionState.SETTLED})


@dataclass(slots=True)
class Standing:
    """Where a collection stands, while the entries of a chunk are worked in one by one."""

    id: int
    run_id: int
    invoice_id: int
    customer_id: int
    mandate_id: int
    state: CollectionState
    run_state: RunState
    amount: Decimal
    end_to_end_id: str
    mandate_reference: str
    settled_on: date | None
    ended_on: date | None
    reason_code: str | None
    reason_text: str | None
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for an entry; without a collection maybe why none could be chosen."""

    standing: Standing | None = None
    by: MatchedBy | None = None
    problem: str | None = None


def standings(session: Session, condition: Any) -> list[Standing]:
    """The collections that fit, locked."""
    return [_standing(row) for row in session.execute(_wanted().where(condition))]


def find(session: Session, items: Sequence[Item]) -> list[Match]:
    """For each entry its collection."""
    by_id = _by_end_to_end_id(session, items)
    rest = [
        item for item in items if item.mandate_reference and _key(item.end_to_end_id) not in by_id
    ]
    by_mandate = _by_mandate(session, rest, by_id)
    return [_match(item, by_id, by_mandate) for item in items]


def _match(
    item: Item, by_id: Mapping[str, Standing], by_mandate: Mapping[str, Sequence[Standing]]
) -> Match:
    found = by_id.get(_key(item.end_to_end_id))
    if found is not None:
        return Match(found, MatchedBy.END_TO_END_ID)
    if not item.mandate_reference:
        return Match()
    fitting = [
        one for one in by_mandate.get(_key(item.mandate_reference), ())
        if one.amount in (item.amount, item.instructed)
    ]  # fmt: skip
    # The same booking told again must not be taken for the next collection of the mandate.
    same = [one for one in fitting if item.booked_on is not None and _is_told(one, item)]
    open_ones = same or [one for one in fitting if one.state in _OPEN]
    if len(open_ones) == 1:
        return Match(open_ones[0], MatchedBy.MANDATE_AND_AMOUNT)
    if open_ones:
        return Match(problem=f"{len(open_ones)} collections fit by mandate and amount")
    return Match()


def _is_told(one: Standing, item: Item) -> bool:
    if item.told is Told.SETTLED:
        return one.settled_on == item.booked_on
    return one.ended_on == item.booked_on


def _by_end_to_end_id(session: Session, items: Sequence[Item]) -> dict[str, Standing]:
    wanted = sorted({item.end_to_end_id for item in items if item.end_to_end_id})
    found: dict[str, Standing] = {}
    for some in portions(wanted):
        for one in standings(session, one_of(Collection.end_to_end_id, some)):
            found[_key(one.end_to_end_id)] = one
    return found


def _by_mandate(
    session: Session, items: Sequence[Item], known: Mapping[str, Standing]
) -> dict[str, list[Standing]]:
    """Collections by the reference of their mandate. One that was found before is the same one."""
    references = sorted({_key(item.mandate_reference) for item in items})
    found: dict[str, list[Standing]] = defaultdict(list)
    for some in portions(references):
        mandates = select(Mandate.id).where(one_of(func.lower(Mandate.reference), some))
        for one in standings(session, Collection.mandate_id.in_(mandates)):
            same = known.get(_key(one.end_to_end_id), one)
            found[_key(same.mandate_reference)].append(same)
    return found


def _key(text: str | None) -> str:
    """Without an id, nothing: no collection has an empty one."""
    return (text or "").strip().lower()


def _wanted() -> Select[Any]:
    wanted: Select[Any] = (
        select(
            Collection.id, Collection.run_id, Collection.invoice_id, Collection.customer_id,
            Collection.mandate_id, Collection.state, CollectionRun.state.label("run_state"),
            Collection.amount, Collection.end_to_end_id, Collection.mandate_reference,
            Collection.settled_on, Collection.ended_on, Collection.reason_code,
            Collection.reason_text, Collection.fee,
        )
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .order_by(Collection.id)
        .with_for_update(of=Collection)
    )  # fmt: skip
    return wanted


def _standing(row: Any) -> Standing:
    values = row._asdict()
    values["state"] = CollectionState(values["state"])
    values["run_state"] = RunState(values["run_state"])
    return Standing(**values)
