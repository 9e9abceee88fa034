"""What other rooms may say against deleting a customer; they register when the app is made."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from app.core.errors import Problem

# Given the ids of customers, a guard returns one problem for each that must not be deleted now.
Guard = Callable[[Session, Sequence[int]], list[Problem]]
_guards: list[Guard] = []


def register_delete_guard(guard: Guard) -> None:
    """Let a feature refuse the deletion of customers, with the reason."""
    if guard not in _guards:
        _guards.append(guard)


def reasons_against_deleting(session: Session, customer_ids: Sequence[int]) -> list[Problem]:
    """Everything said against deleting these customers."""
    return [problem for guard in _guards for problem in guard(session, customer_ids)]
