"""`start`: one command brings up web server and worker, says where, and ends both."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    """Run the command with an instance folder of its own."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **settings: str) -> "subprocess.Popen[str]":
        environment = os.environ | {"KONTOR_INSTANCE": str(tmp_path), "KONTOR_PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "start", *arguments],
            cwd=ROOT,
            env=environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(process: "subprocess.Popen[str]", words: str) -> str:
    """The first line of the output that holds the words."""
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the command ended without saying {words!r}")


def test_an_empty_folder_becomes_a_running_kontor_that_ends_when_asked(
    start: Start, port: int, tmp_path: Path
) -> None:
    kontor = start()
    assert f"http://127.0.0.1:{port}/" in until(kontor, "Kontor is running at")
    assert (tmp_path / "kontor.db").exists()
    second = start()
    assert f"Port {port} is in use" in second.communicate(timeout=30)[0]
    assert second.returncode == 1
    kontor.send_signal(signal.SIGTERM)
    kontor.communicate(timeout=30)
    assert kontor.returncode == 0


def test_a_running_kontor_keeps_no_read_open_that_would_let_the_log_grow(
    start: Start, tmp_path: Path
) -> None:
    until(start(), "Kontor is running at")
    with closing(sqlite3.connect(tmp_path / "kontor.db", timeout=10)) as database:
        busy, pages, written = database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    assert (busy, written) == (0, pages)


def test_production_gets_no_demo_logins(start: Start) -> None:
    refused = start("--demo", KONTOR_PRODUCTION="yes", SECRET_KEY="x" * 64)
    assert "not in production" in refused.communicate(timeout=30)[0]
    assert refused.returncode == 2


def test_a_misspelt_role_that_must_use_two_factors_is_told_before_anybody_gets_in(
    start: Start,
) -> None:
    refused = start(KONTOR_TWO_FACTOR_ROLES="administrator, acounting")
    assert "names acounting, but there is no such role" in refused.communicate(timeout=60)[0]
    assert refused.returncode == 1
