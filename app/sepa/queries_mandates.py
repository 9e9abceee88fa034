"""Reads about mandates: their list with its filters, and what about them waits for a person."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.core import clock, filters
from app.core.countries import country_name
from app.core.filters import Condition
from app.core.listing import Listing
from app.customers.choices import PaymentMethod
from app.customers.models import Customer
from app.customers.search import list_condition
from app.sepa.models import Mandate, MandateState, MandateType, Scheme
from app.sepa.rules import SEPA_COUNTRIES, lapsed_before

EXPIRING_DAYS = 60
_DAYS = (30, 60, 90, 180)
_ACTIVE = Mandate.state == MandateState.ACTIVE.value


class Waiting(StrEnum):
    """Why a mandate, or a customer who has none, waits for a person."""

    UNSIGNED = "unsigned"
    SUSPENDED = "suspended"
    EXPIRING = "expiring"
    NO_MANDATE = "no_mandate"
    OTHER_IBAN = "other_iban"
    REGISTRATION = "registration"


WAITING_LABELS = {
    Waiting.UNSIGNED: "Drafts without a signature",
    Waiting.SUSPENDED: "Suspended",
    Waiting.EXPIRING: f"Expiring within {EXPIRING_DAYS} days",
    Waiting.NO_MANDATE: "Direct debit without a mandate",
    Waiting.OTHER_IBAN: "For another IBAN than the customer's",
    Waiting.REGISTRATION: "Bank registration not confirmed",
}


def mandates_of(session: Session, customer_id: int) -> Sequence[Mandate]:
    """The mandates of a customer, the newest first."""
    return session.scalars(
        select(Mandate).where(Mandate.customer_id == customer_id).order_by(Mandate.id.desc())
    ).all()


def mismatched(session: Session, customer: Customer) -> Sequence[Mandate]:
    """The active mandates of a customer where all of them are for another IBAN than theirs."""
    if not customer.iban:
        return []
    active = [one for one in mandates_of(session, customer.id) if one.state == MandateState.ACTIVE]
    return [] if any(one.iban == customer.iban for one in active) else active


def customers_without_mandate() -> Select[Customer]:
    """Live customers who pay by direct debit without an active mandate, the newest first.

    Those with a draft or a suspended one are not among them: that mandate waits by itself, and to
    sign or to resume it is what there is to do.
    """
    states = (MandateState.ACTIVE.value, MandateState.DRAFT.value, MandateState.SUSPENDED.value)
    hopeful = exists().where(Mandate.customer_id == Customer.id, Mandate.state.in_(states))
    return (
        select(Customer)
        .where(
            Customer.deleted_at.is_(None),
            Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value,
            ~hopeful,
        )
        .order_by(Customer.id.desc())
    )


def waiting_mandates(why: Waiting) -> Select[Mandate]:
    """The mandates that wait for this reason, the longest known first."""
    return (
        select(Mandate)
        .where(_waits(why))
        .order_by(Mandate.id)
        .options(joinedload(Mandate.customer))
    )


def _waits(why: Waiting) -> Condition:
    match why:
        case Waiting.UNSIGNED:
            found = Mandate.state == MandateState.DRAFT.value
        case Waiting.SUSPENDED:
            found = Mandate.state == MandateState.SUSPENDED.value
        case Waiting.EXPIRING:
            found = _expires_within(EXPIRING_DAYS)
        case Waiting.REGISTRATION:
            found = and_(_ACTIVE, _unregistered(True))
        case _:
            return and_(_ACTIVE, _for_another_iban())
    return and_(found, exists().where(*_live_customer()))


def _live_customer() -> tuple[Condition, ...]:
    return Customer.id == Mandate.customer_id, Customer.deleted_at.is_(None)


def _for_another_iban() -> Condition:
    """The customer's IBAN is another, and none of their active mandates is for it."""
    right = aliased(Mandate)
    fitting = exists().where(
        right.customer_id == Customer.id,
        right.state == MandateState.ACTIVE.value,
        right.iban == Customer.iban,
    )
    return exists().where(
        *_live_customer(),
        Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value,
        Customer.iban != Mandate.iban,
        ~fitting,
    )


def _expires_within(days: int) -> Condition:
    since = lapsed_before(clock.today() + timedelta(days=days))
    return and_(
        Mandate.state.in_((MandateState.ACTIVE.value, MandateState.SUSPENDED.value)),
        Mandate.signed_on < since,
        func.coalesce(Mandate.last_collected_on, Mandate.signed_on) < since,
    )


def _unregistered(yes: bool) -> Condition:
    empty = Mandate.bank_registered_on.is_(None)
    return and_(Mandate.scheme == Scheme.B2B.value, empty if yes else ~empty)


def _amended(yes: bool) -> Condition:
    waits = or_(Mandate.original_iban.is_not(None), Mandate.original_reference.is_not(None))
    return waits if yes else ~waits


def _has_document(yes: bool) -> Condition:
    return Mandate.document_id.is_not(None) if yes else Mandate.document_id.is_(None)


def _search(text: str) -> Condition:
    whose = select(Customer.id).where(list_condition(text))
    return (func.lower(Mandate.reference) == text.lower()) | Mandate.customer_id.in_(whose)


MANDATES = Listing(
    statement=select(Mandate),
    filters=(
        filters.text("reference", "Mandate reference", func.lower(Mandate.reference), begins=True),
        filters.choice("state", "State", Mandate.state, [(s.value, s.value) for s in MandateState]),
        filters.choice(
            "attention", "Needs attention", None,
            [(w.value, t) for w, t in WAITING_LABELS.items() if w is not Waiting.NO_MANDATE],
            apply=lambda wanted: or_(*(_waits(Waiting(one)) for one in wanted)),
        ),
        filters.choice("scheme", "Scheme", Mandate.scheme, [(s.value, s.value) for s in Scheme]),
        filters.choice("type", "Type", Mandate.type, [(t.value, t.value) for t in MandateType]),
        filters.date_between("signed", "Signed on", Mandate.signed_on),
        filters.date_between("collected", "Last collected on", Mandate.last_collected_on),
        filters.choice(
            "expiring", "Expires", None, [(str(days), f"within {days} days") for days in _DAYS],
            coerce=int, apply=lambda days: _expires_within(max(days)),
        ),
        filters.choice(
            "country", "Country of the IBAN", None,
            sorted(((c, country_name(c)) for c in SEPA_COUNTRIES), key=lambda one: one[1]),
            apply=func.substr(Mandate.iban, 1, 2).in_,
        ),
        filters.present("document", "Signed document", apply=_has_document),
        filters.present(
            "amended", "Amendment", apply=_amended,
            choices=(("yes", "the bank is still to be told"), ("no", "none that waits")),
        ),
        filters.present(
            "unregistered", "Bank registration (B2B)", apply=_unregistered,
            choices=(("yes", "not confirmed"), ("no", "confirmed")),
        ),
    ),
    sorts={"reference": func.lower(Mandate.reference)},
    default_sort="reference",
    search=_search,
    options=(joinedload(Mandate.customer),),
)  # fmt: skip
