"""The command bank-report, which stops after its second chunk until it is killed."""

import sys
import threading
from contextlib import contextmanager
from itertools import count
from typing import Any

from flask.cli import main

from app.jobs.context import JobContext
from tests.jobs.kinds import say

_chunk = JobContext.chunk
_number = count(1)


@contextmanager
def halting_chunk(context: JobContext, **given: Any) -> Any:
    with _chunk(context, **given) as session:
        yield session
    if next(_number) == 2:
        say("halted")
        threading.Event().wait()


if __name__ == "__main__":
    JobContext.chunk = halting_chunk
    sys.argv = ["flask", "--app", "wsgi", "bank-report", sys.argv[1]]
    main()
