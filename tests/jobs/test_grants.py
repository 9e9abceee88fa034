"""Rights granted to many at once: by a job, never twice, and taken back as a whole."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.catalogue.packages import journals_of_package, read_journals, save_package
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.listing import Criteria
from app.core.partial_date import PartialDate
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.extensions import transaction
from app.jobs import undoing
from app.jobs.grants import Side, start_grant
from app.jobs.models import Job
from app.subscriptions.drafts import Coverage
from app.subscriptions.grants import Terms
from app.subscriptions.models import Authorization, Basis, Subscription
from tests.subscriptions.records import _ISSNS, grant, institution, journal, merged, right

Run = Callable[[], int]
TERMS = Terms(Basis.BACKFILE, Coverage(PartialDate(2001), PartialDate(2010)), "P1Y", "All of it")


@pytest.fixture(autouse=True)
def small_chunks(app: Flask) -> Iterator[None]:
    """Chunks of four rights."""
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, chunk_rows=4)
    yield
    app.config["SETTINGS"] = settings


def start(side: Side, partners: list[int], *, ids: tuple[int, ...] = (), token: str = "one") -> int:
    with transaction() as session:
        return start_grant(
            session, side, Criteria(), partners, TERMS, title="Grant", ids=ids, max_id=10**6,
            found=5, token=token, actor=COMMAND_LINE,
        ).id  # fmt: skip


def result(session: Session, job_id: int) -> dict[str, int]:
    session.expire_all()
    job = session.get_one(Job, job_id)
    assert job.state == "done", job.error
    assert job.result is not None
    return job.result


def count(session: Session, model: type = Authorization) -> int:
    session.expire_all()
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_package_goes_to_many_customers_and_back(session: Session, run_jobs: Run) -> None:
    libraries = [institution(session).id for _ in range(5)]
    journals = [journal(session, f"J{n}", issn) for n, issn in enumerate(_ISSNS)]
    wanted = read_journals(session, "\n".join(f"{issn} whatever" for issn in _ISSNS))
    package = save_package(
        session, None, name="All", note=None, journal_ids=wanted, actor=COMMAND_LINE
    )
    partners = journals_of_package(session, package.id)
    first = session.get_one(Customer, libraries[0])
    grant(session, right(first, journals[0], "2011", "2012"))
    before = merged(session)
    session.commit()
    job_id = start(Side.CUSTOMERS, partners)
    assert start(Side.CUSTOMERS, partners) == job_id
    run_jobs()
    assert result(session, job_id) == {"granted": 30, "had_it_already": 0, "refused": 0}
    assert (count(session), count(session, Subscription)) == (31, 30)
    again = start(Side.CUSTOMERS, partners, token="two")
    run_jobs()
    assert result(session, again) == {"granted": 0, "had_it_already": 30, "refused": 0}
    with transaction() as own:
        undo = undoing.start_undo(own, job_id, actor=COMMAND_LINE).id
    run_jobs()
    assert result(session, undo) == {"taken_back": 5, "left": 0}
    assert merged(session) == before
    told = session.scalars(
        select(AuditEntry.changes).where(
            AuditEntry.action == Action.TAKEN_BACK, AuditEntry.customer_id == libraries[1]
        )
    ).all()
    # In as many entries as the undo took commits for it.
    assert sum(len(one["journal_authorizations"][0]) for one in told if one) == 6


def test_many_journals_go_to_one_customer(session: Session, run_jobs: Run) -> None:
    library = institution(session)
    journals = [journal(session, f"J{n}", issn).id for n, issn in enumerate(_ISSNS)]
    session.commit()
    job_id = start(Side.JOURNALS, [library.id], ids=tuple(journals[:5]))
    run_jobs()
    assert result(session, job_id)["granted"] == 5
    row = session.scalars(select(Authorization)).first()
    assert row is not None
    assert (row.basis, row.coverage_from, row.embargo, row.note) == (
        "backfile", "2001", "P1Y", "All of it",
    )  # fmt: skip


def test_who_was_edited_since_keeps_the_right_and_is_listed(
    session: Session, run_jobs: Run
) -> None:
    one, other = institution(session), institution(session)
    acta = journal(session)
    session.commit()
    job_id = start(Side.CUSTOMERS, [acta.id])
    run_jobs()
    with transaction() as own:
        update_customers(
            own, [CustomerUpdate(one.id, {"memo": "Seen"})], actor=COMMAND_LINE
        )  # fmt: skip
        undo = undoing.start_undo(own, job_id, actor=COMMAND_LINE).id
    run_jobs()
    assert result(session, undo) == {"taken_back": 1, "left": 1}
    assert session.scalars(select(Authorization.customer_id)).all() == [one.id]
    assert other.id != one.id


def test_a_grant_of_nothing_is_refused(session: Session) -> None:
    with pytest.raises(Refused, match="nothing that this would grant"):
        start(Side.CUSTOMERS, [])
    with pytest.raises(Refused) as refused:
        read_journals(session, "0031-5118\n\n0031-5117 not stored")
    assert [one.message for one in refused.value.problems] == [
        "Line 1: ISSN check digit is wrong", "Line 3: ISSN is unknown",
    ]  # fmt: skip
