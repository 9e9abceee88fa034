"""Tells a second person by mail that an IBAN was changed, so that nobody can do it unseen.

To whom, the setting KONTOR_IBAN_CHANGE_NOTIFY says; whoever made the change gets no mail. What a
job changes is told once, by their number, when it ends (app/jobs/iban_notices.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.audit.rules import mask_iban
from app.core.actor import SYSTEM, Actor
from app.customers.collisions import record_address
from app.customers.rules import display_name
from app.outbox.models import MailPurpose
from app.outbox.operations import queue_message
from app.outbox.transport import mail

ONE = """\
Good day,

the IBAN of {of} was changed by {who}:

    before  {old}
    now     {new}

If you know of this, you need not do anything. If not, ask before the next collection:

    {address}
"""
MANY = """\
Good day,

{what} by {who}{how}.

If you know of this, you need not do anything. If not, ask before the next collection. The history
of each record says what was changed:

    {address}
"""
NONE = "none"

_recipients: list[str] = []


@dataclass(frozen=True, slots=True)
class IbanChange:
    """An IBAN that has become another: whose it is in words, and where that can be looked at."""

    of: str
    old: str | None
    new: str | None
    customer_id: int
    address: str


def use_recipients(addresses: str) -> None:
    """Say who is told, with commas between. Raises ValueError for what is no address."""
    found = []
    for raw in filter(None, (one.strip() for one in addresses.split(","))):
        try:
            valid = validate_email(raw, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise ValueError(
                f"KONTOR_IBAN_CHANGE_NOTIFY must be email addresses with commas between; "
                f"{raw!r} is none"
            ) from None
        found.append(valid.normalized)
    _recipients[:] = dict.fromkeys(found)


def anybody_is_told() -> bool:
    """Whether the setting names somebody."""
    return bool(_recipients)


def tell_customer_ibans(
    session: Session,
    changed: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    actor: Actor,
) -> None:
    """Tell of those among changed customers (before, after) whose IBAN is another."""
    if not _recipients:
        return
    found = [
        IbanChange(
            f"customer {new['number']} {display_name(new)}", old["iban"], new["iban"], new["id"],
            record_address(new["number"]),
        )
        for old, new in changed
        if (old["iban"] or None) != (new["iban"] or None)
    ]  # fmt: skip
    tell_iban_changes(session, found, actor=actor)


def tell_iban_changes(session: Session, changes: Sequence[IbanChange], *, actor: Actor) -> None:
    """Queue a mail about one change, or about the number of several, in their transaction."""
    if not changes or actor.job_id is not None:
        return
    if len(changes) > 1:
        tell_number(session, len(changes), actor=actor)
        return
    one = changes[0]
    body = ONE.format(
        of=one.of,
        who=actor.label,
        old=mask_iban(one.old) or NONE,
        new=mask_iban(one.new) or NONE,
        address=mail.address(one.address),
    )
    _queue(session, f"IBAN changed: {one.of}", body, one.customer_id, actor)


def tell_number(
    session: Session, count: int, *, actor: Actor, how: str = "", address: str = "/admin/"
) -> None:
    """Queue a mail about many changes at once; `how` ends the sentence, such as ", by a job"."""
    what = "An IBAN was changed" if count == 1 else f"{count:,} IBANs were changed"
    body = MANY.format(what=what, who=actor.label, how=how, address=mail.address(address))
    _queue(session, what, body, None, actor)


def _queue(session: Session, subject: str, body: str, customer_id: int | None, who: Actor) -> None:
    maker = session.get(Operator, who.operator_id) if who.operator_id else None
    own = maker.email.casefold() if maker else ""
    for recipient in _recipients:
        if recipient.casefold() != own:
            queue_message(
                session, purpose=MailPurpose.IBAN_CHANGED, recipient=recipient, subject=subject,
                body=body, customer_id=customer_id, actor=SYSTEM,
            )  # fmt: skip
