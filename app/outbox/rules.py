"""The rules of sending: addresses, where a link goes, how long to pause, when to give up."""

from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email

LINK = "{link}"
# Growing pauses after each failed try; after the last one the message is given up. A mail server
# that is down over lunch or for a morning loses nothing.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
# Longer than any try can take: whoever claimed a message that long ago is dead.
CLAIM_HOLDS = timedelta(minutes=10)


def mail_address(raw: str) -> str | None:
    """An address as mail is sent to it, or None where none can be."""
    try:
        found = validate_email(raw, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.normalized


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many failed tries, or None to give up."""
    return now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def filled(body: str, secret: str | None) -> str:
    """The body as it is sent."""
    return body.replace(LINK, secret) if secret else body


def needs_secret(body: str) -> bool:
    """Tell whether a body is worth nothing without its one-time address."""
    return LINK in body
