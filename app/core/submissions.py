"""The same form sent twice makes one record: who comes second is led to what the first one made."""

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.models import SubmittedForm

# A browser or a proxy repeats a request within minutes, a person a page left open within days.
KEPT = timedelta(days=7)


class Earlier(NamedTuple):
    """What a form that came before has made; None where that has no number."""

    record_id: int | None


def claim(session: Session, key: str) -> Earlier | None:
    """Take a form for this transaction, or tell what it has made already.

    Another transaction that has it under way is waited for. Rolled back, it is free again.
    """
    insert: Any = (
        postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    )
    statement = insert(SubmittedForm).values(key=key, created_at=clock.now())
    taken = session.scalar(statement.on_conflict_do_nothing().returning(SubmittedForm.key))
    return None if taken is not None else find(session, key)


def remember(session: Session, key: str, record_id: int | None) -> None:
    """Note what a claimed form has made, in the same transaction."""
    session.execute(
        update(SubmittedForm).where(SubmittedForm.key == key).values(record_id=record_id)
    )


def find(session: Session, key: str) -> Earlier | None:
    """What a form has made, if it came before."""
    row = session.execute(
        select(SubmittedForm.record_id).where(SubmittedForm.key == key)
    ).one_or_none()
    return None if row is None else Earlier(row.record_id)


def forget(session: Session, limit: int) -> int:
    """Delete up to `limit` forms whose time is over; how many went."""
    old = session.scalars(
        select(SubmittedForm.key).where(SubmittedForm.created_at < clock.now() - KEPT).limit(limit)
    ).all()
    session.execute(delete(SubmittedForm).where(SubmittedForm.key.in_(old)))
    return len(old)
