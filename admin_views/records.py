"""What a record shows, and what features hang onto it without the record knowing of them.

Features register when the application is made; registering the same name twice replaces:

    register_tab("customers", RecordTab("mandates", "Mandates", render, rows=..., order=50))
    register_badges("customers", balance_badge)
    register_action("customers", Action("order", "Add order", Permission.ORDERS_EDIT, add_order))

What a feature tells in the timeline is registered in `timeline.py`. A tab's
`render(view, session, model, page)` returns HTML and runs only when the tab is opened. An action
appears wherever its `places` say.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from admin_views.actions import Action
from admin_views.formatters import Badge
from app.core.actor import Actor
from app.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a record: labels and values, shown by `formatters.show`."""

    title: str
    lines: Sequence[tuple[str, Any]]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class RecordTab:
    """One tab of a record.

    `rows(model)` are the rows whose number stands in its head, counted up to a cap together with
    those of the other tabs; `count(session, model)` gives a number that takes no query of rows.
    `shown` narrows whose record has the tab, as in `shown=lambda model: model.kind == "perpetual"`.
    `history` is set by the History tab alone (history.py).
    """

    name: str
    label: str
    render: Callable[[Any, Session, Any, int], str]
    count: Callable[[Session, Any], int | None] | None = None
    permission: Permission | None = None
    order: int = 100
    shown: Callable[[Any], bool] = lambda model: True
    rows: Callable[[Any], Select[Any]] | None = None
    history: Any = None


_registered: dict[str, dict[str, RecordTab]] = defaultdict(dict)
Badges = Callable[[Actor, Any], list[Badge]]
_badges: dict[str, list[Badges]] = defaultdict(list)
_actions: dict[str, dict[str, Action]] = defaultdict(dict)


def register_tab(records: str, tab: RecordTab) -> None:
    """Hang a tab onto the records of one kind; a second one of the same name replaces it."""
    _registered[records][tab.name] = tab


def register_badges(records: str, badges: Badges) -> None:
    """Hang badges onto the heading of the records of one kind: `badges(actor, model)`."""
    if badges not in _badges[records]:
        _badges[records].append(badges)


def register_action(records: str, action: Action) -> None:
    """Let something be done to the records of one kind; a second one of the same name replaces it.

    Views of whose records the action is not meant leave it out by `Action.shown`.
    """
    _actions[records][action.name] = action


def actions_for(records: str) -> list[Action]:
    """The actions that features have for these records."""
    return list(_actions.get(records, {}).values())


def badges_for(records: str, actor: Actor, model: Any) -> list[Badge]:
    """The badges that features have for this record."""
    return [one for badges in _badges.get(records, ()) for one in badges(actor, model)]


def tabs_for(records: str, own: Sequence[RecordTab], actor: Actor, model: Any) -> list[RecordTab]:
    """The tabs that this person sees on this record, in order."""
    tabs = {tab.name: tab for tab in own} | _registered.get(records, {})
    return sorted(
        (
            tab
            for tab in tabs.values()
            if (tab.permission is None or actor.may(tab.permission)) and tab.shown(model)
        ),
        key=lambda tab: tab.order,
    )
