"""Stores, groups and security questions: what is refused, and what the history says."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core import clock
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.customers import operations_reference as operations
from app.customers.models import Customer, Group, SecurityQuestion, Store

NOBODY = Actor("nobody", frozenset(), Channel.PANEL)


def customer(session: Session, **values: object) -> Customer:
    found = Customer(
        number="1", kind="individual", first_name="Ada", search_text="", sort_name="",
        name_key="", created_at=clock.now(), changed_at=clock.now(), **values,
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def store(session: Session, name: str, **values: bool) -> Store:
    return operations.save_store(session, None, name=name, **values, actor=COMMAND_LINE)


def test_one_store_is_the_default_and_a_new_one_takes_its_place(session: Session) -> None:
    first = store(session, "North", is_default=True)
    second = store(session, "South", is_default=True)
    assert (first.is_default, second.is_default) == (False, True)
    told = session.scalars(select(AuditEntry).where(AuditEntry.entity_id == first.id)).all()
    assert told[-1].changes == {"is_default": [True, False]}


def test_the_default_store_stays_active_and_stays(session: Session) -> None:
    found = store(session, "North", is_default=True)
    with pytest.raises(Refused, match="One store is always the default"):
        operations.save_store(session, found, name="North", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="The default store has to be active"):
        operations.save_store(
            session, found, name="North", is_default=True, active=False, actor=COMMAND_LINE
        )
    with pytest.raises(Refused, match="North is the default store"):
        operations.delete_stores(session, [found.id], actor=COMMAND_LINE)


def test_a_store_that_customers_come_from_is_not_deleted(session: Session) -> None:
    found = store(session, "North")
    customer(session, store_id=found.id)
    with pytest.raises(Refused, match=r"Customers come from the store North.*inactive"):
        operations.delete_stores(session, [found.id], actor=COMMAND_LINE)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ab", "Name has 2 characters. It must have 3 to 32"),
        ("x" * 33, "Name has 33 characters"),
        ("  ", "Name is missing"),
        ("RETAIL", "Name RETAIL is already in use"),
    ],
)
def test_a_groups_name_has_3_to_32_characters_and_is_unique(
    session: Session, name: str, reason: str
) -> None:
    operations.save_group(session, None, name="Retail", actor=COMMAND_LINE)
    with pytest.raises(Refused, match=reason):
        operations.save_group(session, None, name=name, actor=COMMAND_LINE)


def test_a_group_may_keep_its_own_name(session: Session) -> None:
    group = operations.save_group(session, None, name="Retail", actor=COMMAND_LINE)
    operations.save_group(session, group, name="retail", description="Shops", actor=COMMAND_LINE)
    assert (group.name, group.description, group.version) == ("retail", "Shops", 2)


def test_a_group_with_customers_is_not_deleted(session: Session) -> None:
    group = operations.save_group(session, None, name="Retail", actor=COMMAND_LINE)
    customer(session, group_id=group.id)
    with pytest.raises(Refused, match="1 customers are in the group Retail"):
        operations.delete_groups(session, [group.id], actor=COMMAND_LINE)


def test_a_chosen_question_is_not_deleted(session: Session) -> None:
    asked, free = (
        operations.save_security_question(session, None, question=text, actor=COMMAND_LINE)
        for text in ("Your first pet?", "Your first car?")
    )
    customer(session, security_question_id=asked.id)
    with pytest.raises(Refused, match="Customers have chosen"):
        operations.delete_security_questions(session, [asked.id, free.id], actor=COMMAND_LINE)
    operations.delete_security_questions(session, [free.id], actor=COMMAND_LINE)
    assert session.scalars(select(SecurityQuestion)).all() == [asked]


def test_nothing_is_changed_without_the_permission(session: Session) -> None:
    with pytest.raises(NotAllowed):
        operations.save_store(session, None, name="North", actor=NOBODY)
    with pytest.raises(NotAllowed):
        operations.save_group(session, None, name="Retail", actor=NOBODY)
    with pytest.raises(NotAllowed):
        operations.save_security_question(session, None, question="Your pet?", actor=NOBODY)
    with pytest.raises(NotAllowed):
        operations.delete_groups(session, [1], actor=NOBODY)
    assert session.scalars(select(Group)).all() == []
