"""What publishers keep of institutions; addresses belong to one live customer, whatever happens."""

from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.listing import Criteria
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.customers.operations import delete_customers, restore_customer
from app.customers.queries import BY_KIND
from app.extensions import transaction
from app.institutions.drafts import InstitutionDraft
from app.institutions.models import IpRange
from app.institutions.operations import delete_consortia, save_consortium, save_institution
from app.institutions.queries import institution_of
from app.institutions.rules import parse_range, read_ranges
from app.jobs import duplicates
from tests.customers.merging_cases import pair, plan
from tests.subscriptions import records


def institution(session: Session, name: str = "") -> int:
    return records.institution(session, name).id


def keep(session: Session, customer: int, *ranges: str, **values: object) -> bool:
    draft = InstitutionDraft(ip_ranges=read_ranges("\n".join(ranges)), **values)  # type: ignore[arg-type]
    return save_institution(session, customer, draft, actor=COMMAND_LINE)


def found(session: Session, **filters: str) -> list[int]:
    listing = BY_KIND[CustomerKind.PERPETUAL]
    rows = session.scalars(listing.where(Criteria(filters=filters)))
    return [row.id for row in rows]


def test_details_are_kept_told_and_found(session: Session) -> None:
    one, other = institution(session), institution(session)
    club = save_consortium(session, None, name="Friedrich", note=None, actor=COMMAND_LINE)
    before = session.get_one(Customer, one).version
    assert keep(
        session, one, "192.0.2.0/24", "2001:db8::/32",
        contact_name="Ada Blum", consortium_ids=frozenset({club.id}),
    )  # fmt: skip
    keep(session, other, "192.0.3.1")
    stored = institution_of(session, one)
    assert (stored.contact_name, [str(r) for r in stored.ip_ranges]) == (
        "Ada Blum", ["192.0.2.0/24", "2001:db8::/32"],
    )  # fmt: skip
    assert not keep(
        session, one, "192.0.2.0/24", "2001:db8::/32",
        contact_name="Ada Blum", consortium_ids=frozenset({club.id}),
    )  # fmt: skip
    session.expire_all()
    assert session.get_one(Customer, one).version == before + 1
    assert found(session, ip="192.0.2.77") == [one]
    assert found(session, ip="2001:db8:1::1") == [one]
    assert found(session, ip="192.0.4.1") == []
    assert found(session, consortium=str(club.id)) == [one]
    told = session.scalars(
        select(AuditEntry.changes).where(AuditEntry.customer_id == one).order_by(AuditEntry.id)
    ).all()[-1]
    assert told is not None and told["ip_ranges"] == [[], ["192.0.2.0/24", "2001:db8::/32"]]
    assert told["consortia"] == [[], ["Friedrich"]]


def test_an_address_of_another_customer_is_refused_with_its_name(session: Session) -> None:
    one, other = institution(session, "Universität Wien"), institution(session)
    keep(session, one, "192.0.2.0/24", "198.51.100.0/24")
    for typed in ("192.0.2.255", "192.0.1.0 - 192.0.2.0", "192.0.0.0/16", "192.0.2.10/31"):
        with pytest.raises(Refused) as refused:
            keep(session, other, typed)
        [problem] = refused.value.problems
        assert problem.field == "ip_ranges"
        assert "shares addresses with 192.0.2.0/24 of Universität Wien" in problem.message
    keep(session, other, "192.0.1.255", "192.0.3.0")
    keep(session, one, "192.0.2.0/25", "192.0.2.128/25")  # one's own may be cut anew


def test_the_database_itself_holds_ranges_apart(session: Session) -> None:
    one, other = institution(session), institution(session)
    keep(session, one, "192.0.2.0/24")
    session.commit()
    inside = parse_range("192.0.2.7")
    row = {"customer_id": other, "first_key": inside.first, "last_key": inside.last, "live": True}
    with pytest.raises(IntegrityError):
        session.execute(insert(IpRange).values(**row))
    session.rollback()
    keep(session, other, "192.0.3.0/24")
    session.commit()
    with pytest.raises(IntegrityError):
        session.execute(
            update(IpRange).where(IpRange.customer_id == other).values(first_key=inside.first)
        )
    session.rollback()


def test_of_two_at_once_one_gets_the_addresses(app: Flask, session: Session) -> None:
    customers = [institution(session, f"Library {n}") for n in range(2)]
    session.commit()
    start, outcomes = Barrier(2), []

    def save(customer: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as own:
                    keep(own, customer, "192.0.2.0/24")
                outcomes.append("kept")
            except Refused as refused:
                outcomes.append(refused.problems[0].field)

    threads = [Thread(target=save, args=(one,)) for one in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ip_ranges", "kept"]


def test_a_deleted_customer_frees_its_addresses_and_comes_back_only_to_free_ones(
    session: Session,
) -> None:
    one, other = institution(session), institution(session, "Universität Graz")
    keep(session, one, "192.0.2.0/24")
    delete_customers(session, [one], actor=COMMAND_LINE)
    keep(session, other, "192.0.2.7")
    with pytest.raises(Refused, match=r"shares addresses with 192\.0\.2\.7 of Universität Graz"):
        restore_customer(session, one, actor=COMMAND_LINE)
    keep(session, other)
    restore_customer(session, one, actor=COMMAND_LINE)
    with pytest.raises(Refused):
        keep(session, other, "192.0.2.7")


def test_a_merge_moves_addresses_contact_and_consortia_and_its_undo_brings_them_back(
    session: Session,
) -> None:
    stays, goes = institution(session), institution(session)
    club = save_consortium(session, None, name="Friedrich", note=None, actor=COMMAND_LINE)
    mine = frozenset({club.id})
    keep(session, stays, "192.0.2.1", consortium_ids=mine)
    keep(session, goes, "192.0.2.2", contact_name="Ada Blum", consortium_ids=mine)
    before = institution_of(session, goes)
    session.commit()
    one, other = session.get_one(Customer, stays), session.get_one(Customer, goes)
    both = pair(one, other)
    duplicates.merge_now(plan(both), actor=COMMAND_LINE)
    session.rollback()
    stored = institution_of(session, stays)
    assert [str(one) for one in stored.ip_ranges] == ["192.0.2.1", "192.0.2.2"]
    assert (stored.contact_name, stored.consortium_ids) == ("Ada Blum", mine)
    assert found(session, ip="192.0.2.2") == [stays]
    with transaction() as own:
        duplicates.undo(own, both.id, actor=COMMAND_LINE)
    session.rollback()
    assert institution_of(session, goes) == before
    assert found(session, ip="192.0.2.2") == [goes]


def test_a_consortium_with_members_stays(session: Session) -> None:
    one = institution(session)
    club = save_consortium(session, None, name="Friedrich", note=None, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="already"):
        save_consortium(session, None, name="FRIEDRICH", note=None, actor=COMMAND_LINE)
    keep(session, one, consortium_ids=frozenset({club.id}))
    with pytest.raises(Refused, match="has members"):
        delete_consortia(session, [club.id], actor=COMMAND_LINE)
    keep(session, one, consortium_ids=frozenset({club.id}))
    delete_customers(session, [one], actor=COMMAND_LINE)
    assert delete_consortia(session, [club.id], actor=COMMAND_LINE) == 1
