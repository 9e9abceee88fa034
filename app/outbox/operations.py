"""Everything that changes a message: queue it, claim it, note what became of it."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import SYSTEM, Actor
from app.core.bulk import insert_rows
from app.core.database import after_commit
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.core.text import clean
from app.outbox import rules
from app.outbox.models import MailState, OutboxMessage
from app.outbox.transport import mail

INTERRUPTED = (
    "The sending was interrupted: the message may have arrived, so it is not sent again by itself"
)

MESSAGES = cast(Table, OutboxMessage.__table__)
_wake_up: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A message to be sent; see `queue_message`."""

    purpose: str
    recipient: str
    subject: str
    body: str
    secret: str | None = None
    customer_id: int | None = None
    operator_id: int | None = None


def register_wake_up(callback: Callable[[], None]) -> None:
    """Say who is told, after the commit, that mail waits. The jobs stand above this room."""
    _wake_up[:] = [callback]


def queue_message(
    session: Session,
    *,
    purpose: str,
    recipient: str,
    subject: str,
    body: str,
    secret: str | None = None,
    customer_id: int | None = None,
    operator_id: int | None = None,
    actor: Actor,
) -> OutboxMessage:
    """Put a message into the outbox; it leaves once the transaction is committed.

    `secret` is the one-time address that takes the place of {link} in the body. Raises Refused
    for a recipient that no mail can be sent to.
    """
    draft = MailDraft(
        purpose, recipient, subject, body,
        secret=secret, customer_id=customer_id, operator_id=operator_id,
    )  # fmt: skip
    return session.get_one(OutboxMessage, queue_messages(session, [draft], actor=actor)[0])


def queue_messages(session: Session, drafts: Sequence[MailDraft], *, actor: Actor) -> list[int]:
    """Put many messages into the outbox at once; their ids in the order of the drafts.

    Raises Refused for a recipient that no mail can be sent to.
    """
    now = clock.now()
    rows = []
    for draft in drafts:
        address = rules.mail_address(draft.recipient)
        if address is None:
            raise Refused.because(
                "The email is not an address that mail can be sent to", field="email"
            )
        rows.append(
            {
                "purpose": draft.purpose,
                "recipient": address,
                # A line break in a header would begin another header.
                "subject": (clean(draft.subject) or "")[:255],
                "body": draft.body,
                "secret": draft.secret,
                "message_id": f"<{uuid.uuid4().hex}@{mail.domain}>",
                "state": MailState.WAITING.value,
                "attempts": 0,
                "next_try_at": now,
                "created_at": now,
                "created_by_label": actor.label[:255],
                "customer_id": draft.customer_id,
                "operator_id": draft.operator_id,
            }
        )
    ids = insert_rows(session, MESSAGES, rows)
    audit.record_many(
        session,
        [
            _entry(
                row | {"id": id_}, Action.CREATED, actor, {"recipient": [None, row["recipient"]]}
            )
            for id_, row in zip(ids, rows, strict=True)
        ],
    )
    if rows:
        _wake(session)
    return ids


