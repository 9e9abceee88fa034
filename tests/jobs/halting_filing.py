"""A process that files a run and stops at a point, until it is killed.

The point is in KONTOR_TEST_HALT: "before", "writing", "kept" (the bytes are in the store),
"stored" (their rows are written, not committed) or "committed".
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from app import create_app
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.jobs import filing
from app.sepa import run_files
from app.sepa.rules import Policy

POINT = os.environ["KONTOR_TEST_HALT"]
_write_files, _transaction, _debit = filing.write_files, filing.transaction, run_files._debit
_seen: list[object] = []


def halt(point: str) -> None:
    if point == POINT:
        sys.stdout.write(f"halted at {point}\n")
        sys.stdout.flush()
        threading.Event().wait()


def halting_write(*given: Any) -> Any:
    halt("before")
    written = _write_files(*given)
    halt("kept")
    return written


def halting_debit(*given: Any) -> Any:
    _seen.append(given)
    if len(_seen) == 2:
        halt("writing")
    return _debit(*given)


@contextmanager
def halting_transaction() -> Iterator[Any]:
    with _transaction() as session:
        yield session
        halt("stored")
    halt("committed")


if __name__ == "__main__":
    filing.write_files = halting_write  # type: ignore[assignment]
    filing.transaction = halting_transaction
    run_files._debit = halting_debit
    moment = datetime.fromisoformat(os.environ["KONTOR_TEST_NOW"])
    with create_app(pages=False).app_context(), clock.frozen(moment):
        filing.file_now(int(sys.argv[1]), policy=Policy(), actor=COMMAND_LINE)
