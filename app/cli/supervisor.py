"""Keeps the web server and the worker running together: one start, one end, no orphans."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click

# A program that lived shorter than this ended by a fault in its start: wait before the next try.
QUICK_END_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# How long a program may finish its work after it was asked to end.
GRACE_SECONDS = 10.0
LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One program to keep running. `essential`: when it ends, everything ends."""

    name: str
    command: Sequence[str]
    essential: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_again_at: float | None = field(default=None)

    def start(self, folder: Path | None) -> None:
        """Start it in a session of its own, so that Ctrl+C reaches it through us alone."""
        self.process = subprocess.Popen(  # noqa: S603 - a fixed command, no input of a person
            self.command, cwd=folder, start_new_session=True, preexec_fn=_end_with_parent
        )
        self.started = time.monotonic()
        self.start_again_at = None

    def ended(self) -> int | None:
        """The exit code of a program that has ended, else None."""
        return self.process.poll() if self.process else None


def _end_with_parent() -> None:
    """Ask Linux to end this child when the supervisor is killed; elsewhere nothing is lost."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Runs programs until one of the signals INT, TERM or HUP, or the end of an essential one.

    `folder` is where they run; None is the folder of the supervisor itself.
    """

    def __init__(self, programs: Sequence[Program], folder: Path | None = None) -> None:
        self.programs = programs
        self.folder = folder
        self._stop = False

    def run(self, on_start: Callable[[], None] = lambda: None) -> int:
        """Block until the end; the exit code is 0 when a person asked for it, else the program's.

        `on_start` is called once, after every program was started.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        code = 0
        try:
            for program in self.programs:
                program.start(self.folder)
            on_start()
            while not self._stop:
                failed = self._look()
                if failed is not None:
                    code = failed
                    break
                time.sleep(LOOK_SECONDS)
        finally:
            self._end_all()
        return code

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _look(self) -> int | None:
        """Start again what has ended; return the exit code when an essential program ended."""
        now = time.monotonic()
        for program in self.programs:
            if program.start_again_at is not None:
                if now >= program.start_again_at:
                    program.start(self.folder)
                continue
            code = program.ended()
            if code is None:
                continue
            if program.essential:
                click.echo(f"The {program.name} ended (code {code}); stopping.", err=True)
                return code or 1
            quick = now - program.started < QUICK_END_SECONDS
            program.pause = (
                min(program.pause * 2, LONGEST_PAUSE_SECONDS) if quick else FIRST_PAUSE_SECONDS
            )
            program.start_again_at = now + (program.pause if quick else 0)
            click.echo(f"The {program.name} ended (code {code}); starting it again.", err=True)
        return None

    def _end_all(self) -> None:
        running = [p.process for p in self.programs if p.process and p.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
