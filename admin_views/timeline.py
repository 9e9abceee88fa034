"""The Timeline tab: everything that happened to a record, from many sources, newest first.

A feature tells what it knows of a record by a source, registered when the application is made:

    def read(session, model, position, limit):
        wanted = older_than(calls_of(model.id), position, Call.at, Call.id).limit(limit)
        return [Event(call.at, "phone", "Call", call.note, url, call.who,
                      position_of(call.at, call.id)) for call in session.scalars(wanted)]

    register_timeline("customers", TimelineSource("calls", "Calls", read, Permission.CALLS_VIEW))

A source gives at most `limit` events, the newest first, that come after the event whose position
it is given ("" is the beginning). The sources are merged by moment; the address of the next page
holds each source's own position, so that none is ever read from its beginning again, whatever
order or index it reads by. What stands in the history is told by `register_telling`; a source and
a telling of the same name are one kind to choose.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any

from flask import render_template, request
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session

from admin_views.access import acting
from admin_views.formatters import zone
from admin_views.history import History
from admin_views.records import RecordTab
from app.audit.models import Action, AuditEntry
from app.audit.visibility import hidden_from
from app.core import clock
from app.core.permissions import Permission

SIZE = 30
NAME = "timeline"
MAX_ID = 2**63 - 1
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `at` is a moment, or a day where no more is known.

    `position` is the source's own mark of this event: what comes after it is older.
    """

    at: datetime | date
    icon: str
    title: str
    text: str = ""
    url: str | None = None
    who: str = ""
    position: str = ""

    @property
    def day(self) -> date:
        """The day in the company's zone."""
        return self.at.astimezone(zone()).date() if isinstance(self.at, datetime) else self.at

    @property
    def moment(self) -> datetime:
        """What events are sorted by; a day counts as its beginning."""
        if isinstance(self.at, datetime):
            return self.at
        return datetime.combine(self.at, time.min, tzinfo=zone()).astimezone(UTC)


