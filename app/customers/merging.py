"""Merges two customers into one, all or nothing: all that belongs to the one that goes moves.

The one that goes is marked as deleted and points to the one that stays. A merge runs as a job, so
that the undo journal keeps what was before (merge_undo.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.core import clock, undo
from app.core.actor import Actor
from app.core.errors import Conflict, NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.values import show_phone
from app.customers import merge_parts, rules
from app.customers.accounts import end_for_deleted
from app.customers.belongings import Merging, belongings
from app.customers.choices import CustomerKind
from app.customers.collisions import collisions
from app.customers.duplicate_models import PairState
from app.customers.duplicate_search import PAIRS
from app.customers.guards import reasons_against_deleting
from app.customers.iban_notices import tell_customer_ibans
from app.customers.merge_choices import BANK, choices, merged_values
from app.customers.models import Customer
from app.customers.rules import display_name
from app.customers.writing import (
    CUSTOMERS,
    check,
    customer_entry,
    load,
    name_references,
    save_values,
)

CHOICES = choices(column.name for column in CUSTOMERS.columns)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What somebody decided: who stays, whose value counts for each choice, and which parts stay.

    The versions are those that were on the screen: a later one is a conflict.
    """

    pair_id: int
    winner_id: int
    loser_id: int
    winner_version: int
    loser_version: int
    from_loser: frozenset[str]
    addresses: frozenset[int]
    companies: frozenset[int]
    products: frozenset[int]

    def as_json(self) -> dict[str, Any]:
        """As the parameters of a job."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MergePlan":
        """Back from the parameters of a job."""
        values: dict[str, Any] = {
            k: frozenset(v) if isinstance(v, list) else v for k, v in stored.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do: what moves, what one should know, and what speaks against it."""

    moves: Sequence[str]
    notes: Sequence[str]
    against: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that one merge is judged by."""

    plan: MergePlan
    winner: dict[str, Any]
    loser: dict[str, Any]
    parts: merge_parts.Parts
    merging: Merging


def preview(session: Session, plan: MergePlan, *, actor: Actor) -> MergePreview:
    """What the merge would do, without doing it. Raises what a merge would not even look at."""
    case = _case(session, plan, actor)
    moves: list[str] = []
    notes: list[str] = []
    against = _against(session, case, actor)
    for belonging in belongings():
        told = belonging.preview(session, case.merging)
        if told.count:
            moves.append(belonging.counted(told.count))
        notes += told.notes
        against += told.against
    persons = merge_parts.persons_of(session, plan.loser_id)
    if persons:
        who = "1 person" if persons == 1 else f"{persons:,} persons"
        moves.append(f"{who} whose company this is")
    notes += _given_up(case)
    return MergePreview(moves, notes, against)


def merge_customers(session: Session, plan: MergePlan, *, actor: Actor) -> list[str]:
    """Merge two customers; what moved, in words.

    Raises NotFound where one is gone, Conflict where one was saved after the plan was made, and
    Refused with everything that speaks against it.
    """
    case = _case(session, plan, actor)
    told = preview(session, plan, actor=actor)
    if told.against:
        raise Refused(told.against)
    now = clock.now()
    names = name_references(session)
    _decide(session, plan, actor)
    winner, loser = case.winner, case.loser
    gone = {"deleted_at": now, "merged_into_id": plan.winner_id}
    stamp = {"changed_at": now}
    gone_row = loser | gone | stamp | {"version": loser["version"] + 1}
    # First the one that goes, so that email and mobile phone are free for the one that stays.
    save_values(session, {plan.loser_id: loser}, [gone_row])
    end_for_deleted(session, [plan.loser_id], actor=actor)
    chosen = winner | merged_values(CHOICES, plan.from_loser, winner, loser)
    new = chosen | rules.derived(chosen) | stamp | {"version": winner["version"] + 1}
    taken = collisions(session, [new], own_ids=[plan.winner_id])
    if taken:
        raise Refused(taken[0])
    save_values(session, {plan.winner_id: winner}, [new])
    tell_customer_ibans(session, [(winner, new)], actor=actor)
    _point_on(session, plan)
    both = (plan.winner_id, plan.loser_id)
    changes = names(diff(Customer, winner, new))
    changes |= merge_parts.join_addresses(session, case.parts, plan.addresses, *both)
    changes |= merge_parts.join_companies(session, case.parts, plan.companies, *both)
    changes |= merge_parts.join_products(session, plan.products, *both, names)
    moved = []
    for belonging in belongings():
        count = belonging.move(session, case.merging, actor)
        if count:
            moved.append(belonging.counted(count))
            changes[belonging.name] = [None, f"{belonging.counted(count)} came"]
    _tell(session, case, gone_row, new, changes, actor)
    session.expire_all()
    return moved


def _case(session: Session, plan: MergePlan, actor: Actor) -> _Case:
    actor.require(Permission.CUSTOMERS_EDIT)
    actor.require(Permission.CUSTOMERS_DELETE)
    rows = load(session, [plan.winner_id, plan.loser_id])
    winner, loser = rows.get(plan.winner_id), rows.get(plan.loser_id)
    if plan.winner_id == plan.loser_id or winner is None or loser is None:
        raise NotFound("One of the two customers is no longer there")
    if winner["deleted_at"] is not None or loser["deleted_at"] is not None:
        raise NotFound("One of the two customers was deleted in the meantime")
    if (winner["version"], loser["version"]) != (plan.winner_version, plan.loser_version):
        raise Conflict("Somebody else saved one of these customers after you opened the page")
    parts = merge_parts.read(session, plan.winner_id, plan.loser_id)
    left = merge_parts.left_addresses(parts, plan.addresses)
    return _Case(
        plan, winner, loser, parts, Merging(plan.winner_id, plan.loser_id, winner["kind"], left)
    )


def _against(session: Session, case: _Case, actor: Actor) -> list[Problem]:
    """What this room has against the merge."""
    plan, winner, loser = case.plan, case.winner, case.loser
    found = reasons_against_deleting(session, [plan.loser_id])
    new = winner | merged_values(CHOICES, plan.from_loser, winner, loser)
    try:
        check(winner["kind"], new, (), ())
    except Refused as refused:
        found += refused.problems
    bank = next(choice for choice in CHOICES if choice.name == BANK)
    if (
        BANK in plan.from_loser
        and bank.differs(winner, loser)
        and not actor.may(Permission.BANK_DETAILS_EDIT)
    ):
        found.append(
            Problem(BANK, "You may not change bank details", "Keep the account of who stays")
        )
    if winner["kind"] == CustomerKind.INDIVIDUAL and merge_parts.persons_of(session, plan.loser_id):
        found.append(
            Problem(
                "winner",
                f"Customer {loser['number']} is the company of other customers",
                "Let the company stay instead of the person",
            )
        )
    return found


def _given_up(case: _Case) -> list[str]:
    """Ways to reach the customer that stand on one side only and are not taken."""
    winner, loser = case.winner, case.loser
    new = winner | merged_values(CHOICES, case.plan.from_loser, winner, loser)
    kept = {new[name] for name in ("email", *rules.PHONES)}
    found = []
    for name in ("email", *rules.PHONES):
        for row in (winner, loser):
            if row[name] and row[name] not in kept:
                value = row[name] if name == "email" else show_phone(row[name])
                found.append(
                    f"{rules.FIELD_LABELS[name]} {value} is not taken; the history keeps it."
                )
    return found


def _point_on(session: Session, plan: MergePlan) -> None:
    """Let those who were merged into the one that goes point to the one that stays."""
    earlier = select(CUSTOMERS).where(CUSTOMERS.c.merged_into_id == plan.loser_id)
    for before in map(dict, session.execute(earlier).mappings().all()):
        after = {"merged_into_id": plan.winner_id, "version": before["version"] + 1}
        save_values(session, {before["id"]: before}, [{**before, **after}])


def _decide(session: Session, plan: MergePlan, actor: Actor) -> None:
    """Mark the pair as merged. Raises Refused where that was decided already."""
    pair = session.execute(
        select(PAIRS).where(PAIRS.c.id == plan.pair_id).with_for_update()
    ).mappings().first()  # fmt: skip
    if pair is None or {pair["first_id"], pair["second_id"]} != {plan.winner_id, plan.loser_id}:
        raise NotFound("This pair is no longer in the worklist")
    if pair["state"] == PairState.MERGED:
        raise Refused.because("This pair was merged already")
    undo.note_updated(session, PAIRS, [dict(pair)])
    session.execute(
        update(PAIRS)
        .where(PAIRS.c.id == plan.pair_id)
        .values(
            state=PairState.MERGED.value,
            decided_at=clock.now(),
            decided_by_label=actor.label[:255],
            decided_by_id=actor.operator_id,
            decision_reason=None,
            winner_id=plan.winner_id,
            job_id=actor.job_id,
        )
    )


def _tell(
    session: Session,
    case: _Case,
    loser: Mapping[str, Any],
    winner: Mapping[str, Any],
    changes: Mapping[str, Any],
    actor: Actor,
) -> None:
    gone = f"{loser['number']} {display_name(loser)}"
    stays = f"{winner['number']} {display_name(winner)}"
    audit.record_many(
        session,
        [
            customer_entry(
                actor, Action.MERGED, case.plan.winner_id, winner,
                {"merged_with": [None, gone], **changes},
            ),
            customer_entry(
                actor, Action.MERGED, case.plan.loser_id, loser,
                diff(Customer, case.loser, loser) | {"merged_into": [None, stays]},
            ),
        ],
    )  # fmt: skip
