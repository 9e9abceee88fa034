"""Reads about returns: the work list, what was worked off, sums, attempts, our own duplicates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Select, and_, bindparam, false, func, not_, or_, select
from sqlalchemy.orm import Session, joinedload

from app.billing.models import Invoice
from app.config import Settings
from app.core import filters
from app.core.filters import Condition
from app.core.listing import Criteria, Listing
from app.customers.models import Customer
from app.customers.search import list_condition
from app.sepa.models import Collection, CollectionRun, CollectionState
from app.sepa.return_codes import RETURN_CODES, TODO_LABELS, Todo, codes_of, return_code
from app.sepa.return_rules import RetryPolicy

ENDED = (CollectionState.REJECTED.value, CollectionState.RETURNED.value)
# Written into the statement, not bound: so the databases see that the index of the work list,
# which holds these rows alone, will do.
IS_ENDED = Collection.state.in_(
    bindparam("ended_states", ENDED, expanding=True, literal_execute=True)
)
NEAR = timedelta(days=62)
MOST_ALIKE = 20


def was_refused_with_file(collection: Any) -> Condition:
    """Whether the bank refused the whole file of a collection.

    Such a one never was on the work list: nobody worked it off, which tells it from all others.
    """
    return and_(
        collection.state == CollectionState.REJECTED.value,
        collection.worked_off_at.is_not(None),
        collection.worked_off_by_label.is_(None),
    )


def is_attempt(collection: Any, run: Any) -> Condition:
    """Whether a collection has reached the debtor's bank, as far as we know."""
    return and_(
        collection.state != CollectionState.VOID.value,
        run.handed_in_at.is_not(None),
        not_(was_refused_with_file(collection)),
    )


def retry_policy_of(settings: Settings) -> RetryPolicy:
    """When this installation collects again."""
    return RetryPolicy(settings.retry_attempts, settings.retry_days)


def _by_todo(chosen: Sequence[str]) -> Condition:
    """Returns about which this is to be done; what has no known code is for a person."""
    parts = [Collection.reason_code.in_([code for todo in chosen for code in codes_of(Todo(todo))])]
    if Todo.PERSON in chosen:
        parts.append(Collection.reason_code.is_(None))
        parts.append(Collection.reason_code.not_in(sorted(RETURN_CODES)))
    return or_(*parts)


def _by_customer(text: str) -> Condition:
    return Collection.customer_id.in_(select(Customer.id).where(list_condition(text)))


def _by_run(text: str) -> Condition:
    number = filters.begins_with(CollectionRun.number, text.strip().upper())
    return Collection.run_id.in_(select(CollectionRun.id).where(number))


def _search(text: str) -> Condition:
    """By the invoice's number, the end-to-end id, or the customer as the Clients search finds."""
    invoices = select(Invoice.id).where(filters.begins_with(Invoice.number, text))
    return or_(
        Collection.invoice_id.in_(invoices),
        Collection.end_to_end_id == text,
        _by_customer(text),
    )


def _codes(_session: Session) -> Sequence[tuple[str, str]]:
    """The known codes; an unknown one may be asked for as well."""
    return [(one.code, f"{one.code} {one.words}") for one in RETURN_CODES.values()]


