"""The steps of a search for duplicates over all customers; a job calls one after the other.

Reading: all live customers in portions, their keys into a notebook on disk. Comparing: only pairs
that share a key. Writing: the worklist brought up to date in short commits. Each step may be
done twice, so that a killed search is simply done again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.portions import portions
from app.customers.choices import CustomerKind
from app.customers.duplicate_models import DuplicatePair, PairState
from app.customers.duplicate_rules import (
    THRESHOLD,
    Likeness,
    company_key,
    fingerprint,
    judge,
    person_key,
    postcode_key,
    street_key,
)
from app.customers.duplicate_scratch import Found, Scratch
from app.customers.models import Address, Customer

# People work through hundreds of pairs, not through more than this.
MOST_PAIRS = 100_000
PAIRS = cast(Table, DuplicatePair.__table__)
UNDECIDED: Mapping[str, Any] = {
    "state": PairState.OPEN.value, "decided_at": None, "decided_by_label": None,
    "decided_by_id": None, "decision_reason": None, "winner_id": None, "job_id": None,
}  # fmt: skip
_COMPARED = (
    Customer.id, Customer.kind, Customer.first_name, Customer.name, Customer.company_name,
    Customer.email_key, Customer.mobile_phone,
    Customer.telephone_private, Customer.business_telephone, Customer.vat_id, Customer.iban,
    Customer.date_of_birth,
)  # fmt: skip
_PLACES = (Address.customer_id, Address.street, Address.postcode, Address.country)


@dataclass(frozen=True, slots=True)
class Written:
    """What one portion of writing did to the worklist."""

    new: int = 0
    gone: int = 0
    changed: int = 0


def read_likenesses(session: Session, after: int, limit: int) -> list[tuple[int, Likeness]]:
    """The next live customers by id, with what is compared of them."""
    rows = session.execute(
        select(*_COMPARED)
        .where(Customer.id > after, Customer.deleted_at.is_(None))
        .order_by(Customer.id)
        .limit(limit)
    ).all()
    if not rows:
        return []
    span = Address.customer_id.between(rows[0].id, rows[-1].id)
    return _likenesses(rows, session.execute(select(*_PLACES).where(span)))


def likenesses_of(session: Session, ids: Iterable[int]) -> dict[int, Likeness]:
    """What is compared of these customers, those that are live."""
    found: dict[int, Likeness] = {}
    for some in portions(sorted(set(ids))):
        rows = session.execute(
            select(*_COMPARED).where(Customer.id.in_(some), Customer.deleted_at.is_(None))
        ).all()
        places = session.execute(select(*_PLACES).where(Address.customer_id.in_(some)))
        found |= dict(_likenesses(rows, places))
    return found


def _likenesses(rows: Sequence[Any], places: Iterable[Any]) -> list[tuple[int, Likeness]]:
    streets: dict[int, set[str]] = {}
    postcodes: dict[int, set[str]] = {}
    for place in places:
        if street := street_key(place.street):
            streets.setdefault(place.customer_id, set()).add(street)
        if postcode := postcode_key(place.postcode, place.country):
            postcodes.setdefault(place.customer_id, set()).add(postcode)
    return [
        (
            row.id,
            Likeness(
                name=(
                    person_key(row.first_name, row.name)
                    if row.kind == CustomerKind.INDIVIDUAL
                    else company_key(row.company_name)
                ),
                email=row.email_key,
                phones=frozenset(
                    number.partition(";")[0]
                    for number in (
                        row.mobile_phone, row.telephone_private, row.business_telephone
                    )
                    if number
                ),
                vat_id=row.vat_id,
                iban=row.iban,
                date_of_birth=(
                    row.date_of_birth if row.kind == CustomerKind.INDIVIDUAL else None
                ),
                postcodes=frozenset(postcodes.get(row.id, ())),
                streets=frozenset(streets.get(row.id, ())),
            ),
        )
        for row in rows
    ]  # fmt: skip


def judge_candidates(session: Session, pairs: Sequence[tuple[int, int]]) -> list[Found]:
    """Those of the pairs that belong into the worklist, by what stands in the database now."""
    known = likenesses_of(session, {id_ for pair in pairs for id_ in pair})
    found = []
    for first, second in pairs:
        if first not in known or second not in known:
            continue
        one, other = known[first], known[second]
        judged = judge(one, other)
        if judged.score >= THRESHOLD:
            reasons = json.dumps([sign.value for sign in judged.signs])
            found.append(Found(first, second, judged.score, reasons, fingerprint(one, other)))
    return found


def renew(session: Session, scratch: Scratch, after: int, limit: int) -> tuple[int | None, Written]:
    """Bring the next known pairs up to date; the id of the last one, or None at the end.

    Open pairs that are no longer alike go. Dismissed ones stay dismissed until their data change.
    A merged one that is found has two live customers again: somebody restored the other.
    """
    rows = session.execute(
        select(PAIRS).where(PAIRS.c.id > after).order_by(PAIRS.c.id).limit(limit)
    ).all()
    if not rows:
        return None, Written()
    found = scratch.take([(row.first_id, row.second_id) for row in rows])
    gone, changed = [], 0
    for row in rows:
        now = found.get((row.first_id, row.second_id))
        if now is None:
            if row.state == PairState.OPEN:
                gone.append(row.id)
        elif row.state == PairState.MERGED or _differs(row, now):
            _write_again(session, row, now)
            changed += 1
    if gone:
        still_open = PAIRS.c.id.in_(gone), PAIRS.c.state == PairState.OPEN.value
        session.execute(delete(PAIRS).where(*still_open))
    return int(rows[-1].id), Written(gone=len(gone), changed=changed)


def _differs(row: Any, now: Found) -> bool:
    """Whether data changed or, for a pair that waits, the rules judge it otherwise by now."""
    judged = (row.score, row.reasons) != (now.score, json.loads(now.reasons))
    return row.fingerprint != now.fingerprint or (row.state == PairState.OPEN and judged)


def _write_again(session: Session, row: Any, now: Found) -> None:
    """A pair as it is now; one that was decided waits for a decision once more."""
    values = {
        "score": now.score,
        "reasons": json.loads(now.reasons),
        "fingerprint": now.fingerprint,
    }
    if row.state != PairState.OPEN:
        values |= UNDECIDED
    session.execute(
        update(PAIRS).where(PAIRS.c.id == row.id, PAIRS.c.state == row.state).values(values)
    )


def add_new(session: Session, scratch: Scratch, limit: int) -> tuple[bool, Written]:
    """Write the next new pairs; whether there were any, and how many went in."""
    found = scratch.new(limit)
    if not found:
        return False, Written()
    now = clock.now()
    # Deleted since they were compared, even out of the database: nothing may point to them.
    there = _there(session, {id_ for one in found for id_ in (one.first_id, one.second_id)})
    rows = [
        {
            "first_id": one.first_id,
            "second_id": one.second_id,
            "score": one.score,
            "reasons": json.loads(one.reasons),
            "fingerprint": one.fingerprint,
            "state": PairState.OPEN.value,
            "found_at": now,
        }
        for one in found
        if one.first_id in there and one.second_id in there
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        statement = dialect.insert(PAIRS).on_conflict_do_nothing()
        session.execute(statement, rows)
    scratch.take([(one.first_id, one.second_id) for one in found])
    return True, Written(new=len(rows))


def _there(session: Session, ids: set[int]) -> set[int]:
    there: set[int] = set()
    for some in portions(sorted(ids)):
        live = Customer.id.in_(some), Customer.deleted_at.is_(None)
        there.update(session.scalars(select(Customer.id).where(*live)))
    return there
