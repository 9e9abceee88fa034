"""One-time links: made for a purpose and a subject, found by their token, used once."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.accounts.models import LinkPurpose, OneTimeLink
from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.outbox.transport import mail

UNKNOWN = "This link is not one of ours. Perhaps a part of it was lost when it was copied"
USED = "This link was used already"
REPLACED = "This link no longer counts. If a newer message came, use the link in that one"
EXPIRED = "This link is too old"


def make_link(
    session: Session,
    purpose: LinkPurpose,
    subject_id: int,
    *,
    sent_to: str,
    valid: timedelta,
    actor: Actor,
) -> str:
    """Make a link and return its token, which stands nowhere else: the database has its hash.

    `sent_to` is the email that it goes to; whoever applies the link compares it with the one of
    that moment (`still_at`). Older links for the same purpose and subject end with it.
    """
    end_links(session, [purpose], [subject_id])
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.add(
        OneTimeLink(
            purpose=purpose,
            subject_id=subject_id,
            token_hash=_hash(token),
            sent_to=sent_to,
            created_at=now,
            expires_at=now + valid,
            created_by_label=actor.label[:255],
        )
    )
    session.flush()
    return token


def address(token: str) -> str:
    """Where the link leads: the page on which a password is set."""
    return mail.address(f"/account/set-password/{token}")


def end_links(
    session: Session, purposes: Collection[LinkPurpose], subject_ids: Collection[int]
) -> None:
    """End the links that are still open, because what they were for no longer holds."""
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.purpose.in_(purposes), OneTimeLink.subject_id.in_(subject_ids))
        .where(OneTimeLink.used_at.is_(None), OneTimeLink.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def find_link(session: Session, token: str, purposes: Collection[LinkPurpose]) -> OneTimeLink:
    """The link of a token. Raises NotFound when unknown, Refused when used, ended or too old."""
    link = session.scalar(
        select(OneTimeLink)
        .where(OneTimeLink.token_hash == _hash(token), OneTimeLink.purpose.in_(purposes))
        .execution_options(populate_existing=True)
    )
    if link is None:
        raise NotFound(UNKNOWN)
    if link.used_at is not None:
        raise Refused.because(USED)
    if link.ended_at is not None:
        raise Refused.because(REPLACED)
    if link.expires_at <= clock.now():
        raise Refused.because(EXPIRED)
    return link


def still_at(link: OneTimeLink, email: str | None) -> bool:
    """Tell whether the subject still has the email that the link was sent to."""
    return email is not None and link.sent_to.casefold() == email.casefold()


def use_link(session: Session, link: OneTimeLink) -> None:
    """Use a link up. Raises Refused for the second of two at once, and for one that has ended."""
    now = clock.now()
    used = session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.id == link.id)
        .where(OneTimeLink.used_at.is_(None), OneTimeLink.ended_at.is_(None))
        .where(OneTimeLink.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise Refused.because(USED)
    session.expire(link)


def forget_old(session: Session, *, ended_before: datetime, most: int) -> int:
    """Delete at most so many links whose time was over long ago; how many it were."""
    old = session.scalars(
        select(OneTimeLink.id)
        .where(OneTimeLink.expires_at < ended_before)
        .order_by(OneTimeLink.id)
        .limit(most)
    ).all()
    session.execute(delete(OneTimeLink).where(OneTimeLink.id.in_(old)))
    return len(old)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
