"""Two customers with everything that can belong to one, and pictures of the database around."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.core.database import Base
from app.customers import merge_parts
from app.customers.duplicate_models import DuplicatePair
from app.customers.merge_choices import takes_loser
from app.customers.merging import CHOICES, MergePlan
from app.customers.models import Customer
from app.customers.writing import CUSTOMERS
from app.extensions import db, transaction

# What a merge and its undo add on purpose: history, the job, what was before; versions only rise.
GROWING = {
    "operator_sessions",
    *("audit_entries", "jobs", "undo_entries", "number_series", "job_undos", "job_leftovers"),
    *("operators", "operators_roles", "roles"),
}


def pair(one: Customer, other: Customer, **given: Any) -> DuplicatePair:
    """A pair of the worklist, committed."""
    first, second = sorted((one.id, other.id))
    values = {"score": 80, "reasons": ["phone"], "fingerprint": "f" * 32}
    with transaction() as session:
        made = DuplicatePair(
            first_id=first,
            second_id=second,
            found_at=datetime(2026, 11, 23, tzinfo=UTC),
            **values | given,
        )
        session.add(made)
    return made


def plan(
    pair: DuplicatePair, *, winner: str = "first", take: dict[str, str] | None = None, **given: Any
) -> MergePlan:
    """The plan that the page would make: its defaults, but for what `take` says by choice."""
    session = db.session()
    session.rollback()
    stays, goes = pair.first, pair.second
    if winner == "second":
        stays, goes = goes, stays
    rows = [
        {column.name: getattr(one, column.name) for column in CUSTOMERS.columns}
        for one in (stays, goes)
    ]
    taken = {c.name for c in CHOICES if takes_loser(c, *rows)}
    for name, side in (take or {}).items():
        taken = taken - {name} if side == winner else taken | {name}
    found = merge_parts.read(session, stays.id, goes.id)
    addresses, companies, products = merge_parts.kept_by_default(found)
    values: dict[str, Any] = {
        "pair_id": pair.id,
        "winner_id": stays.id,
        "loser_id": goes.id,
        "winner_version": stays.version,
        "loser_version": goes.version,
        "from_loser": frozenset(taken),
        "addresses": addresses,
        "companies": companies,
        "products": products,
    }
    session.rollback()
    return MergePlan(**values | given)


def picture(session: Session) -> dict[str, dict[Any, dict[str, Any]]]:
    """Every row of every table but the growing ones, without its version."""
    session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name in GROWING or not inspect(db.engine).has_table(table.name):
            continue
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
        keys = [column.name for column in table.primary_key]
        found[table.name] = {
            tuple(row[key] for key in keys): {k: v for k, v in row.items() if k != "version"}
            for row in rows
        }
    session.rollback()
    return found
