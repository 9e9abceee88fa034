"""Journal authorizations: every change merges what it touches, in the same transaction."""

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.undo import KEY, take_back
from app.customers.models import Customer
from app.subscriptions.authorizations import (
    delete_authorizations,
    replace_authorizations,
    update_authorizations,
)
from app.subscriptions.merging import recompute_customers
from app.subscriptions.models import Authorization, Basis, Subscription
from tests.subscriptions.records import as_told, grant, institution, journal, merged, right


def test_rights_that_adjoin_are_merged_as_they_are_given(session: Session) -> None:
    library, acta = institution(session), journal(session)
    first, second = grant(
        session, right(library, acta, "2010", "2012"), right(library, acta, "2013", "2014")
    )
    assert merged(session) == [f"2010/2014 < {first} {second}"]
    row = session.scalars(select(Subscription)).one()
    assert (row.source, row.status, row.volume_only) == ("perpetual", "active", False)


def test_a_bridge_joins_both_sides_and_its_end_parts_them_again(session: Session) -> None:
    library, acta = institution(session), journal(session)
    left, right_side = grant(
        session, right(library, acta, "1987", "1988"), right(library, acta, "1990", "1991")
    )
    before = merged(session)
    [bridge] = grant(session, right(library, acta, "1988-06", "1990-03"))
    assert merged(session) == [f"1987/1991 < {left} {right_side} {bridge}"]
    delete_authorizations(session, [bridge], actor=COMMAND_LINE)
    assert merged(session) == before


def test_rights_of_other_customers_and_journals_stay_apart(session: Session) -> None:
    one, other = institution(session), institution(session)
    acta, beta = journal(session), journal(session, "Beta", "0340-5443")
    grant(
        session,
        right(one, acta, "2010", "2012"),
        right(one, beta, "2013", "2014"),
        right(other, acta, "2013", "2014"),
    )
    assert len(merged(session)) == 3


def test_a_right_by_volume_alone_is_flagged(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(
        session, right(library, acta, "2010"), right(library, acta, first_volume=5, last_volume=9)
    )
    rows = session.scalars(select(Subscription).order_by(Subscription.volume_only)).all()
    assert [(row.volume_only, row.first_volume, row.last_volume) for row in rows] == [
        (False, None, None),
        (True, "5", "9"),
    ]


def test_a_row_whose_right_stays_keeps_its_number(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "1990", "1992"))
    [kept] = session.scalars(select(Subscription.id)).all()
    _, later = grant(
        session, right(library, acta, "2000", "2001"), right(library, acta, "2010", "2012")
    )
    delete_authorizations(session, [later], actor=COMMAND_LINE)
    grant(session, right(library, acta, "1993", "1994"))
    row = session.get(Subscription, kept)
    assert row is not None and (row.coverage_from, row.coverage_to) == ("1990", "1994")


def test_taking_a_source_away_and_giving_it_again_restores_the_same_rows(
    session: Session,
) -> None:
    library, acta = institution(session), journal(session)
    drafts = [
        right(library, acta, "1987", "1988"),
        right(library, acta, "1988-06", "1990-03", basis=Basis.BACKFILE),
        right(library, acta, "1990-03-31", ""),
        right(library, acta, first_volume="5", last_volume="9"),
    ]
    keys = grant(session, *drafts)
    before = as_told(session)
    for key, draft in zip(keys, drafts, strict=True):
        delete_authorizations(session, [key], actor=COMMAND_LINE)
        assert as_told(session) != before
        grant(session, draft)
        assert as_told(session) == before


def test_changing_a_source_moves_its_right_to_another_journal(session: Session) -> None:
    library, acta = institution(session), journal(session)
    beta = journal(session, "Beta", "0340-5443")
    [key] = grant(session, right(library, acta, "2010", "2012"))
    changed = right(library, beta, "2010-06", "2012", id=key)
    assert update_authorizations(session, [changed], actor=COMMAND_LINE) == [key]
    rows = session.scalars(select(Subscription)).all()
    assert [(row.journal_id, row.coverage_from) for row in rows] == [(beta.id, "2010-06")]
    assert update_authorizations(session, [changed], actor=COMMAND_LINE) == []


