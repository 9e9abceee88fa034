"""What can be done to one or several records besides editing them: lock, delete, release."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.permissions import Permission

Perform = Callable[[Session, list[int], Mapping[str, str], Actor], str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that the confirmation asks for, such as a lock text; it arrives under `name`."""

    name: str
    label: str
    required: bool = True
    hint: str = ""
    max_length: int = 400


@dataclass(frozen=True, slots=True)
class Action:
    """An action: `perform(session, ids, answers, actor)` runs in one transaction.

    It returns the sentence that tells what was done. `confirm` is the question asked before;
    "{this customer|# customers}" in it is chosen by their number, and {count} becomes it.
    `places` are "bulk", "row" and "record"; `shown` says for one record whether the action
    applies to it.
    """

    name: str
    label: str
    permission: Permission
    perform: Perform
    icon: str = "circle-check"
    confirm: str = ""
    danger: bool = False
    ask: Ask | None = None
    places: frozenset[str] = frozenset({"bulk", "record"})
    shown: Callable[[Any], bool] = lambda model: True

    def question(self, count: int) -> str:
        """The question for so many records."""

        def choose(found: re.Match[str]) -> str:
            return found[1] if count == 1 else found[2].replace("#", f"{count:,}")

        return re.sub(r"\{([^|{}]*)\|([^|{}]*)\}", choose, self.confirm).replace(
            "{count}", f"{count:,}"
        )


def usable(actions: Sequence[Action], place: str, actor: Actor, model: Any = None) -> list[Action]:
    """The actions that this person may use at this place, for this record if one is given."""
    return [
        action
        for action in actions
        if place in action.places
        and actor.may(action.permission)
        and (model is None or action.shown(model))
    ]
