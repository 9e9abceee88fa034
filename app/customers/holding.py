"""Collection holds that follow from what a bank has told, set in bulk."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.core import clock
from app.core.actor import Actor
from app.core.portions import portions
from app.customers.models import Customer
from app.customers.writing import CUSTOMERS, customer_entry

_LABEL = ("id", "number", "kind", "first_name", "name", "company_name")
_HOLD = ("collection_hold", "collection_hold_until", "collection_hold_reason")


def hold_collections(
    session: Session, customer_ids: Sequence[int], *, reason: str, actor: Actor
) -> int:
    """Let nothing be collected from customers until somebody ends the hold; how many were set.

    A hold without an end stays as it is, with its own reason. Whoever calls has seen that the
    actor may do what this follows from.
    """
    done = 0
    columns = [CUSTOMERS.c[name] for name in (*_LABEL, *_HOLD)]
    for some in portions(sorted(set(customer_ids))):
        found = session.execute(
            select(*columns).where(CUSTOMERS.c.id.in_(some)).order_by(CUSTOMERS.c.id)
            .with_for_update()
        ).mappings()  # fmt: skip
        rows = [
            dict(row)
            for row in found
            if not (row["collection_hold"] and row["collection_hold_until"] is None)
        ]
        if not rows:
            continue
        values = {
            "collection_hold": True,
            "collection_hold_until": None,
            "collection_hold_reason": reason[:200],
        }
        session.execute(
            update(CUSTOMERS)
            .where(CUSTOMERS.c.id.in_([row["id"] for row in rows]))
            .values(version=CUSTOMERS.c.version + 1, changed_at=clock.now(), **values)
        )
        audit.record_many(
            session,
            [
                customer_entry(
                    actor, Action.CHANGED, row["id"], row,
                    diff(Customer, {name: row[name] for name in _HOLD}, values),
                )
                for row in rows
            ],
        )  # fmt: skip
        done += len(rows)
    session.expire_all()
    return done
