"""The kinds of jobs. A feature registers its own when the application is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.jobs.models import Job

if TYPE_CHECKING:
    from app.jobs.context import JobContext


class OnAbandoned(StrEnum):
    """What happens to a job whose worker was killed."""

    RESUME = "resume"  # goes on after the last checkpoint
    TAKE_BACK = "take_back"  # what it wrote is undone, then it has failed
    FAIL = "fail"  # it wrote nothing that could be left half done: it has failed


Run = Callable[["JobContext"], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class JobKind:
    """How one kind of job runs and ends.

    `on_abandoned` may look at the parameters: an import of "all or nothing" is taken back where
    another is resumed. `on_end` runs in the transaction that writes a job's final state, so that
    what the job belongs to (an import, an export) never disagrees with it.
    """

    name: str
    run: Run
    on_abandoned: Callable[[Mapping[str, Any]], OnAbandoned]
    on_end: Callable[[Session, Job], None] | None = None


_kinds: dict[str, JobKind] = {}


def register(
    kind: str,
    run: Run,
    *,
    on_abandoned: OnAbandoned | str | Callable[[Mapping[str, Any]], OnAbandoned],
    on_end: Callable[[Session, Job], None] | None = None,
) -> None:
    """Make a kind of job known. Raises ValueError for an unknown `on_abandoned`."""
    decide = on_abandoned if callable(on_abandoned) else _always(OnAbandoned(on_abandoned))
    _kinds[kind] = JobKind(kind, run, decide, on_end)


def _always(policy: OnAbandoned) -> Callable[[Mapping[str, Any]], OnAbandoned]:
    return lambda _params: policy


def find(kind: str) -> JobKind | None:
    """The kind, or None where no feature of this version knows it."""
    return _kinds.get(kind)
