"""What the bank says of a collection, pair by pair with where it stands."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from app.sepa.models import CollectionState as State
from app.sepa.models import RunState
from app.sepa.reports.message import Item
from app.sepa.reports.models import EntryOutcome as Outcome
from app.sepa.reports.models import Told
from app.sepa.reports.rules import fee_of, verdict

EXPECTED = {
    (State.LIVE, Told.ACCEPTED): (Outcome.ACCEPTED, None),
    (State.LIVE, Told.SETTLED): (Outcome.SETTLED, State.SETTLED),
    (State.LIVE, Told.REJECTED): (Outcome.REJECTED, State.REJECTED),
    (State.LIVE, Told.RETURNED): (Outcome.RETURNED, State.RETURNED),
    (State.SETTLED, Told.RETURNED): (Outcome.RETURNED, State.RETURNED),
    (State.SETTLED, Told.REJECTED): (Outcome.UNMATCHED, None),
    (State.REJECTED, Told.SETTLED): (Outcome.UNMATCHED, None),
}


@pytest.mark.parametrize(("state", "told"), [*product(State, Told)])
def test_every_pair_has_its_outcome(state: State, told: Told) -> None:
    found = verdict(state, RunState.ANSWERED, Item(told))
    special = state is State.VOID or told is Told.OTHER
    default = (Outcome.UNMATCHED if special else Outcome.KNOWN, None)
    assert (found.outcome, found.state) == EXPECTED.get((state, told), default)
    assert (found.problem is not None) == (found.outcome is Outcome.UNMATCHED)


def test_the_bank_cannot_know_of_a_run_without_a_file() -> None:
    found = verdict(State.LIVE, RunState.CREATED, Item(Told.SETTLED))
    assert found.outcome is Outcome.UNMATCHED


@pytest.mark.parametrize(
    ("amount", "instructed", "charges", "fee"),
    [
        ("10.00", None, None, None),
        ("10.00", None, "3.00", "3.00"),
        ("13.00", "10.00", None, "3.00"),
        ("13.00", None, "3.00", "3.00"),
        ("13.00", "10.00", "2.00", "3.00"),
    ],
)
def test_the_fee_of_a_return(
    amount: str, instructed: str | None, charges: str | None, fee: str | None
) -> None:
    item = Item(
        Told.RETURNED,
        amount=Decimal(amount),
        instructed=Decimal(instructed) if instructed else None,
        charges=Decimal(charges) if charges else None,
        booked_on=date(2026, 12, 1),
        currency="EUR",
    )
    assert fee_of(item, Decimal("10.00")) == (None, Decimal(fee) if fee else None)
