"""Brings the merged rows of the Subscriptions list up to date with the authorizations.

Rows are compared with what the merge says now, and only the differences are written: a row whose
coverage and sources stay keeps its number. Written through the tables, past the guard.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, select, tuple_
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.coverage import Coverage, in_words
from app.catalogue.queries_journals import journal_titles
from app.core import clock, undo
from app.core.actor import SYSTEM, Actor
from app.core.partial_date import PartialDate
from app.core.portions import portions
from app.subscriptions.models import (
    Authorization,
    Subscription,
    SubscriptionSource,
    SubscriptionSourceLink,
    SubscriptionStatus,
)
from app.subscriptions.rules import MergedRight, Right, lost_and_won, merge

Pair = tuple[int, int]  # customer and journal

_AUTHORIZATIONS: Any = Authorization.__table__
_SUBSCRIPTIONS: Any = Subscription.__table__
_LINKS: Any = SubscriptionSourceLink.__table__
_COVERAGE = (
    *("coverage_from", "coverage_to", "first_day", "last_day"),
    *("first_volume", "last_volume", "first_issue", "last_issue"),
)

# In plain words, so that the databases see that the index of merged rows will do.
_MERGED = _SUBSCRIPTIONS.c.source == literal_column(f"'{SubscriptionSource.PERPETUAL}'")
_STATED = tuple(name for name in _COVERAGE if name not in ("first_day", "last_day"))
_TOLD_APART = ("customer_id", "journal_id", *_STATED)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many merged rows there are now, and how many were written or taken away."""

    rows: int
    changed: int

    def __add__(self, other: "Recomputed") -> "Recomputed":
        return Recomputed(self.rows + other.rows, self.changed + other.changed)


@dataclass(slots=True)
class _Found:
    """What is stored of one customer and journal."""

    rights: list[Right] = field(default_factory=list)
    rows: dict[int, MergedRight] = field(default_factory=dict)


