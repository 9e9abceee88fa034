"""The job that empties the outbox: one message after the other, each in short commits.

A message is claimed and committed before it is sent, and what became of it is committed after.
A worker that is killed in between leaves a claim: such a message may have gone out, and is
given up with these words instead of being sent twice (docs/decisions.md).
"""

import logging
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobState
from app.jobs.registry import OnAbandoned
from app.outbox import operations as outbox
from app.outbox.rules import filled
from app.outbox.transport import NeverSent, NotSent, PerhapsSent, mail

KIND = "mail"

log = logging.getLogger(__name__)


def register() -> None:
    """Make the sending of mail known as a kind of job, and ask to be told when some waits."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME)
    outbox.register_wake_up(wake_up)


def wake_up() -> None:
    """Queue the job after mail was queued.

    The mail is safe in the outbox: a failure here is logged only, and the worker's look each
    minute finds it.
    """
    try:
        _enqueue({JobState.QUEUED})
    except Exception:
        log.exception("the sending of mail could not be queued; a worker will find it")


def enqueue_if_due() -> None:
    """Queue the job when a message is due, for a next try perhaps, and no job sees to it."""
    due = outbox.anything_due(db.session())
    db.session.rollback()
    if due:
        _enqueue({JobState.QUEUED, JobState.RUNNING})


def _enqueue(seen_to: set[JobState]) -> None:
    with transaction() as session:
        if not _is_there(session, seen_to):
            operations.enqueue(session, KIND, {}, actor=SYSTEM, title="Send mail")


def _is_there(session: Session, states: set[JobState]) -> bool:
    found = select(Job.id).where(Job.kind == KIND, Job.state.in_(states)).limit(1)
    return session.scalar(found) is not None


def run(context: JobContext) -> dict[str, Any]:
    """Send all that is due."""
    with transaction() as session:
        failed = outbox.give_up_interrupted(session)
    sent = 0
    while True:
        context.stop_if_cancelled()
        outcome = _send_one()
        if outcome is None:
            return {"sent": sent, "not_sent": failed}
        sent, failed = sent + outcome, failed + (not outcome)
        context.progress(sent + failed)


def _send_one() -> bool | None:
    """Send the next message; None when none is due, False when it did not leave."""
    with transaction() as session:
        message = outbox.claim_next(session)
        if message is None:
            return None
        message_id = message.id
        letter = {
            "recipient": message.recipient,
            "subject": message.subject,
            "body": filled(message.body, message.secret),
            "message_id": message.message_id,
        }
    error, for_good = _deliver(letter)
    with transaction() as session:
        if error:
            outbox.note_failed(session, message_id, error, for_good=for_good)
        else:
            outbox.note_sent(session, message_id)
    if error:
        log.warning("message %s was not sent: %s", message_id, error)
    return not error


def _deliver(letter: dict[str, str]) -> tuple[str, bool]:
    """What went wrong, and whether for good."""
    try:
        mail.deliver(**letter)
    except PerhapsSent:
        return outbox.INTERRUPTED, True
    except NotSent as error:
        return str(error), isinstance(error, NeverSent)
    except Exception as error:
        # Only the kind of the error: its text might hold the body, and with it the link.
        log.error("a fault of the program while sending mail: %s", type(error).__name__)
        return "A fault of the program", False
    return "", False
