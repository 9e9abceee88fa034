"""What a record shows: sections, and badges and tabs that features register for it.

A feature hangs a tab onto another's record without that one knowing of it, when the application
is made:

    register_tab("customers", RecordTab("mandates", "Mandates", render, count=..., order=50))

`render(view, session, model, page)` returns HTML and runs only when the tab is opened.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

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
    """One tab of a record. `count(session, model)` gives the number in its head, or None.

    `shown` narrows whose record has the tab, as in `shown=lambda model: model.kind == "perpetual"`.
    """

    name: str
    label: str
    render: Callable[[Any, Session, Any, int], str]
    count: Callable[[Session, Any], int | None] | None = None
    permission: Permission | None = None
    order: int = 100
    shown: Callable[[Any], bool] = lambda model: True


_registered: dict[str, dict[str, RecordTab]] = defaultdict(dict)
Badges = Callable[[Actor, Any], list[Badge]]
_badges: dict[str, list[Badges]] = defaultdict(list)


def register_tab(records: str, tab: RecordTab) -> None:
    """Hang a tab onto the records of one kind; a second one of the same name replaces it."""
    _registered[records][tab.name] = tab


def register_badges(records: str, badges: Badges) -> None:
    """Hang badges onto the heading of the records of one kind: `badges(actor, model)`."""
    if badges not in _badges[records]:
        _badges[records].append(badges)


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
