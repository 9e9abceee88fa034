"""Every state change of what customers are described with: stores, groups, security questions."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.permissions import Permission
from app.customers.models import Customer, Group, SecurityQuestion, Store

Reference = TypeVar("Reference", Store, Group, SecurityQuestion)


def save_store(
    session: Session,
    store: Store | None,
    *,
    name: str,
    active: bool = True,
    is_default: bool = False,
    actor: Actor,
) -> Store:
    """Make or change a store; a new default takes the place of the old one."""
    actor.require(Permission.STORES_MANAGE)
    name = name.strip()
    problems = _name_problems(session, store, Store.name, "name", name, 1, 80)
    if is_default and not active:
        problems.append(Problem("active", "The default store has to be active"))
    if store is not None and store.is_default and not is_default:
        problems.append(
            Problem("is_default", "One store is always the default", "Make another one the default")
        )
    if problems:
        raise Refused(problems)
    before = snapshot(store) if store is not None else {}
    if is_default and not (store is not None and store.is_default):
        _end_default(session, actor)
    if store is None:
        store = Store()
        session.add(store)
    store.name, store.active, store.is_default = name, active, is_default
    session.flush()
    audit.record_change(session, store, before, actor=actor, entity="store", entity_label=name)
    return store


def delete_stores(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Delete stores that no customer comes from. Raises Refused otherwise, and for the default."""
    actor.require(Permission.STORES_MANAGE)
    stores = _found(session, Store, ids)
    for store in stores:
        if store.is_default:
            raise Refused.because(
                f"{store.name} is the default store", hint="Make another one the default first"
            )
        used = select(Customer.id).where(Customer.store_id == store.id)
        if session.scalar(used.limit(1)) is not None:
            raise Refused.because(
                f"Customers come from the store {store.name}", hint="Set it to inactive instead"
            )
    _delete(session, stores, "store", actor)


def save_group(
    session: Session,
    group: Group | None,
    *,
    name: str,
    approval_required: bool = False,
    description: str = "",
    actor: Actor,
) -> Group:
    """Make or change a customer group; its name has 3 to 32 characters and is unique."""
    actor.require(Permission.GROUPS_MANAGE)
    name = name.strip()
    problems = _name_problems(session, group, Group.name, "name", name, 3, 32)
    if len(description) > 400:
        problems.append(Problem("description", "Description is longer than 400 characters"))
    if problems:
        raise Refused(problems)
    before = snapshot(group) if group is not None else {}
    if group is None:
        group = Group()
        session.add(group)
    group.name, group.approval_required = name, approval_required
    group.description = description.strip()
    session.flush()
    audit.record_change(session, group, before, actor=actor, entity="group", entity_label=name)
    return group


def delete_groups(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Delete groups without customers. Raises Refused for others, deleted customers included."""
    actor.require(Permission.GROUPS_MANAGE)
    groups = _found(session, Group, ids)
    for group in groups:
        members = session.scalar(
            select(func.count()).select_from(Customer).where(Customer.group_id == group.id)
        )
        if members:
            raise Refused.because(
                f"{members:,} customers are in the group {group.name}",
                hint="Move them to another group first",
            )
    _delete(session, groups, "group", actor)


def save_security_question(
    session: Session,
    found: SecurityQuestion | None,
    *,
    question: str,
    active: bool = True,
    actor: Actor,
) -> SecurityQuestion:
    """Make or change a security question; inactive ones are no longer offered."""
    actor.require(Permission.SETTINGS_MANAGE)
    question = question.strip()
    problems = _name_problems(
        session, found, SecurityQuestion.question, "question", question, 5, 200
    )
    if problems:
        raise Refused(problems)
    before = snapshot(found) if found is not None else {}
    if found is None:
        found = SecurityQuestion()
        session.add(found)
    found.question, found.active = question, active
    session.flush()
    audit.record_change(
        session, found, before, actor=actor, entity="security question", entity_label=question
    )
    return found


def delete_security_questions(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Delete questions that no customer has chosen. Raises Refused otherwise."""
    actor.require(Permission.SETTINGS_MANAGE)
    questions = _found(session, SecurityQuestion, ids)
    for one in questions:
        used = select(Customer.id).where(Customer.security_question_id == one.id)
        if session.scalar(used.limit(1)) is not None:
            raise Refused.because(
                f"Customers have chosen the question “{one.question}”",
                hint="Set it to inactive instead",
            )
    _delete(session, questions, "security question", actor)


def _end_default(session: Session, actor: Actor) -> None:
    old = session.scalar(select(Store).where(Store.is_default))
    if old is None:
        return
    before = snapshot(old)
    # By statement: the new default must not meet the old one in the unique index.
    session.execute(
        update(Store).where(Store.id == old.id).values(is_default=False, version=Store.version + 1)
    )
    session.refresh(old)
    audit.record_change(session, old, before, actor=actor, entity="store", entity_label=old.name)


def _name_problems(
    session: Session,
    row: Store | Group | SecurityQuestion | None,
    column: object,
    field: str,
    text: str,
    shortest: int,
    longest: int,
) -> list[Problem]:
    label = field.capitalize()
    if not text:
        return [Problem(field, f"{label} is missing")]
    if not shortest <= len(text) <= longest:
        return [
            Problem(
                field,
                f"{label} has {len(text)} characters",
                f"It must have {shortest} to {longest}",
            )
        ]
    model = column.class_  # type: ignore[attr-defined]
    taken = select(model.id).where(func.lower(column) == text.lower())
    if row is not None:
        taken = taken.where(model.id != row.id)
    if session.scalar(taken) is not None:
        return [Problem(field, f"{label} {text} is already in use")]
    return []


def _found(session: Session, model: type[Reference], ids: Sequence[int]) -> list[Reference]:
    return list(session.scalars(select(model).where(model.id.in_(ids))))


def _delete(session: Session, rows: Sequence[Reference], entity: str, actor: Actor) -> None:
    audit.record_many(
        session,
        [
            audit.entry(
                actor=actor,
                action=Action.DELETED,
                entity=entity,
                entity_id=row.id,
                entity_label=str(row),
            )
            for row in rows
        ],
    )
    for row in rows:
        session.delete(row)
    session.flush()
