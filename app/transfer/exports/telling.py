"""Tells whoever asked for a large export that it is there, in the panel and by mail."""

from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.core.actor import SYSTEM, Channel
from app.core.errors import Refused
from app.core.models import StoredFile
from app.jobs import notices
from app.jobs.models import Job, JobState
from app.outbox.models import MailPurpose
from app.outbox.operations import queue_message
from app.outbox.transport import mail
from app.transfer.exports.queries import receipt_of

READY = """\
Good day{name},

the {title} that you asked for is ready: {rows:,} rows.

Download it here, once you are logged in:

    {address}

The file is kept until {until}.
"""
FAILED = """\
Good day{name},

the {title} that you asked for could not be written:

    {error}

What became of it, and how to let it run again:

    {address}
"""
LETTERS = frozenset({JobState.DONE, JobState.FAILED})


def tell(session: Session, job: Job) -> None:
    """Leave a notice and queue a mail, in the transaction that ends the job.

    Not for a job that was cancelled: whoever did that knows.
    """
    operator = session.get(Operator, job.created_by_id) if job.created_by_id else None
    if job.state not in LETTERS or job.channel != Channel.PANEL or operator is None:
        return
    notices.leave(session, job)
    if not operator.active:
        return
    title = job.title[:1].lower() + job.title[1:]
    done = job.state == JobState.DONE
    try:
        queue_message(
            session,
            purpose=MailPurpose.EXPORT_ENDED,
            recipient=operator.email,
            subject=f"Ready: {title}" if done else f"Not written: {title}",
            body=_ready(session, job, operator, title) if done else _failed(job, operator, title),
            operator_id=operator.id,
            actor=SYSTEM,
        )
    except Refused:
        # A log-in need not be an address that mail reaches; the notice in the panel stays.
        return


def _ready(session: Session, job: Job, operator: Operator, title: str) -> str:
    result = job.result or {}
    stored = session.get(StoredFile, receipt_of(session, result["receipt"]).entity_id)
    zone = ZoneInfo(current_app.config["SETTINGS"].timezone)
    until = stored.expires_at if stored else None
    return READY.format(
        name=_named(operator),
        title=title,
        rows=result["rows"],
        address=mail.address(f"/admin/exports/details/?id={result['receipt']}"),
        until=until.astimezone(zone).date().isoformat() if until else "you delete it",
    )


def _failed(job: Job, operator: Operator, title: str) -> str:
    return FAILED.format(
        name=_named(operator),
        title=title,
        error=job.error or "A fault of the program stopped it.",
        address=mail.address(f"/admin/jobs/details/?id={job.id}"),
    )


def _named(operator: Operator) -> str:
    return f" {operator.name}" if operator.name else ""
