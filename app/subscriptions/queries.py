"""Reads the Subscriptions list: filters, export rows, a customer's rights with their sources."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from app.catalogue.coverage import in_words
from app.catalogue.models import Journal
from app.catalogue.queries_journals import holds
from app.core import clock, filters
from app.core.filters import Condition, Filter, Kind, Span, begins_with
from app.core.listing import Criteria, Facets, Listing
from app.core.portions import portions
from app.core.text import sort_key
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.subscriptions.merging import coverage_of, coverage_of_term
from app.subscriptions.models import (
    Authorization,
    Basis,
    Subscription,
    SubscriptionSource,
    SubscriptionSourceLink,
    SubscriptionStatus,
)

_LIVE = exists().where(Customer.id == Subscription.customer_id, Customer.deleted_at.is_(None))


_JOURNAL_HINT = "ISSN or words of the title"
_CUSTOMER_HINT = "Number, or how the name begins"
_Rows = type[Subscription] | type[Authorization]


def _to_which(model: _Rows) -> Callable[[str], Condition]:
    """Rows of the journals that a text means."""
    return lambda text: model.journal_id.in_(select(Journal.id).where(holds(text)))


def _whose(model: _Rows) -> Callable[[str], Condition]:
    """Rows of the customer of this number, or of those whose name begins like this."""

    def condition(text: str) -> Condition:
        named = or_(Customer.number == text, begins_with(Customer.sort_name, sort_key(text)))
        return model.customer_id.in_(select(Customer.id).where(named))

    return condition


def _found_by(condition: Callable[[Any], Condition]) -> Callable[[Any], Select[Any]]:
    """The numbers of the subscriptions that a value means, by their index."""
    return lambda value: select(Subscription.id).where(condition(value))


def _searched(text: str) -> Select[Any]:
    """The numbers of the subscriptions that a search means: two sets that share no row, so that
    the first ten thousand are there without looking at the rest."""
    journals, customers = _to_which(Subscription)(text), _whose(Subscription)(text)
    both = union_all(
        select(Subscription.id).where(journals),
        select(Subscription.id).where(customers, not_(journals)),
    ).subquery()
    return select(both.c.id)


def _search(model: _Rows) -> Callable[[str], Condition]:
    return lambda text: or_(_to_which(model)(text), _whose(model)(text))


def _covers(span: Span) -> Condition:
    """Covers any of these days. What is stated by volume alone is on no day for sure."""
    parts: list[Condition] = [Subscription.volume_only.is_(False)]
    if span.high is not None:
        parts.append(or_(Subscription.first_day.is_(None), Subscription.first_day <= span.high))
    if span.low is not None:
        parts.append(or_(Subscription.last_day.is_(None), Subscription.last_day >= span.low))
    return and_(*parts)


def _term_ends(span: Span) -> Condition:
    """Ordinary subscriptions whose term ends on one of these days."""
    # Said literally, so that the databases see that the index of ordinary terms will do.
    parts = [Subscription.source == literal_column(f"'{SubscriptionSource.ORDINARY}'")]
    if span.low is not None:
        parts.append(Subscription.term_to >= span.low)
    if span.high is not None:
        parts.append(Subscription.term_to <= span.high)
    return and_(*parts)


def _expires(text: str) -> Condition:
    """Active ordinary subscriptions whose term ends within so many days from today."""
    digits = text.removesuffix("days").removesuffix("day").strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 5:
        raise ValueError(f"{text} is not a number of days")
    today = clock.today()
    ends = _term_ends(Span(today, today + timedelta(days=int(digits))))
    return and_(ends, Subscription.status == SubscriptionStatus.ACTIVE.value)


def _words(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(str(name), str(name)) for name in names]


SUBSCRIPTIONS = Listing(
    statement=select(Subscription).where(_LIVE),
    filters=(
        filters.choice("source", "Source", Subscription.source, _words(SubscriptionSource)),
        filters.choice("status", "Status", Subscription.status, _words(SubscriptionStatus)),
        Filter(
            "journal", "Journal", Kind.TEXT, _to_which(Subscription), hint=_JOURNAL_HINT,
            keys=_found_by(_to_which(Subscription)), column="journal_id",
        ),
        Filter(
            "customer", "Customer", Kind.TEXT, _whose(Subscription), hint=_CUSTOMER_HINT,
            keys=_found_by(_whose(Subscription)), column="customer_id",
        ),
        Filter("coverage", "Coverage", Kind.DATE, _covers),
        Filter(
            "term_to", "Term to", Kind.DATE, _term_ends, keys=_found_by(_term_ends),
            column="term_to",
        ),
        Filter(
            "expiring", "Expiring within", Kind.TEXT, _expires, hint="So many days from today: 90",
            column="term_to",
        ),
        filters.yes_no("volume_only", "By volume alone", Subscription.volume_only),
    ),
    search=_search(Subscription),
    search_keys=_searched,
    search_scan=_search(Subscription),
    facets=Facets(
        Subscription.__tablename__,
        "ix_subscriptions_facets",
        frozenset(
            {"id", "source", "status", "volume_only", "journal_id", "customer_id", "term_to",
             "first_day"}
        ),
        orders={"": ""},
    ),
    options=(
        joinedload(Subscription.customer),
        joinedload(Subscription.journal),
        selectinload(Subscription.sources),
    ),
)  # fmt: skip

AUTHORIZATIONS = Listing(
    statement=select(Authorization).where(
        exists().where(Customer.id == Authorization.customer_id, Customer.deleted_at.is_(None))
    ),
    filters=(
        Filter("customer", "Customer", Kind.TEXT, _whose(Authorization), hint=_CUSTOMER_HINT),
        Filter("journal", "Journal", Kind.TEXT, _to_which(Authorization), hint=_JOURNAL_HINT),
        filters.choice("basis", "Basis", Authorization.basis, _words(Basis)),
    ),
    search=_search(Authorization),
    options=(joinedload(Authorization.customer), joinedload(Authorization.journal)),
)


@dataclass(frozen=True, slots=True)
class SubscriptionLine:
    """A row of the Subscriptions list as it leaves Kontor; coverage keeps its precision."""

    customer_number: str
    customer: str
    issn: str
    journal: str
    source: str
    coverage_from: str | None
    coverage_to: str | None
    first_volume: str | None
    last_volume: str | None
    status: str
    sources: str


def export_lines(
    session: Session, criteria: Criteria, listing: Listing | None = None
) -> Iterator[SubscriptionLine]:
    """The rows that the criteria ask for, streamed.

    Sources are told by basis and coverage, those of an ordinary subscription by its term.
    `listing` is that of all subscriptions, or a part of it.
    """
    wanted = (listing or SUBSCRIPTIONS).where(criteria).with_only_columns(Subscription.id)
    statement = (
        select(
            *Subscription.__table__.columns,
            Customer.number.label("customer_number"),
            Customer.kind.label("customer_kind"),
            Customer.company_name,
            Customer.first_name,
            Customer.name.label("customer_name"),
            func.coalesce(Journal.print_issn, Journal.online_issn).label("issn"),
            Journal.title.label("journal_title"),
        )
        .join(Customer, Customer.id == Subscription.customer_id)
        .join(Journal, Journal.id == Subscription.journal_id)
        .where(Subscription.id.in_(wanted))
        .order_by(Subscription.id)
        .execution_options(yield_per=1000)
    )
    for rows in session.execute(statement).partitions():
        sources = sources_in_words(session, (row.id for row in rows))
        for row in rows:
            yield _line(row, sources.get(row.id, []))


def _line(row: Any, sources: list[str]) -> SubscriptionLine:
    person = " ".join(part for part in (row.first_name, row.customer_name) if part)
    company = row.company_name if row.customer_kind != CustomerKind.INDIVIDUAL else None
    term = in_words(coverage_of_term(row.term_from, row.term_to))
    return SubscriptionLine(
        customer_number=row.customer_number,
        customer=company or person,
        issn=row.issn,
        journal=row.journal_title,
        source=row.source,
        coverage_from=row.coverage_from,
        coverage_to=row.coverage_to,
        first_volume=row.first_volume,
        last_volume=row.last_volume,
        status=row.status,
        sources="; ".join(sources) if sources else f"term {term}",
    )


def sources_in_words(session: Session, ids: Iterable[int]) -> dict[int, list[str]]:
    """What each merged row was made from: 'purchase 2010–2012'."""
    found: dict[int, list[str]] = defaultdict(list)
    for some in portions(ids):
        for row in session.execute(
            select(SubscriptionSourceLink.subscription_id, *Authorization.__table__.columns)
            .join(Authorization, Authorization.id == SubscriptionSourceLink.authorization_id)
            .where(SubscriptionSourceLink.subscription_id.in_(some))
            .order_by(Authorization.first_day, Authorization.id)
        ):
            found[row.subscription_id].append(f"{row.basis} {in_words(coverage_of(row))}")
    return found


def authorizations_of(session: Session, customer_id: int) -> Sequence[Authorization]:
    """A customer's journal authorizations with their journals, by title and coverage."""
    return session.scalars(
        select(Authorization)
        .join(Journal)
        .where(Authorization.customer_id == customer_id)
        .options(contains_eager(Authorization.journal))
        .order_by(Journal.sort_title, Journal.id, Authorization.first_day, Authorization.id)
    ).all()


def subscriptions_of(customer_id: int) -> Select[Subscription]:
    """A customer's rows of the Subscriptions list, by journal and coverage, with sources."""
    return (
        select(Subscription)
        .join(Journal)
        .where(Subscription.customer_id == customer_id)
        .options(contains_eager(Subscription.journal), selectinload(Subscription.sources))
        .order_by(Journal.sort_title, Journal.id, Subscription.first_day, Subscription.id)
    )


def count_subscriptions(session: Session, customer_id: int) -> int:
    """How many rows of the Subscriptions list a customer has."""
    counted = select(func.count()).where(Subscription.customer_id == customer_id)
    return session.scalar(counted) or 0


def merged_from(session: Session, authorization_id: int) -> Sequence[Subscription]:
    """The merged rows that an authorization went into; there is exactly one."""
    return session.scalars(
        select(Subscription)
        .join(SubscriptionSourceLink, SubscriptionSourceLink.subscription_id == Subscription.id)
        .where(SubscriptionSourceLink.authorization_id == authorization_id)
    ).all()
