"""Renewing ordinary subscriptions: the next term of the same length, for one or for many."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.orm import Session, joinedload

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.catalogue.coverage import OPEN_END, Coverage
from app.catalogue.models import Journal
from app.core import undo
from app.core.actor import Actor
from app.core.filters import Filter, Kind
from app.core.listing import Listing
from app.core.partial_date import PartialDate
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Customer
from app.subscriptions.merging import coverage_columns, coverage_of
from app.subscriptions.models import Subscription, SubscriptionSource, SubscriptionStatus
from app.subscriptions.queries import SUBSCRIPTIONS

RENEWABLE = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.EXPIRED})
_TABLE: Any = Subscription.__table__
_CHANGED = (
    *("term_from", "term_to", "status", "coverage_from", "coverage_to"),
    *("first_day", "last_day", "last_volume", "last_issue"),
)


@dataclass(slots=True)
class Renewed:
    """What became of subscriptions that were to be renewed."""

    renewed: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def next_term(first: date, last: date) -> tuple[date, date]:
    """The term that follows one: as many months, where it is of whole months, else as many days.

    The last day of a month is followed by that of another: a term to 31 January that lasts a
    month is followed by one to 28 February.
    """
    begin = last + timedelta(days=1)
    months = (begin.year - first.year) * 12 + begin.month - first.month
    if begin.day == first.day and months > 0:
        return begin, _months_on(begin, months) - timedelta(days=1)
    return begin, begin + (last - first)


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def next_coverage(coverage: Coverage, term_to: date, new_to: date) -> Coverage:
    """The coverage that goes with the next term: where it ended with the old one, it grows.

    Its beginning stays: who renews keeps what the earlier terms gave.
    """
    ends = coverage.end
    if coverage.volume_only or coverage.last == OPEN_END or ends is None:
        return coverage
    if ends.last_day != term_to:
        return coverage
    grown = PartialDate.of(new_to)
    for coarser in (PartialDate(new_to.year), PartialDate(new_to.year, new_to.month)):
        if coarser.precision >= ends.precision and coarser.last_day == new_to:
            grown = coarser
            break
    # The last volume was that of the old term.
    return Coverage(coverage.start, grown, coverage.first_volume, coverage.first_issue)


def renew_subscriptions(session: Session, ids: Sequence[int], *, actor: Actor) -> Renewed:
    """Let the next term of subscriptions begin, active; the history tells the old one.

    Told apart are those that cannot be renewed: drafts, cancelled ones, those without an end,
    and merged perpetual rights, which need no renewal.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    outcome = Renewed()
    before: list[dict[str, Any]] = []
    after: list[dict[str, Any]] = []
    titles: dict[int, str] = {}
    for some in portions(sorted(set(ids))):
        rows = session.connection().execute(
            select(
                _TABLE, Journal.title.label("journal_title"), Customer.number, Customer.deleted_at
            )
            .join(Journal, Journal.id == _TABLE.c.journal_id)
            .join(Customer, Customer.id == _TABLE.c.customer_id)
            .where(_TABLE.c.id.in_(some))
            .order_by(_TABLE.c.id)
            .with_for_update(of=_TABLE)
        )
        for row in rows:
            against = _against(row)
            if against:
                label = f"{row.journal_title} ({row.number})"
                outcome.refused.append((row.id, label, against))
                continue
            old = {name: getattr(row, name) for name in _TABLE.columns.keys()}  # noqa: SIM118
            before.append(old)
            after.append({**old, **_renewed(row)})
            titles[row.id] = row.journal_title
    if before:
        _write(session, before, after, titles, actor)
    outcome.renewed = len(after)
    return outcome


def _against(row: Any) -> str:
    if row.source != SubscriptionSource.ORDINARY:
        return "Perpetual rights need no renewal"
    if row.deleted_at is not None:
        return "The customer was deleted"
    if row.status not in RENEWABLE:
        return f"It is {row.status}"
    if row.term_to is None:
        return "It runs until it is cancelled"
    try:
        next_term(row.term_from, row.term_to)
    except (OverflowError, ValueError):
        return "No calendar has the next term"
    return ""


def _renewed(row: Any) -> dict[str, Any]:
    begin, end = next_term(row.term_from, row.term_to)
    coverage = next_coverage(coverage_of(row), row.term_to, end)
    columns = coverage_columns(coverage)
    status = SubscriptionStatus.ACTIVE.value
    new = {"term_from": begin, "term_to": end, "status": status, **columns}
    return {name: new[name] for name in _CHANGED}


def _write(
    session: Session,
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    titles: dict[int, str],
    actor: Actor,
) -> None:
    undo.note_updated(session, _TABLE, before)
    session.connection().execute(
        _TABLE.update()
        .where(_TABLE.c.id == bindparam("row_id"))
        .values(
            version=_TABLE.c.version + 1, **{name: bindparam(f"new_{name}") for name in _CHANGED}
        ),
        [{"row_id": row["id"], **{f"new_{n}": row[n] for n in _CHANGED}} for row in after],
    )
    audit.record_many(
        session,
        [
            audit.entry(
                actor=actor, action=Action.CHANGED, entity="subscription", entity_id=new["id"],
                entity_label=titles[new["id"]], customer_id=new["customer_id"],
                changes=diff(Subscription, _told(old), _told(new)), reason="Renewed",
            )
            for old, new in zip(before, after, strict=True)
        ],
    )  # fmt: skip
    session.expire_all()


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _CHANGED if name not in {"first_day", "last_day"}}


def _within(today: date) -> Any:
    """The filter of those that expire within so many days, or have expired."""

    def apply(days: list[int]) -> Any:
        return Subscription.term_to <= today + timedelta(days=max(days))

    return apply


def due_listing(today: date) -> Listing:
    """Ordinary subscriptions with an end that run or have expired, those that end first first.

    Expired ones stay on the list for a year: longer ago, nobody means to renew them.
    """
    # Said literally, so that the databases see that the index of ordinary terms will do.
    ordinary = Subscription.source == literal_column(f"'{SubscriptionSource.ORDINARY}'")
    statuses = [status.value for status in sorted(RENEWABLE)]
    days = [(str(n), text) for n, text in DAYS.items()]
    kept = {"status", "journal", "customer", "term_to"}
    return Listing(
        statement=SUBSCRIPTIONS.statement.where(
            ordinary,
            Subscription.term_to >= today - timedelta(days=366),
            Subscription.status.in_(statuses),
        ),
        filters=(
            Filter("within", "Expires", Kind.CHOICE, _within(today), choices=days, coerce=_days),
            *(one for one in SUBSCRIPTIONS.filters if one.name in kept),
            Filter(
                "renewal", "To be renewed", Kind.YES_NO,
                lambda yes: Subscription.renewal.is_(yes),
                choices=(("yes", "yes"), ("no", "no")),
            ),
        ),
        sorts={"term_to": Subscription.term_to},
        default_sort="term_to",
        search=SUBSCRIPTIONS.search,
        options=(joinedload(Subscription.customer), joinedload(Subscription.journal)),
    )  # fmt: skip


DAYS = {
    0: "expired already",
    30: "within 30 days",
    60: "within 60 days",
    90: "within 90 days",
    180: "within 180 days",
    365: "within a year",
}


def _days(raw: str) -> int:
    if raw not in {str(n) for n in DAYS}:
        raise ValueError("is none of the periods offered")
    return int(raw)
