"""Every change of the views that operators keep of lists, and of how they like their lists.

What a view shows is bound by the role of whoever opens it; saving one needs no more than seeing
the list, which the panel asks before it comes here.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Operator, SavedView
from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import snapshot
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Conflict, NotAllowed, NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.text import clean

LONGEST_NAME = 80
LONGEST_ARGUMENTS = 8000
MOST_VIEWS = 100
ENTITY = "saved view"


def save_view(
    session: Session,
    *,
    list_name: str,
    name: str,
    arguments: Mapping[str, str],
    shared: bool = False,
    actor: Actor,
) -> SavedView:
    """Keep a list under a name. Raises Refused for a name that is bad or taken."""
    owner = _somebody(actor)
    name = _checked(session, owner, list_name, name, None, arguments)
    kept = select(func.count(SavedView.id)).where(
        SavedView.operator_id == owner, SavedView.list_name == list_name
    )
    if (session.scalar(kept) or 0) >= MOST_VIEWS:
        raise Refused.because(
            f"You keep {MOST_VIEWS} views of this list already", hint="Delete one of them first"
        )
    now = clock.now()
    view = SavedView(
        operator_id=owner,
        list_name=list_name,
        name=name,
        arguments=dict(arguments),
        shared=shared,
        created_at=now,
        changed_at=now,
    )
    session.add(view)
    session.flush()
    audit.record_change(session, view, {}, actor=actor, entity=ENTITY, entity_label=name)
    return view


def rename_view(
    session: Session,
    view_id: int,
    *,
    list_name: str,
    name: str,
    shared: bool,
    version: int,
    actor: Actor,
) -> SavedView:
    """Give a view another name, share it or keep it to oneself. Raises Conflict for an old one."""
    view = _to_change(session, list_name, view_id, version, actor)
    before = snapshot(view)
    view.name = _checked(session, view.operator_id, list_name, name, view.id, view.arguments)
    view.shared = shared
    return _changed(session, view, before, actor)


def update_view(
    session: Session,
    view_id: int,
    *,
    list_name: str,
    arguments: Mapping[str, str],
    version: int,
    actor: Actor,
) -> SavedView:
    """Let a view show what these arguments show. Raises Conflict for an old version."""
    view = _to_change(session, list_name, view_id, version, actor)
    before = snapshot(view)
    _checked(session, view.operator_id, list_name, view.name, view.id, arguments)
    view.arguments = dict(arguments)
    return _changed(session, view, before, actor)


def delete_view(session: Session, view_id: int, *, list_name: str, actor: Actor) -> None:
    """Delete a view; whoever opened the list with it sees the plain list again."""
    view = _to_change(session, list_name, view_id, None, actor)
    audit.record(
        session,
        actor=actor,
        action=Action.DELETED,
        entity=ENTITY,
        entity_id=view.id,
        entity_label=view.name,
    )
    session.delete(view)
    session.flush()


def prefer(session: Session, *, list_name: str, changes: Mapping[str, Any], actor: Actor) -> None:
    """Remember how the actor likes a list; None forgets one of the changes.

    It is no change of the operator's record: its version stays, so that nobody who edits the
    operator meanwhile is told of a conflict.
    """
    owner = _somebody(actor)
    stored = session.scalar(
        select(Operator.preferences).where(Operator.id == owner).with_for_update()
    )
    preferences = dict(stored or {})
    lists = dict(preferences.get("lists") or {})
    mine = {**lists.get(list_name, {}), **changes}
    lists[list_name] = {name: value for name, value in mine.items() if value is not None}
    session.execute(
        update(Operator)
        .where(Operator.id == owner)
        .values(preferences={**preferences, "lists": lists})
        .execution_options(synchronize_session=False)
    )
    session.flush()


def _somebody(actor: Actor) -> int:
    """The operator who acts: commands and machines keep no views."""
    if actor.operator_id is None:
        raise NotAllowed("Only somebody who is logged in keeps views of lists.")
    return actor.operator_id


def _to_change(
    session: Session, list_name: str, view_id: int, version: int | None, actor: Actor
) -> SavedView:
    owner = _somebody(actor)
    view = session.scalar(
        select(SavedView).where(SavedView.id == view_id, SavedView.list_name == list_name)
    )
    if view is None or (view.operator_id != owner and not view.shared):
        raise NotFound("This view is no longer there.")
    if view.operator_id != owner and not actor.may(Permission.OPERATORS_MANAGE):
        raise NotAllowed("Only its owner and administrators change a shared view.")
    if version is not None and version != view.version:
        raise Conflict("Somebody else has changed this view meanwhile. Open it again first.")
    return view


def _changed(
    session: Session, view: SavedView, before: Mapping[str, Any], actor: Actor
) -> SavedView:
    view.changed_at = clock.now()
    session.flush()
    audit.record_change(session, view, before, actor=actor, entity=ENTITY, entity_label=view.name)
    return view


def _checked(
    session: Session,
    owner: int,
    list_name: str,
    name: str,
    own_id: int | None,
    arguments: Mapping[str, str],
) -> str:
    """The name as it is stored. Raises Refused."""
    wanted = clean(name) or ""
    problems = []
    if not wanted:
        problems.append(Problem("name", "Name is missing"))
    elif len(wanted) > LONGEST_NAME:
        said = f"Name has {len(wanted)} characters; at most {LONGEST_NAME} are allowed"
        problems.append(Problem("name", said))
    else:
        taken = select(SavedView.id).where(
            SavedView.operator_id == owner,
            SavedView.list_name == list_name,
            func.lower(SavedView.name) == func.lower(wanted),
        )
        if session.scalar(taken) not in (None, own_id):
            hint = "Choose another name, or update that view"
            problems.append(Problem("name", f"There is a view named {wanted} already", hint))
    if len(json.dumps(dict(arguments))) > LONGEST_ARGUMENTS:
        problems.append(
            Problem("", "These are too many conditions for one view", "Take some of them away")
        )
    if problems:
        raise Refused(problems)
    return wanted
