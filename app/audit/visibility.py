"""Who may read which entries of a history: a customer's tells of invoices and mandates, too.

Features say what is needed for entries about their records when the application is made.
"""

from app.core.actor import Actor
from app.core.permissions import Permission

_needed: dict[str, Permission] = {}


def register(permission: Permission, *entities: str) -> None:
    """Show entries about these kinds of records only to whoever has the permission."""
    _needed.update(dict.fromkeys(entities, permission))


def hidden_from(actor: Actor) -> tuple[str, ...]:
    """The kinds of records of whose changes this person must not read."""
    return tuple(sorted(entity for entity, needed in _needed.items() if not actor.may(needed)))
