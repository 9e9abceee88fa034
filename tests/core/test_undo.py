"""The undo journal: what a long write touched is taken back whole, newest first."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import undo
from app.core.actor import COMMAND_LINE
from app.core.models import UndoEntry
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.models import Address, Customer
from app.customers.operations import create_customers, delete_customers, update_customers
from app.customers.search import search_clients
from app.extensions import transaction

JOB = 4711


def a_person(name: str) -> CustomerDraft:
    return CustomerDraft(
        "individual",
        {"first_name": "Erika", "name": name, "email": f"{name}@example.org"},
        addresses=[{"street": "Weg 1", "place": "Köln", "country": "DE"}],
    )


def facts(session: Session) -> list[tuple[object, ...]]:
    """Everything that the customers and their addresses say, but for the counting of changes."""
    rows = session.execute(
        select(
            Customer.number, Customer.name, Customer.memo, Customer.deleted_at,
            Customer.search_text, Address.street,
        ).outerjoin(Address, Address.customer_id == Customer.id).order_by(Customer.id, Address.id)
    )  # fmt: skip
    return [tuple(row) for row in rows]


def take_all_back(most: int) -> None:
    while True:
        with transaction() as session:
            if not undo.take_back(session, JOB, most=most):
                return


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_new_and_changed_rows_are_taken_back_in_any_portions(session: Session, most: int) -> None:
    with transaction() as work:
        old, gone = create_customers(work, [a_person("Alt"), a_person("Fort")], actor=COMMAND_LINE)
    before = facts(session)
    with transaction() as work:
        work.info[undo.KEY] = JOB
        create_customers(work, [a_person("Neu"), a_person("Neuer")], actor=COMMAND_LINE)
        update_customers(
            work,
            [CustomerUpdate(old, {"memo": "touched", "name": "Anders"}, addresses=[])],
            actor=COMMAND_LINE,
        )
        delete_customers(work, [gone], actor=COMMAND_LINE)
        work.info.pop(undo.KEY)
    assert facts(session) != before
    take_all_back(most)
    assert facts(session) == before
    assert session.scalar(select(func.count()).select_from(UndoEntry)) == 0
    assert [hit.id for hit in search_clients(session, "Alt", country="DE").hits] == [old]
    assert search_clients(session, "Neuer", country="DE").hits == []


def test_a_write_outside_of_a_job_leaves_no_before_images(session: Session) -> None:
    with transaction() as work:
        create_customers(work, [a_person("Neu")], actor=COMMAND_LINE)
    assert session.scalar(select(func.count()).select_from(UndoEntry)) == 0


def test_a_number_of_a_row_that_is_gone_is_never_given_to_another(session: Session) -> None:
    with transaction() as work:
        work.info[undo.KEY] = JOB
        gone = create_customers(work, [a_person("Fort")], actor=COMMAND_LINE)
        work.info.pop(undo.KEY)
    take_all_back(1000)
    with transaction() as work:
        new = create_customers(work, [a_person("Neu")], actor=COMMAND_LINE)
    assert new[0] > gone[0], "the history of the one would be told of the other"
