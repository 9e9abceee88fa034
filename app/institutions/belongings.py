"""What a merge moves of institutions, and what speaks against bringing a deleted one back."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import undo
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions
from app.customers.belongings import (
    Belonging,
    Merging,
    Preview,
    count_of,
    move_rows,
    register_belonging,
)
from app.customers.choices import CustomerKind
from app.customers.guards import register_restore_guard
from app.customers.queries import register_filter
from app.institutions.models import ConsortiumMember, IpRange, LibraryContact
from app.institutions.queries import CUSTOMER_FILTERS, holder_of
from app.institutions.rules import Range

_CONTACTS: Any = LibraryContact.__table__
_MEMBERS: Any = ConsortiumMember.__table__
_RANGES: Any = IpRange.__table__


def register() -> None:
    """Let what is kept of institutions move with them, and be looked for."""
    for name, one, many, table, move in (
        ("library_contacts", "library contact", "library contacts", _CONTACTS, _move_contact),
        ("consortia", "consortium", "consortia", _MEMBERS, _move_memberships),
        ("ip_ranges", "IP range", "IP ranges", _RANGES, _move_ranges),
    ):
        register_belonging(
            Belonging(name, one, many, frozenset({table.name}), _preview_of(table), move)
        )
    register_restore_guard(addresses_taken)
    for one_filter in CUSTOMER_FILTERS:
        register_filter(one_filter, CustomerKind.PERPETUAL)


def _preview_of(table: Any) -> Any:
    return lambda session, merging: Preview(count_of(session, table, merging.loser_id))


def _move_contact(session: Session, merging: Merging, actor: Actor) -> int:
    """The contact of the one that goes, where the one that stays has none."""
    if count_of(session, _CONTACTS, merging.winner_id):
        return 0
    return move_rows(session, _CONTACTS, merging)


def _move_memberships(session: Session, merging: Merging, actor: Actor) -> int:
    """The consortia that the one that stays is not a member of already."""
    held = select(_MEMBERS.c.consortium_id).where(_MEMBERS.c.customer_id == merging.winner_id)
    return move_rows(session, _MEMBERS, merging, _MEMBERS.c.consortium_id.not_in(held))


def _move_ranges(session: Session, merging: Merging, actor: Actor) -> int:
    """All addresses; those of live customers never collide."""
    rows = select(_RANGES).where(_RANGES.c.customer_id == merging.loser_id)
    before = [dict(row) for row in session.execute(rows.order_by(_RANGES.c.id)).mappings()]
    undo.note_updated(session, _RANGES, before)
    for some in portions(before):
        ids = [row["id"] for row in some]
        values = {"customer_id": merging.winner_id, "live": True}
        session.execute(update(_RANGES).where(_RANGES.c.id.in_(ids)).values(values))
    return len(before)


def addresses_taken(session: Session, customer_ids: Sequence[int]) -> Mapping[int, Problem]:
    """Deleted customers whose IP addresses somebody else has by now."""
    found: dict[int, Problem] = {}
    for some in portions(customer_ids):
        rows = select(_RANGES).where(_RANGES.c.customer_id.in_(some), _RANGES.c.live.is_(False))
        for row in session.execute(rows.order_by(_RANGES.c.first_key)):
            held = Range(row.first_key, row.last_key)
            holder = holder_of(session, held)
            if holder is not None:
                found.setdefault(
                    row.customer_id,
                    Problem(
                        "",
                        f"{held} shares addresses with {holder.range} of {holder.customer}",
                        "Take the range out of that customer first",
                        link=("Show that customer", f"/customers/{holder.number}"),
                    ),
                )
    return found