def test_replacing_keeps_changes_adds_and_takes_away(session: Session) -> None:
    library, acta = institution(session), journal(session)
    keep, change, _ = grant(
        session,
        right(library, acta, "1990", "1991"),
        right(library, acta, "2000", "2001"),
        right(library, acta, "2010", "2011"),
    )
    drafts = [
        right(library, acta, "1990", "1991", id=keep),
        right(library, acta, "2000", "2005", id=change),
        right(library, acta, "2020", ""),
    ]
    assert replace_authorizations(session, library.id, drafts, actor=COMMAND_LINE)
    [new] = session.scalars(select(Authorization.id).where(Authorization.id.not_in([keep, change])))
    assert merged(session) == [f"1990/1991 < {keep}", f"2000/2005 < {change}", f"2020/ < {new}"]
    assert not replace_authorizations(
        session,
        library.id,
        [*drafts[:2], right(library, acta, "2020", "", id=new)],
        actor=COMMAND_LINE,
    )


def test_an_authorization_of_another_customer_cannot_be_slipped_in(session: Session) -> None:
    mine, theirs, acta = institution(session), institution(session), journal(session)
    [key] = grant(session, right(theirs, acta, "2010", "2012"))
    with pytest.raises(NotFound):
        replace_authorizations(
            session, mine.id, [right(mine, acta, "1900", "", id=key)], actor=COMMAND_LINE
        )


def test_a_change_of_rights_counts_as_one_of_the_customer(session: Session) -> None:
    library, acta = institution(session), journal(session)
    version = library.version
    grant(session, right(library, acta, "2010", "2012"))
    assert library.version == version + 1
    library.memo = "still the same customer"
    session.flush()


def test_a_customer_who_is_gone_gets_no_rights(session: Session) -> None:
    library, acta = institution(session), journal(session)
    session.execute(update(Customer).values(deleted_at=library.created_at))
    with pytest.raises(Refused, match="Customer is not in the system"):
        grant(session, right(library, acta, "2010", "2012"))


def test_only_those_who_may_edit_subscriptions_change_rights(session: Session) -> None:
    library, acta = institution(session), journal(session)
    with pytest.raises(NotAllowed):
        replace_authorizations(
            session,
            library.id,
            [right(library, acta, "2010")],
            actor=Actor("reader", frozenset(), Channel.PANEL),
        )


def test_the_history_tells_what_was_won_and_what_was_lost(session: Session) -> None:
    library, acta = institution(session), journal(session)
    [key] = grant(session, right(library, acta, "2010", "2012"))
    [more] = grant(session, right(library, acta, "2012", "2014-06"))
    delete_authorizations(session, [key], actor=COMMAND_LINE)
    told = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.entity == "perpetual rights", AuditEntry.customer_id == library.id)
        .order_by(AuditEntry.id)
    ).all()
    assert [entry.changes for entry in told] == [
        {"perpetual_rights": [None, "2010–2012"], "won": [None, "2010–2012"]},
        {"perpetual_rights": ["2010–2012", "2010 – 2014-06"], "won": [None, "2013 – 2014-06"]},
        {"perpetual_rights": ["2010 – 2014-06", "2012 – 2014-06"], "lost": ["2010–2011", None]},
    ]
    own = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.entity == "journal authorization")
        .order_by(AuditEntry.id)
    ).all()
    assert [(entry.entity_id, entry.action) for entry in own] == [
        (key, "created"),
        (more, "created"),
        (key, "removed"),
    ]
    assert own[0].entity_label == "Acta"


def test_a_second_source_of_the_same_right_changes_nothing_but_the_sources(
    session: Session,
) -> None:
    library, acta = institution(session), journal(session)
    first, second = (grant(session, right(library, acta, "2010", "2012"))[0] for _ in range(2))
    assert merged(session) == [f"2010/2012 < {first} {second}"]
    told = select(func.count()).where(AuditEntry.entity == "perpetual rights")
    assert session.scalar(told) == 1


def test_an_import_that_is_taken_back_leaves_the_rights_as_they_were(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "2010", "2012"))
    before = merged(session)
    session.info[KEY] = 17
    grant(session, right(library, acta, "2013", ""), right(library, acta, first_volume="5"))
    del session.info[KEY]
    assert merged(session) != before
    while take_back(session, 17):
        pass
    assert merged(session) == before


def test_merging_again_what_is_merged_changes_nothing(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "2010", "2012"), right(library, acta, "2012", ""))
    again = recompute_customers(session, [library.id], actor=COMMAND_LINE)
    assert (again.rows, again.changed) == (1, 0)
