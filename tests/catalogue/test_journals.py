"""Single journals: their form, what may be deleted, and how others find them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.audit.models import AuditEntry
from app.catalogue.coverage import Coverage
from app.catalogue.journal_records import (
    JournalRecord,
    create_journal,
    delete_journals,
    update_journal,
)
from app.catalogue.models import Journal
from app.catalogue.queries_journals import (
    JOURNALS,
    JournalName,
    match_journals,
    search_journals,
)
from app.catalogue.rules import Holding
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Problem, Refused
from app.core.listing import Criteria
from app.core.partial_date import PartialDate
from tests.subscriptions.records import grant, institution, right

AsRole = Callable[..., FlaskClient]
GEODESY = JournalRecord(
    title="Journal of Geodesy",
    print_issn="0007-4632",
    online_issn="1432-1394",
    publisher="Springer",
    former_titles=("Bulletin Géodésique",),
    holdings=(Holding(Coverage(PartialDate(1976), PartialDate(2002))),),
)


def make(session: Session, record: JournalRecord = GEODESY) -> Journal:
    return create_journal(session, record, actor=COMMAND_LINE)


def test_a_journal_is_made_with_former_titles_and_coverages(session: Session) -> None:
    journal = make(session)
    assert [one.title for one in journal.former_titles] == ["Bulletin Géodésique"]
    assert [(one.first, one.last) for one in journal.coverages] == [("1976", "2002")]
    told = session.scalars(select(AuditEntry)).one()
    assert told.changes and told.changes["coverages"] == [None, "1976–2002"]


def test_a_change_of_titles_alone_counts_as_one_of_the_journal(session: Session) -> None:
    journal = make(session)
    version = journal.version
    renamed = JournalRecord(
        title="Journal of Geodesy",
        print_issn="0007-4632",
        former_titles=("BULLETIN GÉODÉSIQUE", "Manuscripta Geodaetica"),
    )
    update_journal(session, journal, renamed, actor=COMMAND_LINE)
    assert journal.version == version + 1
    assert sorted(one.title for one in journal.former_titles) == [
        "BULLETIN GÉODÉSIQUE",
        "Manuscripta Geodaetica",
    ]
    assert journal.coverages == [] and journal.online_issn is None


def test_saving_without_a_change_leaves_no_trace(session: Session) -> None:
    journal = make(session)
    update_journal(session, journal, GEODESY, actor=COMMAND_LINE)
    assert journal.version == 1
    assert session.scalar(select(func.count(AuditEntry.id))) == 1


def test_a_print_issn_belongs_to_one_journal(session: Session) -> None:
    make(session)
    with pytest.raises(Refused, match="Print ISSN already used by Journal of Geodesy"):
        make(session, JournalRecord(title="Other", print_issn="0007-4632"))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (JournalRecord(title="", print_issn="0007-4632"), "Title is missing"),
        (JournalRecord(title="Acta"), "ISSN is missing"),
        (
            JournalRecord(
                title="Acta",
                print_issn="0007-4632",
                holdings=(Holding(Coverage(PartialDate(2010), PartialDate(2008))),),
            ),
            "Coverage from is after coverage to",
        ),
    ],
)
def test_what_no_journal_can_be_is_refused(
    session: Session, record: JournalRecord, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        make(session, record)


def test_a_journal_that_somebody_has_rights_to_stays(session: Session) -> None:
    journal = make(session)
    grant(session, right(institution(session), journal, "1990", "1992"))
    with pytest.raises(Refused, match="cannot be deleted while customers have"):
        delete_journals(session, [journal.id], actor=COMMAND_LINE)


def test_a_journal_that_nobody_needs_is_deleted(session: Session) -> None:
    journal = make(session)
    assert delete_journals(session, [journal.id], actor=COMMAND_LINE) == 1
    assert session.scalar(select(func.count(Journal.id))) == 0


def test_only_those_who_may_edit_the_catalogue_change_journals(session: Session) -> None:
    with pytest.raises(NotAllowed):
        create_journal(session, GEODESY, actor=Actor("reader", frozenset(), Channel.PANEL))


def matched(session: Session, issn: str | None, title: str | None) -> str:
    [found] = match_journals(session, [(issn, title)])
    return found.title if isinstance(found, JournalName) else found.message


def test_a_journal_is_found_by_either_issn_and_by_any_of_its_titles(session: Session) -> None:
    make(session)
    make(session, JournalRecord(title="Acta", print_issn="0031-5117", online_issn="1532-5962"))
    assert matched(session, "0007-4632", "whatever it is called") == "Journal of Geodesy"
    assert matched(session, "1432-1394", None) == "Journal of Geodesy"
    assert matched(session, None, "journal of GEODESY") == "Journal of Geodesy"
    assert matched(session, None, "Bulletin Geodesique") == "Journal of Geodesy"
    assert matched(session, "0340-5443", "Acta") == "ISSN is unknown"
    assert matched(session, None, "Beta") == "Journal is unknown"
    assert matched(session, None, None) == "ISSN is missing"


def test_an_online_issn_that_two_journals_share_is_refused(session: Session) -> None:
    make(session)
    make(session, JournalRecord(title="Acta", print_issn="0031-5117", online_issn="1432-1394"))
    [found] = match_journals(session, [("1432-1394", None)])
    assert isinstance(found, Problem) and found.message == "ISSN fits several journals"
    assert "Acta (0031-5117)" in found.hint


def test_typing_finds_what_begins_like_it_first(session: Session) -> None:
    make(session)
    make(session, JournalRecord(title="Geodesy Letters", print_issn="0031-5117"))
    assert [text for _, text in search_journals(session, "geodesy", 10)] == [
        "Geodesy Letters (0031-5117)",
        "Journal of Geodesy (0007-4632)",
    ]
    assert [text for _, text in search_journals(session, "0007", 10)] == [
        "Journal of Geodesy (0007-4632)"
    ]


def test_the_list_finds_former_titles_and_issns(session: Session) -> None:
    make(session)
    make(session, JournalRecord(title="Acta", print_issn="0031-5117"))

    def found(**asked: Any) -> list[str]:
        statement = JOURNALS.select(Criteria(**asked))
        return [one.title for one in session.scalars(statement).unique()]

    assert found() == ["Acta", "Journal of Geodesy"]
    assert found(search="geodesique") == ["Journal of Geodesy"]
    assert found(search="1432-1394") == ["Journal of Geodesy"]
    assert found(search="geodesy acta") == []
    assert found(filters={"publisher": "spring"}) == ["Journal of Geodesy"]
    assert found(filters={"former_titles": "no"}) == ["Acta"]
    assert found(filters={"print_issn": "0031"}) == ["Acta"]


def post(client: FlaskClient, url: str, **data: Any) -> TestResponse:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/admin/journals/").text)
    assert found
    return client.post(url, data={"csrf_token": found[1], **data})


FORM = {
    "title": "Journal of Geodesy",
    "print_issn": "00074632",
    "access_type": "P",
    "former_titles-0-title": "Bulletin Géodésique",
    "coverages-0-coverage_from": "1976",
    "coverages-0-coverage_to": "2002-06",
    "coverages-2-first_volume": "80",
}


def test_operations_enter_and_edit_a_journal_in_the_panel(
    session: Session, as_role: AsRole
) -> None:
    operations = as_role("operations")
    assert post(operations, "/admin/journals/new/", **FORM).status_code == 302
    journal = session.scalars(select(Journal)).one()
    assert journal.print_issn == "0007-4632"
    assert len(journal.coverages) == 2
    key = journal.id
    session.rollback()
    edit = operations.get(f"/admin/journals/edit/?id={key}").text
    assert 'value="2002-06"' in edit and 'value="Bulletin Géodésique"' in edit
    changed = {"title": "Geodesy", "print_issn": "0007-4632", "access_type": "", "_version": "1"}
    assert post(operations, f"/admin/journals/edit/?id={key}", **changed).status_code == 302
    session.rollback()
    journal = session.get_one(Journal, key)
    assert (journal.title, journal.coverages, journal.former_titles) == ("Geodesy", [], [])
    assert (
        "Bulletin Géodésique" in operations.get(f"/admin/journals/tab/?id={key}&tab=history").text
    )


def test_a_wrong_issn_and_a_wrong_coverage_are_told_at_their_fields(
    session: Session, as_role: AsRole
) -> None:
    wrong = {**FORM, "print_issn": "1234-5678", "coverages-0-coverage_to": "1975"}
    page = post(as_role("operations"), "/admin/journals/new/", **wrong).text
    at_issn = page.partition('data-errors="print_issn">')[2][:600]
    assert "Print ISSN check digit is wrong" in at_issn
    at_row = page.partition('data-errors="coverages-0-coverage_from">')[2][:600]
    assert "Coverage from is after coverage to" in at_row
    assert 'value="1234-5678"' in page


def test_a_web_address_that_is_none_is_no_link(session: Session, as_role: AsRole) -> None:
    journal = make(
        session, JournalRecord(title="A", print_issn="0031-5117", title_url="javascript:alert(1)")
    )
    session.commit()
    page = as_role("manager").get(f"/admin/journals/details/?id={journal.id}").text
    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page
