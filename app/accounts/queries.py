"""Reads about operators, roles, log-in attempts and sessions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.accounts import rules
from app.accounts.models import (
    LinkPurpose,
    LoginAttempt,
    OneTimeLink,
    Operator,
    OperatorSession,
    Role,
)
from app.core import filters
from app.core.listing import Listing
from app.core.permissions import RoleName


def _holding(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(func.lower(one).contains(text.lower(), autoescape=True) for one in columns))


OPERATOR_STATES = (("active", "active"), ("invited", "invited"), ("inactive", "inactive"))


def _in_state(states: list[str]) -> ColumnElement[bool]:
    each = {
        "active": and_(Operator.active, Operator.password.is_not(None)),
        "invited": and_(Operator.active, Operator.password.is_(None)),
        "inactive": ~Operator.active,
    }
    return or_(*(each[state] for state in states))


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
        filters.choice("state", "State", None, OPERATOR_STATES, apply=_in_state),
        filters.text("name", "Name", Operator.name),
        filters.text("email", "Email", Operator.email),
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


def allowed_by_role(session: Session) -> list[tuple[str, list[str]]]:
    """The name of each role, and the permissions that it has."""
    rows = session.execute(select(Role.name, Role.permissions).order_by(Role.name))
    return [(name, allowed) for name, allowed in rows]


def unknown_roles(session: Session, names: Iterable[str]) -> list[str]:
    """Those of the names that no role has; the roles that come with Kontor always count."""
    known = {*session.scalars(select(Role.name)), *RoleName}
    return sorted(set(names) - known)


# Every request asks for it, so it is written once.
_LOGGED_IN = (
    select(Operator, OperatorSession.id, OperatorSession.last_seen_at)
    .join(OperatorSession, OperatorSession.operator_id == Operator.id)
    .where(
        OperatorSession.key_hash == bindparam("key_hash"),
        OperatorSession.ended_at.is_(None),
        OperatorSession.created_at > bindparam("begun_after"),
        Operator.fs_uniquifier == bindparam("uniquifier"),
        Operator.active,
    )
    .options(joinedload(Operator.roles))
)


def logged_in(
    session: Session, uniquifier: str, key: str, begun_after: datetime
) -> tuple[Operator, int, datetime] | None:
    """Who is logged in by this key: the operator, and the id and the last sight of the session.

    None if the session has ended or is too old, and for operators who are no longer active.
    """
    given = {
        "key_hash": rules.hash_of_key(key), "begun_after": begun_after, "uniquifier": uniquifier
    }  # fmt: skip
    row = session.execute(_LOGGED_IN, given).unique().one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def live_sessions(
    session: Session, operator_id: int, begun_after: datetime, limit: int = 100
) -> Sequence[OperatorSession]:
    """Where an operator is logged in, last seen first."""
    return session.scalars(
        select(OperatorSession)
        .where(*_live(operator_id, begun_after))
        .order_by(OperatorSession.last_seen_at.desc(), OperatorSession.id.desc())
        .limit(limit)
    ).all()


def count_live_sessions(session: Session, operator_id: int, begun_after: datetime) -> int:
    """In how many browsers an operator is logged in."""
    wanted = select(func.count(OperatorSession.id)).where(*_live(operator_id, begun_after))
    return session.scalar(wanted) or 0


def _live(operator_id: int, begun_after: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OperatorSession.operator_id == operator_id,
        OperatorSession.ended_at.is_(None),
        OperatorSession.created_at > begun_after,
    )


def last_invitation(session: Session, operator_id: int) -> OneTimeLink | None:
    """The link that an operator was invited by last."""
    return session.scalar(
        select(OneTimeLink)
        .where(
            OneTimeLink.purpose == LinkPurpose.OPERATOR_INVITATION,
            OneTimeLink.subject_id == operator_id,
        )
        .order_by(OneTimeLink.id.desc())
        .limit(1)
    )


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
