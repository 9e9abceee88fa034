"""A real worker that stops at a point of an import, or of its undo, until it is killed.

The point is in KONTOR_TEST_HALT: "check 300" is after 300 rows, "check Keeping the result" is at
that phase, "run 2" and "undo 2" are after the second commit, "back 1" after the first commit of
taking back what a killed run had written.
"""

import os
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import Any

from app import create_app
from app.jobs import runner
from app.jobs.context import JobContext
from app.jobs.worker import make_consumer

STEP, _, POINT = os.environ.get("KONTOR_TEST_HALT", "run 1").partition(" ")
_chunk, _progress, _take_back_some = (
    JobContext.chunk, JobContext.progress, runner._take_back_some,
)  # fmt: skip
_seen: Counter[str] = Counter()


def halt() -> None:
    sys.stdout.write(f"halted at {STEP} {POINT}\n")
    sys.stdout.flush()
    threading.Event().wait()


def count(step: str) -> None:
    _seen[step] += 1
    if step == STEP and str(_seen[step]) == POINT:
        halt()


@contextmanager
def halting_chunk(context: JobContext, **given: Any) -> Any:
    with _chunk(context, **given) as session:
        yield session
    if context.params.get("import_id"):
        count("run")
    elif "records" in context.params:
        count("undo")


def halting_progress(context: JobContext, *args: Any, **given: Any) -> None:
    _progress(context, *args, **given)
    if given.get("phase") == "Checking rows":
        count("check")
    elif STEP == "check" and given.get("phase") == POINT:
        halt()


def halting_take_back(job_id: int) -> int:
    taken = _take_back_some(job_id)
    count("back")
    return taken


if __name__ == "__main__":
    JobContext.chunk = halting_chunk
    JobContext.progress = halting_progress
    runner._take_back_some = halting_take_back
    make_consumer(create_app()).run()
