"""Invented customers: valid in every rule, alike for a seed, never in each other's way."""

import json
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from schwifty import IBAN
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.operations import ensure_built_in_roles
from app.audit.models import AuditEntry
from app.cli.seed_reference import seed_reference
from app.core.actor import COMMAND_LINE
from app.core.values import parse_email, parse_phone, parse_vat_id
from app.customers import rules
from app.customers.drafts import CustomerDraft
from app.customers.models import Address, Customer
from app.customers.operations import create_customers
from app.extensions import transaction
from app.sepa.models import Mandate


@pytest.fixture
def seed(session: Session, runner: FlaskCliRunner) -> Any:
    """`flask seed customers`; its JSON object."""
    with transaction() as writing:
        ensure_built_in_roles(writing)
        seed_reference(writing)

    def run(count: int, seed: int = 1) -> dict[str, Any]:
        arguments = ["seed", "customers", "--count", str(count), "--seed", str(seed), "--json"]
        result = runner.invoke(args=arguments)
        assert result.exit_code == 0, result.output
        session.rollback()
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run


def facts(session: Session) -> list[tuple[Any, ...]]:
    """What tells one customer from another, number and what is made of it aside."""
    rows = session.execute(
        select(Customer.kind, Customer.first_name, Customer.name, Customer.company_name,
               Customer.created_at, Customer.payment_method, Address.street, Address.postcode)
        .join(Address, (Address.customer_id == Customer.id) & (Address.kind == "main"))
        .order_by(Customer.id)
    )  # fmt: skip
    return [tuple(row) for row in rows]


def test_the_kinds_come_in_their_shares(session: Session, seed: Any) -> None:
    made = seed(400)
    assert (made["customers"], made["individual"], made["business"], made["perpetual"]) == (
        400, 280, 100, 20,
    )  # fmt: skip
    assert session.scalar(select(func.count()).select_from(Customer)) == 400


def test_every_value_is_valid(session: Session, seed: Any) -> None:
    seed(600)
    for one in session.scalars(select(Customer)):
        values = {column.name: getattr(one, column.name) for column in Customer.__table__.columns}
        assert rules.problems(one.kind, values) == []
        for phone in (one.mobile_phone, one.telephone_private, one.business_telephone, one.fax):
            assert phone is None or parse_phone(phone, "Phone", None) == phone
        assert one.email is None or parse_email(one.email, "Email") == one.email
        assert one.vat_id is None or parse_vat_id(one.vat_id, "VAT ID") == one.vat_id
        if one.iban:
            assert IBAN(one.iban)
            assert one.institute
        assert one.search_text == rules.derived(values)["search_text"]
        [main] = [a for a in one.addresses if a.kind == "main"]
        assert main.is_default


def test_who_pays_by_direct_debit_has_an_active_mandate(session: Session, seed: Any) -> None:
    made = seed(300)
    paying = {
        one.id: one.iban
        for one in session.scalars(
            select(Customer).where(Customer.payment_method == "SEPA direct debit")
        )
    }
    mandates = session.scalars(select(Mandate)).all()
    assert {one.customer_id: one.iban for one in mandates} == paying
    assert all(one.state == "active" and one.signed_on for one in mandates)
    assert made["mandates"] == len(paying) > 90


def test_every_customer_has_a_history_without_an_iban(session: Session, seed: Any) -> None:
    seed(100)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.entity == "customer")).all()
    created = [one for one in entries if one.action == "created"]
    assert len({one.customer_id for one in created}) == 100
    told = json.dumps([one.changes for one in session.scalars(select(AuditEntry))])
    ibans = session.scalars(select(Customer.iban).where(Customer.iban.is_not(None))).all()
    assert ibans
    assert not any(iban in told for iban in ibans if iban)


def test_a_second_call_never_collides(session: Session, seed: Any) -> None:
    for number in (1, 2, 2):
        seed(2100, number)
    count = session.scalar(select(func.count()).select_from(Customer))
    assert count == 6300
    for column in (Customer.number, Customer.email_key, Customer.mobile_phone, Customer.iban):
        given = func.count(column), func.count(column.distinct())
        everybody, different = session.execute(select(*given)).one()
        assert everybody == different


def test_the_same_seed_gives_the_same_people(session: Session, seed: Any) -> None:
    for number in (7, 7, 8):
        seed(60, number)
    found = facts(session)
    assert found[:60] == found[60:120]
    assert found[:60] != found[120:]


def test_invented_customers_are_found_and_more_can_be_added(
    session: Session, seed: Any, runner: FlaskCliRunner
) -> None:
    seed(40)
    one = session.scalars(select(Customer).where(Customer.email.is_not(None)).limit(1)).one()
    result = runner.invoke(args=["search", str(one.email), "--json"])
    assert json.loads(result.stdout.strip().splitlines()[-1])["hits"][0]["number"] == one.number
    session.rollback()
    with transaction() as writing:
        [id_] = create_customers(
            writing, [CustomerDraft("individual", {"first_name": "Late"})], actor=COMMAND_LINE
        )
    assert session.get_one(Customer, id_).number == "1000041"
