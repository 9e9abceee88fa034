"""Who does something: an operator, the command line, a job or the system itself."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.errors import NotAllowed
from app.core.permissions import PERMISSION_LABELS, Permission


class Channel(StrEnum):
    """The way in by which a change came."""

    PANEL = "panel"
    COMMAND_LINE = "command line"
    IMPORT = "import"
    API = "api"
    SHOP = "shop account"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """An acting person or machine with the permissions it has at this moment."""

    label: str
    permissions: frozenset[Permission]
    channel: Channel
    operator_id: int | None = None
    job_id: int | None = field(default=None)

    def may(self, permission: Permission) -> bool:
        """Tell whether the actor has the permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed unless the actor has the permission."""
        if permission not in self.permissions:
            raise NotAllowed(f"You are not allowed to do this: {PERMISSION_LABELS[permission]}")


COMMAND_LINE = Actor("command line", frozenset(Permission), Channel.COMMAND_LINE)
SYSTEM = Actor("system", frozenset(Permission), Channel.SYSTEM)
