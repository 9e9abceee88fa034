"""What the dashboard counts, for those who may see it, capped where it could be slow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from admin_views.assets import address_of
from admin_views.formatters import zone
from app.billing.models import Invoice, InvoiceState
from app.core import clock
from app.core.actor import Actor
from app.core.counts import CAP, capped_count, format_count
from app.core.money import format_amount
from app.core.permissions import Permission
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.jobs.models import Job, JobState
from app.jobs.queries import visible_to
from app.sepa.models import CollectionRun, RunState
from app.sepa.queries_returns import WAITING
from app.subscriptions.models import Subscription

MONTHS = 6
LIVE = Customer.deleted_at.is_(None)
ACTIVE_RUNS = (RunState.CREATED, RunState.RELEASED, RunState.FILED)
LABELS = {
    CustomerKind.INDIVIDUAL: ("Individual customers", "user"),
    CustomerKind.BUSINESS: ("Business customers", "building"),
    CustomerKind.PERPETUAL: ("Perpetual customers", "building-bank"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it counts, and where its rows stand."""

    label: str
    value: str
    icon: str
    colour: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart: how many, in words and as a share of the longest bar."""

    label: str
    value: str
    share: float


def figures(session: Session, actor: Actor) -> list[Figure]:
    """The figures that this person may see."""
    found: list[Figure] = []
    if actor.may(Permission.CUSTOMERS_VIEW):
        found += customer_figures(session)
    if actor.may(Permission.SUBSCRIPTIONS_VIEW):
        found.append(
            _counted(
                session,
                "Subscriptions",
                "books",
                "purple",
                select(Subscription),
                "subscriptions.index_view",
            )
        )
    if actor.may(Permission.INVOICES_VIEW):
        found += invoice_figures(session)
    if actor.may(Permission.DIRECT_DEBIT_VIEW):
        runs = select(CollectionRun).where(CollectionRun.state.in_(ACTIVE_RUNS))
        found.append(
            _counted(
                session,
                "Collection runs not yet handed in",
                "building-bank",
                "orange",
                runs,
                "direct_debit.index_view",
                state=",".join(ACTIVE_RUNS),
            )
        )
    if actor.may(Permission.BANK_REPORTS_VIEW):
        waiting = WAITING.statement
        found.append(
            _counted(
                session,
                "Returns to work off",
                "arrow-back-up",
                "red",
                waiting,
                "returns.index_view",
            )
        )
    if actor.may(Permission.JOBS_VIEW):
        under_way = Job.state.in_((JobState.QUEUED, JobState.RUNNING))
        jobs = select(Job).where(under_way, *visible_to(actor))
        found.append(
            _counted(
                session,
                "Jobs under way",
                "activity",
                "blue",
                jobs,
                "jobs.index_view",
                state="queued,running",
            )
        )
    return found


def customer_figures(session: Session) -> list[Figure]:
    """Customers by kind, those of this month, and the locked ones."""
    found = [
        _counted(
            session,
            label,
            icon,
            "green",
            _live().where(Customer.kind == kind),
            f"{kind.value}.index_view",
        )
        for kind, (label, icon) in LABELS.items()
    ]
    first = _month_start(0)
    new = sum(capped_count(session, _created(kind, first, None))[0] for kind in CustomerKind)
    since = f"{first.astimezone(zone()).date():%d.%m.%Y}"
    found.append(
        Figure(
            "New customers this month",
            format_count(min(new, CAP), new > CAP),
            "user-plus",
            "blue",
            address_of("clients.index_view", created_from=since),
        )
    )
    locked = _live().where(Customer.locked)
    found.append(
        _counted(
            session, "Locked customers", "lock", "red", locked, "clients.index_view", locked="yes"
        )
    )
    return found


def invoice_figures(session: Session) -> list[Figure]:
    """What is open, in number and euros, and what is overdue."""
    open_ones = select(Invoice).where(Invoice.state == InvoiceState.OPEN)
    amounts = open_ones.with_only_columns(Invoice.amount).limit(CAP + 1).subquery()
    count, total = session.execute(select(func.count(), func.sum(amounts.c.amount))).one()
    euros = format_amount(total or Decimal(0))
    shown = f"more than {euros}\u00a0€" if count > CAP else f"{euros}\u00a0€"
    label = f"Open in {format_count(min(count, CAP), count > CAP)} invoices"
    overdue = open_ones.where(Invoice.due_on < clock.today(zone().key))
    yesterday = date.fromordinal(clock.today(zone().key).toordinal() - 1)
    return [
        Figure(
            label, shown, "currency-euro", "yellow", address_of("invoices.index_view", state="open")
        ),
        _counted(
            session,
            "Overdue invoices",
            "hourglass",
            "orange",
            overdue,
            "invoices.index_view",
            state="open",
            due_to=f"{yesterday:%d.%m.%Y}",
        ),
    ]


def newcomers(session: Session) -> list[Bar]:
    """New customers in each of the last months, the present one last."""
    starts = [_month_start(back) for back in range(MONTHS - 1, -1, -1)]
    counts: list[tuple[int, bool]] = []
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else None
        parts = [capped_count(session, _created(kind, start, end)) for kind in CustomerKind]
        counts.append((sum(count for count, _ in parts), any(capped for _, capped in parts)))
    longest = max(count for count, _ in counts) or 1
    return [
        Bar(f"{start.astimezone(zone()):%B %Y}", format_count(count, capped), 100 * count / longest)
        for start, (count, capped) in zip(starts, counts, strict=True)
    ]


def latest_jobs(session: Session, actor: Actor) -> Sequence[Job]:
    """The jobs that this person may see, the newest first."""
    statement = select(Job).where(*visible_to(actor)).order_by(Job.id.desc()).limit(6)
    return session.scalars(statement).all()


def _live() -> Select[Any]:
    return select(Customer).where(LIVE)


def _created(kind: CustomerKind, start: datetime, end: datetime | None) -> Select[Any]:
    found = _live().where(Customer.kind == kind, Customer.created_at >= start)
    return found if end is None else found.where(Customer.created_at < end)


def _month_start(back: int) -> datetime:
    """The first moment of a month of the operator's zone, so many months ago."""
    today = clock.today(zone().key)
    months = today.year * 12 + today.month - 1 - back
    first = date(months // 12, months % 12 + 1, 1)
    return datetime.combine(first, time.min, tzinfo=zone()).astimezone(UTC)


def _counted(
    session: Session,
    label: str,
    icon: str,
    colour: str,
    rows: Select[Any],
    endpoint: str,
    **arguments: str,
) -> Figure:
    total, capped = capped_count(session, rows)
    return Figure(
        label, format_count(total, capped), icon, colour, address_of(endpoint, **arguments)
    )