def retry(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Send again what failed or was cancelled, and at once what waits. Returns how many.

    Raises Refused for one that was sent, is being sent, or whose one-time link is gone.
    """
    actor.require(Permission.OUTBOX_MANAGE)
    messages = _locked(session, ids)
    for message in messages:
        if message.state in {MailState.SENT, MailState.SENDING}:
            raise Refused.because(f"The message to {message.recipient} is {message.state}")
        if rules.needs_secret(message.body) and message.secret is None:
            raise Refused.because(
                f"The one-time link of the message to {message.recipient} was wiped when it was "
                "given up",
                hint="Send a new one from the record that it belongs to",
            )
        before = message.state
        message.state = MailState.WAITING
        message.attempts = 0
        message.next_try_at = clock.now()
        _tell(session, message, Action.STATE_CHANGED, actor, {"state": [before, message.state]})
    session.flush()
    _wake(session)
    return len(messages)


def cancel(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Give up messages that wait. Returns how many. Raises Refused for any other."""
    actor.require(Permission.OUTBOX_MANAGE)
    messages = _locked(session, ids)
    for message in messages:
        if message.state != MailState.WAITING:
            raise Refused.because(
                f"The message to {message.recipient} is {message.state}; "
                "only one that waits can be cancelled"
            )
        _cancel(session, message, actor)
    session.flush()
    return len(messages)


def cancel_for_customers(
    session: Session, customer_ids: Iterable[int], purposes: Iterable[str], *, actor: Actor
) -> list[OutboxMessage]:
    """Give up what waits for customers, because what it says no longer holds."""
    whose = OutboxMessage.customer_id.in_(list(customer_ids))
    return _cancel_waiting(session, whose, purposes, actor)


def cancel_for_operator(
    session: Session, operator_id: int, purposes: Iterable[str], *, actor: Actor
) -> list[OutboxMessage]:
    """Give up what waits for an operator, because what it says no longer holds."""
    return _cancel_waiting(session, OutboxMessage.operator_id == operator_id, purposes, actor)


def cancel_many(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Give up those of the messages that still wait, in bulk, as what they say no longer holds.

    Returns how many.
    """
    count = 0
    for some in portions(ids):
        waiting = [
            dict(row)
            for row in session.execute(
                select(MESSAGES)
                .where(MESSAGES.c.id.in_(some), MESSAGES.c.state == MailState.WAITING.value)
                .order_by(MESSAGES.c.id)
                .with_for_update()
            ).mappings()
        ]
        session.execute(
            update(MESSAGES)
            .where(MESSAGES.c.id.in_([row["id"] for row in waiting]))
            .values(state=MailState.CANCELLED.value, secret=None)
        )
        changes = {"state": [MailState.WAITING.value, MailState.CANCELLED.value]}
        audit.record_many(
            session, [_entry(row, Action.STATE_CHANGED, actor, changes) for row in waiting]
        )
        count += len(waiting)
    session.expire_all()
    return count


def _cancel_waiting(
    session: Session, whose: ColumnElement[bool], purposes: Iterable[str], actor: Actor
) -> list[OutboxMessage]:
    waiting = session.scalars(
        select(OutboxMessage)
        .where(whose)
        .where(OutboxMessage.purpose.in_(list(purposes)))
        .where(OutboxMessage.state == MailState.WAITING)
        .order_by(OutboxMessage.id)
        .with_for_update()
    ).all()
    for message in waiting:
        _cancel(session, message, actor)
    session.flush()
    return list(waiting)


def claim_next(session: Session) -> OutboxMessage | None:
    """Take the message that is due the longest, for this process alone; None when none is."""
    now = clock.now()
    while True:
        due = session.scalar(
            select(OutboxMessage.id)
            .where(OutboxMessage.state == MailState.WAITING, OutboxMessage.next_try_at <= now)
            .order_by(OutboxMessage.next_try_at, OutboxMessage.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if due is None:
            return None
        taken = session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == due, OutboxMessage.state == MailState.WAITING)
            .values(state=MailState.SENDING, claimed_at=now, attempts=OutboxMessage.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount == 1:  # type: ignore[attr-defined]
            return session.get_one(OutboxMessage, due, populate_existing=True)


def note_sent(session: Session, message_id: int) -> None:
    """The server has taken the message."""
    message = _claimed(session, message_id)
    if message is not None:
        message.state, message.claimed_at = MailState.SENT, None
        message.sent_at, message.secret, message.last_error = clock.now(), None, None
        session.flush()


def note_failed(session: Session, message_id: int, error: str, *, for_good: bool) -> None:
    """The message did not leave: it waits for its next try, or is given up."""
    message = _claimed(session, message_id)
    if message is None:
        return
    message.last_error = (clean(error) or "")[:500]
    message.claimed_at = None
    again = None if for_good else rules.next_try(message.attempts, clock.now())
    if again is None:
        message.state, message.secret = MailState.FAILED, None
        _tell(
            session,
            message,
            Action.STATE_CHANGED,
            SYSTEM,
            {"state": [MailState.WAITING, MailState.FAILED]},
            reason=message.last_error,
        )
    else:
        message.state, message.next_try_at = MailState.WAITING, again
    session.flush()


def give_up_interrupted(session: Session, older_than: timedelta = rules.CLAIM_HOLDS) -> int:
    """Give up what a dead worker was sending; nobody can know whether it went out."""
    interrupted = session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.state == MailState.SENDING)
        .where(OutboxMessage.claimed_at <= clock.now() - older_than)
        .limit(100)
    ).all()
    for message_id in interrupted:
        note_failed(session, message_id, INTERRUPTED, for_good=True)
    return len(interrupted)


def forget_old(session: Session, *, before: datetime, most: int) -> int:
    """Delete at most so many old messages that were sent or given up; how many it were.

    The history keeps that there was one, and to whom.
    """
    old = session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.created_at < before)
        .where(OutboxMessage.state.in_((MailState.SENT, MailState.FAILED, MailState.CANCELLED)))
        .order_by(OutboxMessage.id)
        .limit(most)
    ).all()
    session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(old)))
    return len(old)


def anything_due(session: Session) -> bool:
    """Tell whether there is something to do for a worker."""
    now = clock.now()
    return (
        session.scalar(
            select(OutboxMessage.id)
            .where(
                or_(
                    (OutboxMessage.state == MailState.WAITING) & (OutboxMessage.next_try_at <= now),
                    (OutboxMessage.state == MailState.SENDING)
                    & (OutboxMessage.claimed_at <= now - rules.CLAIM_HOLDS),
                )
            )
            .limit(1)
        )
        is not None
    )


def _claimed(session: Session, message_id: int) -> OutboxMessage | None:
    """The message while it is being sent; None when it was taken for interrupted meanwhile."""
    message = session.get_one(
        OutboxMessage, message_id, with_for_update=True, populate_existing=True
    )
    return message if message.state == MailState.SENDING else None


def _locked(session: Session, ids: Iterable[int]) -> list[OutboxMessage]:
    wanted = list(dict.fromkeys(ids))
    found = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.id.in_(wanted))
        .order_by(OutboxMessage.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(found) != len(wanted):
        raise NotFound("There is no such message")
    return list(found)


def _cancel(session: Session, message: OutboxMessage, actor: Actor) -> None:
    message.state, message.secret = MailState.CANCELLED, None
    _tell(
        session,
        message,
        Action.STATE_CHANGED,
        actor,
        {"state": [MailState.WAITING, MailState.CANCELLED]},
    )


def _tell(
    session: Session,
    message: OutboxMessage,
    action: Action,
    actor: Actor,
    changes: dict[str, list[str | None]],
    reason: str | None = None,
) -> None:
    audit.record(
        session, actor=actor, action=action, entity="mail", entity_id=message.id,
        entity_label=message.subject, customer_id=message.customer_id, changes=changes,
        reason=reason,
    )  # fmt: skip


def _entry(
    row: Mapping[str, Any], action: Action, actor: Actor, changes: Mapping[str, Any]
) -> dict[str, Any]:
    return audit.entry(
        actor=actor, action=action, entity="mail", entity_id=row["id"],
        entity_label=row["subject"], customer_id=row["customer_id"], changes=changes,
    )  # fmt: skip


def _wake(session: Session) -> None:
    for callback in _wake_up:
        after_commit(session, callback)
