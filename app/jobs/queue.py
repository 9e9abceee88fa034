"""The queue between the web server and the workers: huey on SQLite, or on Redis by a setting.

The queue carries numbers of jobs only. What a job is and how far it is stands in the database,
so that a lost queue loses nothing: a worker finds the waiting ones and sends them again.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from flask import current_app
from huey import Huey, RedisHuey, SqliteHuey, crontab

from app.config import Settings

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
        self.huey = _make_huey(settings)
        self._task = self.huey.task(name=TASK)(run)
        self.huey.periodic_task(crontab(), name="every_minute")(every_minute)

    def send(self, job_id: int) -> None:
        """Put a job into the queue. Sending one twice is harmless: it is claimed once.

        A queue that cannot be reached is logged only: the job stands in the database as queued,
        and the next look of a worker sends it.
        """
        try:
            self._task(job_id)
        except Exception:
            log.exception("job %s could not be sent; a worker will find it", job_id)

    def waiting(self) -> set[int]:
        """The numbers of the jobs that stand in the queue."""
        return {task.args[0] for task in self.huey.pending() if task.name == TASK and task.args}


def _make_huey(settings: Settings) -> Huey:
    if settings.redis_url:
        return RedisHuey("kontor", url=settings.redis_url, results=False)
    path = Path(settings.instance) / QUEUE_FILE
    return SqliteHuey("kontor", filename=str(path), results=False, timeout=30, fsync=False)


def current() -> JobQueue:
    """The queue of the application at work."""
    queue: JobQueue = current_app.extensions[EXTENSION]
    return queue
