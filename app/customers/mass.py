"""One change of many customers at once: what it may be, and how it is made in bulk.

A job makes it chunk by chunk, for customers that were ticked as for all that a search has found.
Whoever has it already is not touched; who must not be changed is left with the reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.accounts.queries import operator_label
from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.catalogue.models import Product
from app.core import clock, undo
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import identifier
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.guards import refusals_to_delete
from app.customers.models import Customer, Group, customer_products
from app.customers.rules import checked_lock_text
from app.customers.writing import CUSTOMERS, Names, customer_entry, name_references


class MassKind(StrEnum):
    """What can be changed on many customers at once."""

    GROUP = "group"
    OPERATOR = "operator"
    ADD_PRODUCT = "add_product"
    REMOVE_PRODUCT = "remove_product"
    NEWSLETTER = "newsletter"
    LOCK = "lock"
    UNLOCK = "unlock"
    DELETE = "delete"


LABELS = {
    MassKind.GROUP: "Assign group",
    MassKind.OPERATOR: "Assign dedicated operator",
    MassKind.ADD_PRODUCT: "Add product in use",
    MassKind.REMOVE_PRODUCT: "Remove product in use",
    MassKind.NEWSLETTER: "Newsletter on or off",
    MassKind.LOCK: "Lock",
    MassKind.UNLOCK: "Unlock",
    MassKind.DELETE: "Delete",
}
PRODUCTS = frozenset({MassKind.ADD_PRODUCT, MassKind.REMOVE_PRODUCT})
# What stands in the address of a page and in a form for "no group" and "no operator".
NOBODY = "none"
_ACTIONS = {
    MassKind.LOCK: Action.LOCKED,
    MassKind.UNLOCK: Action.UNLOCKED,
    MassKind.DELETE: Action.DELETED,
}
_LABEL_FIELDS = ("id", "number", "kind", "first_name", "name", "company_name", "version")


@dataclass(frozen=True, slots=True)
class MassChange:
    """A change with its value: the id of a group, operator or product, yes or no, a lock text."""

    kind: MassKind
    value: int | bool | str | None = None

    @property
    def permission(self) -> Permission:
        """What one must be allowed to make it, or to take it back."""
        return permission_for(self.kind)

    @property
    def fields(self) -> dict[str, Any]:
        """The columns of customers that it sets; a deletion sets the moment it is made."""
        match self.kind:
            case MassKind.GROUP:
                return {"group_id": self.value}
            case MassKind.OPERATOR:
                return {"dedicated_operator_id": self.value}
            case MassKind.NEWSLETTER:
                return {"newsletter": self.value}
            case MassKind.LOCK:
                return {"locked": True, "lock_text": self.value}
            case MassKind.UNLOCK:
                return {"locked": False, "lock_text": None}
            case _:
                return {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A customer that must not be changed in this way now."""

    id: int
    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call: how many changed, how many had it already, who was refused."""

    changed: int = 0
    same: int = 0
    refused: Sequence[Refusal] = ()


def permission_for(kind: str) -> Permission:
    """What a kind of mass change needs."""
    return Permission.CUSTOMERS_DELETE if kind == MassKind.DELETE else Permission.CUSTOMERS_EDIT


def read_change(session: Session, kind: str, value: str) -> MassChange:
    """A change as a page or form names it. Raises Refused at `value`, or at `change`."""
    if kind not in set(MassKind):
        raise Refused.because("There is no such change", field="change")
    wanted = MassKind(kind)
    if wanted in (MassKind.UNLOCK, MassKind.DELETE):
        return MassChange(wanted)
    if wanted is MassKind.LOCK:
        return MassChange(wanted, checked_lock_text(value, field="value"))
    if wanted is MassKind.NEWSLETTER:
        if value not in ("yes", "no"):
            raise Refused.because("Choose whether to switch it on or off", field="value")
        return MassChange(wanted, value == "yes")
    if value == NOBODY and wanted not in PRODUCTS:
        return MassChange(wanted, None)
    change = MassChange(wanted, _chosen(wanted, value))
    check(session, change)
    return change


def check(session: Session, change: MassChange) -> None:
    """Raise Refused where the group, operator or product of a change is not there, or gone."""
    if isinstance(change.value, bool) or not isinstance(change.value, int):
        return
    statement = {
        MassKind.GROUP: select(Group.id),
        MassKind.OPERATOR: select(Operator.id).where(Operator.active),
        MassKind.ADD_PRODUCT: select(Product.id).where(Product.active),
        MassKind.REMOVE_PRODUCT: select(Product.id),
    }[change.kind]
    column = statement.column_descriptions[0]["expr"]
    if session.scalar(statement.where(column == change.value)) is None:
        what = _NOUNS[change.kind]
        raise Refused.because(
            f"This {what} is not there, or not in use any more",
            field="value",
            hint=f"Choose another {what}",
        )


def in_words(session: Session, change: MassChange) -> str:
    """What a change does, as a sentence without its subject: Assign the group Library."""
    named = _named(session, change)
    match change.kind:
        case MassKind.GROUP:
            return f"Assign the group {named}" if named else "Take out of their group"
        case MassKind.OPERATOR:
            return f"Assign to {named}" if named else "Take away the dedicated operator"
        case MassKind.ADD_PRODUCT:
            return f"Add {named} to the products and services in use"
        case MassKind.REMOVE_PRODUCT:
            return f"Remove {named} from the products and services in use"
        case MassKind.NEWSLETTER:
            return "Switch the newsletter on" if change.value else "Switch the newsletter off"
        case MassKind.LOCK:
            return f"Lock with the text “{change.value}”"
        case MassKind.UNLOCK:
            return "Unlock"
        case MassKind.DELETE:
            return "Delete"


def change_customers(
    session: Session, customer_ids: Sequence[int], change: MassChange, *, actor: Actor
) -> Outcome:
    """Make one change on live customers, in a handful of statements however many they are."""
    actor.require(change.permission)
    rows = _load(session, customer_ids, change)
    refused = _refusals(session, rows, change)
    used = _products_of(session, rows) if change.kind in PRODUCTS else {}
    todo = [
        row
        for id_, row in rows.items()
        if id_ not in refused and not _has_it(row, used.get(id_, frozenset()), change)
    ]
    if todo:
        values = change.fields | _stamps(change, actor)
        _note(session, todo, values)
        if change.kind in PRODUCTS:
            _write_products(session, [row["id"] for row in todo], change)
        for some in portions(row["id"] for row in todo):
            session.execute(
                update(CUSTOMERS)
                .where(CUSTOMERS.c.id.in_(some))
                .values(version=CUSTOMERS.c.version + 1, **values)
            )
        names = name_references(session)
        action = _ACTIONS.get(change.kind, Action.CHANGED)
        audit.record_many(
            session,
            [
                customer_entry(
                    actor, action, row["id"], row, _told(row, values, used, change, names)
                )
                for row in todo
            ],
        )
        session.expire_all()
    return Outcome(len(todo), len(rows) - len(todo) - len(refused), tuple(refused.values()))


# Inner works --------------------------------------------------------------------------------------

_NOUNS = {
    MassKind.GROUP: "group",
    MassKind.OPERATOR: "operator",
    MassKind.ADD_PRODUCT: "product",
    MassKind.REMOVE_PRODUCT: "product",
}


def _chosen(kind: MassKind, value: str) -> int:
    try:
        return identifier(value)
    except ValueError:
        raise Refused.because(f"Choose the {_NOUNS[kind]} first", field="value") from None


def _named(session: Session, change: MassChange) -> str | None:
    if change.kind is MassKind.OPERATOR and isinstance(change.value, int):
        return operator_label(session, change.value)
    model = {MassKind.GROUP: Group}.get(change.kind, Product)
    if isinstance(change.value, bool) or not isinstance(change.value, int):
        return None
    return session.scalar(select(model.name).where(model.id == change.value))


def _load(
    session: Session, customer_ids: Sequence[int], change: MassChange
) -> dict[int, dict[str, Any]]:
    """What a change needs to know of live customers, locked where the database can."""
    fields = {*_LABEL_FIELDS, "changed_at", "deleted_at", *change.fields}
    if change.kind is MassKind.NEWSLETTER:
        fields |= {"newsletter_set_at", "newsletter_set_by"}
    columns = [column for column in CUSTOMERS.columns if column.name in fields]
    rows: dict[int, dict[str, Any]] = {}
    for some in portions(customer_ids):
        found = session.execute(
            select(*columns)
            .where(CUSTOMERS.c.id.in_(some), CUSTOMERS.c.deleted_at.is_(None))
            .order_by(CUSTOMERS.c.id)
            .with_for_update()
        )
        rows |= {row["id"]: dict(row) for row in found.mappings()}
    return rows


def _refusals(
    session: Session, rows: Mapping[int, Mapping[str, Any]], change: MassChange
) -> dict[int, Refusal]:
    if change.kind is not MassKind.DELETE:
        return {}
    found: dict[int, Refusal] = {}
    for some in portions(rows):
        for id_, problem in refusals_to_delete(session, some).items():
            found[id_] = Refusal(id_, rows[id_]["number"], problem.message)
    return found


def _products_of(session: Session, customer_ids: Iterable[int]) -> dict[int, set[int]]:
    used: dict[int, set[int]] = defaultdict(set)
    for some in portions(customer_ids):
        links = select(customer_products).where(customer_products.c.customer_id.in_(some))
        for customer_id, product_id in session.execute(links):
            used[customer_id].add(product_id)
    return used


def _has_it(row: Mapping[str, Any], used: Iterable[Any], change: MassChange) -> bool:
    match change.kind:
        case MassKind.ADD_PRODUCT:
            return change.value in used
        case MassKind.REMOVE_PRODUCT:
            return change.value not in used
        case MassKind.DELETE:
            return False
        case _:
            return all(row[name] == value for name, value in change.fields.items())


def _stamps(change: MassChange, actor: Actor) -> dict[str, Any]:
    """What a change sets besides its own fields."""
    now = clock.now()
    stamps: dict[str, Any] = {"changed_at": now}
    if change.kind is MassKind.DELETE:
        stamps["deleted_at"] = now
    if change.kind is MassKind.NEWSLETTER:
        stamps |= {"newsletter_set_at": now, "newsletter_set_by": actor.label[:255]}
    return stamps


def _note(session: Session, rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> None:
    """Before-images of what is about to change only: a million whole rows would be gigabytes."""
    names = ("id", "version", *values)
    undo.note_updated(session, CUSTOMERS, [{name: row[name] for name in names} for row in rows])


def _write_products(session: Session, ids: Sequence[int], change: MassChange) -> None:
    table = customer_products
    links = [{"customer_id": id_, "product_id": change.value} for id_ in ids]
    if change.kind is MassKind.ADD_PRODUCT:
        session.execute(insert(table), links)
        undo.note_inserted(session, table, [tuple(link.values()) for link in links])
        return
    undo.note_updated(session, table, links)
    for some in portions(ids):
        session.execute(
            delete(table).where(table.c.customer_id.in_(some), table.c.product_id == change.value)
        )


def _told(
    row: Mapping[str, Any],
    values: Mapping[str, Any],
    used: Mapping[int, set[int]],
    change: MassChange,
    names: Names,
) -> dict[str, list[Any]]:
    """What the history tells of one customer."""
    if change.kind not in PRODUCTS:
        return names(diff(Customer, {name: row[name] for name in values}, values))
    before = used.get(row["id"], set())
    after = before ^ {change.value}
    return names({"products": [sorted(before), sorted(after)]})
