"""What somebody wants the details of an institution to become."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.institutions.rules import Range


@dataclass(frozen=True, slots=True)
class InstitutionDraft:
    """All that is kept of an institution; what is left out goes. IP ranges are taken as read."""

    contact_name: str | None = None
    contact_role: str | None = None
    contact_email: str | None = None
    contact_phone: str | None = None
    consortium_ids: frozenset[int] = field(default_factory=frozenset)
    ip_ranges: Sequence[Range] = ()
