"""The queue between the web server and the workers: huey on SQLite, or on Redis by a setting.

The queue carries numbers of jobs only. What a job is and how far it is stands in the database,
so that a lost queue loses nothing: a worker finds the waiting ones and sends them again.
"""

import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app

from app.config import Settings

if TYPE_CHECKING:
    from huey import Huey

log = logging.getLogger(__name__)

EXTENSION = "kontor_jobs"
QUEUE_FILE = "queue.db"
TASK = "run_job"


class JobQueue:
    """The queue of one application.

    `run` gets the number of a job, in a worker; `every_minute` is called there once a minute.
    """

    def __init__(
        self, settings: Settings, *, run: Callable[[int], None], every_minute: Callable[[], None]
    ) -> None:
        self._settings, self._run, self._every_minute = settings, run, every_minute
        if settings.redis_url:
            # At once: an address that is none must not go unnoticed until the first job.
            _ = self._bound

    @property
    def huey(self) -> "Huey":
        """The queue as the library knows it."""
        return self._bound[0]

    @cached_property
    def _bound(self) -> tuple["Huey", Any]:
        # With the first job: huey loads every driver it knows, and most commands send no job.
        from huey import crontab

        huey = _make_huey(self._settings)
        huey.periodic_task(crontab(), name="every_minute")(self._every_minute)
        return huey, huey.task(name=TASK)(self._run)

    def send(self, job_id: int) -> None:
        """Put a job into the queue. Sending one twice is harmless: it is claimed once.

        A queue that cannot be reached is logged only: the job stands in the database as queued,
        and the next look of a worker sends it.
        """
        try:
            self._bound[1](job_id)
        except Exception:
            log.exception("job %s could not be sent; a worker will find it", job_id)

    def waiting(self) -> set[int]:
        """The numbers of the jobs that stand in the queue."""
        return {task.args[0] for task in self.huey.pending() if task.name == TASK and task.args}


def _make_huey(settings: Settings) -> "Huey":
    from huey import RedisHuey, SqliteHuey

    if settings.redis_url:
        return RedisHuey("kontor", url=settings.redis_url, results=False)
    path = Path(settings.instance) / QUEUE_FILE
    return SqliteHuey("kontor", filename=str(path), results=False, timeout=30, fsync=False)


def current() -> JobQueue:
    """The queue of the application at work."""
    queue: JobQueue = current_app.extensions[EXTENSION]
    return queue
