"""Every state change of operators, roles and log-in attempts."""

import uuid
from collections.abc import Iterable

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.accounts import invitations, operations_sessions, queries, rules
from app.accounts.models import LoginAttempt, Operator, Role, operators_roles
from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName


def ensure_built_in_roles(session: Session) -> None:
    """Make the four roles that are missing; leave those that are there as they were changed."""
    known = set(session.scalars(select(Role.name)))
    for name, permissions in ROLE_PERMISSIONS.items():
        if name.value not in known:
            session.add(
                Role(
                    name=name.value,
                    description=f"{name.value.capitalize()} as delivered",
                    permissions=sorted(permissions),
                    built_in=True,
                )
            )
    session.flush()


def create_operator(
    session: Session,
    *,
    email: str,
    password: str,
    roles: Iterable[str],
    name: str = "",
    demo: bool = False,
    actor: Actor,
) -> Operator:
    """Make an operator. Raises Refused for a bad email, password or role."""
    # Demo passwords are short on purpose: they stand on the log-in page of a demo.
    wrong = [] if demo else rules.password_problems(password, email.strip())
    return _make(session, email, password, roles, name, demo=demo, wrong=wrong, actor=actor)


def invite_operator(
    session: Session, *, email: str, roles: Iterable[str], name: str = "", actor: Actor
) -> tuple[Operator, str]:
    """Make an operator who chooses the password by a link; its address leaves by mail.

    Gives the address back as well. Raises Refused for a bad email or role.
    """
    operator = _make(session, email, None, roles, name, actor=actor)
    return operator, invitations.send(session, operator, actor=actor)


def _make(
    session: Session,
    email: str,
    password: str | None,
    roles: Iterable[str],
    name: str,
    *,
    demo: bool = False,
    wrong: Iterable[Problem] = (),
    actor: Actor,
) -> Operator:
    actor.require(Permission.OPERATORS_MANAGE)
    problems: list[Problem] = []
    address = _checked_email(session, email, None, problems)
    problems += wrong
    found = _roles(session, roles, problems)
    if problems:
        raise Refused(problems)
    operator = Operator(
        email=address,
        name=name.strip(),
        password=None if password is None else rules.hashed(password),
        active=True,
        demo=demo,
        fs_uniquifier=uuid.uuid4().hex,
        created_at=clock.now(),
        roles=found,
    )
    session.add(operator)
    session.flush()
    _record(session, operator, {}, Action.CREATED, actor)
    return operator


def update_operator(
    session: Session,
    operator: Operator,
    *,
    email: str,
    name: str,
    active: bool,
    roles: Iterable[str],
    password: str = "",
    actor: Actor,
) -> None:
    """Change an operator; a new password or leaving ends the person's sessions.

    An open invitation ends with a password that is set here, and with leaving or another email.

    Raises Refused for bad values and if nobody would be left to manage operators.
    """
    actor.require(Permission.OPERATORS_MANAGE)
    before = _facts(operator)
    problems: list[Problem] = []
    address = _checked_email(session, email, operator.id, problems)
    if password:
        problems += rules.password_problems(password, address)
    found = _roles(session, roles, problems)
    if problems:
        raise Refused(problems)
    if operator.invited and (password or not active or address != operator.email):
        invitations.withdraw(session, operator, actor=actor)
    operator.email, operator.name, operator.active = address, name.strip(), active
    operator.roles = found
    if password:
        operator.password = rules.hashed(password)
    if password or not active:
        operator.fs_uniquifier = uuid.uuid4().hex
        operations_sessions.close_all(session, operator.id, by=actor.label)
    session.flush()
    _keep_an_administrator(session)
    _record(session, operator, before, Action.CHANGED, actor)


