"""What customers hold on a day: perpetual rights and running subscriptions, merged for KBART."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Select, literal, or_, select, union_all
from sqlalchemy.orm import Session

from app.catalogue.coverage import Coverage
from app.catalogue.models import Journal
from app.core.actor import Actor
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Customer
from app.institutions.models import Consortium, ConsortiumMember
from app.subscriptions.kbart import Holding, file_name, kbart_text
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import (
    Authorization,
    Format,
    Subscription,
    SubscriptionSource,
    SubscriptionStatus,
)
from app.subscriptions.rules import Right, merge

_JOURNAL = (
    *("title", "print_issn", "online_issn", "title_url", "title_id", "publisher", "access_type"),
)
_COVERAGE = (
    *("coverage_from", "coverage_to", "first_volume", "first_issue", "last_volume"),
    *("last_issue",),
)


@dataclass(frozen=True, slots=True)
class KbartFile:
    """A finished file with its name."""

    name: str
    text: str
    rows: int


@dataclass(slots=True)
class _Held:
    """What a journal is held by: rights by their embargo, and whose each of them is."""

    rights: dict[str | None, list[Right]] = field(default_factory=lambda: defaultdict(list))
    holders: dict[int, int] = field(default_factory=dict)


def customer_kbart(
    session: Session, customer_id: int, *, provider: str, day: date, actor: Actor
) -> KbartFile:
    """What a customer holds on this day. Raises NotFound for one that is not there."""
    _allowed(actor)
    customer = session.get(Customer, customer_id)
    if customer is None or customer.deleted_at is not None:
        raise NotFound("This customer is no longer there")
    holdings = _holdings(session, Customer.id == customer_id, day)
    return _file(holdings, provider, customer.display_name, day)


def consortium_kbart(
    session: Session, consortium_id: int, *, provider: str, day: date, actor: Actor
) -> KbartFile:
    """What the members of a consortium hold together; a note names those who hold it, where it is
    not all of them. Raises NotFound."""
    _allowed(actor)
    consortium = session.get(Consortium, consortium_id)
    if consortium is None:
        raise NotFound("This consortium is no longer there")
    members = select(ConsortiumMember.customer_id).where(
        ConsortiumMember.consortium_id == consortium_id
    )
    names = {
        row.id: row.display_name
        for row in session.scalars(
            select(Customer).where(Customer.id.in_(members), Customer.deleted_at.is_(None))
        )
    }
    holdings = _holdings(session, Customer.id.in_(members), day, names)
    return _file(holdings, provider, consortium.name, day)


def _allowed(actor: Actor) -> None:
    actor.require(Permission.SUBSCRIPTIONS_VIEW)
    actor.require(Permission.EXPORT)


def _file(holdings: Sequence[Holding], provider: str, name: str, day: date) -> KbartFile:
    return KbartFile(file_name(provider, name, day), kbart_text(holdings), len(holdings))


def _holdings(
    session: Session, whose: Any, day: date, names: Mapping[int, str] | None = None
) -> list[Holding]:
    """The holdings journal by journal; rights are streamed, so that only the result is held."""
    found: list[Holding] = []
    rows = session.execute(_rights(whose, day).execution_options(yield_per=1000))
    by_journal = groupby(rows, key=lambda row: row.journal_id)
    for some in portions(((key, _held(group)) for key, group in by_journal)):
        facts = _facts(session, [key for key, _ in some])
        for key, held in some:
            found += _of_journal(facts[key], held, names)
    return found


def _rights(whose: Any, day: date) -> Select[Any]:
    """Perpetual rights, and ordinary subscriptions that run on this day and deliver online."""
    live = (whose, Customer.deleted_at.is_(None))
    granted = (
        select(
            Authorization.id, Authorization.journal_id, Authorization.customer_id,
            *(getattr(Authorization, name) for name in _COVERAGE), Authorization.embargo,
        )
        .join(Customer, Customer.id == Authorization.customer_id)
        .where(*live)
    )  # fmt: skip
    running = (
        select(
            # Below zero, so that no subscription has the number of an authorization.
            (-Subscription.id).label("id"), Subscription.journal_id, Subscription.customer_id,
            *(getattr(Subscription, name) for name in _COVERAGE), literal(None).label("embargo"),
        )
        .join(Customer, Customer.id == Subscription.customer_id)
        .where(
            *live,
            Subscription.source == SubscriptionSource.ORDINARY.value,
            Subscription.status == SubscriptionStatus.ACTIVE.value,
            Subscription.term_from <= day,
            or_(Subscription.term_to.is_(None), Subscription.term_to >= day),
            or_(Subscription.format.is_(None), Subscription.format != Format.PRINT.value),
        )
    )  # fmt: skip
    both = union_all(granted, running).subquery()
    return select(both).order_by(both.c.journal_id, both.c.id)


def _held(rows: Iterator[Any]) -> _Held:
    held = _Held()
    for row in rows:
        held.rights[row.embargo].append(Right(row.id, coverage_of(row)))
        held.holders[row.id] = row.customer_id
    return held


def _facts(session: Session, ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    columns = (Journal.id, *(getattr(Journal, name) for name in _JOURNAL))
    rows = session.execute(select(*columns).where(Journal.id.in_(list(ids)))).mappings()
    return {row["id"]: {name: row[name] for name in _JOURNAL} for row in rows}


def _of_journal(
    facts: Mapping[str, Any], held: _Held, names: Mapping[int, str] | None
) -> list[Holding]:
    """One holding for each unbroken coverage; what an embargo hides is told by a row of its own,
    unless the same content is held without it."""
    open_to_all = [one.coverage for one in merge(held.rights.get(None, ()))]
    found = []
    for embargo, rights in sorted(held.rights.items(), key=lambda item: item[0] or ""):
        for merged in merge(rights):
            if embargo and _within(merged.coverage, open_to_all):
                continue
            holders = {held.holders[source] for source in merged.sources}
            note = _holders_in_words(holders, names) if names is not None else None
            found.append(Holding(coverage=merged.coverage, embargo=embargo, note=note, **facts))
    return found


def _within(coverage: Coverage, others: Iterable[Coverage]) -> bool:
    if coverage.volume_only:
        return coverage in set(others)
    dated = (one for one in others if not one.volume_only)
    return any(one.first <= coverage.first and coverage.last <= one.last for one in dated)


def _holders_in_words(holders: set[int], names: Mapping[int, str]) -> str | None:
    if len(holders) == len(names):
        return None
    told = "; ".join(sorted(names[one] for one in holders))
    return f"Held by {len(holders)} of {len(names)} members: {told}"[:2000]
