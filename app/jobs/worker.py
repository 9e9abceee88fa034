"""Binds the jobs to an application, and makes the worker that runs them."""

from typing import TYPE_CHECKING

from flask import Flask

from app.config import Settings
from app.jobs import cleanup, mail, recovery, runner, undoing
from app.jobs.queue import EXTENSION, JobQueue

if TYPE_CHECKING:
    from huey.consumer import Consumer

# Two long jobs of two people do not wait for each other.
THREADS = 2
# An idle worker looks this often, so that a person sees a job start at once.
LOOK_SECONDS = 0.5


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application its queue, and register the jobs that no feature owns."""

    def run(job_id: int) -> None:
        with app.app_context():
            runner.run_queued(job_id)

    def every_minute() -> None:
        with app.app_context():
            look_after()

    app.extensions[EXTENSION] = JobQueue(settings, run=run, every_minute=every_minute)
    cleanup.register()
    mail.register()
    undoing.register()


def look_after() -> None:
    """What a worker does when it starts, and every minute after that."""
    recovery.set_abandoned_right()
    recovery.send_forgotten()
    cleanup.enqueue_if_due()
    mail.enqueue_if_due()


def make_consumer(app: Flask) -> "Consumer":
    """A worker, ready to `run()` until INT or TERM.

    It may be killed at any moment: what it leaves is set right by the next one.
    """
    # Loaded here: nothing but a worker needs it.
    from huey.consumer import Consumer

    queue: JobQueue = app.extensions[EXTENSION]
    with app.app_context():
        look_after()
    return Consumer(
        queue.huey, workers=THREADS, max_delay=LOOK_SECONDS, scheduler_interval=1, periodic=True
    )
