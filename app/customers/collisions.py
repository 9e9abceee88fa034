"""Finds who else has an email address or a mobile phone, for many customers in a few reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.among import one_of
from app.core.errors import Problem
from app.customers.models import Customer

UNIQUE = {"email_key": ("email", "Email"), "mobile_phone": ("mobile_phone", "Mobile phone")}
# Of how many values one statement asks.
BATCH = 5000


def collisions(
    session: Session, rows: Sequence[Mapping[str, Any]], *, own_ids: Sequence[int | None] = ()
) -> dict[int, list[Problem]]:
    """Problems by place in `rows`, where a live customer has the value already.

    Each row may hold email_key and mobile_phone; `own_ids` names the customer that a row is
    about, who may of course keep the value. Rows that collide with one another count as well:
    the later one is refused.
    """
    found: dict[int, list[Problem]] = {}
    for column, (field, label) in UNIQUE.items():
        holders = _holders(session, column, [r[column] for r in rows if r.get(column)])
        seen: set[str] = set()
        for place, row in enumerate(rows):
            value = row.get(column)
            if not value:
                continue
            own = own_ids[place] if own_ids else None
            holder = holders.get(value)
            if holder is not None and holder[0] != own:
                found.setdefault(place, []).append(taken(field, label, holder[1]))
            elif value in seen:
                found.setdefault(place, []).append(Problem(field, f"{label} is given twice"))
            seen.add(value)
    return found


def taken(field: str, label: str, number: str) -> Problem:
    """The problem that a live customer has this value, with the way to that customer."""
    return Problem(
        field,
        f"{label} is already used by customer {number}",
        "Every customer needs their own",
        link=(f"Customer {number}", record_address(number)),
    )


def record_address(number: str) -> str:
    """Where the panel shows a customer; stable, so that it may stand in messages."""
    return f"/customers/{number}"


def _holders(session: Session, column: str, values: list[str]) -> dict[str, tuple[int, str]]:
    holders: dict[str, tuple[int, str]] = {}
    attribute = getattr(Customer, column)
    for start in range(0, len(values), BATCH):
        rows = session.execute(
            select(attribute, Customer.id, Customer.number).where(
                one_of(attribute, values[start : start + BATCH]), Customer.deleted_at.is_(None)
            )
        )
        holders |= {value: (id_, number) for value, id_, number in rows}
    return holders
