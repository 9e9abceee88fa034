"""Undoes a merge from its undo journal: both customers and all that moved, as they were.

Whole or not at all: a customer who got half of their things back would be worse than two in one.
So what somebody changed since is listed, and the undo refused. What came to the customer anew
since (an invoice, say) stays with the one who has it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import undo
from app.core.actor import Actor
from app.core.database import Base
from app.core.errors import NotFound, Problem, Refused
from app.core.models import UndoEntry
from app.core.permissions import Permission
from app.customers.collisions import collisions, record_address
from app.customers.duplicate_models import DuplicatePair, PairState
from app.customers.rules import display_name
from app.customers.writing import CUSTOMERS, customer_entry, load

MOST_LISTED = 20
# All in one go: what is derived from the rows is worked out once all of them are back.
MOST_ROWS = 10_000_000
_NAMES = ("number", "reference")


def undo_merge(session: Session, pair_id: int, *, actor: Actor) -> DuplicatePair:
    """Take a merge back. Raises Refused with all that stands against it, NotFound for no pair."""
    actor.require(Permission.CUSTOMERS_EDIT)
    actor.require(Permission.CUSTOMERS_DELETE)
    pair = session.get(DuplicatePair, pair_id, with_for_update=True)
    if pair is None:
        raise NotFound("This pair is no longer in the worklist")
    job_id = pair.job_id
    if pair.state != PairState.MERGED or job_id is None:
        raise Refused.because("This pair is not merged")
    ids = [pair.first_id, pair.second_id]
    load(session, ids)
    if not can_undo(session, job_id):
        raise Refused.because("The time for undoing this merge is over")
    against = _changed_since(session, job_id) or _taken_since(session, job_id, ids)
    if against:
        raise Refused(against)
    undo.take_back(session, job_id, most=MOST_ROWS)
    session.expire_all()
    now = load(session, ids)
    audit.record_many(
        session,
        [
            customer_entry(
                actor, Action.TAKEN_BACK, id_, now[id_],
                {"merged_with": [_label(now[other]), None]},
            )
            for id_, other in zip(ids, reversed(ids), strict=True)
        ],
    )  # fmt: skip
    return session.get_one(DuplicatePair, pair_id)


def can_undo(session: Session, job_id: int) -> bool:
    """Whether the journal still holds what was before."""
    found = session.scalar(select(UndoEntry.id).where(UndoEntry.job_id == job_id).limit(1))
    return found is not None


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['number']} {display_name(row)}"


def _notes(session: Session, job_id: int) -> list[UndoEntry]:
    wanted = select(UndoEntry).where(UndoEntry.job_id == job_id).order_by(UndoEntry.id)
    return list(session.scalars(wanted.execution_options(yield_per=1000)))


def _changed_since(session: Session, job_id: int) -> list[Problem]:
    """What somebody changed after the merge. Parts count as a change of their customer."""
    expected: dict[tuple[str, tuple[Any, ...]], int] = {}
    for note in _notes(session, job_id):
        if note.version_after is not None:
            expected[note.table_name, tuple(note.row_key)] = note.version_after
    by_table: dict[str, dict[tuple[Any, ...], int]] = {}
    for (name, key), version in expected.items():
        by_table.setdefault(name, {})[key] = version
    found: list[Problem] = []
    for name, versions in by_table.items():
        table = Base.metadata.tables[name]
        keys = list(versions)
        for start in range(0, len(keys), 500):
            match = tuple_(*table.primary_key).in_(keys[start : start + 500])
            rows = session.execute(select(table).where(match)).mappings()
            found += [
                _changed(name, row)
                for row in rows
                if row["version"] > versions[tuple(row[c.name] for c in table.primary_key)]
            ]
    return found[:MOST_LISTED]


def _changed(table_name: str, row: Mapping[Any, Any]) -> Problem:
    """A record that was changed, as a person knows it."""
    hint = "Undoing the merge would lose that; change the customers by hand"
    if table_name == CUSTOMERS.name:
        number = str(row["number"])
        return Problem(
            "",
            f"Customer {number} {display_name(row)} was changed after the merge",
            hint,
            link=(f"Customer {number}", record_address(number)),
        )
    told = next((str(row[name]) for name in _NAMES if name in row), str(row["id"]))
    what = table_name.removesuffix("s").replace("_", " ").capitalize()
    return Problem("", f"{what} {told} was changed after the merge", hint)


def _taken_since(session: Session, job_id: int, ids: list[int]) -> list[Problem]:
    """Whether a third customer has by now an email or a mobile phone that would come back."""
    before = {
        note.row_key[0]: note.before
        for note in reversed(_notes(session, job_id))
        if note.table_name == CUSTOMERS.name and note.before and note.row_key[0] in ids
    }
    rows = list(before.values())
    # Both are rewritten at once: what one of the two holds now does not stand in the other's way.
    found = collisions(session, rows, own_ids=list(before))
    numbers = {row["number"] for row in rows}
    return [
        problem
        for place in sorted(found)
        for problem in found[place]
        if problem.link is None or problem.link[0].removeprefix("Customer ") not in numbers
    ]
