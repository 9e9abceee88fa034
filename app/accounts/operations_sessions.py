"""Where operators are logged in: sessions begun, seen, ended, and forgotten when they are old."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.accounts import rules
from app.accounts.models import Operator, OperatorSession
from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotAllowed, NotFound
from app.core.permissions import Permission


def begin(session: Session, operator: Operator, key: str, *, address: str, user_agent: str) -> int:
    """Note that the operator is logged in, in the browser that holds the key; the row's id."""
    now = clock.now()
    row = OperatorSession(
        operator_id=operator.id,
        key_hash=rules.hash_of_key(key),
        created_at=now,
        last_seen_at=now,
        address=address[:64],
        user_agent=user_agent[:255],
    )
    session.add(row)
    session.flush()
    return row.id


def note_seen(session: Session, session_id: int) -> None:
    """Note that a request has come from this session just now."""
    session.execute(
        update(OperatorSession)
        .where(OperatorSession.id == session_id)
        .values(last_seen_at=clock.now())
    )


def end_own(session: Session, key: str, label: str) -> None:
    """End the session of the browser that holds the key, at the log-out."""
    session.execute(
        update(OperatorSession)
        .where(OperatorSession.key_hash == rules.hash_of_key(key), _open())
        .values(ended_at=clock.now(), ended_by_label=label[:255])
    )


def end_one(session: Session, operator_id: int, session_id: int, *, actor: Actor) -> None:
    """End one session of an operator: one's own, or anybody's by who manages operators.

    Raises NotFound if the operator has no such session, NotAllowed if it is another's.
    """
    operator = _whose(session, operator_id, actor)
    row = session.scalar(
        select(OperatorSession).where(
            OperatorSession.id == session_id, OperatorSession.operator_id == operator.id, _open()
        )
    )
    if row is None:
        raise NotFound("This session has ended already.")
    row.ended_at, row.ended_by_label = clock.now(), actor.label[:255]
    session.flush()
    _record(session, operator, rules.browser_in_words(row.user_agent), actor)


def end_all(
    session: Session, operator_id: int, *, keep_key: str | None = None, actor: Actor
) -> int:
    """End every session of an operator, but that of the key; how many there were."""
    operator = _whose(session, operator_id, actor)
    ended = close_all(session, operator.id, by=actor.label, keep_key=keep_key)
    if ended:
        which = "all" if keep_key is None else "all but one"
        _record(session, operator, which, actor)
    return ended


def close_all(session: Session, operator_id: int, *, by: str, keep_key: str | None = None) -> int:
    """End the sessions of an operator as part of another change, which the history tells."""
    wanted = update(OperatorSession).where(OperatorSession.operator_id == operator_id, _open())
    if keep_key is not None:
        wanted = wanted.where(OperatorSession.key_hash != rules.hash_of_key(keep_key))
    done = session.execute(
        wanted.values(ended_at=clock.now(), ended_by_label=by[:255]).returning(OperatorSession.id)
    )
    return len(done.all())


def forget_old(session: Session, *, begun_before: datetime, most: int) -> int:
    """Delete at most so many sessions that began long ago and cannot be alive; how many it were."""
    old: Sequence[int] = session.scalars(
        select(OperatorSession.id).where(OperatorSession.created_at < begun_before).limit(most)
    ).all()
    session.execute(delete(OperatorSession).where(OperatorSession.id.in_(old)))
    return len(old)


def _open() -> ColumnElement[bool]:
    return OperatorSession.ended_at.is_(None)


def _whose(session: Session, operator_id: int, actor: Actor) -> Operator:
    if actor.operator_id != operator_id and not actor.may(Permission.OPERATORS_MANAGE):
        raise NotAllowed("You can end your own sessions only.")
    operator = session.get(Operator, operator_id)
    if operator is None:
        raise NotFound("This operator is no longer there.")
    return operator


def _record(session: Session, operator: Operator, which: str, actor: Actor) -> None:
    audit.record(
        session,
        actor=actor,
        action=Action.SESSION_ENDED,
        entity="operator",
        entity_id=operator.id,
        entity_label=str(operator),
        changes={"session": which},
    )
