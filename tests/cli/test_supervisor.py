"""The supervisor starts its programs, starts a dead one again, and leaves no orphan."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# A program that writes its process number into a file and waits to be ended.
WAITS = "import os,sys,signal; open(sys.argv[1],'a').write(f'{os.getpid()}\\n'); signal.pause()"


def supervise(tmp_path: Path, body: str) -> "subprocess.Popen[bytes]":
    script = tmp_path / "supervise.py"
    script.write_text(
        "import sys\nfrom app.cli.supervisor import Program, Supervisor\n" + textwrap.dedent(body)
    )
    with (tmp_path / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, str(script)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=said,
        )


def started(file: Path, count: int) -> list[psutil.Process]:
    """Wait until `count` starts stand in the file; the processes that did."""
    watcher = subprocess.run(
        ["/bin/sh", "-c", f"until [ $(cat {file} | wc -l) -ge {count} ]; do sleep 0.05; done"],
        stderr=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )
    assert watcher.returncode == 0
    pids = [int(line) for line in file.read_text().split()]
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def test_ending_the_supervisor_ends_both_programs(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = supervise(
        tmp_path,
        f"""
        waits = [sys.executable, "-c", {WAITS!r}, {str(pids)!r}]
        sys.exit(Supervisor([Program("web server", waits), Program("worker", waits)]).run())
        """,
    )
    programs = started(pids, 2)
    running.send_signal(signal.SIGTERM)
    assert running.wait(15) == 0
    assert not any(program.is_running() for program in programs)


def test_a_worker_that_died_is_started_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = supervise(
        tmp_path,
        f"""
        waits = [sys.executable, "-c", {WAITS!r}, {str(pids)!r}]
        sys.exit(Supervisor([Program("worker", waits)]).run())
        """,
    )
    (first,) = started(pids, 1)
    first.kill()
    assert len(started(pids, 2)) == 1
    running.send_signal(signal.SIGINT)
    assert running.wait(15) == 0


def test_the_end_of_the_web_server_ends_everything_and_says_so(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = supervise(
        tmp_path,
        f"""
        waits = [sys.executable, "-c", {WAITS!r}, {str(pids)!r}]
        fails = [sys.executable, "-c", "import sys; sys.exit(3)"]
        web = Program("web server", fails, essential=True)
        sys.exit(Supervisor([Program("worker", waits), web]).run())
        """,
    )
    assert running.wait(20) == 3
    assert "The web server ended (code 3)" in (tmp_path / "said").read_text()


def test_programs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = supervise(
        tmp_path,
        f"""
        waits = [sys.executable, "-c", {WAITS!r}, {str(pids)!r}]
        sys.exit(Supervisor([Program("worker", waits)]).run())
        """,
    )
    (program,) = started(pids, 1)
    running.kill()
    running.wait(10)
    program.wait(10)
    assert not program.is_running()
