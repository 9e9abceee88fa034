"""Suspends mandates that the bank has told us about: many at once, by its reason code."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core.actor import Actor
from app.core.errors import NotAllowed
from app.core.permissions import PERMISSION_LABELS, Permission
from app.core.portions import portions
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import LONGEST_REASON
from app.sepa.return_codes import return_code
from app.sepa.rules import MANDATE_STATES


def suspend_mandates(
    session: Session, mandate_ids: Sequence[int], *, code: str | None, reason: str, actor: Actor
) -> int:
    """Suspend those of the mandates that are active; how many there were.

    It follows from what the bank answered, so it needs the right to work off returns or to read
    bank reports in, not that to edit mandates.
    """
    if not (actor.may(Permission.RETURNS_EDIT) or actor.may(Permission.BANK_REPORTS_IMPORT)):
        raise NotAllowed(
            f"You are not allowed to do this: {PERMISSION_LABELS[Permission.RETURNS_EDIT]}"
        )
    MANDATE_STATES.check(MandateState.ACTIVE, MandateState.SUSPENDED)
    values = {
        "state": MandateState.SUSPENDED.value,
        "state_reason": reason[:LONGEST_REASON] or None,
        "state_code": code[:4] if code else None,
    }
    done = 0
    for some in portions(sorted(set(mandate_ids))):
        active = session.execute(
            select(
                Mandate.id, Mandate.reference, Mandate.customer_id, Mandate.state,
                Mandate.state_reason, Mandate.state_code,
            )
            .where(Mandate.id.in_(some), Mandate.state == MandateState.ACTIVE.value)
            .order_by(Mandate.id)
            .with_for_update()
        ).all()  # fmt: skip
        if not active:
            continue
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_([row.id for row in active]))
            .values(version=Mandate.version + 1, **values)
        )
        audit.record_many(
            session,
            [
                audit.entry(
                    actor=actor, action=Action.STATE_CHANGED, entity="mandate", entity_id=row.id,
                    entity_label=row.reference, customer_id=row.customer_id,
                    changes={
                        name: [getattr(row, name), value]
                        for name, value in values.items()
                        if getattr(row, name) != value
                    },
                    reason=reason or None,
                )
                for row in active
            ],
        )  # fmt: skip
        done += len(active)
    session.expire_all()
    return done


def reason_of(mandate: Mandate) -> str:
    """Why a mandate is not in force, with the bank's code where the words do not name it."""
    reason, code = mandate.state_reason or "No reason was given", mandate.state_code
    return f"{code}: {reason}" if code and code not in reason else reason


def advice_for(code: str | None) -> str:
    """What to do about a mandate that was suspended for this code, or by hand."""
    if not code:
        return "Settle the reason, then resume it, or cancel it."
    return return_code(code).advice.removeprefix("The mandate is suspended. ")
