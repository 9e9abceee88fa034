"""Every state change of customers. All take many and work in bulk; none commits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, select, update
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff, told_as_new
from app.core import clock, undo
from app.core.actor import Actor, Channel
from app.core.bulk import insert_rows
from app.core.errors import Conflict, NotFound, Problem, Refused
from app.core.numbering import next_numbers
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers import accounts, parts, rules
from app.customers.choices import ApprovalState
from app.customers.collisions import UNIQUE, collisions
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.guards import reasons_against_deleting, reasons_against_restoring
from app.customers.iban_notices import tell_customer_ibans
from app.customers.models import Customer
from app.customers.writing import (
    CUSTOMERS,
    check,
    check_companies,
    check_operators,
    customer_entry,
    defaults,
    load,
    name_references,
    save_values,
    with_bank,
    with_consents,
)


def create_customers(
    session: Session, drafts: Sequence[CustomerDraft], *, actor: Actor
) -> list[int]:
    """Make customers; their ids in the order of the drafts.

    Raises Refused with every problem when one of the drafts breaks a rule or collides.
    """
    _require_editing(actor)
    if not drafts:
        return []
    now = clock.now()
    shared = defaults(session, actor)
    approving = accounts.groups_with_approval(session)
    numbers = next_numbers(session, "customer", len(drafts))
    blank = dict.fromkeys(_WRITTEN) | {"created_at": now, "changed_at": now, "version": 1}
    rows = []
    for number, draft in zip(numbers, drafts, strict=True):
        values = {**shared, **_known(draft.values), "kind": draft.kind, "number": str(number)}
        values = with_bank(values, values)
        values |= with_consents({}, values, actor, now)
        check(draft.kind, values, draft.addresses, draft.companies)
        values |= accounts.account_values({}, values, draft.credentials, approving)
        rows.append({**blank, **values, **rules.derived(values)})
    check_companies(session, [(None, one.companies) for one in drafts])
    check_operators(session, (one.values for one in drafts))
    _refuse_collisions(collisions(session, rows))
    ids = insert_rows(session, CUSTOMERS, rows)
    undo.note_inserted(session, CUSTOMERS, [(id_,) for id_ in ids])
    parts.add_parts(session, ids, drafts)
    names = name_references(session)
    audit.record_many(
        session,
        [
            customer_entry(
                actor, Action.CREATED, id_, row,
                names(told)
                | parts.told_as_new(
                    session, draft.addresses, draft.companies, draft.product_ids, names
                ),
                at=now,
            )
            for id_, row, told, draft in zip(
                ids, rows, told_as_new(Customer, rows, _USUAL), drafts, strict=True
            )
        ],
    )  # fmt: skip
    accounts.follow_up(
        session, (({}, row | {"id": id_}) for id_, row in zip(ids, rows, strict=True)), actor=actor
    )
    return ids


def update_customers(
    session: Session, updates: Sequence[CustomerUpdate], *, actor: Actor
) -> list[int]:
    """Change customers; the ids of those that really changed.

    Raises NotFound for one that is gone, Conflict when somebody saved after `version`, and
    Refused with every problem when a rule is broken or a value is taken.
    """
    _require_editing(actor, {name for one in updates for name in one.given})
    if not updates:
        return []
    now = clock.now()
    before = load(session, [one.id for one in updates])
    approving = accounts.groups_with_approval(session)
    names = name_references(session)
    check_companies(session, [(one.id, one.companies) for one in updates])
    check_operators(session, (one.values for one in updates))
    changed: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for one in updates:
        old = before.get(one.id)
        if old is None or old["deleted_at"] is not None:
            raise NotFound("This customer was deleted in the meantime")
        if one.version is not None and one.version != old["version"]:
            raise Conflict("Somebody else saved this customer after you opened it")
        new = with_bank(old, {**old, **_known(one.values)})
        new |= with_consents(old, new, actor, now)
        check(new["kind"], new, one.addresses or (), one.companies or ())
        new |= accounts.account_values(old, new, one.credentials, approving)
        new |= rules.derived(new)
        changes = names(diff(Customer, old, new)) | parts.replace(session, one, names)
        if not changes:
            continue
        new |= {"changed_at": now, "version": old["version"] + 1}
        changed.append(new)
        entries.append(customer_entry(actor, Action.CHANGED, one.id, new, changes, at=now))
    own = [row["id"] for row in changed]
    # What a live customer has and keeps, nobody else can have: the database sees to that.
    fresh = [{n: row[n] for n in UNIQUE if row[n] != before[row["id"]][n]} for row in changed]
    _refuse_collisions(collisions(session, fresh, own_ids=own))
    save_values(session, before, changed)
    audit.record_many(session, entries)
    pairs = [(before[row["id"]], row) for row in changed]
    tell_customer_ibans(session, pairs, actor=actor)
    accounts.follow_up(session, pairs, actor=actor)
    return own


def lock_customers(
    session: Session, customer_ids: Sequence[int], *, text: str, actor: Actor
) -> int:
    """Lock customers for till and shop; the operator there sees the text. How many changed."""
    actor.require(Permission.CUSTOMERS_EDIT)
    text = rules.checked_lock_text(text)
    return _set(session, customer_ids, {"locked": True, "lock_text": text}, Action.LOCKED, actor)


def unlock_customers(session: Session, customer_ids: Sequence[int], *, actor: Actor) -> int:
    """Unlock customers. How many changed."""
    actor.require(Permission.CUSTOMERS_EDIT)
    return _set(session, customer_ids, {"locked": False, "lock_text": None}, Action.UNLOCKED, actor)


def delete_customers(session: Session, customer_ids: Sequence[int], *, actor: Actor) -> int:
    """Mark customers as deleted; an administrator can restore them. How many changed.

    Raises Refused with the reason for each that must stay, such as a collection under way.
    """
    actor.require(Permission.CUSTOMERS_DELETE)
    against = reasons_against_deleting(session, customer_ids)
    if against:
        raise Refused(against)
    count = _set(session, customer_ids, {"deleted_at": clock.now()}, Action.DELETED, actor)
    accounts.end_for_deleted(session, customer_ids, actor=actor)
    return count


def restore_customer(session: Session, customer_id: int, *, actor: Actor) -> None:
    """Bring a deleted customer back. Raises Refused when email or phone is taken by now."""
    actor.require(Permission.CUSTOMERS_RESTORE)
    row = load(session, [customer_id]).get(customer_id)
    if row is None:
        raise NotFound("There is no such customer")
    if row["deleted_at"] is None:
        return
    _refuse_collisions(collisions(session, [row], own_ids=[customer_id]))
    against = reasons_against_restoring(session, [customer_id])
    if against:
        raise Refused(against)
    back = {"deleted_at": None, "merged_into_id": None}
    _set(session, [customer_id], back, Action.RESTORED, actor, deleted=True)


def touch_customers(session: Session, customer_ids: Sequence[int]) -> None:
    """Count a change of what belongs to customers as one of the customers (design.md)."""
    for some in portions(customer_ids):
        undo.note_updated(session, CUSTOMERS, _as_they_are(session, some))
        session.execute(
            update(Customer)
            .where(Customer.id.in_(some))
            .values(version=Customer.version + 1, changed_at=clock.now())
        )


def _as_they_are(session: Session, ids: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    """The customers' rows, read only where an undo journal asks for them."""
    for row in session.execute(select(CUSTOMERS).where(CUSTOMERS.c.id.in_(ids))).mappings():
        yield dict(row)