@dataclass(slots=True)
class _Writes:
    """The differences of many pairs, gathered to be written at once."""

    new: list[tuple[Pair, MergedRight]] = field(default_factory=list)
    changed: list[tuple[int, MergedRight, MergedRight]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    history: list[tuple[Pair, list[Coverage], list[Coverage]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.new) + len(self.changed) + len(self.gone)


# The same few thousand years and months stand in a hundred thousand rows.
_partial_date = lru_cache(50_000)(PartialDate.parse)


def coverage_of(row: Any) -> Coverage:
    """The coverage that an authorization or a subscription states in its columns."""
    return Coverage(
        _partial_date(row.coverage_from),
        _partial_date(row.coverage_to),
        row.first_volume,
        row.first_issue,
        row.last_volume,
        row.last_issue,
    )


def coverage_of_term(first: date | None, last: date | None) -> Coverage:
    """The coverage of an ordinary subscription that covers its term, to the day."""
    return Coverage(
        PartialDate.of(first) if first else None, PartialDate.of(last) if last else None
    )


def coverage_columns(coverage: Coverage) -> dict[str, Any]:
    """The columns that state a coverage."""
    start, end = coverage.start, coverage.end
    return {
        "coverage_from": str(start) if start else None,
        "coverage_to": str(end) if end else None,
        "first_day": start.first_day if start else None,
        "last_day": end.last_day if end else None,
        "first_volume": coverage.first_volume,
        "last_volume": coverage.last_volume,
        "first_issue": coverage.first_issue,
        "last_issue": coverage.last_issue,
    }


def recompute(session: Session, pairs: Iterable[Pair], *, actor: Actor) -> Recomputed:
    """Merge the rights of these customers and journals anew."""
    total = Recomputed(0, 0)
    for some in portions(sorted(set(pairs))):
        total += _recompute(
            session,
            tuple_(_AUTHORIZATIONS.c.customer_id, _AUTHORIZATIONS.c.journal_id).in_(some),
            tuple_(_SUBSCRIPTIONS.c.customer_id, _SUBSCRIPTIONS.c.journal_id).in_(some),
            actor,
        )
    return total


def recompute_customers(session: Session, ids: Sequence[int], *, actor: Actor) -> Recomputed:
    """Merge all rights of these customers anew."""
    return _recompute(
        session,
        _AUTHORIZATIONS.c.customer_id.in_(ids),
        _SUBSCRIPTIONS.c.customer_id.in_(ids),
        actor,
    )


def customers_with_rights(session: Session, after: int, limit: int) -> list[int]:
    """The next customers who have authorizations or merged rows, in ascending order."""
    held = [
        select(column).where(column > after, *where).distinct().order_by(column).limit(limit)
        for column, where in (
            (_AUTHORIZATIONS.c.customer_id, ()),
            (
                _SUBSCRIPTIONS.c.customer_id,
                (_MERGED,),
            ),
        )
    ]
    found = {customer for statement in held for customer in session.scalars(statement)}
    return sorted(found)[:limit]


def recompute_taken_back(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Merge anew what an import gave, once its authorizations are taken back."""
    for some in portions(sorted({row["customer_id"] for row in rows})):
        recompute_customers(session, some, actor=SYSTEM)


undo.after_take_back(_AUTHORIZATIONS.name, recompute_taken_back)


def _recompute(
    session: Session,
    authorizations: ColumnElement[bool],
    subscriptions: ColumnElement[bool],
    actor: Actor,
) -> Recomputed:
    session.flush()
    writes = _Writes()
    rows = 0
    for pair, found in _read(session, authorizations, subscriptions).items():
        merged = merge(found.rights)
        rows += len(merged)
        _compare(pair, found, merged, writes)
    if writes:
        _write(session, writes)
        _tell(session, writes, actor)
        _forget_old_values(session)
    return Recomputed(rows, len(writes))


def _read(
    session: Session, authorizations: ColumnElement[bool], subscriptions: ColumnElement[bool]
) -> dict[Pair, _Found]:
    found: dict[Pair, _Found] = defaultdict(_Found)
    merged = subscriptions & _MERGED
    for row in session.execute(_stated(_AUTHORIZATIONS).where(authorizations)):
        pair = found[row.customer_id, row.journal_id]
        pair.rights.append(Right(row.id, coverage_of(row)))
    sources: dict[int, list[int]] = defaultdict(list)
    for link in session.execute(
        select(_LINKS).join(_SUBSCRIPTIONS).where(merged).order_by(_LINKS.c.authorization_id)
    ):
        sources[link.subscription_id].append(link.authorization_id)
    for row in session.execute(_stated(_SUBSCRIPTIONS).where(merged).order_by(_SUBSCRIPTIONS.c.id)):
        pair = found[row.customer_id, row.journal_id]
        pair.rows[row.id] = MergedRight(coverage_of(row), tuple(sources[row.id]))
    return found


def _stated(table: Any) -> Select[Any]:
    """What the merge reads of a row."""
    return select(*(table.c[name] for name in ("id", *_TOLD_APART)))


def _compare(pair: Pair, found: _Found, merged: list[MergedRight], writes: _Writes) -> None:
    if not found.rows:
        writes.new.extend((pair, right) for right in merged)
        writes.history.append((pair, [], [right.coverage for right in merged]))
        return
    stored = dict(found.rows)
    wanted = list(merged)
    for key, row in found.rows.items():
        if row in wanted:
            wanted.remove(row)
            del stored[key]
    if not stored and not wanted:
        return
    for right in wanted:
        nearest = _nearest(stored, right)
        if nearest is None:
            writes.new.append((pair, right))
        else:
            writes.changed.append((nearest, stored.pop(nearest), right))
    writes.gone.extend(stored)
    before = [row.coverage for row in found.rows.values()]
    after = [right.coverage for right in merged]
    # Another source for the same right is told by the authorization's own entry.
    if sorted(map(in_words, before)) != sorted(map(in_words, after)):
        writes.history.append((pair, before, after))


def _nearest(stored: dict[int, MergedRight], right: MergedRight) -> int | None:
    """The stored row that a right goes on in: the one with most of its sources."""
    shared = {
        key: (len({*row.sources} & {*right.sources}), row.coverage == right.coverage, -key)
        for key, row in stored.items()
    }
    best = max(shared, key=lambda key: shared[key], default=None)
    return best if best is not None and any(shared[best][:2]) else None


def _write(session: Session, writes: _Writes) -> None:
    connection = session.connection()
    for some in portions(writes.gone):
        connection.execute(_SUBSCRIPTIONS.delete().where(_SUBSCRIPTIONS.c.id.in_(some)))
    links = [
        {"subscription_id": key, "authorization_id": source}
        for key, old, new in writes.changed
        for source in set(new.sources) - set(old.sources)
    ]
    dropped = [
        (key, source)
        for key, old, new in writes.changed
        for source in set(old.sources) - set(new.sources)
    ]
    for some_links in portions(dropped):
        pair = tuple_(_LINKS.c.subscription_id, _LINKS.c.authorization_id)
        connection.execute(_LINKS.delete().where(pair.in_(some_links)))
    if writes.changed:
        values: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in (*_COVERAGE, "volume_only")
        }
        connection.execute(
            _SUBSCRIPTIONS.update()
            .where(_SUBSCRIPTIONS.c.id == bindparam("row_id"))
            .values(version=_SUBSCRIPTIONS.c.version + 1, **values),
            [
                {"row_id": key, **{f"new_{name}": v for name, v in _columns(new).items()}}
                for key, _, new in writes.changed
            ],
        )
    if writes.new:
        ids = _insert(session, writes.new)
        links += [
            {"subscription_id": key, "authorization_id": source}
            for key, (_, right) in zip(ids, writes.new, strict=True)
            for source in right.sources
        ]
    if links:
        connection.execute(_LINKS.insert(), links)


def _columns(right: MergedRight) -> dict[str, Any]:
    return {**coverage_columns(right.coverage), "volume_only": right.coverage.volume_only}


def _insert(session: Session, new: list[tuple[Pair, MergedRight]]) -> list[int]:
    """Write new merged rows; their numbers in the same order.

    The rows are known again by what they say: no two of a customer and journal say the same.
    Asking for the numbers in order would cost SQLite a statement for each row.
    """
    created_at = clock.now()
    rows = [
        {
            "customer_id": customer,
            "journal_id": journal,
            "source": SubscriptionSource.PERPETUAL.value,
            "status": SubscriptionStatus.ACTIVE.value,
            "renewal": False,
            "version": 1,
            "created_at": created_at,
            **_columns(right),
        }
        for (customer, journal), right in new
    ]
    told = [_SUBSCRIPTIONS.c[name] for name in _TOLD_APART]
    written = session.connection().execute(
        _SUBSCRIPTIONS.insert().returning(_SUBSCRIPTIONS.c.id, *told), rows
    )
    ids = {tuple(said): key for key, *said in written}
    return [ids[tuple(row[name] for name in _TOLD_APART)] for row in rows]


def _tell(session: Session, writes: _Writes, actor: Actor) -> None:
    """One entry for each customer and journal: the rights before and after, what went and came."""
    titles = journal_titles(session, {journal for (_, journal), _, _ in writes.history})
    entries = []
    for (customer, journal), before, after in writes.history:
        lost, won = lost_and_won(before, after)
        changes = {"perpetual_rights": [_all_in_words(before), _all_in_words(after)]}
        if lost:
            changes["lost"] = [lost, None]
        if won:
            changes["won"] = [None, won]
        entries.append(
            audit.entry(
                actor=actor,
                action=_action(before, after),
                entity="perpetual rights",
                entity_id=journal,
                entity_label=titles.get(journal, ""),
                customer_id=customer,
                changes=changes,
            )
        )
    audit.record_many(session, entries)


def _action(before: list[Coverage], after: list[Coverage]) -> Action:
    if not before:
        return Action.CREATED
    return Action.CHANGED if after else Action.REMOVED


def _all_in_words(coverages: list[Coverage]) -> str | None:
    return "; ".join(in_words(coverage) for coverage in coverages) or None


def _forget_old_values(session: Session) -> None:
    """Rows that were read as objects are read again when they are looked at next."""
    for row in session.identity_map.values():
        if isinstance(row, Subscription):
            session.expire(row)
