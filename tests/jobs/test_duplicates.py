"""Looking for duplicates over all customers: idempotent, bounded, and able to be killed."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.customers import duplicate_pairs, duplicate_search, merge_parts
from app.customers.drafts import CustomerUpdate
from app.customers.duplicate_models import DuplicatePair, PairState
from app.customers.duplicate_scratch import MOST_ALIKE
from app.customers.models import Customer
from app.customers.operations import delete_customers, update_customers
from app.extensions import db, transaction
from app.jobs import duplicates, recovery, runner
from app.jobs.models import Job, JobState
from app.jobs.operations import run_now
from tests.customers.merging_cases import pair as made_pair
from tests.customers.merging_cases import picture, plan
from tests.customers.people import customer, many

HOME = {"street": "Hauptstr. 5", "postcode": "10115", "place": "Berlin", "country": "DE"}


def look() -> dict[str, Any]:
    """Look for duplicates here and now; what the job tells."""
    with transaction() as session:
        job_id = duplicates.start_search(session, actor=COMMAND_LINE, foreground=True).id
    job = run_now(job_id)
    assert job.state == JobState.DONE, job.error
    assert job.result is not None
    return dict(job.result)


def pairs(session: Session) -> dict[tuple[int, int], DuplicatePair]:
    session.rollback()
    return {(one.first_id, one.second_id): one for one in session.scalars(select(DuplicatePair))}


def anna_twice() -> tuple[Customer, Customer]:
    return (
        customer(first_name="Anna", name="Müller", addresses=[HOME], telephone_private="+49301"),
        customer(
            first_name="ANA", name="Mueller", business_telephone="+49301",
            addresses=[{**HOME, "street": "Hauptstraße 5"}],
        ),
    )  # fmt: skip


def test_like_customers_are_found_with_their_reasons(session: Session) -> None:
    first, second = anna_twice()
    customer(first_name="Otto", name="Kern", addresses=[HOME])
    found = look()
    assert (found["customers"], found["pairs"], found["new"], found["gone"]) == (3, 1, 1, 0)
    (pair,) = pairs(session).values()
    assert (pair.first_id, pair.second_id) == (first.id, second.id)
    assert pair.reasons == ["name_street", "phone", "name_postcode"]
    assert 90 <= pair.score < 100


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mobile_phone": "+49171"}, {"business_telephone": "+49171"}),
        ({"vat_id": "DE136695976"}, {"vat_id": "DE136695976"}),
    ],
)
def test_one_strong_sign_is_found_whatever_the_names(
    session: Session, one: dict[str, str], other: dict[str, str]
) -> None:
    customer("business", company_name="Acme", **one)
    customer("business", company_name="Bolt", **other)
    assert look()["pairs"] == 1


def test_looking_twice_changes_nothing(session: Session) -> None:
    anna_twice()
    look()
    before = picture(session)["duplicate_pairs"]
    found = look()
    assert (found["new"], found["gone"], found["changed"]) == (0, 0, 0)
    assert picture(session)["duplicate_pairs"] == before


def test_a_dismissed_pair_stays_dismissed_until_its_data_change(session: Session) -> None:
    first, _ = anna_twice()
    look()
    (pair,) = pairs(session).values()
    pair_id = pair.id
    with transaction() as writing:
        duplicate_pairs.dismiss(writing, pair_id, actor=COMMAND_LINE, reason="Sisters")
    look()
    assert session.get_one(DuplicatePair, pair_id).state == PairState.DISMISSED
    with transaction() as writing:
        update = CustomerUpdate(first.id, {"memo": "This says nothing of duplicates"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    look()
    assert session.get_one(DuplicatePair, pair_id).state == PairState.DISMISSED
    with transaction() as writing:
        update = CustomerUpdate(first.id, {"first_name": "Ana"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    assert look()["changed"] == 1
    (pair,) = pairs(session).values()
    assert (pair.id, pair.state, pair.decision_reason) == (pair_id, PairState.OPEN, None)


def test_pairs_that_are_no_longer_alike_go(session: Session) -> None:
    first, _ = anna_twice()
    third = customer(first_name="Anna", name="Müller", addresses=[HOME])
    assert look()["new"] == 3
    with transaction() as writing:
        delete_customers(writing, [third.id], actor=COMMAND_LINE)
    assert look()["gone"] == 2
    with transaction() as writing:
        values = {"first_name": "Otto", "name": "Kern", "telephone_private": None}
        update_customers(writing, [CustomerUpdate(first.id, values)], actor=COMMAND_LINE)
    found = look()
    assert (found["pairs"], found["gone"]) == (0, 1)
    assert pairs(session) == {}


def test_what_too_many_share_says_nothing(session: Session) -> None:
    many(
        [
            ("business", {"company_name": f"Company {chr(65 + n) * 9}", "fax": None,
                          "business_telephone": "+49301"})
            for n in range(MOST_ALIKE + 1)
        ]
    )  # fmt: skip
    found = look()
    assert (found["pairs"], found["too_common"]) == (0, 1)


def test_one_name_that_many_bear_gives_a_bounded_number_of_pairs(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_search, "MOST_PAIRS", 7)
    many([("individual", {"first_name": "Anna", "addresses": [HOME]}) for _ in range(6)])
    found = look()
    assert (found["pairs"], found["new"], found["left_out"]) == (7, 7, 8)


def test_a_killed_search_is_resumed(
    session: Session, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    many([("individual", {"first_name": "Anna", "addresses": [HOME]}) for _ in range(4)])
    with transaction() as writing:
        job_id = duplicates.start_search(writing, actor=COMMAND_LINE, foreground=True).id
    add_new = duplicate_search.add_new
    calls = []

    def killed_after_one(*given: Any) -> Any:
        if calls:
            raise SystemExit
        calls.append(1)
        return add_new(given[0], given[1], 2)

    monkeypatch.setattr(duplicate_search, "add_new", killed_after_one)
    with pytest.raises(SystemExit):
        run_now(job_id)
    monkeypatch.undo()
    assert len(pairs(session)) == 2
    recovery.set_abandoned_right()
    run_jobs()
    db.session.expire_all()
    job = db.session.get_one(Job, job_id)
    assert job.state == JobState.DONE
    assert job.result is not None
    assert (job.result["pairs"], job.result["new"]) == (6, 6)
    assert len(pairs(session)) == 6


def test_only_one_looks_at_a_time(session: Session) -> None:
    with transaction() as writing:
        duplicates.start_search(writing, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="looking for duplicates already"), transaction() as writing:
        duplicates.start_search(writing, actor=COMMAND_LINE)


def test_the_command_tells_what_it_found(runner: FlaskCliRunner, session: Session) -> None:
    anna_twice()
    done = runner.invoke(args=["duplicates", "find", "--json"])
    assert done.exit_code == 0, done.output
    assert '"customers": 2, "pairs": 1, "new": 1, "gone": 0' in done.output


def test_a_merge_whose_worker_is_killed_at_its_end_is_taken_back_whole(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(made_pair(*anna_twice()))
    before = picture(session)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(runner, "finish", killed)
    with pytest.raises(SystemExit):
        duplicates.merge_now(made, actor=COMMAND_LINE)
    monkeypatch.undo()
    assert picture(session) != before
    recovery.set_abandoned_right()
    assert picture(session) == before
    assert session.scalars(select(Job.state)).one() == JobState.FAILED


def test_a_merge_that_fails_in_the_middle_writes_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(made_pair(*anna_twice()))
    before = picture(session)

    def fail(*_: Any) -> None:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(merge_parts, "join_products", fail)
    with pytest.raises(Refused):
        duplicates.merge_now(made, actor=COMMAND_LINE)
    assert picture(session) == before
