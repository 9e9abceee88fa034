"""By what the list of invoices can be narrowed that only this room knows: mandates, collections."""

from typing import Any

from sqlalchemy import Select, and_, exists, func, not_, select

from app.billing.models import Invoice
from app.core import filters
from app.core.filters import Condition, Filter, Kind, Span
from app.sepa.models import Collection, CollectionRun, CollectionState, Mandate, MandateState

_ENDED_BADLY = (CollectionState.REJECTED.value, CollectionState.RETURNED.value)


def _has_mandate(yes: bool) -> Condition:
    active = exists().where(
        Mandate.customer_id == Invoice.customer_id, Mandate.state == MandateState.ACTIVE.value
    )
    return active if yes else not_(active)


def _in_run(number: str) -> Select[Any]:
    return (
        select(Collection.invoice_id)
        .join(CollectionRun, CollectionRun.id == Collection.run_id)
        .where(CollectionRun.number == number.upper())
    )


def _attempts(span: Span) -> Condition:
    made = (
        select(func.count(Collection.id))
        .where(Collection.invoice_id == Invoice.id)
        .where(Collection.state != CollectionState.VOID.value)
        .correlate(Invoice)
        .scalar_subquery()
    )
    return and_(*_between(made, span))


def _attempted(span: Span) -> Select[Any] | None:
    """By the collections: where there must be one, most invoices need no look."""
    if not span.low or span.low < 1:
        return None
    return (
        select(Collection.invoice_id)
        .where(Collection.state != CollectionState.VOID.value)
        .group_by(Collection.invoice_id)
        .having(and_(*_between(func.count(), span)))
    )


def _between(count: Any, span: Span) -> list[Condition]:
    parts = [count >= span.low] if span.low is not None else []
    return parts + ([count <= span.high] if span.high is not None else [])


def _ended_badly(yes: bool) -> Condition:
    found = exists().where(Collection.invoice_id == Invoice.id, Collection.state.in_(_ENDED_BADLY))
    return found if yes else not_(found)


def _bad_ends(yes: bool) -> Select[Any] | None:
    if not yes:
        return None
    return select(Collection.invoice_id).where(Collection.state.in_(_ENDED_BADLY)).distinct()


INVOICE_FILTERS = (
    filters.present(
        "mandate",
        "Mandate of the customer",
        apply=_has_mandate,
        choices=(("yes", "an active one"), ("no", "none that is active")),
    ),
    Filter(
        "run", "Collection run", Kind.TEXT, lambda number: Invoice.id.in_(_in_run(number)),
        hint="Its number, such as DD2026-00001", keys=_in_run,
    ),
    Filter("attempts", "Attempts to collect", Kind.NUMBER, _attempts, keys=_attempted),
    filters.yes_no("refused", "Ever rejected or returned", apply=_ended_badly, keys=_bad_ends),
)  # fmt: skip
