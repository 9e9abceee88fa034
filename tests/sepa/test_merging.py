"""A customer is not merged away while the bank has a collection; what it was told stays frozen."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.customers.duplicate_models import DuplicatePair
from app.extensions import transaction
from app.jobs import duplicates
from app.sepa.creating import create_run
from app.sepa.models import Collection, Mandate
from app.sepa.operations_runs import cancel_run
from tests.customers.merging_cases import pair, picture, plan
from tests.customers.people import customer
from tests.sepa.making import DAY, NOW, POLICY, account, debtor, mandate, payer


@pytest.fixture
def collected(session: Session, clock: Callable[[datetime], None]) -> DuplicatePair:
    """Ada twice; one invoice of the second is in a run."""
    clock(NOW)
    first = customer(first_name="Ada", name="Lovelace")
    with transaction() as writing:
        second = debtor(writing, customer={"first_name": "Ada"}).customer
        create_run(writing, account(writing), DAY, policy=POLICY, actor=COMMAND_LINE)
    return pair(first, second)


def test_who_is_being_collected_from_stays(session: Session, collected: DuplicatePair) -> None:
    before = picture(session)
    with pytest.raises(Refused, match="is in collection"):
        duplicates.merge_now(plan(collected), actor=COMMAND_LINE)
    assert picture(session) == before
    duplicates.merge_now(plan(collected, winner="second"), actor=COMMAND_LINE)


def test_a_collection_changes_hands_but_not_what_the_bank_was_told(
    session: Session, collected: DuplicatePair
) -> None:
    with transaction() as writing:
        run = writing.scalars(select(Collection)).one().run
        cancel_run(writing, run, actor=COMMAND_LINE)
    frozen = picture(session)["collections"]
    duplicates.merge_now(plan(collected), actor=COMMAND_LINE)
    moved = picture(session)["collections"]
    for key, row in moved.items():
        assert row == frozen[key] | {"customer_id": collected.first_id}


def test_two_active_mandates_are_told_before(session: Session) -> None:
    with transaction() as writing:
        first, second = payer(writing), payer(writing)
        references = [mandate(writing, one).reference for one in (first, second)]
    made = plan(pair(first, second))
    told = duplicates.merging.preview(session, made, actor=COMMAND_LINE)
    session.rollback()
    assert any(" ".join((f"{references[0]},", references[1])) in note for note in told.notes)
    duplicates.merge_now(made, actor=COMMAND_LINE)
    assert set(session.scalars(select(Mandate.customer_id))) == {first.id}
