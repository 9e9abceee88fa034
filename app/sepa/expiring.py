"""Lets mandates expire that nothing was collected under for 36 months, as the rulebooks demand."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import SYSTEM
from app.sepa.models import Collection, CollectionState, Mandate, MandateState
from app.sepa.rules import MANDATE_MONTHS, MANDATE_STATES, lapsed_before

REASON = f"{MANDATE_MONTHS} months without a collection"
EXPIRING = frozenset({MandateState.ACTIVE, MandateState.SUSPENDED})


def expire_mandates(session: Session, most: int) -> int:
    """Expire at most so many mandates that have lapsed by today; how many it were.

    One in a collection under way stays until the bank has answered.
    """
    day = clock.today()
    since = lapsed_before(day)
    under_way = (
        select(Collection.id)
        .where(Collection.mandate_id == Mandate.id, Collection.state == CollectionState.LIVE.value)
        .exists()
    )
    lapsed = session.execute(
        select(
            Mandate.id, Mandate.reference, Mandate.customer_id, Mandate.state, Mandate.state_reason
        )
        .where(
            Mandate.state.in_([state.value for state in EXPIRING]),
            Mandate.signed_on < since,
            func.coalesce(Mandate.last_collected_on, Mandate.signed_on) < since,
            ~under_way,
        )
        .order_by(Mandate.id)
        .limit(most)
        .with_for_update()
    ).all()
    for state in {row.state for row in lapsed}:
        MANDATE_STATES.check(MandateState(state), MandateState.EXPIRED)
    session.execute(
        update(Mandate)
        .where(Mandate.id.in_([row.id for row in lapsed]))
        .values(state=MandateState.EXPIRED.value, state_reason=REASON, version=Mandate.version + 1)
    )
    audit.record_many(
        session,
        [
            audit.entry(
                actor=SYSTEM, action=Action.STATE_CHANGED, entity="mandate", entity_id=row.id,
                entity_label=row.reference, customer_id=row.customer_id,
                changes={
                    "state": [row.state, MandateState.EXPIRED.value],
                    "state_reason": [row.state_reason, REASON],
                },
                reason=REASON,
            )
            for row in lapsed
        ],
    )  # fmt: skip
    session.expire_all()
    return len(lapsed)
