"""Jobs from outside: enqueue, run, cancel, run again, and who may."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotFound, Refused
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.extensions import transaction
from app.jobs import operations, queue, registry, runner
from app.jobs.context import JobContext
from app.jobs.models import Job, JobState
from app.jobs.story import story
from tests import factories
from tests.jobs.kinds import groups


def enqueue(kind: str, *, actor: Actor = COMMAND_LINE, **params: object) -> int:
    with transaction() as session:
        return operations.enqueue(session, kind, params, actor=actor, title="A test").id


def read(session: Session, job_id: int) -> Job:
    session.rollback()
    return session.get_one(Job, job_id)


def an_operator(role: RoleName = RoleName.OPERATIONS) -> Actor:
    made = factories.operator(role)
    return Actor("Olga", ROLE_PERMISSIONS[role], Channel.PANEL, operator_id=made.id)


def test_a_job_is_sent_once_its_transaction_is_committed(session: Session) -> None:
    with transaction() as work:
        job = operations.enqueue(work, "test_tell", {}, actor=COMMAND_LINE, title="A test")
        assert queue.current().waiting() == set()
    assert queue.current().waiting() == {job.id}


def test_a_job_of_a_transaction_that_failed_is_never_sent(session: Session) -> None:
    with pytest.raises(Refused), transaction() as work:
        operations.enqueue(work, "test_tell", {}, actor=COMMAND_LINE, title="A test")
        raise Refused.because("no")
    assert queue.current().waiting() == set()
    assert session.query(Job).count() == 0


def test_a_job_keeps_its_progress_and_its_result(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_resume", rows=3)
    assert run_jobs() == 1
    job = read(session, job_id)
    assert (job.state, job.done, job.total) == (JobState.DONE, 3, 3)
    assert job.result == {"groups": 3}
    assert job.finished_at is not None


def test_a_fault_is_told_in_words_and_leaves_nothing_behind(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_resume", rows=5, fail_at=3)
    run_jobs()
    job = read(session, job_id)
    assert job.state == JobState.FAILED
    assert job.error == (
        f"A fault of the program stopped it; the log of the worker tells more under job {job_id}."
    )
    assert groups() == 0


def test_what_the_product_refuses_is_the_reason_of_the_failure(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_resume", rows=5, refuse_at=2)
    run_jobs()
    job = read(session, job_id)
    assert (job.state, job.error) == (JobState.FAILED, "The file is empty")
    assert groups() == 0


def test_a_queued_job_is_cancelled_at_once(session: Session, run_jobs: Callable[[], int]) -> None:
    job_id = enqueue("test_resume", rows=3)
    with transaction() as work:
        operations.cancel(work, job_id, actor=COMMAND_LINE)
    assert read(session, job_id).state == JobState.CANCELLED
    runner.run_queued(job_id)
    assert groups() == 0


def test_a_running_job_stops_at_its_next_safe_point_and_is_taken_back(session: Session) -> None:
    def cancels_itself(context: JobContext) -> None:
        from tests.jobs.kinds import write_groups

        write_groups(context)
        with transaction() as work:
            operations.cancel(work, context.job_id, actor=COMMAND_LINE)
        context._asked_at = 0
        context.stop_if_cancelled()
        raise AssertionError("the job went on")

    registry.register("test_cancel", cancels_itself, on_abandoned="resume")
    job_id = enqueue("test_cancel", rows=3)
    runner.run_queued(job_id)
    job = read(session, job_id)
    assert job.state == JobState.CANCELLED
    assert [sentence for _, sentence in story(job)][-2:] == [
        "command line asked for the job to stop",
        "Cancelled; everything it had written was taken back",
    ]
    assert groups() == 0


def test_a_job_that_has_ended_cannot_be_cancelled(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_tell")
    run_jobs()
    with pytest.raises(Refused, match="done already"), transaction() as work:
        operations.cancel(work, job_id, actor=COMMAND_LINE)


def test_a_job_that_is_done_does_not_run_again(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_tell")
    run_jobs()
    with pytest.raises(Refused), transaction() as work:
        operations.run_again(work, job_id, actor=COMMAND_LINE)


def test_a_job_in_the_foreground_needs_no_worker_and_is_given_to_none(session: Session) -> None:
    with transaction() as work:
        job = operations.enqueue(
            work, "test_resume", {"rows": 2}, actor=COMMAND_LINE, title="A test", foreground=True
        )
    assert queue.current().waiting() == set()
    assert operations.run_now(job.id).state == JobState.DONE
    assert groups() == 2


def test_ctrl_c_at_the_command_line_takes_back_what_was_written(session: Session) -> None:
    def interrupted(context: JobContext) -> None:
        from tests.jobs.kinds import write_groups

        write_groups(context)
        raise KeyboardInterrupt

    registry.register("test_interrupt", interrupted, on_abandoned="resume")
    with transaction() as work:
        job = operations.enqueue(
            work, "test_interrupt", {"rows": 2}, actor=COMMAND_LINE, title="A test", foreground=True
        )
    with pytest.raises(KeyboardInterrupt):
        operations.run_now(job.id)
    assert read(session, job.id).state == JobState.CANCELLED
    assert groups() == 0


def test_what_a_job_belongs_to_ends_with_it(session: Session, run_jobs: Callable[[], int]) -> None:
    ended: list[str] = []
    registry.register(
        "test_end",
        lambda context: None,
        on_abandoned="fail",
        on_end=lambda _session, job: ended.append(job.state),
    )
    enqueue("test_end")
    run_jobs()
    assert ended == [JobState.DONE]


def test_a_job_acts_with_the_permissions_of_who_asked_for_it(
    session: Session, run_jobs: Callable[[], int]
) -> None:
    seen: list[Actor] = []
    registry.register("test_actor", lambda c: seen.append(c.actor), on_abandoned="fail")
    actor = an_operator()
    job_id = enqueue("test_actor", actor=actor)
    run_jobs()
    assert seen[0].permissions == actor.permissions
    assert (seen[0].label, seen[0].job_id) == ("Olga", job_id)


def test_the_jobs_of_others_are_not_there(session: Session) -> None:
    job_id = enqueue("test_tell", actor=an_operator())
    stranger = an_operator()
    with pytest.raises(NotFound):
        operations.find(session, job_id, actor=stranger)
    with pytest.raises(NotFound), transaction() as work:
        operations.cancel(work, job_id, actor=stranger)
    boss = an_operator(RoleName.ADMINISTRATOR)
    assert operations.find(session, job_id, actor=boss).id == job_id
