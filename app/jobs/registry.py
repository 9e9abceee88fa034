"""The kinds of jobs. A feature registers its own when the application is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import Session

from app.core.permissions import Permission
from app.jobs.models import Job

if TYPE_CHECKING:
    from app.jobs.context import JobContext


T = TypeVar("T")


class OnAbandoned(StrEnum):
    """What happens to a job whose worker was killed."""

    RESUME = "resume"  # goes on after the last checkpoint
    TAKE_BACK = "take_back"  # what it wrote is undone, then it has failed
    FAIL = "fail"  # it wrote nothing that could be left half done: it has failed


Run = Callable[["JobContext"], Mapping[str, Any] | None]
# The permission that taking back a job needs, by its parameters.
Undo = Callable[[Mapping[str, Any]], Permission]
# Called with a job that was taken back and how many records were, in the undo's last transaction.
OnUndone = Callable[[Session, Job, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class JobKind:
    """How one kind of job runs and ends.

    `on_abandoned` may look at the parameters: an import of "all or nothing" is taken back where
    another is resumed. `on_end` runs in the transaction that writes a job's final state, so that
    what the job belongs to (an import, an export) never disagrees with it. `undo` makes a finished
    job one that can be taken back (undoing.py), by whoever has the permission that it names, and
    `on_undone` lets what the job belongs to know. One that is not `stoppable` runs to its end:
    stopping it midway would leave half of its work.
    """

    name: str
    run: Run
    on_abandoned: Callable[[Mapping[str, Any]], OnAbandoned]
    on_end: Callable[[Session, Job], None] | None = None
    undo: Undo | None = None
    on_undone: OnUndone | None = None
    stoppable: bool = True


# Called with every job that has ended, in the transaction that writes its final state.
AtEnd = Callable[[Session, Job], None]

_kinds: dict[str, JobKind] = {}
_at_every_end: list[AtEnd] = []


def register(
    kind: str,
    run: Run,
    *,
    on_abandoned: OnAbandoned | str | Callable[[Mapping[str, Any]], OnAbandoned],
    on_end: Callable[[Session, Job], None] | None = None,
    undo: Undo | Permission | None = None,
    on_undone: OnUndone | None = None,
    stoppable: bool = True,
) -> None:
    """Make a kind of job known. Raises ValueError for an unknown `on_abandoned`."""
    decide = on_abandoned if callable(on_abandoned) else _always(OnAbandoned(on_abandoned))
    needed = _always(undo) if isinstance(undo, Permission) else undo
    _kinds[kind] = JobKind(kind, run, decide, on_end, needed, on_undone, stoppable)


def _always(answer: T) -> Callable[[Mapping[str, Any]], T]:
    return lambda _params: answer


def find(kind: str) -> JobKind | None:
    """The kind, or None where no feature of this version knows it."""
    return _kinds.get(kind)


def at_every_end(told: AtEnd) -> None:
    """Have a feature told of the end of jobs of every kind."""
    if told not in _at_every_end:
        _at_every_end.append(told)


def tell_of_end(session: Session, job: Job) -> None:
    """Tell its own kind of a job's end, and whoever wants to know of all."""
    kind = find(job.kind)
    if kind and kind.on_end:
        kind.on_end(session, job)
    for told in _at_every_end:
        told(session, job)
