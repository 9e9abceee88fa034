"""Reads about operators, roles and log-in attempts."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload

from app.accounts import rules
from app.accounts.models import LoginAttempt, Operator, Role
from app.core import filters
from app.core.listing import Listing


def _holding(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(func.lower(one).contains(text.lower(), autoescape=True) for one in columns))


OPERATORS = Listing(
    statement=select(Operator),
    filters=(
        filters.choice(
            "role",
            "Role",
            Operator.id,
            lambda session: [
                (str(id_), name.capitalize())
                for id_, name in session.execute(select(Role.id, Role.name).order_by(Role.name))
            ],
            coerce=filters.identifier,
            apply=lambda ids: Operator.roles.any(Role.id.in_(ids)),
        ),
        filters.yes_no("active", "Active", Operator.active),
    ),
    sorts={"email": Operator.email, "created": Operator.created_at},
    default_sort="email",
    search=lambda text: _holding(text, Operator.name, Operator.email),
    options=(selectinload(Operator.roles),),
)
ROLES = Listing(
    statement=select(Role),
    sorts={"name": Role.name},
    default_sort="name",
    search=lambda text: _holding(text, Role.name, Role.description),
)


def operator_by_email(session: Session, email: str) -> Operator | None:
    """The operator with this email address, whatever its case."""
    return session.scalar(select(Operator).where(Operator.email == email.strip().lower()))


def role_by_name(session: Session, name: str) -> Role | None:
    """The role of this name."""
    return session.scalar(select(Role).where(Role.name == name))


def search_operators(session: Session, text: str, limit: int) -> list[tuple[int, str]]:
    """Active operators whose name or email holds a text: their ids and how a list shows them."""
    wanted = select(Operator).where(Operator.active).order_by(Operator.name, Operator.email)
    if text:
        wanted = wanted.where(_holding(text, Operator.name, Operator.email))
    return [(one.id, _shown(one)) for one in session.scalars(wanted.limit(limit))]


def operator_label(session: Session, operator_id: int) -> str | None:
    """How a list shows an operator, also one who left."""
    one = session.get(Operator, operator_id)
    return _shown(one) if one is not None else None


def _shown(operator: Operator) -> str:
    named = f"{operator.name} ({operator.email})" if operator.name else operator.email
    return named if operator.active else f"{named}, inactive"


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
