"""Every state change of journal authorizations; each merges the rights it touches anew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.catalogue.coverage import coverage_problems
from app.catalogue.queries_journals import journal_titles
from app.core import clock, undo
from app.core.actor import Actor
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Customer
from app.customers.operations import touch_customers
from app.subscriptions.drafts import AuthorizationDraft
from app.subscriptions.merging import Pair, coverage_columns, recompute
from app.subscriptions.models import Authorization

NOT_THERE = "A journal authorization of this form is not there any more"

_TABLE: Any = Authorization.__table__
_TOLD = (
    *("basis", "coverage_from", "coverage_to", "first_volume", "first_issue"),
    *("last_volume", "last_issue", "embargo", "note"),
)


def create_authorizations(
    session: Session, drafts: Sequence[AuthorizationDraft], *, actor: Actor
) -> list[int]:
    """Give many customers rights to journals, in bulk; the new numbers in the order of the drafts.

    Raises Refused for a coverage that ends before it starts and for an unknown customer.
    """
    if not drafts:
        return []
    _begin(session, drafts, (draft.customer_id for draft in drafts), actor)
    created_at = clock.now()
    rows = [{**_columns(draft), "created_at": created_at} for draft in drafts]
    ids = list(
        session.connection().scalars(
            _TABLE.insert().returning(_TABLE.c.id, sort_by_parameter_order=True), rows
        )
    )
    undo.note_inserted(session, _TABLE, [(key,) for key in ids])
    changes = [(key, None, row) for key, row in zip(ids, rows, strict=True)]
    _finish(session, changes, actor)
    return ids


def update_authorizations(
    session: Session, drafts: Sequence[AuthorizationDraft], *, actor: Actor
) -> list[int]:
    """Let stored authorizations say what the drafts with their numbers say; which ones changed.

    Raises NotFound for a number that the draft's customer does not have.
    """
    if not drafts:
        return []
    stored = _stored(session, [draft.id for draft in drafts if draft.id is not None])
    changed = []
    for draft in drafts:
        old = stored.get(draft.id) if draft.id is not None else None
        if old is None or old["customer_id"] != draft.customer_id:
            raise NotFound(NOT_THERE)
        new = {**old, **_columns(draft)}
        if new != old:
            changed.append((int(old["id"]), old, new))
    if not changed:
        return []
    _begin(session, drafts, (new["customer_id"] for _, _, new in changed), actor)
    undo.note_updated(session, _TABLE, [old for _, old, _ in changed])
    names = list(_columns(drafts[0]))
    session.connection().execute(
        _TABLE.update()
        .where(_TABLE.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in names}),
        [
            {"row_id": key, **{f"new_{name}": new[name] for name in names}}
            for key, _, new in changed
        ],
    )
    _finish(session, changed, actor)
    return [key for key, _, _ in changed]


def delete_authorizations(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Take rights away; how many there were."""
    stored = _stored(session, ids)
    if not stored:
        return 0
    _begin(session, (), (old["customer_id"] for old in stored.values()), actor)
    for some in portions(stored):
        session.connection().execute(_TABLE.delete().where(_TABLE.c.id.in_(some)))
    _finish(session, [(key, old, None) for key, old in stored.items()], actor)
    return len(stored)


def replace_authorizations(
    session: Session, customer_id: int, drafts: Sequence[AuthorizationDraft], *, actor: Actor
) -> bool:
    """Let a customer's authorizations be exactly these; tell whether anything changed.

    Drafts with a number change that one, those without are new, and what no draft names goes.
    """
    if any(draft.customer_id != customer_id for draft in drafts):
        raise ValueError("a draft of another customer")
    held = set(
        session.scalars(select(Authorization.id).where(Authorization.customer_id == customer_id))
    )
    kept = [draft for draft in drafts if draft.id is not None]
    changed = update_authorizations(session, kept, actor=actor)
    new = [draft for draft in drafts if draft.id is None]
    made = create_authorizations(session, new, actor=actor)
    gone = delete_authorizations(session, held - {draft.id for draft in kept}, actor=actor)
    return bool(changed or made or gone)


def _begin(
    session: Session,
    drafts: Iterable[AuthorizationDraft],
    customer_ids: Iterable[int],
    actor: Actor,
) -> None:
    """Judge the change, and count it as one of each customer.

    The customers' rows stay locked until the transaction ends, so that no other change of their
    rights is merged beside this one.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    problems = [one for draft in drafts for one in coverage_problems(draft.coverage)]
    if problems:
        raise Refused(problems)
    wanted = sorted(set(customer_ids))
    for some in portions(wanted):
        live = select(Customer.id).where(Customer.id.in_(some), Customer.deleted_at.is_(None))
        locked = session.scalars(live.order_by(Customer.id).with_for_update()).all()
        if len(locked) < len(some):
            raise Refused.because("Customer is not in the system", field="customer")
    touch_customers(session, wanted)


def _finish(
    session: Session,
    changes: Sequence[tuple[int, Mapping[str, Any] | None, Mapping[str, Any] | None]],
    actor: Actor,
) -> None:
    """Write the history of the changes (number, old, new) and merge what they touch."""
    pairs: set[Pair] = {
        (row["customer_id"], row["journal_id"])
        for _, old, new in changes
        for row in (old, new)
        if row is not None
    }
    titles = journal_titles(session, {journal for _, journal in pairs})
    entries = []
    for key, old, new in changes:
        one = new or old or {}
        entries.append(
            audit.entry(
                actor=actor,
                action=_action(old, new),
                entity="journal authorization",
                entity_id=key,
                entity_label=titles.get(one["journal_id"], ""),
                customer_id=one["customer_id"],
                changes=diff(Authorization, _told(old, titles), _told(new, titles)),
            )
        )
    audit.record_many(session, entries)
    recompute(session, pairs, actor=actor)


def _action(old: object, new: object) -> Action:
    if old is None:
        return Action.CREATED
    return Action.CHANGED if new is not None else Action.REMOVED


def _told(row: Mapping[str, Any] | None, titles: Mapping[int, str]) -> dict[str, Any]:
    if row is None:
        return {}
    return {"journal": titles.get(row["journal_id"]), **{name: row[name] for name in _TOLD}}


def _columns(draft: AuthorizationDraft) -> dict[str, Any]:
    return {
        "customer_id": draft.customer_id,
        "journal_id": draft.journal_id,
        "basis": draft.basis.value,
        "embargo": draft.embargo,
        "note": draft.note,
        **coverage_columns(draft.coverage),
    }


def _stored(session: Session, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    return {
        row.id: dict(row._mapping)
        for some in portions(sorted(set(ids)))
        for row in session.connection().execute(select(_TABLE).where(_TABLE.c.id.in_(some)))
    }
