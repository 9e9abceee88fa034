"""The sample's 570 authorizations, merged, and compared with marking single days."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalogue.kbart import journal_draft
from app.catalogue.operations_journals import upsert_journals
from app.catalogue.queries_journals import JournalName, match_journals
from app.core.actor import COMMAND_LINE
from app.core.listing import Criteria
from app.core.partial_date import PartialDate
from app.subscriptions.authorizations import create_authorizations, delete_authorizations
from app.subscriptions.drafts import AuthorizationDraft, read_coverage
from app.subscriptions.models import Authorization, Basis, Subscription, SubscriptionSourceLink
from app.subscriptions.queries import export_lines
from tests.subscriptions.records import as_told, institution

DATA = Path(__file__).parent.parent / "data"
# The rows 572 to 574 of the sheet are the ones that an import has to refuse.
GOOD_ROWS = 570


def rows() -> list[tuple[Any, ...]]:
    sheet = load_workbook(DATA / "perpetual_customers.xlsx")["Journal authorizations"]
    return list(sheet.iter_rows(min_row=2, max_row=GOOD_ROWS + 1, values_only=True))


@pytest.fixture
def drafts(session: Session) -> list[AuthorizationDraft]:
    with (DATA / "journals_kbart.tsv").open(encoding="utf-8-sig", newline="") as lines:
        titles = [journal_draft(row) for row in csv.DictReader(lines, delimiter="\t")]
    upsert_journals(session, titles, actor=COMMAND_LINE)
    cells = rows()
    customers = {name: institution(session, name).id for name in {row[0] for row in cells}}
    journals = match_journals(session, [(row[1], row[2]) for row in cells])
    made = []
    for row, found in zip(cells, journals, strict=True):
        assert isinstance(found, JournalName)
        values = dict(
            zip(
                ("coverage_from", "coverage_to", "first_volume", "last_volume"),
                row[4:8],
                strict=True,
            )
        )
        made.append(
            AuthorizationDraft(
                customers[row[0]], found.id, Basis(row[3]), read_coverage(values), row[8]
            )
        )
    return made


def test_the_sample_merges_as_marking_its_days_says(
    session: Session, drafts: list[AuthorizationDraft]
) -> None:
    create_authorizations(session, drafts, actor=COMMAND_LINE)
    assert session.scalar(select(func.count(Authorization.id))) == 570
    assert merged_by_days(session) == marked_days(drafts)
    linked = session.scalars(select(SubscriptionSourceLink.authorization_id)).all()
    assert sorted(linked) == sorted(session.scalars(select(Authorization.id)))


def test_deleting_sources_of_the_sample_and_adding_them_again_restores_the_rows(
    session: Session, drafts: list[AuthorizationDraft]
) -> None:
    keys = create_authorizations(session, drafts, actor=COMMAND_LINE)
    before = as_told(session)
    delete_authorizations(session, keys[::3], actor=COMMAND_LINE)
    assert as_told(session) != before
    create_authorizations(session, drafts[::3], actor=COMMAND_LINE)
    assert as_told(session) == before


def test_the_sample_in_portions_and_backwards_gives_the_same_rows(
    session: Session, drafts: list[AuthorizationDraft]
) -> None:
    keys = create_authorizations(session, drafts, actor=COMMAND_LINE)
    before = as_told(session)
    delete_authorizations(session, keys, actor=COMMAND_LINE)
    assert session.scalar(select(func.count(Subscription.id))) == 0
    for start in range(0, 570, 100):
        create_authorizations(session, drafts[::-1][start : start + 100], actor=COMMAND_LINE)
    assert as_told(session) == before


def test_the_export_names_customer_journal_and_sources(
    session: Session, drafts: list[AuthorizationDraft]
) -> None:
    create_authorizations(session, drafts, actor=COMMAND_LINE)
    lines = list(export_lines(session, Criteria()))
    assert len(lines) == session.scalar(select(func.count(Subscription.id)))
    [line] = [
        one for one in lines if one.customer == "Humboldt-Universität zu Berlin"
        and one.issn == "0951-0079"
    ]  # fmt: skip
    assert (line.coverage_from, line.coverage_to, line.source) == ("1987", "1991", "perpetual")
    assert line.sources == (
        "post-cancellation 1987–1988; purchase 1988-06 – 1990-03; post-cancellation 1990–1991"
    )
    alone = [one for one in lines if one.first_volume]
    assert len(alone) == 29
    assert {(one.coverage_from, one.first_volume, one.last_volume) for one in alone} == {
        (None, "5", "9")
    }


def marked_days(drafts: list[AuthorizationDraft]) -> set[tuple[int, int, date, date]]:
    """Runs of days that any authorization marks; an open end runs to the end of the marking."""
    marks: dict[tuple[int, int], set[date]] = defaultdict(set)
    for draft in drafts:
        if not draft.coverage.volume_only:
            marks[draft.customer_id, draft.journal_id] |= days(
                draft.coverage.start, draft.coverage.end
            )
    runs = set()
    for pair, days_marked in marks.items():
        for day in days_marked:
            if day - timedelta(days=1) not in days_marked:
                last = day
                while last + timedelta(days=1) in days_marked:
                    last += timedelta(days=1)
                runs.add((*pair, day, last))
    return runs


def merged_by_days(session: Session) -> set[tuple[int, int, date, date]]:
    runs = set()
    for row in session.scalars(select(Subscription).where(Subscription.volume_only.is_(False))):
        covered = days(PartialDate.parse(row.coverage_from), PartialDate.parse(row.coverage_to))
        runs.add((row.customer_id, row.journal_id, min(covered), max(covered)))
    return runs


def days(start: PartialDate | None, end: PartialDate | None) -> set[date]:
    first = start.first_day if start else date(1800, 1, 1)
    last = end.last_day if end else date(2030, 12, 31)
    return {first + timedelta(days=step) for step in range((last - first).days + 1)}
