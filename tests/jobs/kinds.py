"""Jobs for the tests of jobs: they write groups, in chunks, and stop where a test wants them to."""

import sys
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import undo
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.customers.models import Group
from app.extensions import db
from app.jobs import registry
from app.jobs.context import JobContext


def write_groups(context: JobContext) -> dict[str, Any]:
    """Write `rows` groups, one in each chunk; at row `halt_at` of the first run, say so and wait.

    `fail_at` raises there, `refuse_at` refuses there.
    """
    rows = context.params["rows"]
    start = context.cursor["row"] if context.cursor else 0
    for row in range(start, rows):
        context.stop_if_cancelled()
        _perhaps_stop(context, row, resumed=bool(start))
        with context.chunk() as session:
            group = Group(name=f"{context.params.get('name', 'Group')} {row}")
            session.add(group)
            session.flush()
            undo.note_inserted(session, Group.__table__, [(group.id,)])
            context.checkpoint(session, {"row": row + 1}, row + 1)
        context.progress(row + 1, rows, "Writing")
    return {"groups": rows}


def _perhaps_stop(context: JobContext, row: int, *, resumed: bool) -> None:
    if row == context.params.get("fail_at"):
        raise RuntimeError("a fault with details that nobody should read")
    if row == context.params.get("refuse_at"):
        raise Refused.because("The file is empty")
    if row == context.params.get("halt_at") and not resumed:
        say(f"halted {context.job_id}")
        threading.Event().wait()


# What an undoable job of these tests does: each in one chunk.
work: list[Callable[[Session, Actor], object]] = []


def do_work(context: JobContext) -> dict[str, Any]:
    """Do what the test has put down as work, chunk by chunk."""
    start = context.cursor["step"] if context.cursor else 0
    for step in range(start, len(work)):
        context.stop_if_cancelled()
        with context.chunk() as session:
            work[step](session, context.actor)
            context.checkpoint(session, {"step": step + 1}, step + 1)
    return {"steps": len(work)}


def tell_name(context: JobContext) -> None:
    """Say which job ran, for the tests that count."""
    say(f"ran {context.job_id}")


def say(line: str) -> None:
    """One line to whoever started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def register() -> None:
    """Make the kinds known: the same writing under each policy."""
    registry.register("test_resume", write_groups, on_abandoned="resume")
    registry.register("test_take_back", write_groups, on_abandoned="take_back")
    registry.register("test_fail", write_groups, on_abandoned="fail")
    registry.register(
        "test_undoable", do_work, on_abandoned="resume", undo=Permission.CUSTOMERS_EDIT
    )
    registry.register("test_tell", tell_name, on_abandoned="fail")


def groups() -> int:
    """How many groups there are."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Group)) or 0


if __name__ == "__main__":
    # A worker in a process of its own, with these kinds.
    from app import create_app
    from app.jobs.worker import make_consumer

    application = create_app()
    register()
    make_consumer(application).run()
