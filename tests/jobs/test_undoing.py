"""A finished job is taken back: whole records, once, in time, and never what was edited since."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import Action
from app.core.actor import COMMAND_LINE, Actor
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.models import UndoEntry
from app.core.permissions import Permission
from app.customers import operations as customers
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.models import Address, Customer, Group, customer_products
from app.customers.operations_reference import delete_groups
from app.customers.search import search_clients
from app.extensions import transaction
from app.jobs import operations, recovery, runner, undoing
from app.jobs.leftovers import leftovers
from app.jobs.models import Job, JobState
from tests.customers.people import customer, history
from tests.jobs import kinds

Work = Callable[[Session, Actor], object]
Run = Callable[[], int]


@pytest.fixture(autouse=True)
def no_work_left() -> Iterator[None]:
    yield
    kinds.work.clear()


def done(*work: Work, actor: Actor = COMMAND_LINE) -> int:
    """A job that has done this work, one piece in each commit; its number."""
    kinds.work[:] = work
    with transaction() as session:
        job = operations.enqueue(session, "test_undoable", {}, actor=actor, title="A test")
        job_id = job.id
    assert operations.run_now(job_id).state == JobState.DONE
    return job_id


def update(id_: int, *, addresses: Any = None, product_ids: Any = None, **values: Any) -> Work:
    one = CustomerUpdate(id_, values, addresses, None, product_ids)
    return lambda session, actor: customers.update_customers(session, [one], actor=actor)


def undone(job_id: int, run_jobs: Run) -> Job:
    with transaction() as session:
        undo_id = undoing.start_undo(session, job_id, actor=COMMAND_LINE).id
    run_jobs()
    with transaction() as session:
        job = session.get_one(Job, undo_id)
        assert job.state == JobState.DONE, job.error
        return job


def read(session: Session, id_: int) -> Customer:
    session.rollback()
    return session.get_one(Customer, id_)


def left(session: Session, job: Job) -> list[tuple[str, str]]:
    session.rollback()
    return [(row.label, row.reason) for row in leftovers(session, job.id, 0, 100)]


def facts(session: Session, id_: int) -> tuple[Any, ...]:
    row = read(session, id_)
    used = select(customer_products.c.product_id).where(customer_products.c.customer_id == id_)
    return (
        row.memo, row.name, row.sort_name, row.search_text, row.deleted_at, row.locked,
        [(a.id, a.street, a.is_default) for a in row.addresses], sorted(session.scalars(used)),
    )  # fmt: skip


def test_a_changed_customer_is_what_it_was_with_all_that_belongs_to_it(
    session: Session, run_jobs: Run
) -> None:
    one = customer(
        name="Alt",
        addresses=[{"street": "Weg 1", "is_default": True}, {"street": "Weg 2"}],
    )
    before, version = facts(session, one.id), one.version
    first, second = ({"id": a.id, "street": a.street} for a in read(session, one.id).addresses)
    job = done(
        update(one.id, memo="touched", name="Neu"),
        update(
            one.id,
            addresses=[
                first | {"is_default": False},
                second | {"is_default": True},
                {"line_2": "x"},
            ],
        ),
        update(one.id, addresses=[second]),
    )
    result = undone(job, run_jobs)
    assert result.result == {"taken_back": 1, "left": 0}
    assert facts(session, one.id) == before
    assert read(session, one.id).version > version
    assert [hit.id for hit in search_clients(session, "Alt", country="DE").hits] == [one.id]
    entry = history(session, one.id)[-1]
    assert (entry.action, entry.job_id) == (Action.TAKEN_BACK, result.id)
    assert entry.changes["memo"] == ["touched", None]
    assert entry.reason == f"Job {job} was taken back"
    assert session.scalar(select(UndoEntry.id).limit(1)) is None


def test_a_created_customer_is_removed_and_its_history_tells_so(
    session: Session, run_jobs: Run
) -> None:
    made: list[int] = []

    def create(work: Session, actor: Actor) -> None:
        draft = CustomerDraft(
            "individual", {"first_name": "Neu"}, addresses=[{"street": "Weg 1"}, {"street": "2"}]
        )
        made.extend(customers.create_customers(work, [draft, draft], actor=actor))

    job = done(create)
    assert undone(job, run_jobs).result == {"taken_back": 2, "left": 0}
    assert session.scalar(select(Customer.id).limit(1)) is None
    assert session.scalar(select(Address.id).limit(1)) is None
    assert [entry.action for entry in history(session, made[0])] == [
        Action.CREATED,
        Action.TAKEN_BACK,
    ]


def test_what_somebody_edited_since_is_left_and_listed(session: Session, run_jobs: Run) -> None:
    kept, edited, moved, deleted = (customer(name=f"Name {n}") for n in range(4))
    made: list[int] = []

    def create(work: Session, actor: Actor) -> None:
        draft = CustomerDraft("individual", {"first_name": "Neu"}, addresses=[{"street": "Weg 1"}])
        made.extend(customers.create_customers(work, [draft], actor=actor))

    every = (kept, edited, moved, deleted)
    job = done(*(update(one.id, memo="by the job") for one in every), create)
    with transaction() as work:
        update(edited.id, memo="by hand")(work, COMMAND_LINE)
        update(moved.id, addresses=[{"street": "New"}])(work, COMMAND_LINE)
        customers.delete_customers(work, [deleted.id], actor=COMMAND_LINE)
        update(made[0], addresses=[{"street": "Other"}])(work, COMMAND_LINE)
    number = read(session, made[0]).number
    result = undone(job, run_jobs)
    assert result.result == {"taken_back": 1, "left": 4}
    assert read(session, kept.id).memo is None
    assert read(session, edited.id).memo == "by hand"
    assert read(session, moved.id).memo == "by the job"
    assert read(session, made[0]).addresses[0].street == "Other"
    assert sorted(left(session, result)) == sorted(
        [
            (edited.number, "It was edited since"),
            (moved.number, "It was edited since"),
            (deleted.number, "It was deleted since"),
            (number, "It was edited since"),
        ]
    )


def test_an_edit_between_two_steps_of_the_job_is_not_lost(session: Session, run_jobs: Run) -> None:
    one = customer(name="Alt")

    def by_hand(work: Session, actor: Actor) -> None:
        journal = work.info.pop("undo_journal")
        update(one.id, memo="by hand")(work, COMMAND_LINE)
        work.info["undo_journal"] = journal

    job = done(update(one.id, name="Neu"), by_hand, update(one.id, alias="Neuer"))
    result = undone(job, run_jobs)
    assert left(session, result) == [(one.number, "It was edited since")]
    assert read(session, one.id).memo == "by hand"


def test_a_row_removed_from_the_database_since_does_not_come_back(
    session: Session, run_jobs: Run
) -> None:
    one = customer(name="Alt")
    job = done(update(one.id, memo="touched"))
    with transaction() as work:
        work.delete(work.get_one(Customer, one.id))
    result = undone(job, run_jobs)
    assert left(session, result) == [(one.number, "It was removed since")]
    assert session.scalar(select(Customer.id).limit(1)) is None


def test_a_value_taken_by_now_is_left_with_the_number_of_its_holder(
    session: Session, run_jobs: Run
) -> None:
    mail, phone, free = (
        customer(name=f"N{n}", email=f"n{n}@example.org", mobile_phone=f"+49170123450{n}")
        for n in range(3)
    )

    def delete(work: Session, actor: Actor) -> None:
        customers.delete_customers(work, [mail.id, phone.id, free.id], actor=actor)

    job = done(delete)
    holder = customer(email="N0@example.org", mobile_phone="+491701234501")
    result = undone(job, run_jobs)
    assert sorted(left(session, result)) == [
        (mail.number, f"Email is already used by customer {holder.number}"),
        (phone.number, f"Mobile phone is already used by customer {holder.number}"),
    ]
    assert read(session, free.id).deleted_at is None
    assert read(session, mail.id).deleted_at is not None


def test_a_reference_that_is_gone_by_now_is_left_and_said(session: Session, run_jobs: Run) -> None:
    with transaction() as work:
        group = Group(name="Old group")
        work.add(group)
        work.flush()
        group_id = group.id
    one = customer(group_id=group_id)
    job = done(update(one.id, group_id=None))
    with transaction() as work:
        delete_groups(work, [group_id], actor=COMMAND_LINE)
    result = undone(job, run_jobs)
    assert left(session, result) == [(one.number, "The group that it had is not there any more")]


def test_a_new_record_that_others_need_by_now_is_left_and_the_rest_is_taken_back(
    session: Session, run_jobs: Run
) -> None:
    made: list[int] = []

    def create(work: Session, actor: Actor) -> None:
        drafts = [CustomerDraft("business", {"company_name": f"Firm {n}"}) for n in range(3)]
        made.extend(customers.create_customers(work, drafts, actor=actor))

    job = done(create)
    customer(companies=[{"company_id": made[1]}])
    result = undone(job, run_jobs)
    assert result.result == {"taken_back": 2, "left": 1}
    assert [reason for _, reason in left(session, result)] == [
        "Other records have come to need it, or hold what it had"
    ]
    session.rollback()
    assert session.scalars(select(Customer.id).where(Customer.kind == "business")).all() == [
        made[1]
    ]


def test_a_job_is_taken_back_only_once(session: Session, run_jobs: Run) -> None:
    one = customer(name="Alt")
    job = done(update(one.id, memo="touched"))
    undone(job, run_jobs)
    with transaction() as work, pytest.raises(Refused, match="taken this job back already"):
        undoing.start_undo(work, job, actor=COMMAND_LINE)


def test_only_a_finished_job_of_a_kind_that_can_is_taken_back(
    session: Session, run_jobs: Run
) -> None:
    with transaction() as work:
        kinds.work.clear()
        waiting = operations.enqueue(work, "test_undoable", {}, actor=COMMAND_LINE, title="A test")
        other = operations.enqueue(work, "test_resume", {"rows": 1}, actor=COMMAND_LINE, title="B")
        waiting_id, other_id = waiting.id, other.id
    for job_id, reason in ((waiting_id, "queued"), (other_id, "kind"), (99_999, "no job")):
        with transaction() as work, pytest.raises((Refused, NotFound), match=reason):
            undoing.start_undo(work, job_id, actor=COMMAND_LINE)
    run_jobs()
    with transaction() as work, pytest.raises(Refused, match="changed nothing"):
        undoing.start_undo(work, waiting_id, actor=COMMAND_LINE)


def test_the_time_for_taking_back_ends_with_the_before_images(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    one = customer(name="Alt")
    job = done(update(one.id, memo="touched"))
    clock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC) + timedelta(days=30, seconds=1))
    with transaction() as work, pytest.raises(Refused, match="is over"):
        undoing.start_undo(work, job, actor=COMMAND_LINE)


def test_taking_back_needs_the_permission_of_the_kind(session: Session) -> None:
    one = customer(name="Alt")
    job = done(update(one.id, memo="touched"))
    looking = Actor(
        "somebody",
        frozenset({Permission.JOBS_VIEW, Permission.JOBS_VIEW_ALL}),
        COMMAND_LINE.channel,
    )
    with transaction() as work, pytest.raises(NotAllowed):
        undoing.start_undo(work, job, actor=looking)
    stranger = Actor(
        "somebody", frozenset({Permission.JOBS_VIEW, Permission.CUSTOMERS_EDIT}),
        COMMAND_LINE.channel,
    )  # fmt: skip
    with transaction() as work, pytest.raises(NotFound):
        undoing.start_undo(work, job, actor=stranger)


def test_an_undo_whose_worker_dies_goes_on_and_cannot_be_stopped(
    session: Session, run_jobs: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [customer(name=f"Name {n}") for n in range(6)]
    job = done(*(update(one.id, memo="touched") for one in some))
    with transaction() as work:
        undo_id = undoing.start_undo(work, job, actor=COMMAND_LINE).id
    with transaction() as work, pytest.raises(Refused, match="cannot be stopped"):
        operations.cancel(work, undo_id, actor=COMMAND_LINE)

    whole, calls = undoing.taking_back.take_back, []

    def dies_after_the_first(*args: Any, **given: Any) -> Any:
        if calls:
            raise SystemExit
        calls.append(1)
        return whole(*args, **given | {"most": 4})

    monkeypatch.setattr(undoing.taking_back, "take_back", dies_after_the_first)
    with pytest.raises(SystemExit):
        runner.run_queued(undo_id)
    monkeypatch.setattr(undoing.taking_back, "take_back", whole)
    session.rollback()
    assert [read(session, one.id).memo for one in some].count(None) == 4
    recovery.set_abandoned_right()
    run_jobs()
    session.rollback()
    assert session.get_one(Job, undo_id).result == {"taken_back": 6, "left": 0}
    assert [read(session, one.id).memo for one in some] == [None] * 6
    assert [e.action for e in history(session, some[0].id)].count(Action.TAKEN_BACK) == 1


def test_a_cancelled_job_leaves_alone_what_somebody_edited_meanwhile(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.context.PROGRESS_SECONDS", 0)
    first, second = customer(name="A"), customer(name="B")

    def by_hand_and_cancel(work: Session, actor: Actor) -> None:
        journal = work.info.pop("undo_journal")
        update(second.id, alias="by hand")(work, COMMAND_LINE)
        work.info["undo_journal"] = journal
        job = work.get_one(Job, actor.job_id)
        job.cancel_requested = True

    kinds.work[:] = [
        update(first.id, memo="touched"), update(second.id, memo="touched"), by_hand_and_cancel,
        lambda work, actor: pytest.fail("the job went on"),
    ]  # fmt: skip
    with transaction() as work:
        job_id = operations.enqueue(
            work, "test_undoable", {}, actor=COMMAND_LINE, title="A test"
        ).id
    job = operations.run_now(job_id)
    assert job.state == JobState.CANCELLED
    assert "but for 1 that were changed since" in job.events[-1][1]
    assert read(session, first.id).memo is None
    assert (read(session, second.id).memo, read(session, second.id).alias) == ("touched", "by hand")
    assert left(session, session.get_one(Job, job_id)) == [(second.number, "It was edited since")]


def test_taking_back_asks_the_database_as_often_for_200_customers_as_for_20(
    session: Session, run_jobs: Run, queries: Callable[[Callable[[], object]], int]
) -> None:
    counts = []
    for many in (20, 200):
        some = [customer(name=f"Name {n}").id for n in range(many)]
        job = done(
            lambda work, actor, some=some: customers.lock_customers(
                work, some, text="Wait", actor=actor
            )
        )
        with transaction() as work:
            undoing.start_undo(work, job, actor=COMMAND_LINE)
        counts.append(queries(run_jobs))
    assert counts[0] == counts[1]
