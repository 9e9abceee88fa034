"""Reads what is kept of institutions, and finds who has an IP address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from app.core import filters
from app.core.filters import Condition, Filter, Kind
from app.core.listing import Listing
from app.core.portions import portions
from app.core.values import ValueProblem
from app.customers.models import Customer
from app.institutions.drafts import InstitutionDraft
from app.institutions.models import LIVE, Consortium, ConsortiumMember, IpRange, LibraryContact
from app.institutions.rules import Range, parse_address


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a range, and which."""

    range: Range
    number: str
    customer: str


def institution_of(session: Session, customer_id: int) -> InstitutionDraft:
    """All that is kept of an institution."""
    contact = session.execute(
        select(
            LibraryContact.name, LibraryContact.role, LibraryContact.email, LibraryContact.phone
        ).where(LibraryContact.customer_id == customer_id)
    ).first()
    name, role, email, phone = contact or (None, None, None, None)
    member_of = select(ConsortiumMember.consortium_id)
    ranges = (
        select(IpRange.first_key, IpRange.last_key)
        .where(IpRange.customer_id == customer_id)
        .order_by(IpRange.first_key)
    )
    return InstitutionDraft(
        name,
        role,
        email,
        phone,
        frozenset(session.scalars(member_of.where(ConsortiumMember.customer_id == customer_id))),
        [Range(*row) for row in session.execute(ranges)],
    )


def holder_of(session: Session, wanted: Range) -> Holder | None:
    """The live range that shares an address with this one, and whose it is.

    Live ranges never share addresses, so the last one that begins before this one's end is the
    only one to look at: a step in the index.
    """
    found = session.execute(
        select(IpRange.first_key, IpRange.last_key, Customer)
        .join(Customer, Customer.id == IpRange.customer_id)
        .where(LIVE, IpRange.first_key <= wanted.last)
        .order_by(IpRange.first_key.desc())
        .limit(1)
    ).first()
    if found is None or found.last_key < wanted.first:
        return None
    held = Range(found.first_key, found.last_key)
    return Holder(held, found.Customer.number, found.Customer.display_name)


def consortium_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of consortia."""
    wanted = select(Consortium.id, Consortium.name)
    return {
        row.id: row.name
        for some in portions(sorted(set(ids)))
        for row in session.execute(wanted.where(Consortium.id.in_(some)))
    }


def all_consortia(session: Session) -> Sequence[tuple[int, str]]:
    """Every consortium by name."""
    rows = session.execute(select(Consortium.id, Consortium.name).order_by(Consortium.name))
    return [(row.id, row.name) for row in rows]


def find_consortium(session: Session, name: str) -> Consortium | None:
    """The consortium of exactly this name, whatever its capitals."""
    return session.scalar(select(Consortium).where(func.lower(Consortium.name) == func.lower(name)))


def members_of(consortium_id: int) -> Select[Customer]:
    """The live members of a consortium, by name."""
    return (
        select(Customer)
        .join(ConsortiumMember, ConsortiumMember.customer_id == Customer.id)
        .where(ConsortiumMember.consortium_id == consortium_id, Customer.deleted_at.is_(None))
        .order_by(Customer.sort_name, Customer.id)
    )


def _readers_from(text: str) -> Select[int]:
    """Who has an address."""
    try:
        key = parse_address(text)
    except ValueProblem as problem:
        raise ValueError(str(problem)) from problem
    # The last live range that begins at or before the address is the only one that can hold it.
    last = (
        select(IpRange.id)
        .where(LIVE, IpRange.first_key <= key)
        .order_by(IpRange.first_key.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(IpRange.customer_id).where(IpRange.id == last, IpRange.last_key >= key)


def _members(ids: list[int]) -> Select[int]:
    return select(ConsortiumMember.customer_id).where(ConsortiumMember.consortium_id.in_(ids))


def _member_of(ids: list[int]) -> Condition:
    return exists().where(
        ConsortiumMember.customer_id == Customer.id, ConsortiumMember.consortium_id.in_(ids)
    )


# Of perpetual customers only.
CUSTOMER_FILTERS = (
    Filter(
        "consortium", "Consortium", Kind.CHOICE, _member_of, coerce=filters.identifier,
        choices=lambda session: [(str(key), name) for key, name in all_consortia(session)],
        keys=_members,
    ),
    Filter("ip", "IP address", Kind.TEXT, lambda text: Customer.id.in_(_readers_from(text)),
           hint="Like 192.0.2.7", keys=lambda text: _readers_from(text)),
)  # fmt: skip

CONSORTIA = Listing(
    statement=select(Consortium),
    sorts={"name": filters.lowered(Consortium.name)},
    default_sort="name",
    search=lambda text: filters.lowered(Consortium.name).contains(text.lower(), autoescape=True),
)


def count_members(session: Session, consortium_id: int) -> int:
    """How many live members a consortium has."""
    counted = select(func.count()).select_from(members_of(consortium_id).subquery())
    return session.scalar(counted) or 0
