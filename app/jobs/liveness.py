"""Who runs a job, and whether that process is still alive."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache

import psutil

from app.core import clock
from app.jobs.models import Job

# A worker writes its heartbeat this often ...
HEARTBEAT_SECONDS = 10.0
# ... and one on another machine is taken for dead after this silence.
SILENCE = timedelta(minutes=3)
# Clocks are set while programs run, and the start time is counted from the machine's own.
START_TOLERANCE_SECONDS = 5.0


@cache
def _name_of(pid: int) -> str:
    started = psutil.Process(pid).create_time()
    return f"{socket.gethostname()[:120]}:{pid}:{started:.0f}"


def own_name() -> str:
    """This process as `host:pid:start`, start in seconds since 1970."""
    return _name_of(os.getpid())


# The jobs that this process is at work on. One that is ours in the database and does not stand
# here was left by a thread that could not even write down its failure.
_at_work: set[int] = set()


@contextmanager
def at_work(job_id: int) -> Iterator[None]:
    """Keep a job from being taken for abandoned by another thread of this process."""
    _at_work.add(job_id)
    try:
        yield
    finally:
        _at_work.discard(job_id)


def is_abandoned(job: Job) -> bool:
    """Tell whether nobody works on this job any more, though it counts as running."""
    if job.worker == own_name():
        return job.id not in _at_work
    return not is_alive(job.worker, job.heartbeat_at)


def is_alive(worker: str | None, heartbeat: datetime | None) -> bool:
    """Tell whether the process named `worker` still runs.

    On this machine the process itself is looked for; its start time tells it from a later one
    with the same number. Of another machine only the heartbeat is known.
    """
    if not worker:
        return False
    host, pid, started = worker.rsplit(":", 2)
    if host != socket.gethostname()[:120]:
        return heartbeat is not None and clock.now() - heartbeat < SILENCE
    try:
        process = psutil.Process(int(pid))
        return (
            abs(process.create_time() - float(started)) <= START_TOLERANCE_SECONDS
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False
