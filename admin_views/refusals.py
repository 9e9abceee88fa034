"""How refusals reach a person: in words, in one notice, and never as the database's own text."""

import logging
from typing import Any

from markupsafe import Markup
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core.errors import Conflict, KontorError, Problem, Refused

log = logging.getLogger(__name__)

TAKEN = Problem(
    "",
    "This could not be saved: something in it is already in use, or is still needed elsewhere",
    "Look for a record with the same name or number; nothing was changed",
)


class AlreadyMade(KontorError):
    """The same form came before and has made a record."""

    def __init__(self, record_id: int | None) -> None:
        self.record_id = record_id
        super().__init__("This was created already")


class in_words:  # noqa: N801 - used like a function: with in_words()
    """Turn what the database refuses into words; its own text never reaches a person."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, StaleDataError):
            raise Conflict("Somebody else has changed this meanwhile.") from error
        if isinstance(error, IntegrityError):
            log.warning("A constraint of the database refused a change: %s", _constraint(error))
            raise Refused([TAKEN]) from error


def in_one(error: KontorError) -> Any:
    """A refusal as one notice, with the links that lead to the place to mend it."""
    if not isinstance(error, Refused):
        return str(error)
    parts = []
    for problem in error.problems:
        link = (
            Markup(' <a href="{1}" class="alert-link">{0}</a>').format(*problem.link)
            if (problem.link)
            else Markup("")
        )
        parts.append(Markup("{}{}").format(str(problem), link))
    return Markup("<br>").join(parts)


def _constraint(error: IntegrityError) -> str:
    """Which constraint it was, without the values that broke it: a log is no place for them."""
    details = getattr(error.orig, "diag", None)
    return str(details.constraint_name if details is not None else error.orig)