def save_role(
    session: Session,
    role: Role | None,
    *,
    name: str,
    description: str,
    permissions: Iterable[str],
    actor: Actor,
) -> Role:
    """Make or change a role. Built-in roles keep their names."""
    actor.require(Permission.ROLES_MANAGE)
    name = name.strip().lower()
    problems = []
    if not 3 <= len(name) <= 40:
        problems.append(Problem("name", "Name must have 3 to 40 characters"))
    holder = queries.role_by_name(session, name)
    if holder is not None and holder is not role:
        problems.append(Problem("name", f"There is a role named {name} already"))
    if role is not None and role.built_in and name != role.name:
        problems.append(Problem("name", "A role that comes with Kontor keeps its name"))
    chosen = sorted({Permission(one).value for one in permissions})
    if problems:
        raise Refused(problems)
    before = snapshot(role) if role is not None else {}
    if role is None:
        role = Role(built_in=False)
        session.add(role)
    role.name, role.description, role.permissions = name, description.strip(), chosen
    session.flush()
    _keep_an_administrator(session)
    audit.record_change(session, role, before, actor=actor, entity="role", entity_label=role.name)
    return role


def delete_role(session: Session, role: Role, *, actor: Actor) -> None:
    """Delete a role that nobody holds. Raises Refused otherwise and for built-in roles."""
    actor.require(Permission.ROLES_MANAGE)
    if role.built_in:
        raise Refused.because("A role that comes with Kontor cannot be deleted")
    holders = session.scalar(
        select(func.count())
        .select_from(operators_roles)
        .where(operators_roles.c.role_id == role.id)
    )
    if holders:
        who = "An operator holds" if holders == 1 else f"{holders} operators hold"
        raise Refused.because(f"{who} the role {role.name}", hint="Give them another role first")
    audit.record(
        session,
        actor=actor,
        action=Action.DELETED,
        entity="role",
        entity_id=role.id,
        entity_label=role.name,
    )
    session.delete(role)
    session.flush()


def note_login(
    session: Session, *, email: str, address: str, succeeded: bool, actor: Actor
) -> None:
    """Count a log-in attempt, forget those that no longer matter, and write the history."""
    now = clock.now()
    email = email.strip().lower()[:255]
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - 2 * rules.WINDOW))
    session.add(LoginAttempt(email=email, address=address[:64], at=now, succeeded=succeeded))
    operator = queries.operator_by_email(session, email)
    if operator is not None:
        if succeeded:
            operator.last_login_at = now
        audit.record(
            session,
            actor=actor,
            entity="operator",
            entity_id=operator.id,
            entity_label=str(operator),
            action=Action.LOGGED_IN if succeeded else Action.LOGIN_REFUSED,
        )
    session.flush()


def _checked_email(
    session: Session, email: str, own_id: int | None, problems: list[Problem]
) -> str:
    try:
        address = validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        problems.append(Problem("email", "Email is not an address", "Like name@example.com"))
        return email
    holder = queries.operator_by_email(session, address)
    if holder is not None and holder.id != own_id:
        problems.append(Problem("email", "There is an operator with this email already"))
    return address


def _roles(session: Session, names: Iterable[str], problems: list[Problem]) -> list[Role]:
    wanted = list(dict.fromkeys(names))
    found = list(session.scalars(select(Role).where(Role.name.in_(wanted)).order_by(Role.name)))
    unknown = sorted(set(wanted) - {role.name for role in found})
    if unknown:
        problems.append(Problem("roles", f"There is no role named {', '.join(unknown)}"))
    elif not found:
        problems.append(Problem("roles", "Role is missing", "Choose at least one"))
    return found


def _keep_an_administrator(session: Session) -> None:
    """Refuse to leave nobody who can manage operators and roles."""
    needed = {Permission.OPERATORS_MANAGE.value, Permission.ROLES_MANAGE.value}
    session.flush()
    able = select(Operator).where(Operator.active, Operator.password.is_not(None))
    active = session.scalars(able).unique()
    if not any(
        needed <= {name for role in operator.roles for name in role.permissions}
        for operator in active
    ):
        raise Refused.because(
            "Nobody would be left to manage operators",
            hint=f"Keep at least one active {RoleName.ADMINISTRATOR}",
        )


def _facts(operator: Operator) -> dict[str, object]:
    return snapshot(operator) | {"roles": sorted(role.name for role in operator.roles)}


def _record(
    session: Session, operator: Operator, before: dict[str, object], action: Action, actor: Actor
) -> None:
    audit.record_change(
        session,
        operator,
        before,
        after=_facts(operator),
        actor=actor,
        action=action,
        entity="operator",
        entity_label=str(operator),
    )
