"""A real worker that stops after the first committed chunk of an import, until it is killed."""

import sys
import threading
from contextlib import contextmanager
from typing import Any

from app import create_app
from app.jobs.context import JobContext
from app.jobs.worker import make_consumer

_chunk = JobContext.chunk


@contextmanager
def halting_chunk(context: JobContext) -> Any:
    with _chunk(context) as session:
        yield session
    if context.params.get("import_id") and (context.cursor or {}).get("line"):
        sys.stdout.write(f"committed {context.cursor['line']}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    JobContext.chunk = halting_chunk
    make_consumer(create_app()).run()