FILTERS = (
    filters.choice(
        "todo", "What to do", None, [(t.value, TODO_LABELS[t]) for t in Todo], apply=_by_todo
    ),
    filters.choice("code", "Reason code", Collection.reason_code, _codes),
    filters.choice(
        "state", "State", Collection.state, [(state, state.capitalize()) for state in ENDED]
    ),
    filters.Filter("customer", "Customer", filters.Kind.TEXT, _by_customer, hint="Number or name"),
    filters.Filter("run", "Run", filters.Kind.TEXT, _by_run, hint="How its number begins"),
    filters.date_between("ended", "Ended on", Collection.ended_on),
    filters.number_between("amount", "Amount", Collection.amount, decimals=2),
)
_OPTIONS = (
    joinedload(Collection.customer),
    joinedload(Collection.invoice),
    joinedload(Collection.run),
    joinedload(Collection.mandate),
)
# Those that wait for somebody, the oldest first.
WAITING = Listing(
    statement=select(Collection).where(IS_ENDED, Collection.worked_off_at.is_(None)),
    filters=FILTERS,
    sorts={"ended": Collection.ended_on},
    default_sort="ended",
    search=_search,
    options=_OPTIONS,
)
# Those that were worked off, and those whose whole file was refused; the newest first.
WORKED_OFF = Listing(
    statement=select(Collection).where(IS_ENDED, Collection.worked_off_at.is_not(None)),
    filters=FILTERS,
    sorts={"entered": Collection.id},
    default_sort="-entered",
    search=_search,
    options=_OPTIONS,
)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a run is not done with: collections without an answer, returns that wait."""

    live: int
    returns: int


def left_of_run(session: Session, run: CollectionRun) -> Left:
    """How many collections of a run are open at the bank, and how many returns wait."""
    waits = and_(IS_ENDED, Collection.worked_off_at.is_(None))
    live = Collection.state == CollectionState.LIVE.value
    found = session.execute(
        select(func.count().filter(live), func.count().filter(waits)).where(
            Collection.run_id == run.id
        )
    ).one()
    return Left(*found)


def allowed_again(policy: RetryPolicy, today: date) -> Condition:
    """Returns that may be collected again, as far as code and day tell; not their attempts."""
    if policy.attempts < 2:
        return false()
    rested = or_(
        Collection.ended_on.is_(None), Collection.ended_on <= today - timedelta(days=policy.days)
    )
    return and_(Collection.reason_code.in_(codes_of(Todo.AGAIN)), rested)


@dataclass(slots=True)
class Sum:
    """So many returns, what was to be collected by them, and what the bank charged."""

    count: int = 0
    amount: Decimal = Decimal("0.00")
    fee: Decimal = Decimal("0.00")

    def add(self, count: int, amount: Decimal | None, fee: Decimal | None) -> None:
        """Count others in."""
        self.count += count
        self.amount += amount or Decimal("0.00")
        self.fee += fee or Decimal("0.00")


@dataclass(slots=True)
class Sums:
    """The whole of a list, and by what is to be done."""

    whole: Sum = field(default_factory=Sum)
    by_todo: dict[Todo, Sum] = field(default_factory=dict)


def sums(session: Session, listing: Listing, criteria: Criteria) -> Sums:
    """What the rows of a list add up to. Raises Refused for criteria that cannot be followed."""
    rows = session.execute(
        listing.where(criteria)
        .with_only_columns(
            Collection.reason_code,
            func.count(),
            func.sum(Collection.amount),
            func.sum(Collection.fee),
        )
        .group_by(Collection.reason_code)
    )
    found = Sums()
    for code, count, amount, fee in rows:
        found.whole.add(count, amount, fee)
        found.by_todo.setdefault(return_code(code).todo, Sum()).add(count, amount, fee)
    return found


class OfInvoice(Protocol):
    """What names an invoice and its customer."""

    @property
    def invoice_id(self) -> int: ...
    @property
    def customer_id(self) -> int: ...


def attempts_of(session: Session, rows: Iterable[Any]) -> dict[int, int]:
    """How often the invoices of these collections reached the bank, by invoice.

    A refused file counts for nothing. Found through the customer, by whom collections are indexed;
    a collection changes hands with its invoice.
    """
    pairs = {(row.customer_id, row.invoice_id) for row in rows}
    found = dict.fromkeys((invoice for _, invoice in pairs), 0)
    if not pairs:
        return found
    counted = (
        select(Collection.invoice_id, func.count().label("times"))
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(
            Collection.customer_id.in_({customer for customer, _ in pairs}),
            Collection.invoice_id.in_(set(found)),
            is_attempt(Collection, CollectionRun),
        )
        .group_by(Collection.invoice_id)
    )
    return found | {row.invoice_id: row.times for row in session.execute(counted)}


def attempts(session: Session, invoice: Invoice) -> Sequence[Collection]:
    """Every collection of an invoice that was not cancelled, the first one first, with its run."""
    return session.scalars(
        select(Collection)
        .where(
            Collection.customer_id == invoice.customer_id,
            Collection.invoice_id == invoice.id,
            Collection.state != CollectionState.VOID.value,
        )
        .order_by(Collection.id)
        .options(joinedload(Collection.run))
    ).all()


def ended_of(invoice: Invoice) -> Select[Collection]:
    """What the bank rejected or returned of an invoice."""
    return select(Collection).where(
        Collection.customer_id == invoice.customer_id,
        Collection.invoice_id == invoice.id,
        Collection.state.in_(ENDED),
    )


def alike(session: Session, one: Collection) -> Sequence[Collection]:
    """Collections that may be the same as this: of its customer, amount and about its time."""
    day = one.run.collection_date
    return session.scalars(
        select(Collection)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(
            Collection.customer_id == one.customer_id,
            Collection.amount == one.amount,
            Collection.id != one.id,
            Collection.state != CollectionState.VOID.value,
            CollectionRun.collection_date.between(day - NEAR, day + NEAR),
        )
        .order_by(Collection.id.desc())
        .limit(MOST_ALIKE)
        .options(joinedload(Collection.run), joinedload(Collection.invoice))
    ).all()
