"""Makes the customers to measure with, or goes on with those that are there; nothing is deleted."""

import time
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from bench.big_record import BIG, make_big_record
from bench.installation import EMAIL, PASSWORD, Installation
from bench.timing import say

# Whom customers are dedicated to: one customer of so many.
DEDICATED = {"many@example.com": 20, "few@example.com": 5000}


def prepare(installation: Installation, count: int) -> dict[str, Any]:
    """Bring an installation to `count` customers with all that is measured; facts about it.

    What an earlier run has made stays; a seeding that was broken off goes on where it stood.
    """
    installation.command("db", "upgrade")
    installation.command("seed", "basics")
    app = installation.application()
    with app.app_context():
        from app.extensions import db

        seconds = _seed(installation, db.session(), count)
        _operators(installation, db.session())
        if _dedicate(db.session()) + make_big_record(db.session()) or seconds:
            analyse(db.session())
        facts = {"customers": _count(db.session()), "seed_seconds": seconds}
        db.session.remove()
        db.engine.dispose()
    return facts


def _count(session: Session) -> int:
    from app.customers.models import Customer

    found = session.scalar(select(func.count(Customer.id))) or 0
    session.rollback()
    return found


def _seed(installation: Installation, session: Session, count: int) -> float | None:
    have = _count(session)
    if have >= count:
        say(f"{have:,} customers are there")
        return None
    say(f"{have:,} customers are there; {count - have:,} more are made")
    began = time.perf_counter()
    # Another seed for the rest of a broken seeding, so that it does not make the same people.
    wanted = ("--count", str(count - have), "--seed", str(1 + have))
    installation.command("seed", "customers", *wanted)
    return time.perf_counter() - began


def _operators(installation: Installation, session: Session) -> None:
    from app.accounts.models import Operator

    there = set(session.scalars(select(Operator.email)))
    session.rollback()
    for email, role in ((EMAIL, "administrator"), *((one, "operations") for one in DEDICATED)):
        if email not in there:
            made = ("operator", "create", email, "--role", role, "--password-stdin")
            installation.command(*made, given=PASSWORD)


def _dedicate(session: Session) -> int:
    """Give some customers a dedicated operator, which the seeding does not; how many."""
    from app.accounts.models import Operator
    from app.customers.models import Customer

    dedicated = Customer.dedicated_operator_id
    if session.scalar(select(Customer.id).where(dedicated.is_not(None)).limit(1)):
        session.rollback()
        return 0
    changed = 0
    for email, one_of in DEDICATED.items():
        operator_id = session.scalar(select(Operator.id).where(Operator.email == email))
        done = session.execute(
            update(Customer)
            .where(Customer.id % one_of == 0)
            .values(dedicated_operator_id=operator_id)
            .execution_options(synchronize_session=False)
        )
        changed += done.rowcount  # type: ignore[attr-defined]
    session.commit()
    return changed


def analyse(session: Session) -> None:
    """Let the database count what it plans its queries by, as it does in time by itself."""
    say("the database analyses its tables")
    session.rollback()
    engine = session.get_bind()
    statement = "ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def big_customer(session: Session) -> tuple[int, str]:
    """The customer whose record is long: id and kind."""
    from app.customers.models import Customer

    found = select(Customer.id, Customer.kind).where(Customer.former_number == BIG)
    id_, kind = session.execute(found).one()
    return id_, kind
