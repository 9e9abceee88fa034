"""Title lists in KBART: rows become journals, whatever their order, and however often."""

import csv
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.catalogue.kbart import journal_draft
from app.catalogue.models import Journal, JournalCoverage, JournalTitle
from app.catalogue.operations_journals import plan_journals, upsert_journals
from app.catalogue.rules import JournalDraft, Outcome
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused

SAMPLE = Path(__file__).parent.parent / "data" / "journals_kbart.tsv"


def sample() -> list[JournalDraft]:
    with SAMPLE.open(encoding="utf-8-sig", newline="") as lines:
        return [journal_draft(row) for row in csv.DictReader(lines, delimiter="\t")]


def draft(title: str, print_issn: str = "", online_issn: str = "", **cells: str) -> JournalDraft:
    return journal_draft(
        {
            "publication_title": title,
            "print_identifier": print_issn,
            "online_identifier": online_issn,
            **cells,
        }
    )


def upsert(session: Session, *drafts: JournalDraft) -> list[str]:
    return [str(one.outcome) for one in upsert_journals(session, drafts, actor=COMMAND_LINE)]


def stored(session: Session) -> list[tuple[Any, ...]]:
    """All journals as values, to compare what two ways of reading make."""
    session.expire_all()
    return sorted(
        (
            one.print_issn or "",
            one.online_issn or "",
            one.title,
            one.title_url,
            tuple(sorted(former.title for former in one.former_titles)),
            tuple(
                sorted(
                    (str(span.first), str(span.last), str(span.first_volume), str(span.embargo))
                    for span in one.coverages
                )
            ),
        )
        for one in session.scalars(select(Journal))
    )


def test_every_row_of_the_sample_is_taken(session: Session) -> None:
    drafts = sample()
    assert len(drafts) == 1200
    outcomes = Counter(upsert(session, *drafts))
    assert outcomes == {"created": 1007, "updated": 193}
    assert session.scalar(select(func.count(Journal.id))) == 1007
    assert session.scalar(select(func.count(JournalCoverage.id))) == 1200


def test_the_same_rows_again_change_nothing_in_portions_of_any_size(session: Session) -> None:
    drafts = sample()
    upsert(session, *drafts)
    before, entries = stored(session), session.scalar(select(func.count(AuditEntry.id)))
    for size in (1200, 250, 7):
        for start in range(0, 1200, size):
            assert set(upsert(session, *drafts[start : start + size])) == {"unchanged"}
    assert stored(session) == before
    assert session.scalar(select(func.count(AuditEntry.id))) == entries


def test_the_order_of_the_rows_does_not_matter(session: Session) -> None:
    drafts = sample()
    upsert(session, *drafts)
    expected = stored(session)
    session.rollback()
    random.Random(4).shuffle(drafts)
    for start in range(0, 1200, 333):
        upsert(session, *drafts[start : start + 333])
    assert stored(session) == expected


def test_the_plan_tells_beforehand_what_will_become_of_each_row(session: Session) -> None:
    drafts = sample()
    planned = plan_journals(session, drafts)
    assert session.scalar(select(func.count(Journal.id))) == 0
    assert [str(one) for one in planned] == upsert(session, *drafts)
    assert set(plan_journals(session, drafts)) == {Outcome.UNCHANGED}


def test_another_title_of_the_same_issn_becomes_a_former_title(session: Session) -> None:
    upsert(session, *sample())
    journal = session.scalars(select(Journal).where(Journal.print_issn == "0007-4632")).one()
    assert journal.title == "Journal of Geodesy"
    assert [one.title for one in journal.former_titles] == ["Bulletin Géodésique"]
    spans = {(one.first, one.last) for one in journal.coverages}
    assert spans == {("1925", "1975"), ("1946", "1975"), ("1976", "2002")}


def test_a_later_list_that_ends_a_coverage_changes_it_in_its_place(session: Session) -> None:
    open_row = draft("Acta", "0031-5117", date_first_issue_online="1997", num_first_vol_online="1")
    ended = draft(
        "Acta",
        "0031-5117",
        date_first_issue_online="1997",
        num_first_vol_online="1",
        date_last_issue_online="2013",
    )
    upsert(session, open_row)
    assert upsert(session, ended) == ["updated"]
    assert upsert(session, ended) == ["unchanged"]
    assert session.scalars(select(JournalCoverage.last)).all() == ["2013"]


def test_a_row_without_a_print_issn_joins_the_journal_with_its_online_issn(
    session: Session,
) -> None:
    upsert(session, draft("Acta", "0031-5117", "1532-5962", date_first_issue_online="1990"))
    assert upsert(session, draft("Acta", "", "1532-5962", date_first_issue_online="1990")) == [
        "unchanged"
    ]
    assert upsert(session, draft("Beta", "", "1432-1394")) == ["created"]
    assert upsert(session, draft("Beta", "0007-4632", "1432-1394")) == ["updated"]
    assert session.scalar(select(func.count(Journal.id))) == 2


def test_different_print_issns_are_different_journals_with_one_online_issn(
    session: Session,
) -> None:
    rows = draft("Acta", "0031-5117", "1432-1394"), draft("Beta", "0007-4632", "1432-1394")
    assert upsert(session, *rows) == ["created", "created"]
    assert upsert(session, *rows) == ["unchanged", "unchanged"]


def test_a_blank_cell_leaves_what_is_stored(session: Session) -> None:
    upsert(session, draft("Acta", "0031-5117", publisher_name="Springer", notes="Complete"))
    assert upsert(session, draft("Acta", "0031-5117")) == ["unchanged"]
    assert session.scalars(select(Journal.publisher)).one() == "Springer"


def test_a_row_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(Refused, match="Coverage from is after coverage to") as refused:
        draft(
            "Acta",
            "0031-5117",
            date_first_issue_online="2010",
            date_last_issue_online="2009-12-31",
        )
    assert refused.value.problems[0].field == "date_first_issue_online"


def test_a_row_without_title_or_issn_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        draft("")
    assert [one.message for one in refused.value.problems] == [
        "publication_title is missing",
        "ISSN is missing",
    ]


def test_a_date_that_is_none_is_refused_at_its_column() -> None:
    with pytest.raises(Refused) as refused:
        draft("Acta", "0031-5117", date_last_issue_online="2009-13")
    assert [one.field for one in refused.value.problems] == ["date_last_issue_online"]


def test_phase_one_calls_the_notes_coverage_notes() -> None:
    assert draft("Acta", "0031-5117", coverage_notes="Complete").holding.note == "Complete"


def test_what_an_import_made_of_a_journal_stands_in_the_history(session: Session) -> None:
    upsert(session, draft("Acta", "0031-5117", date_first_issue_online="1990"))
    upsert(session, draft("Beta", "0031-5117", date_first_issue_online="1995"))
    first, second = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert first.changes and first.changes["title"] == [None, "Acta"]
    assert second.changes == {
        "title": ["Acta", "Beta"],
        "former_titles": ["", "Acta"],
        "coverages": ["from 1990", "from 1990; from 1995"],
    }
    assert session.scalar(select(func.count(JournalTitle.id))) == 1


def test_only_those_who_may_import_journals_do(session: Session) -> None:
    nobody = Actor("nobody", frozenset(), Channel.PANEL)
    with pytest.raises(NotAllowed):
        upsert_journals(session, [draft("Acta", "0031-5117")], actor=nobody)
