"""What the bank answers suspends mandates in bulk, whoever may read its answers."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import Actor, Channel
from app.core.errors import NotAllowed
from app.core.permissions import Permission
from app.sepa.models import MandateState
from app.sepa.suspending import suspend_mandates
from tests.sepa import making


def _who(*permissions: Permission) -> Actor:
    return Actor("Ann", frozenset(permissions), Channel.PANEL)


@pytest.mark.parametrize("right", [Permission.RETURNS_EDIT, Permission.BANK_REPORTS_IMPORT])
def test_active_mandates_are_suspended_with_code_and_reason(
    session: Session, right: Permission
) -> None:
    one, other = (making.mandate(session, making.payer(session)) for _ in range(2))
    draft = making.mandate(session, making.payer(session), signed_on=None)
    ids, before = [one.id, other.id, draft.id, one.id], one.version
    told = "Account closed"
    assert suspend_mandates(session, ids, code="AC04", reason=told, actor=_who(right)) == 2
    assert [m.state for m in (one, other, draft)] == ["suspended", "suspended", "draft"]
    assert (one.state_code, one.state_reason, one.version) == ("AC04", told, before + 1)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.entity_id == one.id, AuditEntry.entity == "mandate")
    ).all()
    assert entries[-1].changes["state"] == ["active", "suspended"]
    assert (entries[-1].reason, entries[-1].customer_id) == (told, one.customer_id)
    assert suspend_mandates(session, ids, code="AC04", reason=told, actor=_who(right)) == 0
    assert one.state == MandateState.SUSPENDED


def test_the_right_to_edit_mandates_is_not_the_one(session: Session) -> None:
    with pytest.raises(NotAllowed, match="Work off returns"):
        suspend_mandates(session, [], code="MD01", reason="x", actor=_who(Permission.MANDATES_EDIT))
