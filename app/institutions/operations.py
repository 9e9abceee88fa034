"""Every state change of consortia and of what is kept of institutions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.core.actor import Actor
from app.core.errors import NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Customer
from app.customers.operations import touch_customers
from app.institutions.drafts import InstitutionDraft
from app.institutions.models import Consortium, ConsortiumMember, IpRange, LibraryContact
from app.institutions.queries import consortium_names, count_members, holder_of, institution_of
from app.institutions.rules import Range

_CONTACT = ("name", "role", "email", "phone")


def save_institution(
    session: Session, customer_id: int, draft: InstitutionDraft, *, actor: Actor
) -> bool:
    """Let an institution's details be exactly these; tell whether anything changed.

    Raises NotFound for a customer or a consortium that is not there, and Refused for an IP range
    that shares an address with one of another customer.
    """
    actor.require(Permission.CUSTOMERS_EDIT)
    customer = session.scalar(
        select(Customer)
        .where(Customer.id == customer_id, Customer.deleted_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if customer is None:
        raise NotFound("This customer was deleted in the meantime")
    before = institution_of(session, customer_id)
    if draft == before:
        return False
    _set_contact(session, customer_id, draft, before)
    _set_consortia(session, customer_id, draft.consortium_ids, before.consortium_ids)
    _set_ranges(session, customer_id, draft.ip_ranges, before.ip_ranges)
    changes = _changes(session, before, draft)
    if not changes:
        return False
    touch_customers(session, [customer_id])
    audit.record(
        session,
        actor=actor,
        action=Action.CHANGED,
        entity="customer",
        entity_id=customer_id,
        entity_label=f"{customer.number} {customer.display_name}",
        customer_id=customer_id,
        changes=changes,
    )
    return True


def _set_contact(
    session: Session, customer_id: int, draft: InstitutionDraft, before: InstitutionDraft
) -> None:
    wanted = {name: getattr(draft, f"contact_{name}") or None for name in _CONTACT}
    if wanted == {name: getattr(before, f"contact_{name}") for name in _CONTACT}:
        return
    session.execute(delete(LibraryContact).where(LibraryContact.customer_id == customer_id))
    if any(wanted.values()):
        session.execute(insert(LibraryContact).values(customer_id=customer_id, **wanted))


def _set_consortia(
    session: Session, customer_id: int, wanted: frozenset[int], held: frozenset[int]
) -> None:
    known = consortium_names(session, wanted)
    if len(known) < len(wanted):
        raise Refused.because("This consortium is not there any more", field="consortium_ids")
    session.execute(
        delete(ConsortiumMember).where(
            ConsortiumMember.customer_id == customer_id,
            ConsortiumMember.consortium_id.in_(held - wanted),
        )
    )
    new = [{"customer_id": customer_id, "consortium_id": one} for one in sorted(wanted - held)]
    if new:
        session.execute(insert(ConsortiumMember), new)


def _set_ranges(
    session: Session, customer_id: int, wanted: Sequence[Range], held: Sequence[Range]
) -> None:
    gone = set(held) - set(wanted)
    for some in portions(sorted(one.first for one in gone)):
        session.execute(
            delete(IpRange).where(IpRange.customer_id == customer_id, IpRange.first_key.in_(some))
        )
    new = sorted(set(wanted) - set(held))
    if not new:
        return
    _refuse_taken(session, new)
    rows = [
        {"customer_id": customer_id, "first_key": one.first, "last_key": one.last, "live": True}
        for one in new
    ]
    try:
        with session.begin_nested():
            session.execute(insert(IpRange), rows)
    except IntegrityError:
        # Somebody at the same moment: the database let that one in first.
        _refuse_taken(session, new)
        raise


def _refuse_taken(session: Session, ranges: Iterable[Range]) -> None:
    problems = []
    for one in ranges:
        holder = holder_of(session, one)
        if holder is not None:
            problems.append(
                Problem(
                    "ip_ranges",
                    f"{one} shares addresses with {holder.range} of {holder.customer}",
                    "An address can belong to one customer only",
                    link=("Show that customer", f"/customers/{holder.number}"),
                )
            )
    if problems:
        raise Refused(problems)


def _changes(
    session: Session, before: InstitutionDraft, after: InstitutionDraft
) -> dict[str, list[Any]]:
    names = consortium_names(session, before.consortium_ids | after.consortium_ids)
    told = [
        {
            **{f"library_contact_{n}": getattr(one, f"contact_{n}") or None for n in _CONTACT},
            "consortia": sorted(names.get(key, str(key)) for key in one.consortium_ids),
            "ip_ranges": [str(r) for r in one.ip_ranges],
        }
        for one in (before, after)
    ]
    old, new = told
    return {name: [old[name], new[name]] for name in old if old[name] != new[name]}


# Consortia ----------------------------------------------------------------------------------------


def save_consortium(
    session: Session, row: Consortium | None, *, name: str, note: str | None, actor: Actor
) -> Consortium:
    """Create or change a consortium. Raises Refused for a name that another one has."""
    actor.require(Permission.CUSTOMERS_EDIT)
    if not name:
        raise Refused.because("Name is missing", field="name")
    taken = select(Consortium).where(func.lower(Consortium.name) == func.lower(name))
    for other in session.scalars(taken):
        if other is not row:
            raise Refused.because(f"There is a consortium {other.name} already", field="name")
    before: Mapping[str, Any] = snapshot(row) if row is not None else {}
    row = row or Consortium()
    row.name, row.note = name, note
    session.add(row)
    session.flush()
    audit.record_change(
        session, row, before, actor=actor, entity="consortium", entity_label=row.name
    )
    return row


def delete_consortia(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Delete consortia that nobody is a member of any more; how many. Raises Refused."""
    actor.require(Permission.CUSTOMERS_EDIT)
    rows = session.scalars(select(Consortium).where(Consortium.id.in_(sorted(set(ids))))).all()
    for row in rows:
        if count_members(session, row.id):
            raise Refused.because(
                f"{row.name} has members", hint="Take it out of their forms first"
            )
        audit.record(
            session, actor=actor, action=Action.DELETED, entity="consortium", entity_id=row.id,
            entity_label=row.name,
        )  # fmt: skip
        # Of deleted customers, whom nobody could take out of it any more.
        session.execute(delete(ConsortiumMember).where(ConsortiumMember.consortium_id == row.id))
        session.delete(row)
    session.flush()
    return len(rows)
