"""A real worker that stops after the first committed chunk of a mass change or an undo."""

import threading
from contextlib import contextmanager
from typing import Any

from app import create_app
from app.jobs.context import JobContext
from app.jobs.worker import make_consumer
from tests.jobs.kinds import say

_chunk = JobContext.chunk


@contextmanager
def halting_chunk(context: JobContext, **given: Any) -> Any:
    with _chunk(context, **given) as session:
        yield session
    if "change" in context.params or "records" in context.params:
        say(f"halted {context.job_id}")
        threading.Event().wait()


if __name__ == "__main__":
    JobContext.chunk = halting_chunk
    make_consumer(create_app()).run()
