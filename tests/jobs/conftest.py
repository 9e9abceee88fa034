"""Real workers in processes of their own, for the tests of jobs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.config import Settings
from tests.jobs import kinds

ROOT = Path(__file__).resolve().parents[2]
Worker = subprocess.Popen[str]


@pytest.fixture(autouse=True)
def test_kinds() -> None:
    """Make the kinds of these tests known here; workers know them by themselves."""
    kinds.register()


@pytest.fixture
def start_worker(app: Flask) -> Iterator[Callable[[], Worker]]:
    """Start a real worker on the same database and queue; its jobs talk on its standard output."""
    settings: Settings = app.config["SETTINGS"]
    running: list[Worker] = []

    def start() -> Worker:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.kinds"],
            cwd=ROOT,
            env=os.environ
            | {
                "KONTOR_INSTANCE": settings.instance,
                "DATABASE_URL": settings.database_url,
                "SECRET_KEY": settings.secret_key,
                "KONTOR_CHUNK_PAUSE_MS": "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(worker)
        return worker

    yield start
    for worker in running:
        worker.kill()
        worker.wait(10)
        if worker.stdout:
            worker.stdout.close()


def next_line(worker: Worker) -> str:
    """What a job of this worker says next; fails when the worker ended instead."""
    assert worker.stdout
    line = worker.stdout.readline().strip()
    assert line, f"the worker ended with code {worker.wait(10)}"
    return line
