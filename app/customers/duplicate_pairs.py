"""What people decide about pairs of the worklist, and the worklist itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from app.core import clock, filters
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.filters import Condition, Filter
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers.choices import KIND_LABELS
from app.customers.duplicate_models import DuplicatePair, PairState
from app.customers.duplicate_rules import LABELS
from app.customers.duplicate_search import UNDECIDED
from app.customers.models import Customer
from app.customers.search import list_condition

LONGEST_REASON = 400
STATE_LABELS = {
    PairState.OPEN: "To decide",
    PairState.DISMISSED: "Not a duplicate",
    PairState.MERGED: "Merged",
}


def dismiss(session: Session, pair_id: int, *, actor: Actor, reason: str = "") -> None:
    """Note that two customers are two. Raises Refused for a pair that is decided already."""
    actor.require(Permission.CUSTOMERS_EDIT)
    pair = _locked(session, pair_id)
    if pair.state == PairState.DISMISSED:
        return
    if pair.state != PairState.OPEN:
        raise Refused.because("This pair was merged in the meantime")
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise Refused.because(
            f"The reason is longer than {LONGEST_REASON} characters", field="reason"
        )
    pair.state = PairState.DISMISSED.value
    pair.decided_at = clock.now()
    pair.decided_by_label, pair.decided_by_id = actor.label[:255], actor.operator_id
    pair.decision_reason = reason or None
    session.flush()


def take_up_again(session: Session, pair_id: int, *, actor: Actor) -> None:
    """Let a dismissed pair wait for a decision once more."""
    actor.require(Permission.CUSTOMERS_EDIT)
    pair = _locked(session, pair_id)
    if pair.state == PairState.MERGED:
        raise Refused.because("This pair was merged in the meantime")
    for name, value in UNDECIDED.items():
        setattr(pair, name, value)
    session.flush()


def pair_of(session: Session, one_id: int, other_id: int) -> DuplicatePair | None:
    """The pair of two customers, if the worklist has it."""
    first, second = sorted((one_id, other_id))
    return session.scalar(
        select(DuplicatePair).where(
            DuplicatePair.first_id == first, DuplicatePair.second_id == second
        )
    )


def open_pairs_of(session: Session, customer_id: int) -> Sequence[int]:
    """The best two pairs of a live customer that wait for a decision."""
    mine = or_(DuplicatePair.first_id == customer_id, DuplicatePair.second_id == customer_id)
    pairs = OPEN_PAIRS.statement.with_only_columns(DuplicatePair.id).where(mine)
    order = DuplicatePair.score.desc(), DuplicatePair.id
    return session.scalars(pairs.order_by(*order).limit(2)).all()


def _locked(session: Session, pair_id: int) -> DuplicatePair:
    pair = session.get(DuplicatePair, pair_id, with_for_update=True)
    if pair is None:
        raise NotFound("This pair is no longer in the worklist")
    return pair


# The worklist --------------------------------------------------------------------------------

_FIRST, _SECOND = aliased(Customer), aliased(Customer)


def _of_kind(kinds: list[Any]) -> Condition:
    return or_(_FIRST.kind.in_(kinds), _SECOND.kind.in_(kinds))


def _with_reason(signs: list[Any]) -> Condition:
    told = cast(DuplicatePair.reasons, Text)
    return or_(*(told.contains(f'"{sign}"', autoescape=True) for sign in signs))


def _with_text(text: str) -> Condition:
    """That either of the two is found by the text."""
    found = select(Customer.id).where(list_condition(text))
    return or_(DuplicatePair.first_id.in_(found), DuplicatePair.second_id.in_(found))


# A pair stands in the worklist while both customers are there; a merged one tells what was done.
WORKLIST = Listing(
    statement=(
        select(DuplicatePair)
        .join(_FIRST, _FIRST.id == DuplicatePair.first_id)
        .join(_SECOND, _SECOND.id == DuplicatePair.second_id)
        .where(
            or_(
                DuplicatePair.state == PairState.MERGED.value,
                _FIRST.deleted_at.is_(None) & _SECOND.deleted_at.is_(None),
            )
        )
    ),
    filters=(
        filters.choice(
            "state",
            "State",
            DuplicatePair.state,
            [(state.value, label) for state, label in STATE_LABELS.items()],
        ),
        Filter(
            "kind",
            "Kind",
            filters.Kind.CHOICE,
            _of_kind,
            choices=[(kind.value, label) for kind, label in KIND_LABELS.items()],
        ),
        filters.number_between("score", "Score", DuplicatePair.score),
        Filter(
            "reason",
            "Reason",
            filters.Kind.CHOICE,
            _with_reason,
            choices=[(sign.value, label) for sign, label in LABELS.items()],
        ),
    ),
    sorts={"score": DuplicatePair.score},
    default_sort="-score",
    search=_with_text,
    options=(
        contains_eager(DuplicatePair.first.of_type(_FIRST)).selectinload(_FIRST.addresses),
        contains_eager(DuplicatePair.second.of_type(_SECOND)).selectinload(_SECOND.addresses),
    ),
)
OPEN_PAIRS = replace(
    WORKLIST, statement=WORKLIST.statement.where(DuplicatePair.state == PairState.OPEN.value)
)
