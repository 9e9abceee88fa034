"""Reads about operators, roles and log-in attempts."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.accounts import rules
from app.accounts.models import LoginAttempt, Operator, Role


def operator_by_email(session: Session, email: str) -> Operator | None:
    """The operator with this email address, whatever its case."""
    return session.scalar(select(Operator).where(Operator.email == email.strip().lower()))


def role_by_name(session: Session, name: str) -> Role | None:
    """The role of this name."""
    return session.scalar(select(Role).where(Role.name == name))


def login_locked_until(
    session: Session, email: str, address: str, now: datetime
) -> datetime | None:
    """When this account or address may try again, or None if it may now."""
    by_account = _failures(session, LoginAttempt.email == email.strip().lower(), now)
    from_address = _failures(session, LoginAttempt.address == address, now)
    return max(
        filter(
            None,
            (
                rules.locked_until(by_account, rules.MOST_FAILURES_OF_ACCOUNT, now),
                rules.locked_until(from_address, rules.MOST_FAILURES_FROM_ADDRESS, now),
            ),
        ),
        default=None,
    )


def _failures(session: Session, whose: ColumnElement[bool], now: datetime) -> list[datetime]:
    since = now - rules.WINDOW
    last_good = session.scalar(
        select(func.max(LoginAttempt.at)).where(whose, LoginAttempt.succeeded)
    )
    return list(
        session.scalars(
            select(LoginAttempt.at)
            .where(whose, ~LoginAttempt.succeeded)
            .where(LoginAttempt.at > (max(since, last_good) if last_good else since))
            .order_by(LoginAttempt.at.desc())
            .limit(rules.MOST_FAILURES_FROM_ADDRESS)
        )
    )
