"""Two customers become one, all or nothing; the undo brings back every row as it was."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.billing.operations import InvoiceDraft, create_invoices
from app.catalogue.models import Product
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.database import Base
from app.core.errors import Conflict, NotAllowed, NotFound, Refused
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from app.customers.belongings import belongings
from app.customers.drafts import CustomerUpdate
from app.customers.duplicate_models import DuplicatePair
from app.customers.models import Address, Customer
from app.customers.operations import restore_customer, update_customers
from app.customers.search import search_clients
from app.extensions import transaction
from app.jobs import duplicates
from app.sepa.models import Mandate
from app.sepa.operations_mandates import MandateDraft, create_mandates
from app.subscriptions.models import Subscription
from tests.customers.merging_cases import pair, picture, plan
from tests.customers.people import customer, history
from tests.sepa.making import iban
from tests.subscriptions.records import as_told, grant, journal, right

ISSUED, DUE = date(2026, 1, 1), date(2026, 2, 1)
HOME = {"kind": "main", "street": "Hauptstr. 5", "postcode": "10115", "place": "Berlin"}
OFFICE = {"kind": "main", "street": "Ringstraße 1", "postcode": "10117", "place": "Berlin"}


def merge(pair: DuplicatePair, **given: Any) -> None:
    duplicates.merge_now(plan(pair, **given), actor=COMMAND_LINE)


def undo(pair_id: int, actor: Actor = COMMAND_LINE) -> None:
    with transaction() as session:
        duplicates.undo(session, pair_id, actor=actor)


def actor(role: RoleName, *without: Permission) -> Actor:
    return Actor("somebody", ROLE_PERMISSIONS[role] - set(without), Channel.PANEL)


def read(session: Session, customer_id: int) -> Customer:
    session.rollback()
    return session.get_one(Customer, customer_id)


@pytest.fixture
def two(session: Session) -> DuplicatePair:
    """Anna twice: once with an email and a home, once with a phone, an office and a memo."""
    first = customer(first_name="Anna", name="Müller", email="anna@example.com", addresses=[HOME])
    second = customer(
        first_name="Ana", name="Mueller", mobile_phone="+491701234567", memo="Calls at noon",
        email="ana@example.com", addresses=[{**HOME, "street": "Hauptstraße 5"}, OFFICE],
    )  # fmt: skip
    return pair(first, second)


@pytest.fixture
def rich(session: Session) -> DuplicatePair:
    """Two institutions with everything: persons, products, rights, invoices, mandates."""
    with transaction() as writing:
        products = [Product(number=f"P{n}", name=f"Product {n}") for n in range(3)]
        writing.add_all(products)
        writing.flush()
        used = [one.id for one in products]
    first = customer(
        "perpetual", company_name="University Library", addresses=[HOME],
        product_ids=frozenset(used[:2]), companies=[{"company_name": "State"}],
    )  # fmt: skip
    second = customer(
        "perpetual", company_name="University Libary", email="lib@example.com",
        iban=iban(), payment_method="SEPA direct debit",
        addresses=[OFFICE, {**OFFICE, "kind": "billing"}],
        product_ids=frozenset(used[1:]), companies=[{"company_name": "Land", "role": "payer"}],
    )  # fmt: skip
    customer(first_name="Otto", companies=[{"company_id": second.id, "role": "reader"}])
    with transaction() as writing:
        acta, other = journal(writing, "Acta"), journal(writing, "Beta", "0340-5443")
        grant(writing, right(first, acta, "2000", "2010"), right(first, other, "1990", "1995"))
        grant(writing, right(second, acta, "2008", "2015"), right(second, acta, "2020", "2021"))
        address = writing.scalar(select(Address.id).where(Address.customer_id == second.id))
        writing.add(
            Subscription(
                customer_id=second.id,
                journal_id=other.id,
                source="ordinary",
                status="active",
                term_from=date(2026, 1, 1),
                term_to=date(2026, 12, 31),
                created_at=first.created_at,
                ship_to_address_id=address,
            )
        )
        create_invoices(
            writing,
            [
                InvoiceDraft(f"R-{n}", second.id, Decimal(n), due_on=DUE, issued_on=ISSUED)
                for n in (1, 2)
            ],
            actor=COMMAND_LINE,
        )
        create_mandates(
            writing,
            [MandateDraft("M-1", second.id, iban(), "Library", signed_on=date(2026, 1, 1))],
            actor=COMMAND_LINE,
        )
    return pair(first, second)


def test_everything_that_belongs_to_a_customer_has_a_room_that_moves_it(app: Flask) -> None:
    moved = {"customers", "addresses", "customer_companies", "customer_products"}
    moved.add("duplicate_pairs")
    for belonging in belongings():
        moved |= belonging.tables
    pointing = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == "customers" for key in table.foreign_keys)
    }
    assert pointing <= moved, "register_belonging() these, see app/customers/belongings.py"


def test_the_winner_keeps_the_number_and_takes_what_was_chosen(
    session: Session, two: DuplicatePair
) -> None:
    merge(two, take={"email": "second"})
    stays, goes = read(session, two.first_id), read(session, two.second_id)
    assert (stays.first_name, stays.email, stays.memo) == (
        "Anna",
        "ana@example.com",
        "Calls at noon",
    )
    assert stays.mobile_phone == "+491701234567"
    assert stays.former_number == goes.number
    assert goes.deleted_at is not None
    assert goes.merged_into_id == stays.id
    # Hauptstraße 5 is Hauptstr. 5, and kept once.
    assert [a.street for a in stays.addresses] == ["Hauptstr. 5", "Ringstraße 1"]
    assert [a.is_default for a in stays.addresses] == [True, False]


def test_an_address_that_both_have_is_kept_once(session: Session) -> None:
    first = customer(first_name="Anna", addresses=[HOME])
    second = customer(first_name="Ana", addresses=[{**HOME, "street": "HAUPTSTR. 5"}, OFFICE])
    merge(pair(first, second))
    streets = [one.street for one in read(session, first.id).addresses]
    assert streets == ["Hauptstr. 5", "Ringstraße 1"]


def test_everything_registered_moves(session: Session, rich: DuplicatePair) -> None:
    job = duplicates.merge_now(plan(rich), actor=COMMAND_LINE)
    assert job.result is not None
    assert job.result["moved"] == (
        "2 journal authorizations, 1 subscription, 2 invoices, 1 mandate"
    )
    stays = read(session, rich.first_id)
    assert {one.company_name for one in stays.companies} == {"State", "Land"}
    assert len(stays.products) == 3
    assert stays.payment_method == "SEPA direct debit"
    for model in (Invoice, Mandate, Subscription):
        owners = set(session.scalars(select(model.customer_id)))
        assert owners == {rich.first_id}
    acta = [row[2] for row in as_told(session) if row[3] is False]
    assert len(acta) == 3  # 2000 to 2015 in one, 2020 to 2021, and Beta
    person = session.scalars(select(Customer).where(Customer.first_name == "Otto")).one()
    assert person.companies[0].company_id == rich.first_id


@pytest.mark.parametrize("winner", ["first", "second"])
def test_the_undo_brings_back_every_row_as_it_was(
    session: Session, rich: DuplicatePair, winner: str
) -> None:
    pair_id = rich.id
    before = picture(session)
    merge(rich, winner=winner)
    assert picture(session) != before
    undo(pair_id)
    assert picture(session) == before
    told = [entry.action for entry in history(session, rich.first_id)]
    assert told.count("merged") == told.count("taken back") == 1


def test_the_history_of_both_tells_of_the_merge(session: Session, two: DuplicatePair) -> None:
    merge(two)
    (stayed,) = [e for e in history(session, two.first_id) if e.action == "merged"]
    (went,) = [e for e in history(session, two.second_id) if e.action == "merged"]
    assert stayed.changes is not None
    assert stayed.changes["merged_with"][1].endswith("Ana Mueller")
    assert stayed.changes["memo"] == [None, "Calls at noon"]
    assert went.changes is not None
    assert went.changes["merged_into"][1].endswith("Anna Müller")


def test_the_number_of_who_went_leads_to_who_stayed(session: Session, two: DuplicatePair) -> None:
    number = two.second.number
    with transaction() as writing:
        update = CustomerUpdate(two.first_id, {"former_number": "OLD-7"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    merge(two)
    assert read(session, two.first_id).former_number == "OLD-7"
    found = search_clients(session, number, country="DE")
    assert [hit.id for hit in found.hits] == [two.first_id]


def test_who_was_merged_before_follows(session: Session, two: DuplicatePair) -> None:
    third = customer(first_name="Anna", name="M")
    merge(two)
    merge(pair(third, session.get_one(Customer, two.first_id)), winner="second")
    assert read(session, two.second_id).merged_into_id == third.id


def test_a_save_after_the_page_was_opened_is_a_conflict(two: DuplicatePair) -> None:
    made = plan(two)
    with transaction() as session:
        update = CustomerUpdate(two.second_id, {"memo": "New"})
        update_customers(session, [update], actor=COMMAND_LINE)
    with pytest.raises(Conflict):
        duplicates.merge_now(made, actor=COMMAND_LINE)


def test_a_pair_is_merged_once(two: DuplicatePair) -> None:
    made = plan(two)
    duplicates.merge_now(made, actor=COMMAND_LINE)
    with pytest.raises(NotFound):
        duplicates.merge_now(made, actor=COMMAND_LINE)


def test_nobody_merges_without_the_right_to_edit_and_to_delete(two: DuplicatePair) -> None:
    made = plan(two)
    for lacking in (Permission.CUSTOMERS_EDIT, Permission.CUSTOMERS_DELETE):
        with pytest.raises(NotAllowed):
            duplicates.merge_now(made, actor=actor(RoleName.OPERATIONS, lacking))
    duplicates.merge_now(made, actor=actor(RoleName.OPERATIONS))
    with pytest.raises(NotAllowed):
        undo(two.id, actor(RoleName.ACCOUNTING))


def test_rights_stay_with_a_perpetual_customer(session: Session, rich: DuplicatePair) -> None:
    business = customer("business", company_name="University Library GmbH")
    with pytest.raises(Refused, match="Only a perpetual customer has rights"):
        merge(pair(business, session.get_one(Customer, rich.first_id)), winner="second")


def test_a_subscription_keeps_its_address(session: Session, rich: DuplicatePair) -> None:
    mine = session.scalars(select(Address.id).where(Address.customer_id == rich.first_id)).all()
    before = picture(session)
    with pytest.raises(Refused, match="shipped to an address that is not kept"):
        merge(rich, addresses=frozenset(mine))
    assert picture(session) == before


def test_forged_ids_move_nothing_of_others(session: Session, two: DuplicatePair) -> None:
    other = customer(first_name="Otto", addresses=[HOME], companies=[{"company_name": "Acme"}])
    theirs = frozenset(one.id for one in other.addresses)
    companies = frozenset(one.id for one in other.companies)
    merge(two, addresses=theirs, companies=companies, products=frozenset({99}))
    assert read(session, two.first_id).addresses == []
    assert len(read(session, other.id).addresses) == len(read(session, other.id).companies) == 1


def test_an_undo_overwrites_nobodys_work(session: Session, two: DuplicatePair) -> None:
    merge(two)
    with transaction() as writing:
        update = CustomerUpdate(two.first_id, {"memo": "Since"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    before = picture(session)
    with pytest.raises(Refused, match="was changed after the merge"):
        undo(two.id)
    assert picture(session) == before


def test_an_undo_is_refused_when_a_third_has_the_email_by_now(
    session: Session, two: DuplicatePair
) -> None:
    merge(two)
    taker = customer(first_name="Otto", email="ana@example.com")
    with pytest.raises(Refused, match=f"already used by customer {taker.number}"):
        undo(two.id)


def test_an_undo_works_once_and_a_pair_can_be_merged_again(
    session: Session, two: DuplicatePair
) -> None:
    merge(two)
    undo(two.id)
    with pytest.raises(Refused, match="not merged"):
        undo(two.id)
    merge(session.get_one(DuplicatePair, two.id), winner="second")
    assert read(session, two.first_id).merged_into_id == two.second_id


def test_who_is_restored_by_hand_points_nowhere(session: Session, two: DuplicatePair) -> None:
    merge(two, take={"email": "first"})
    with transaction() as writing:
        update = CustomerUpdate(two.first_id, {"mobile_phone": None})
        update_customers(writing, [update], actor=COMMAND_LINE)
        restore_customer(writing, two.second_id, actor=COMMAND_LINE)
    back = read(session, two.second_id)
    assert (back.deleted_at, back.merged_into_id) == (None, None)