_WRITTEN = [column.name for column in CUSTOMERS.columns if column.name != "id"]
_GIVEN = frozenset(_WRITTEN) - {
    "number", "kind", "version", "created_at", "changed_at", "deleted_at",
    "merged_into_id", "search_text", "sort_name", "name_key", "email_key",
    "approval_state", "password_hash", "security_answer_hash",
}  # fmt: skip

# What the history does not tell of a new customer: every new one has it.
_USUAL: dict[str, list[Any]] = {
    column.name: [False] for column in CUSTOMERS.columns if isinstance(column.type, Boolean)
} | {"active": [True, False], "approval_state": [ApprovalState.NOT_NEEDED]}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """The given values; raises ValueError for a field that nobody may give."""
    if not values.keys() <= _GIVEN:
        unknown = sorted(values.keys() - _GIVEN)
        raise ValueError(f"not fields of a customer that can be given: {unknown}")
    return {name: (None if value == "" else value) for name, value in values.items()}


def _require_editing(actor: Actor, fields: set[str] | None = None) -> None:
    """Let through whoever may edit these fields, field by field; None: all but bank details.

    The account needs the permission for bank details, all else that for customers; what belongs
    to collecting is open to both.
    """
    if actor.channel is Channel.IMPORT:
        actor.require(Permission.CUSTOMERS_IMPORT)
        return
    fields = fields if fields is not None else {"kind"}
    if fields & rules.BANK_FIELDS:
        actor.require(Permission.BANK_DETAILS_EDIT)
    both = rules.COLLECTION_FIELDS if actor.may(Permission.BANK_DETAILS_EDIT) else frozenset()
    if not fields or fields - rules.BANK_FIELDS - both:
        actor.require(Permission.CUSTOMERS_EDIT)


def _refuse_collisions(found: Mapping[int, Sequence[Problem]]) -> None:
    if found:
        raise Refused([problem for place in sorted(found) for problem in found[place]])


def _set(
    session: Session,
    customer_ids: Sequence[int],
    values: Mapping[str, Any],
    action: Action,
    actor: Actor,
    *,
    deleted: bool = False,
) -> int:
    """Set the same values on live (or deleted) customers, skipping those that have them."""
    before = {
        id_: row
        for id_, row in load(session, customer_ids).items()
        if (row["deleted_at"] is not None) == deleted
    }
    now = clock.now()
    changed, entries = [], []
    for id_, old in before.items():
        changes = diff(Customer, old, {**old, **values})
        if not changes:
            continue
        new = {**old, **values, "changed_at": now, "version": old["version"] + 1}
        changed.append(new)
        # The history's moment is the record's: what came after an export is told by it.
        entries.append(customer_entry(actor, action, id_, new, changes, at=now))
    save_values(session, before, changed)
    audit.record_many(session, entries)
    return len(changed)
