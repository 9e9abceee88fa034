"""What can go wrong, said in words a clerk understands."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: `field` names where it is, `message` what is wrong, `hint` what would be right.

    `link` is a label and an address that lead to the place to mend it.
    """

    field: str
    message: str
    hint: str = ""
    link: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class KontorError(Exception):
    """Everything that Kontor refuses on purpose; its text may be shown to a person."""


class Refused(KontorError):
    """The input breaks rules; every broken one is listed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    @classmethod
    def because(cls, message: str, *, field: str = "", hint: str = "") -> "Refused":
        """A refusal for a single reason."""
        return cls([Problem(field, message, hint)])


class Conflict(KontorError):
    """Somebody else changed the record since it was read."""


class NotFound(KontorError):
    """There is no such record, or not for this person."""


class NotAllowed(KontorError):
    """The actor lacks the permission."""
