"""Ordinary subscriptions, their status, and merged rows that nobody may touch."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.catalogue.coverage import Coverage
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.listing import Criteria
from app.core.partial_date import PartialDate
from app.customers.models import Address
from app.subscriptions.drafts import SubscriptionDraft
from app.subscriptions.models import Subscription, SubscriptionStatus
from app.subscriptions.operations import change_status, create_subscription, update_subscription
from app.subscriptions.queries import SUBSCRIPTIONS, export_lines
from app.subscriptions.rules import SUBSCRIPTION_STATES
from tests.subscriptions.records import grant, institution, journal, merged, right

YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def ordinary(session: Session, **values: Any) -> Subscription:
    if "customer_id" not in values:
        values["customer_id"] = institution(session).id
    if "journal_id" not in values:
        values["journal_id"] = journal(session).id
    draft = SubscriptionDraft(**{"term_from": YEAR[0], "term_to": YEAR[1]} | values)
    return create_subscription(session, draft, actor=COMMAND_LINE)


def changed(row: Subscription, **values: Any) -> SubscriptionDraft:
    return SubscriptionDraft(
        **{
            "customer_id": row.customer_id,
            "journal_id": row.journal_id,
            "term_from": row.term_from,
            "term_to": row.term_to,
        }
        | values
    )


def perpetual(session: Session) -> Subscription:
    grant(session, right(institution(session), journal(session), "2010", "2012"))
    return session.scalars(select(Subscription).where(Subscription.source == "perpetual")).one()


def test_a_new_subscription_is_a_draft_that_covers_its_term(session: Session) -> None:
    row = ordinary(session, price=Decimal("120.50"), copies=2)
    assert (row.source, row.status, row.price) == ("ordinary", "draft", Decimal("120.50"))
    assert (row.coverage_from, row.coverage_to) == ("2026-01-01", "2026-12-31")


def test_a_coverage_of_its_own_is_kept(session: Session) -> None:
    own = Coverage(PartialDate(2020), None)
    row = ordinary(session, coverage=own)
    update_subscription(
        session, row, changed(row, coverage=own, term_to=date(2027, 12, 31)), actor=COMMAND_LINE
    )
    assert (row.coverage_from, row.coverage_to) == ("2020", None)


def test_coverage_that_was_that_of_the_term_follows_the_term(session: Session) -> None:
    row = ordinary(session)
    as_shown = Coverage(PartialDate(2026, 1, 1), PartialDate(2026, 12, 31))
    later = changed(row, coverage=as_shown, term_to=date(2027, 12, 31))
    update_subscription(session, row, later, actor=COMMAND_LINE)
    assert row.coverage_to == "2027-12-31"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"term_to": date(2025, 12, 31)}, "Term from is after term to"),
        ({"copies": 0}, "Copies is less than 1"),
        ({"price": Decimal("-1")}, "Price is negative"),
        ({"customer_id": 4711}, "Customer is not in the system"),
        ({"journal_id": 4711}, "Journal is unknown"),
        (
            {"coverage": Coverage(PartialDate(2010), PartialDate(2008))},
            "Coverage from is after coverage to",
        ),
    ],
)
def test_what_cannot_be_is_refused(session: Session, values: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        ordinary(session, **values)


def test_a_subscription_is_sent_to_an_address_of_its_own_customer_only(session: Session) -> None:
    row = ordinary(session)
    address = Address(customer_id=institution(session).id, street="Library Street 1")
    session.add(address)
    session.flush()
    with pytest.raises(Refused, match="not an address of this customer"):
        update_subscription(
            session, row, changed(row, ship_to_address_id=address.id), actor=COMMAND_LINE
        )


def test_a_subscription_keeps_its_customer_and_journal(session: Session) -> None:
    row = ordinary(session)
    with pytest.raises(Refused, match="keeps its customer"):
        update_subscription(
            session, row, changed(row, customer_id=institution(session).id), actor=COMMAND_LINE
        )


@pytest.mark.parametrize("old", SubscriptionStatus)
@pytest.mark.parametrize("new", SubscriptionStatus)
def test_a_status_follows_only_where_the_table_says_so(
    old: SubscriptionStatus, new: SubscriptionStatus
) -> None:
    allowed = {
        ("draft", "active"),
        ("draft", "cancelled"),
        ("active", "expired"),
        ("active", "cancelled"),
        ("expired", "active"),
    }
    assert SUBSCRIPTION_STATES.allows(old, new) == ((old.value, new.value) in allowed)


def test_a_change_of_status_is_told_with_its_reason(session: Session) -> None:
    row = ordinary(session)
    change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    change_status(
        session, [row.id], SubscriptionStatus.CANCELLED, actor=COMMAND_LINE, reason="Budget"
    )
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.changes, last.reason) == ({"status": ["active", "cancelled"]}, "Budget")
    with pytest.raises(Refused, match="cancelled cannot become active"):
        change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)


def test_when_an_ordinary_subscription_ends_perpetual_rights_stay(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "2010", "2012"))
    before = merged(session)
    row = ordinary(session, customer_id=library.id, journal_id=acta.id)
    change_status(session, [row.id], SubscriptionStatus.CANCELLED, actor=COMMAND_LINE)
    assert merged(session) == before


def test_no_operation_changes_a_merged_row(session: Session) -> None:
    row = perpetual(session)
    with pytest.raises(Refused, match="read-only"):
        update_subscription(
            session, row, changed(row, term_from=date(2026, 1, 1)), actor=COMMAND_LINE
        )
    with pytest.raises(Refused, match="read-only"):
        change_status(session, [row.id], SubscriptionStatus.CANCELLED, actor=COMMAND_LINE)


def test_one_merged_row_among_others_refuses_the_whole_mass_change(session: Session) -> None:
    one = perpetual(session)
    other = ordinary(session, customer_id=one.customer_id, journal_id=one.journal_id)
    with pytest.raises(Refused, match="read-only"):
        change_status(session, [other.id, one.id], SubscriptionStatus.CANCELLED, actor=COMMAND_LINE)


def test_a_merged_row_cannot_be_changed_as_an_object(session: Session) -> None:
    row = perpetual(session)
    row.coverage_to = "2099"
    with pytest.raises(Refused, match="read-only"):
        session.flush()


def test_a_merged_row_cannot_pass_as_an_ordinary_one(session: Session) -> None:
    row = perpetual(session)
    row.source, row.term_from = "ordinary", date(2026, 1, 1)
    with pytest.raises(Refused, match="read-only"):
        session.flush()


def test_a_merged_row_cannot_be_made_or_deleted_as_an_object(session: Session) -> None:
    row = perpetual(session)
    session.delete(row)
    with pytest.raises(Refused, match="read-only"):
        session.flush()
    session.rollback()
    made = Subscription(
        customer_id=1, journal_id=1, source="perpetual", created_at=institution(session).created_at
    )
    session.add(made)
    with pytest.raises(Refused, match="read-only"):
        session.flush()


def test_mass_statements_pass_merged_rows_by(session: Session) -> None:
    row = perpetual(session)
    other = ordinary(session, customer_id=row.customer_id, journal_id=row.journal_id)
    before = merged(session)
    session.execute(update(Subscription).values(note="changed", coverage_to="2099"))
    assert merged(session) == before
    assert other.note == "changed"
    session.execute(delete(Subscription))
    assert merged(session) == before


def found(session: Session, search: str = "", **values: str) -> list[str]:
    rows = session.scalars(SUBSCRIPTIONS.select(Criteria(search=search, filters=values))).unique()
    return sorted(f"{row.source} {row.journal.title}" for row in rows)


def test_the_list_is_filtered_by_source_journal_customer_status_and_coverage(
    session: Session,
) -> None:
    library = institution(session, "Zentralbibliothek Zürich")
    acta, beta = journal(session, "Acta"), journal(session, "Beta Studies", "0340-5443")
    grant(
        session,
        right(library, acta, "2010", "2012"),
        right(library, beta, first_volume="5", last_volume="9"),
    )
    ordinary(session, customer_id=library.id, journal_id=beta.id)
    assert len(found(session)) == 3
    assert found(session, source="perpetual") == ["perpetual Acta", "perpetual Beta Studies"]
    assert found(session, status="draft") == ["ordinary Beta Studies"]
    assert found(session, journal="0031-5117") == ["perpetual Acta"]
    assert found(session, journal="studies beta", source="ordinary") == ["ordinary Beta Studies"]
    assert len(found(session, customer="zentralbib")) == 3
    assert len(found(session, customer=library.number)) == 3
    assert found(session, customer="nobody") == []
    assert found(session, coverage_from="2012-12-31", coverage_to="2013-01-01") == [
        "perpetual Acta"
    ]
    assert found(session, volume_only="yes") == ["perpetual Beta Studies"]
    assert found(session, term_to_to="2026-12-31") == ["ordinary Beta Studies"]
    assert found(session, search="acta") == ["perpetual Acta"]


def test_the_list_finds_active_subscriptions_that_expire_within_so_many_days(
    session: Session,
) -> None:
    soon, later, over = (clock.today() + timedelta(days=days) for days in (30, 31, -1))
    for number, end in enumerate((soon, later, over, None)):
        acta = journal(session, f"Acta {number}", f"T{number}")
        row = ordinary(session, journal_id=acta.id, term_from=date(2020, 1, 1), term_to=end)
        change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    ordinary(session, term_from=date(2020, 1, 1), term_to=soon)
    assert found(session, expiring="30") == ["ordinary Acta 0"]
    assert found(session, expiring="31 days") == ["ordinary Acta 0", "ordinary Acta 1"]
    for wrong in ("soon", "-1", "999999", "²"):
        _, [problem] = SUBSCRIPTIONS.check(Criteria(filters={"expiring": wrong}))
        assert problem.message == f"Expiring within: {wrong} is not a number of days"


def test_the_export_tells_an_ordinary_subscription_by_its_term(session: Session) -> None:
    ordinary(session)
    [line] = export_lines(session, Criteria(filters={"source": "ordinary"}))
    assert (line.status, line.sources) == ("draft", "term 2026-01-01 – 2026-12-31")
