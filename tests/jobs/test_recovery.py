"""A worker may be killed at any moment, and a queue may be lost: no job is, and none runs twice."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.jobs import liveness, operations, queue, recovery, runner
from app.jobs.models import Job, JobState
from app.jobs.story import story
from tests.jobs.conftest import next_line
from tests.jobs.kinds import groups

StartWorker = Callable[[], "subprocess.Popen[str]"]


def enqueue(kind: str, **params: object) -> int:
    with transaction() as session:
        return operations.enqueue(session, kind, params, actor=COMMAND_LINE, title="A test").id


def read(session: Session, job_id: int) -> Job:
    session.rollback()
    return session.get_one(Job, job_id)


def sentences(job: Job) -> list[str]:
    return [sentence for _, sentence in story(job)]


def kill_in_the_middle(start_worker: StartWorker, job_id: int) -> None:
    """Let a real worker run the job up to the row where it halts, then kill -9 the worker."""
    worker = start_worker()
    assert next_line(worker) == f"halted {job_id}"
    worker.kill()
    worker.wait(10)


def test_a_killed_long_write_is_resumed_after_its_last_commit(
    session: Session, start_worker: StartWorker, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_resume", rows=10, halt_at=4)
    kill_in_the_middle(start_worker, job_id)
    assert read(session, job_id).state == JobState.RUNNING
    assert groups() == 4

    recovery.set_abandoned_right()
    assert read(session, job_id).state == JobState.QUEUED
    run_jobs()

    job = read(session, job_id)
    assert (job.state, job.done, job.attempts) == (JobState.DONE, 10, 2)
    assert groups() == 10
    assert sentences(job) == [
        "Waits for a worker",
        "Started",
        "The worker ended while the job was at 4 of 10",
        "Waits to go on where it stood",
        "Resumed",
        "Done",
    ]


def test_a_killed_long_write_is_taken_back_whole_where_that_was_chosen(
    session: Session, start_worker: StartWorker
) -> None:
    job_id = enqueue("test_take_back", rows=10, halt_at=4)
    kill_in_the_middle(start_worker, job_id)
    assert groups() == 4

    recovery.set_abandoned_right()

    job = read(session, job_id)
    assert job.state == JobState.FAILED
    assert job.error == "The worker ended while the job was at 4 of 10. It can be run again."
    assert "everything it had written was taken back" in sentences(job)[-1]
    assert groups() == 0


def test_a_job_taken_back_can_be_run_again_from_its_beginning(
    session: Session, start_worker: StartWorker, run_jobs: Callable[[], int]
) -> None:
    job_id = enqueue("test_take_back", rows=3, halt_at=1)
    kill_in_the_middle(start_worker, job_id)
    recovery.set_abandoned_right()
    with transaction() as work:
        job = operations.run_again(work, job_id, actor=COMMAND_LINE)
        job.params = {"rows": 3}
    run_jobs()
    assert read(session, job_id).state == JobState.DONE
    assert groups() == 3


def test_a_new_worker_sets_right_what_the_killed_one_left(
    session: Session, start_worker: StartWorker
) -> None:
    job_id = enqueue("test_resume", rows=6, halt_at=2)
    kill_in_the_middle(start_worker, job_id)
    last = enqueue("test_tell")
    worker = start_worker()
    assert next_line(worker) == f"ran {last}"
    worker.terminate()
    worker.wait(10)
    # The other thread of that worker may have been ended within the resumed job.
    recovery.set_abandoned_right()
    for job in session.scalars(select(Job).where(Job.state == JobState.QUEUED)).all():
        runner.run_queued(job.id)
    assert read(session, job_id).state == JobState.DONE
    assert groups() == 6


def test_a_cancelled_job_whose_worker_is_killed_is_taken_back_and_not_resumed(
    session: Session, start_worker: StartWorker
) -> None:
    job_id = enqueue("test_resume", rows=10, halt_at=4)
    worker = start_worker()
    assert next_line(worker) == f"halted {job_id}"
    with transaction() as work:
        operations.cancel(work, job_id, actor=COMMAND_LINE)
    worker.kill()
    worker.wait(10)

    recovery.set_abandoned_right()

    assert read(session, job_id).state == JobState.CANCELLED
    assert groups() == 0


def test_two_workers_never_run_the_same_job(session: Session, start_worker: StartWorker) -> None:
    jobs = [enqueue("test_tell") for _ in range(20)]
    for job_id in jobs:
        queue.current().send(job_id)
    workers = [start_worker(), start_worker()]
    while session.scalar(select(Job.id).where(Job.state != JobState.DONE, Job.kind == "test_tell")):
        session.rollback()
    session.rollback()
    said = []
    for worker in workers:
        worker.terminate()
        said += worker.communicate(timeout=10)[0].split("\n")
    assert sorted(filter(None, said)) == sorted(f"ran {job_id}" for job_id in jobs)


def test_a_job_that_the_queue_has_lost_is_sent_again(session: Session) -> None:
    job_id = enqueue("test_tell")
    queue.current().huey.flush()
    assert queue.current().waiting() == set()
    recovery.send_forgotten()
    assert queue.current().waiting() == {job_id}


def test_a_job_whose_worker_lives_is_left_alone(session: Session) -> None:
    job_id = enqueue("test_tell")
    with liveness.at_work(job_id):
        assert runner.claim(job_id)
        recovery.set_abandoned_right()
        assert read(session, job_id).state == JobState.RUNNING


def test_a_job_that_ends_its_worker_each_time_is_given_up(session: Session) -> None:
    job_id = enqueue("test_resume", rows=3)
    for _ in range(recovery.MOST_ATTEMPTS):
        assert runner.claim(job_id)
        recovery.set_abandoned_right()
    job = read(session, job_id)
    assert job.state == JobState.FAILED
    assert job.error == "The worker ended during the job, for the 5th time."


@pytest.mark.parametrize(
    ("silence", "alive"), [(timedelta(minutes=1), True), (timedelta(minutes=5), False)]
)
def test_a_worker_on_another_machine_is_judged_by_its_heartbeat(
    silence: timedelta, alive: bool
) -> None:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    with clock.frozen(now):
        assert liveness.is_alive("another-machine:4711:1700000000", now - silence) is alive


def test_a_later_process_with_the_same_number_is_not_taken_for_the_worker() -> None:
    host, pid, started = liveness.own_name().rsplit(":", 2)
    assert liveness.is_alive(f"{host}:{pid}:{started}", None)
    assert not liveness.is_alive(f"{host}:{pid}:{int(started) - 3600}", None)
