"""States and their transitions as data: one table, checked in one place."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from app.core.errors import Refused

S = TypeVar("S", bound=StrEnum)


class StateMachine(Generic[S]):
    """Which state may follow which."""

    def __init__(self, name: str, transitions: Mapping[S, frozenset[S]]) -> None:
        self.name = name
        self.transitions = transitions

    def allows(self, old: S, new: S) -> bool:
        """Tell whether `new` may follow `old`."""
        return new in self.transitions.get(old, frozenset())

    def check(self, old: S, new: S) -> None:
        """Raise Refused unless `new` may follow `old`."""
        if not self.allows(old, new):
            raise Refused.because(f"A {self.name} that is {old} cannot become {new}")
