"""A second person gets a mail about every changed IBAN, without the IBAN itself."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import Refused
from app.core.permissions import Permission
from app.customers import iban_notices
from app.customers.drafts import CustomerUpdate
from app.customers.operations import update_customers
from app.outbox.models import OutboxMessage
from app.sepa.amending import Amendment, amend_mandate
from app.sepa.operations_mandates import update_mandate
from tests import factories
from tests.sepa import making
from tests.sepa.test_mandates import draft

NEW = "DE02120300000000202051"


@pytest.fixture(autouse=True)
def _recipients() -> Iterator[None]:
    iban_notices.use_recipients("second@example.org, Third@Example.org , second@example.org")
    yield
    iban_notices.use_recipients("")


def mails(session: Session) -> list[OutboxMessage]:
    wanted = select(OutboxMessage).where(OutboxMessage.purpose == "IBAN changed")
    return list(session.scalars(wanted.order_by(OutboxMessage.id)))


def change(session: Session, customer_id: int, iban: str | None, actor: Actor) -> None:
    update_customers(session, [CustomerUpdate(customer_id, {"iban": iban})], actor=actor)


def test_everybody_named_is_told_once_of_a_customers_new_iban(session: Session) -> None:
    customer = making.payer(session)
    old = str(customer.iban)
    assert mails(session) == []
    change(session, customer.id, NEW, COMMAND_LINE)
    found = mails(session)
    assert [one.recipient for one in found] == ["second@example.org", "Third@example.org"]
    body = found[0].body
    assert old not in body
    assert NEW not in body
    assert old[-4:] in body
    assert NEW[-4:] in body
    assert customer.number in found[0].subject
    assert f"/customers/{customer.number}" in body
    assert found[0].customer_id == customer.id


def test_what_leaves_the_iban_as_it_is_tells_nobody(session: Session) -> None:
    customer = making.payer(session)
    update_customers(
        session,
        [CustomerUpdate(customer.id, {"memo": "x", "iban": customer.iban})],
        actor=COMMAND_LINE,
    )
    assert mails(session) == []


def test_whoever_makes_the_change_gets_no_mail(session: Session) -> None:
    maker = factories.operator("accounting", email="second@example.org")
    actor = Actor("Second", frozenset(Permission), Channel.PANEL, operator_id=maker.id)
    customer = making.payer(session)
    change(session, customer.id, NEW, actor)
    assert [one.recipient for one in mails(session)] == ["Third@example.org"]


def test_a_mandates_iban_is_told_of_whether_corrected_or_amended(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    update_mandate(session, mandate, draft(mandate, iban=NEW), actor=COMMAND_LINE)
    assert len(mails(session)) == 2
    new = Amendment(making.iban(), mandate.account_holder, mandate.reference)
    amend_mandate(session, mandate, new, actor=COMMAND_LINE)
    found = mails(session)
    assert len(found) == 4
    assert mandate.reference in found[-1].subject
    assert f"/admin/mandates/details/?id={mandate.id}" in found[-1].body


def test_several_changes_at_once_are_one_mail_with_their_number(session: Session) -> None:
    updates = [CustomerUpdate(making.payer(session).id, {"iban": making.iban()}) for _ in range(3)]
    update_customers(session, updates, actor=COMMAND_LINE)
    assert [one.subject for one in mails(session)] == ["3 IBANs were changed"] * 2


def test_a_refused_change_leaves_no_mail(session: Session) -> None:
    customer = making.payer(session)
    session.commit()
    with pytest.raises(Refused):
        change(session, customer.id, None, COMMAND_LINE)  # they pay by direct debit
    session.rollback()
    assert mails(session) == []


def test_nobody_is_told_where_the_setting_is_empty(session: Session) -> None:
    iban_notices.use_recipients("")
    change(session, making.payer(session).id, NEW, COMMAND_LINE)
    assert mails(session) == []


@pytest.mark.parametrize("given", ["nonsense", "a@example.org; b@example.org", "@"])
def test_a_setting_that_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="KONTOR_IBAN_CHANGE_NOTIFY"):
        iban_notices.use_recipients(given)