Read = Callable[[Session, Any, str, int], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class TimelineSource:
    """One source of events; `label` names their kind where they can be chosen."""

    name: str
    label: str
    read: Read
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """How history entries about some kinds of records are told: `tell(entry)` gives the event.

    They are read together with all else that the history tells, in one query; who may read which
    entries is the matter of `app.audit.visibility`.
    """

    name: str
    label: str
    entities: frozenset[str]
    tell: Callable[[AuditEntry], Event]


_sources: dict[str, dict[str, TimelineSource]] = defaultdict(dict)
_tellings: dict[str, dict[str, Telling]] = defaultdict(dict)


def register_timeline(records: str, source: TimelineSource) -> None:
    """Let a source tell of the records of one kind; a second of the same name replaces it."""
    _sources[records][source.name] = source


def register_telling(records: str, telling: Telling) -> None:
    """Let history entries be told in a feature's own words; the same name replaces."""
    _tellings[records][telling.name] = telling


def position_of(at: datetime | date, key: int) -> str:
    """The mark of an event that is read by its moment or day, and its number."""
    return f"{at.isoformat()}_{key}"


def older_than(wanted: Select[Any], position: str, at: Any, key: Any) -> Select[Any]:
    """The rows after a position, ordered by moment or day and number, the newest first."""
    ordered = wanted.order_by(at.desc(), key.desc())
    if not position:
        return ordered
    raw, _, number = position.rpartition("_")
    kind = at.type.python_type
    try:
        mark, last = kind.fromisoformat(raw), int(number)
        if not 0 <= last <= MAX_ID or (kind is datetime and mark.tzinfo is None):
            raise ValueError(position)
    except ValueError:
        return ordered  # no page of ours: from the beginning
    return ordered.where(or_(at < mark, and_(at == mark, key < last)))


@dataclass(frozen=True, slots=True)
class Page:
    """Events of one page, and each source's position after it; none where all is told."""

    events: Sequence[tuple[str, Event]]
    positions: Mapping[str, str] | None


def merged(
    session: Session, sources: Sequence[TimelineSource], model: Any, positions: Mapping[str, str]
) -> Page:
    """The next events of all sources, by moment; those of the same moment by their source."""
    streams = [
        [(source.name, event) for event in source.read(
            session, model, positions.get(source.name, ""), SIZE + 1)]
        for source in sources
    ]  # fmt: skip
    ordered = list(heapq.merge(*streams, key=lambda one: one[1].moment, reverse=True))
    after = dict(positions)
    for name, event in ordered[:SIZE]:
        after[name] = event.position
    return Page(ordered[:SIZE], after if len(ordered) > SIZE else None)


class _Timeline:
    """The tab of one kind of records."""

    def __init__(self, records: str, history: History) -> None:
        self.records = records
        self.history = history

    def render(self, view: Any, session: Session, model: Any, page: int) -> str:
        """A page of events; an older one is a fragment that follows the one before."""
        kinds = self.kinds()
        kind = request.args.get("kind", "")
        kind = kind if kind in kinds else ""
        sources = self.sources(kind)
        positions = {
            one.name: request.args[f"at_{one.name}"][:60]
            for one in sources
            if request.args.get(f"at_{one.name}")
        }
        found = merged(session, sources, model, positions)

        def url(**arguments: str | None) -> str:
            own = {"id": view.get_pk_value(model), "tab": NAME}
            return str(view.get_url(".tab_view", **own, **arguments))

        older = ""
        if found.positions is not None:
            marks = {f"at_{name}": mark for name, mark in found.positions.items()}
            last = found.events[-1][1].day.isoformat()
            older = url(kind=kind or None, day=last, **marks)
        return render_template(
            "admin/timeline.html",
            admin_view=view,
            days=by_day(found.events),
            last_day=request.args.get("day", ""),
            kinds=kinds,
            kind=kind,
            url=url,
            older=older,
            first=not positions,
            today=clock.now().astimezone(zone()).date(),
            time_of=time_of,
        )

    def kinds(self) -> dict[str, str]:
        """The kinds of events that this person may choose from, by name."""
        hidden = set(hidden_from(acting()))
        return {
            "changes": "Changes",
            **{one.name: one.label for one in self._tellings() if not one.entities <= hidden},
            **{one.name: one.label for one in self._features()},
        }

    def sources(self, kind: str) -> list[TimelineSource]:
        """Where the events of a kind come from; the history tells several, in one query."""
        telling = _tellings[self.records].get(kind)
        found = [one for one in self._features() if kind in ("", one.name)]
        if kind in ("", "changes") or telling is not None:
            found.insert(0, TimelineSource("history", "", self._reader(kind, telling)))
        return found

    def _tellings(self) -> list[Telling]:
        return list(_tellings[self.records].values())

    def _features(self) -> list[TimelineSource]:
        actor = acting()
        return [
            one
            for one in _sources[self.records].values()
            if one.permission is None or actor.may(one.permission)
        ]

    def _reader(self, kind: str, telling: Telling | None) -> Read:
        told = {entity: one.tell for one in self._tellings() for entity in one.entities}

        def read(session: Session, model: Any, position: str, limit: int) -> Sequence[Event]:
            wanted = self.history.rows(model).order_by(AuditEntry.id.desc()).limit(limit)
            if telling is not None:
                wanted = wanted.where(AuditEntry.entity.in_(sorted(telling.entities)))
            elif kind:
                wanted = wanted.where(AuditEntry.entity.not_in(sorted(told)))
            if position.isascii() and position.isdecimal() and int(position) <= MAX_ID:
                wanted = wanted.where(AuditEntry.id < int(position))
            return [told.get(one.entity, self._change)(one) for one in session.scalars(wanted)]

        return read

    def _change(self, entry: AuditEntry) -> Event:
        """An entry of the history in general words: what was done, and to which fields."""
        own = entry.entity == self.history.entity
        what = entry.entity if own else f"{entry.entity} {entry.entity_label}".strip()
        done = f"{what[:1].upper()}{what[1:]} {entry.action}"
        names = () if entry.action == Action.CREATED else tuple(entry.changes or ())
        fields = [self.history.label(entry.entity, name) for name in names]
        more = f" and {len(fields) - MOST_NAMED} more" if len(fields) > MOST_NAMED else ""
        told = ", ".join(fields[:MOST_NAMED]) + more
        return event_of(entry, _ICONS.get(entry.action, "pencil"), done, told)


def event_of(
    entry: AuditEntry, icon: str, title: str, text: str = "", url: str | None = None
) -> Event:
    """The event that a history entry tells of; the reason given is part of its text."""
    said = ". ".join(part for part in (text, entry.reason) if part)
    return Event(entry.at, icon, title, said, url, entry.actor_label, str(entry.id))


def time_of(event: Event) -> str:
    """The time of day in the company's zone, where it is known."""
    return f"{event.at.astimezone(zone()):%H:%M}" if isinstance(event.at, datetime) else ""


def by_day(events: Sequence[tuple[str, Event]]) -> list[tuple[date, list[Event]]]:
    """The events by the day of each, in their order."""
    groups = groupby((event for _, event in events), key=lambda event: event.day)
    return [(day, list(some)) for day, some in groups]


def timeline_tab(records: str, history: RecordTab) -> RecordTab:
    """The tab for the records that features register for under this name."""
    return RecordTab(NAME, "Timeline", _Timeline(records, history.history).render, order=5)


_ICONS: dict[str, str] = {
    Action.CREATED: "circle-plus",
    Action.DELETED: "trash",
    Action.RESTORED: "restore",
    Action.LOCKED: "lock",
    Action.UNLOCKED: "lock-open",
    Action.REMOVED: "trash",
    Action.TAKEN_BACK: "arrow-back-up",
}
