"""What the merge of two customers moves of this room: mandates and collections.

A collection changes hands with its invoice, but what the bank was told stays frozen in it. While
one is under way nobody is merged away: the delete guard says so.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.customers.belongings import (
    Belonging,
    Merging,
    Preview,
    count_of,
    move_rows,
    plain,
    register_belonging,
)
from app.sepa.models import Collection, Mandate, MandateState, PreNotification
from app.sepa.operations_mandates import MANDATES


def register() -> None:
    """Let mandates and collections move with their customer."""
    register_belonging(
        Belonging("mandates", "mandate", "mandates", frozenset({MANDATES.name}), _preview, _move)
    )
    register_belonging(plain("collections", "collection", "collections", Collection.__table__))
    register_belonging(plain("notices", "notice", "notices", PreNotification.__table__))


def _preview(session: Session, merging: Merging) -> Preview:
    """References are unique among all customers, so mandates cannot collide; there may be two."""
    active = session.execute(
        select(Mandate.customer_id, Mandate.reference)
        .where(
            Mandate.customer_id.in_((merging.winner_id, merging.loser_id)),
            Mandate.state == MandateState.ACTIVE.value,
        )
        .order_by(Mandate.id)
    ).all()
    notes = []
    if len({customer for customer, _ in active}) > 1:
        references = ", ".join(reference for _, reference in active)
        notes.append(
            f"There will be {len(active)} active mandates: {references}. Cancel what is old."
        )
    return Preview(count_of(session, MANDATES, merging.loser_id), notes)


def _move(session: Session, merging: Merging, actor: Actor) -> int:
    return move_rows(session, MANDATES, merging)
