"""Renewals: the next term, its coverage, the work list, and the job with its undo."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.catalogue.coverage import Coverage, in_words
from app.core.actor import COMMAND_LINE
from app.core.listing import Criteria
from app.core.partial_date import PartialDate
from app.extensions import transaction
from app.jobs import undoing
from app.jobs.models import Job
from app.jobs.renewals import start_renewal
from app.subscriptions.models import Subscription, SubscriptionStatus
from app.subscriptions.operations import change_status
from app.subscriptions.renewals import (
    due_listing,
    next_coverage,
    next_term,
    renew_subscriptions,
)
from tests.subscriptions.records import grant, institution, journal, right
from tests.subscriptions.test_subscriptions import ordinary

TODAY = date(2026, 11, 24)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("first", "last", "begin", "end"),
    [
        ("2026-01-01", "2026-12-31", "2027-01-01", "2027-12-31"),
        ("2023-03-01", "2024-02-29", "2024-03-01", "2025-02-28"),
        ("2026-07-15", "2026-10-14", "2026-10-15", "2027-01-14"),
        ("2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28"),
        ("2024-01-01", "2026-12-31", "2027-01-01", "2029-12-31"),
        ("2026-01-01", "2026-01-10", "2026-01-11", "2026-01-20"),
    ],
)
def test_the_next_term_is_as_long_as_the_old_one(
    first: str, last: str, begin: str, end: str
) -> None:
    assert next_term(day(first), day(last)) == (day(begin), day(end))


def test_coverage_that_ended_with_the_term_grows_and_any_other_stays() -> None:
    def grown(*ends: str) -> str:
        start, end = (PartialDate.parse(one) for one in ends)
        return in_words(next_coverage(Coverage(start, end), day("2026-12-31"), day("2027-12-31")))

    assert grown("2026-01-01", "2026-12-31") == "2026-01-01 – 2027-12-31"
    assert grown("2020", "2026") == "2020–2027"
    assert grown("2020-05", "2026-12") == "2020-05 – 2027-12"
    assert grown("2020", "2024") == "2020–2024"
    assert grown("2020", "") == "from 2020"
    assert grown("", "") == "everything"


def due(session: Session, **filters: str) -> list[int]:
    found = due_listing(TODAY).select(Criteria(filters=filters))
    return [row.id for row in session.scalars(found).unique()]


def active(session: Session, **values: object) -> Subscription:
    row = ordinary(session, **values)
    change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    return row


def test_the_work_list_shows_what_ends_and_those_that_end_first_first(session: Session) -> None:
    library, acta = institution(session), journal(session)
    both = {"customer_id": library.id, "journal_id": acta.id}
    later = active(session, **both)
    soon = active(session, **both, term_to=day("2026-11-30"), renewal=False)
    over = active(session, **both, term_to=day("2026-10-01"))
    ordinary(session, **both)  # a draft
    active(session, **both, term_to=None)
    grant(session, right(library, acta, "2010", "2012"))
    assert due(session) == [over.id, soon.id, later.id]
    assert due(session, within="0") == [over.id]
    assert due(session, within="30") == [over.id, soon.id]
    assert due(session, renewal="no") == [soon.id]


def test_a_renewal_moves_the_term_and_tells_apart_what_cannot_be_renewed(
    session: Session,
) -> None:
    library, acta = institution(session), journal(session)
    both = {"customer_id": library.id, "journal_id": acta.id}
    row = active(session, **both)
    draft = ordinary(session, **both)
    endless = active(session, **both, term_to=None)
    grant(session, right(library, acta, "2010", "2012"))
    perpetual = session.scalars(
        select(Subscription).where(Subscription.source == "perpetual")
    ).one()
    ids = [row.id, draft.id, endless.id, perpetual.id]
    outcome = renew_subscriptions(session, ids, actor=COMMAND_LINE)
    assert outcome.renewed == 1
    assert [(key, reason) for key, _, reason in outcome.refused] == [
        (draft.id, "It is draft"),
        (endless.id, "It runs until it is cancelled"),
        (perpetual.id, "Perpetual rights need no renewal"),
    ]
    session.expire_all()
    assert (row.term_from, row.term_to) == (day("2027-01-01"), day("2027-12-31"))
    assert (row.coverage_from, row.coverage_to) == ("2026-01-01", "2027-12-31")
    told = session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "subscription").order_by(AuditEntry.id.desc())
    ).first()
    assert told is not None and told.changes is not None
    assert told.changes["term_to"] == ["2026-12-31", "2027-12-31"]


def test_all_found_are_renewed_by_a_job_and_taken_back(
    session: Session, run_jobs: Callable[[], int], clock: Callable[[datetime], None]
) -> None:
    clock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    library, acta = institution(session), journal(session)
    both = {"customer_id": library.id, "journal_id": acta.id}
    rows = [active(session, **both) for _ in range(3)]
    edited = rows[0].id
    session.commit()

    def start() -> int:
        with transaction() as own:
            return start_renewal(
                own, Criteria(filters={"within": "60"}), TODAY, max_id=10**6, found=3,
                token="t", actor=COMMAND_LINE,
            ).id  # fmt: skip

    job_id = start()
    assert start() == job_id
    run_jobs()
    session.expire_all()
    assert session.get_one(Job, job_id).result == {"renewed": 3, "refused": 0}
    assert {row.term_to for row in rows} == {day("2027-12-31")}
    with transaction() as own:
        change_status(own, [edited], SubscriptionStatus.CANCELLED, actor=COMMAND_LINE)
        undo = undoing.start_undo(own, job_id, actor=COMMAND_LINE).id
    run_jobs()
    session.expire_all()
    assert session.get_one(Job, undo).result is not None
    assert rows[0].term_to == day("2027-12-31")
