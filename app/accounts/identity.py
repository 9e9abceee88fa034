"""Who is acting in this request: the bridge from the logged-in operator to an Actor."""

from typing import cast

from flask_login import current_user

from app.accounts.models import Operator
from app.core.actor import Actor, Channel
from app.core.permissions import Permission

_KNOWN = {permission.value: permission for permission in Permission}
NOBODY = Actor("nobody", frozenset(), Channel.PANEL)


def permissions_of(operator: Operator) -> frozenset[Permission]:
    """What an operator may do: all that any of the roles allows. Unknown names are ignored."""
    names = (name for role in operator.roles for name in role.permissions)
    return frozenset(_KNOWN[name] for name in names if name in _KNOWN)


def actor_for(operator: Operator, channel: Channel = Channel.PANEL) -> Actor:
    """The actor that an operator is on a way in."""
    return Actor(str(operator), permissions_of(operator), channel, operator_id=operator.id)


def current_actor() -> Actor:
    """The actor of this request; one without any permission if nobody is logged in."""
    if not current_user.is_authenticated:
        return NOBODY
    return actor_for(cast(Operator, current_user._get_current_object()))
