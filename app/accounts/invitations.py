"""Invitations: a new operator chooses the password by a one-time link, until then none opens."""

import uuid

from sqlalchemy.orm import Session

from app.accounts import links, rules
from app.accounts.models import LinkPurpose, OneTimeLink, Operator
from app.audit import operations as audit
from app.audit.models import Action
from app.core.actor import Actor, Channel
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.outbox import operations as outbox

PURPOSE = LinkPurpose.OPERATOR_INVITATION
SUBJECT = "Your log-in for Kontor: please choose a password"
LETTER = """\
Good day{name},

{inviter} has made you a log-in for Kontor. You log in with this email address:

    {email}

Choose your password here:

    {{link}}

The link works once, and for 7 days. If it is too old by then, ask for a new one.
If you expected no such message, you need not do anything.
"""


def send(session: Session, operator: Operator, *, actor: Actor) -> str:
    """Send the operator a new link, which ends the one before; its address.

    Raises Refused for who has a password already, and for who is not active.
    """
    actor.require(Permission.OPERATORS_MANAGE)
    if not operator.invited:
        raise Refused.because(f"{operator} has chosen a password already")
    if not operator.active:
        raise Refused.because(f"{operator} is not active", hint="Only who is active can log in")
    outbox.cancel_for_operator(session, operator.id, [PURPOSE.value], actor=actor)
    token = links.make_link(
        session,
        PURPOSE,
        operator.id,
        sent_to=operator.email,
        valid=rules.INVITATION_VALID,
        actor=actor,
    )
    address = links.address(token)
    outbox.queue_message(
        session,
        purpose=PURPOSE.value,
        recipient=operator.email,
        subject=SUBJECT,
        body=LETTER.format(
            name=f" {operator.name}" if operator.name else "",
            inviter=actor.label if actor.channel is Channel.PANEL else "An administrator",
            email=operator.email,
        ),
        secret=address,
        operator_id=operator.id,
        actor=actor,
    )
    _record(session, operator, Action.INVITED, actor)
    return address


def withdraw(session: Session, operator: Operator, *, actor: Actor) -> None:
    """Let the link open nothing any more, and give up the mail if it still waits."""
    links.end_links(session, [PURPOSE], [operator.id])
    outbox.cancel_for_operator(session, operator.id, [PURPOSE.value], actor=actor)


def check_link(session: Session, link: OneTimeLink) -> None:
    """Raise Refused where the link of an invitation leads nowhere any more."""
    _invited(session, link)


def accept(session: Session, link: OneTimeLink, password: str) -> None:
    """Set the password of whoever was invited. Raises Refused for one that is not good enough."""
    operator = _invited(session, link)
    if problems := rules.password_problems(password, operator.email):
        raise Refused(problems)
    operator.password = rules.hashed(password)
    operator.fs_uniquifier = uuid.uuid4().hex
    session.flush()
    own = Actor(str(operator), frozenset(), Channel.PANEL, operator_id=operator.id)
    _record(session, operator, Action.INVITATION_ACCEPTED, own)


def _invited(session: Session, link: OneTimeLink) -> Operator:
    operator = session.get(Operator, link.subject_id, populate_existing=True)
    if operator is None:
        raise NotFound(links.UNKNOWN)
    if not operator.active or not operator.invited or not links.still_at(link, operator.email):
        raise Refused.because(links.REPLACED)
    return operator


def _record(session: Session, operator: Operator, action: Action, actor: Actor) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        entity="operator",
        entity_id=operator.id,
        entity_label=str(operator),
    )
