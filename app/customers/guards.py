"""What other rooms may say against deleting a customer; they register when the app is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, false, or_
from sqlalchemy.orm import Session

from app.core.errors import Problem
from app.customers.models import Customer

# Given the ids of customers, it returns a problem for each that must not be deleted now.
Guard = Callable[[Session, Sequence[int]], Mapping[int, Problem]]


@dataclass(frozen=True, slots=True)
class _Registered:
    guard: Guard
    kept: Select[int]


_guards: dict[str, _Registered] = {}
_restore_guards: dict[str, Guard] = {}


def register_delete_guard(guard: Guard, kept: Select[int]) -> None:
    """Let a feature refuse the deletion of customers, with the reason.

    `kept` selects the ids of all customers that it refuses, for whoever counts them beforehand.
    """
    _guards[f"{guard.__module__}.{guard.__qualname__}"] = _Registered(guard, kept)


def register_restore_guard(guard: Guard) -> None:
    """Let a feature refuse to bring deleted customers back, with the reason for each."""
    _restore_guards[f"{guard.__module__}.{guard.__qualname__}"] = guard


def reasons_against_restoring(session: Session, customer_ids: Sequence[int]) -> list[Problem]:
    """Everything said against bringing these customers back."""
    guards = _restore_guards.values()
    return [problem for one in guards for problem in one(session, customer_ids).values()]


def refusals_to_delete(session: Session, customer_ids: Sequence[int]) -> dict[int, Problem]:
    """What is said against deleting each of these customers, the first of it."""
    found: dict[int, Problem] = {}
    for one in _guards.values():
        found = {**one.guard(session, customer_ids), **found}
    return found


def reasons_against_deleting(session: Session, customer_ids: Sequence[int]) -> list[Problem]:
    """Everything said against deleting these customers."""
    return [
        problem for one in _guards.values() for problem in one.guard(session, customer_ids).values()
    ]


def cannot_be_deleted() -> ColumnElement[bool]:
    """The condition of customers that must not be deleted now."""
    return or_(false(), *(Customer.id.in_(one.kept) for one in _guards.values()))
