"""Reads of the history, narrowed by field, person, action and period, in stretches of entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Select, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from app.audit.models import Action, AuditEntry
from app.core import filters
from app.core.filters import Condition, Filter, Kind
from app.core.listing import Listing

# What is offered to choose from is gathered from so many of the newest entries.
LOOKED_THROUGH = 500
MOST_SINCE = 200


@dataclass(frozen=True, slots=True)
class About:
    """Whose history: everything about a customer, or the entries of one record of a kind.

    With a customer and an entity, only those of the customer's entries. `since` leaves out what
    an earlier record of the same number was, `hidden` the kinds that somebody must not read.
    """

    entity: str = ""
    record: int | None = None
    customer: int | None = None
    since: datetime | None = None
    hidden: tuple[str, ...] = ()

    def conditions(self) -> list[Condition]:
        """What an entry must fulfil; one of the two indexes serves them."""
        found: list[Condition] = []
        if self.customer is not None:
            found.append(AuditEntry.customer_id == self.customer)
        if self.entity:
            found.append(AuditEntry.entity == self.entity)
        if self.record is not None:
            found.append(AuditEntry.entity_id == self.record)
        if self.since is not None:
            found.append(AuditEntry.at >= self.since)
        if self.hidden:
            found.append(AuditEntry.entity.not_in(self.hidden))
        return found

    def rows(self) -> Select[Any]:
        """The entries, in no order."""
        return select(AuditEntry).where(*self.conditions())


class _TellsOf(FunctionElement[bool]):
    """Whether the changes of an entry have a field of this name."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: on SQLite it would become (…) = 1."""
        return self


@compiles(_TellsOf, "sqlite")
def _each(element: _TellsOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS one WHERE one.key = {name})"  # noqa: S608


@compiles(_TellsOf)
def _arrow(element: _TellsOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    return f"(({column} -> CAST({name} AS TEXT)) IS NOT NULL)"


class _FieldCount(FunctionElement[int]):
    """How many fields an entry tells of."""

    inherit_cache = True
    type = Integer()


@compiles(_FieldCount, "sqlite")
def _count_each(element: _FieldCount, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT count(*) FROM json_each({_inside(element, compiler, kw)}))"  # noqa: S608


@compiles(_FieldCount)
def _count_keys(element: _FieldCount, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT count(*) FROM json_object_keys({_inside(element, compiler, kw)}))"  # noqa: S608


def _inside(element: FunctionElement[Any], compiler: SQLCompiler, kw: dict[str, Any]) -> str:
    """What stands in the brackets, compiled: columns and bound values, no text from outside."""
    return compiler.process(element.clauses, **kw)


def tells_of(name: str) -> Condition:
    """The condition that an entry tells of a field."""
    return _TellsOf(AuditEntry.changes, literal(name))


def line_count() -> ColumnElement[int]:
    """How many lines an entry has: one for each field, and one where it tells of none."""
    count: ColumnElement[int] = _FieldCount(AuditEntry.changes)
    return case((count == 0, 1), else_=count)


FILTERS = (
    Filter("field", "Field", Kind.TEXT, tells_of),
    Filter("who", "Person", Kind.TEXT, lambda label: AuditEntry.actor_label == label),
    filters.choice("action", "Action", AuditEntry.action, [(a.value, a.value) for a in Action]),
    filters.moment_between("at", "Period", AuditEntry.at),
)


def listing(about: About) -> Listing:
    """The history as a list, the newest first."""
    return Listing(about.rows(), filters=FILTERS, sorts={"number": ()}, default_sort="-number")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some entries, newest first, and whether there are newer and older ones that fit."""

    entries: Sequence[AuditEntry]
    newer: bool
    older: bool


def stretch(
    session: Session,
    wanted: Select[Any],
    size: int,
    *,
    before: int | None = None,
    after: int | None = None,
) -> Stretch:
    """The entries just older than the entry `before`, or just newer than `after`, else the newest.

    By numbers, not by offset: the hundredth page costs what the first one does.
    """
    if after is not None:
        ordered = wanted.where(AuditEntry.id > after).order_by(AuditEntry.id)
        found = list(session.scalars(ordered.limit(size + 1)))
        if len(found) > size:
            return Stretch(found[:size][::-1], newer=True, older=True)
        after = None  # the newest ones: a whole page of them
    if before is not None:
        wanted = wanted.where(AuditEntry.id < before)
    found = list(session.scalars(wanted.order_by(AuditEntry.id.desc()).limit(size + 1)))
    return Stretch(found[:size], newer=before is not None, older=len(found) > size)


@dataclass(frozen=True, slots=True)
class Offered:
    """What occurs in a history: fields, each with whose it is, people, and actions."""

    fields: Sequence[tuple[str, str]]
    people: Sequence[str]
    actions: Sequence[str]


def offered(session: Session, about: About) -> Offered:
    """The fields, people and actions of the newest entries."""
    newest = about.rows().order_by(AuditEntry.id.desc()).limit(LOOKED_THROUGH)
    some = newest.with_only_columns(
        AuditEntry.actor_label, AuditEntry.action, AuditEntry.entity, AuditEntry.changes
    ).subquery()
    who = session.execute(select(some.c.actor_label, some.c.action).distinct()).all()
    sqlite = session.get_bind().dialect.name == "sqlite"
    each = func.json_each if sqlite else func.json_object_keys
    one = each(some.c.changes).table_valued("key", name="one")
    if not sqlite:
        one = one.render_derived()
    told = select(some.c.entity, one.c.key).select_from(some).join(one, literal(True)).distinct()
    return Offered(
        fields=sorted({(entity, key) for entity, key in session.execute(told)}),
        people=sorted({row.actor_label for row in who}),
        actions=sorted({row.action for row in who}),
    )


def last_entry(session: Session, about: About) -> int:
    """The number of the newest entry; 0 where there is none."""
    newest = about.rows().with_only_columns(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)
    return session.scalar(newest) or 0


def entries_since(session: Session, about: About, last: int | None) -> Sequence[AuditEntry]:
    """The entries after one that was the last, newest first; the newest one if none is known."""
    newest = about.rows().order_by(AuditEntry.id.desc())
    if last is None:
        return session.scalars(newest.limit(1)).all()
    return session.scalars(newest.where(AuditEntry.id > last).limit(MOST_SINCE)).all()
