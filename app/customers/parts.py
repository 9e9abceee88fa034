"""What belongs to a customer and is edited with it: addresses, companies, products in use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from app.core import undo
from app.core.bulk import add_rows, insert_rows
from app.core.text import fold
from app.customers import rules
from app.customers.choices import AddressKind
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.models import (
    Address,
    Customer,
    CustomerCompany,
    customer_products,
)
from app.customers.writing import Names

ADDRESSES: Table = Address.__table__  # type: ignore[assignment]
COMPANIES: Table = CustomerCompany.__table__  # type: ignore[assignment]
_ADDRESS_FIELDS = [c.name for c in ADDRESSES.columns if c.name not in {"id", "customer_id"}]
_COMPANY_FIELDS = ["company_id", "company_name", "role"]


def add_parts(session: Session, ids: Sequence[int], drafts: Sequence[CustomerDraft]) -> None:
    """Give new customers what belongs to them.

    The undo journal need not know of it: whoever takes a new customer back takes it along.
    """
    new = list(zip(ids, drafts, strict=True))
    add_rows(
        session,
        ADDRESSES,
        [row | {"customer_id": id_} for id_, one in new for row in _with_defaults(one.addresses)],
    )
    add_rows(
        session,
        COMPANIES,
        [
            {field: company.get(field) for field in _COMPANY_FIELDS} | {"customer_id": id_}
            for id_, one in new
            for company in one.companies
        ],
    )
    add_rows(session, customer_products, [row for id_, one in new for row in _used(id_, one)])


def _used(id_: int, one: CustomerDraft) -> list[dict[str, int]]:
    return [{"customer_id": id_, "product_id": product} for product in sorted(one.product_ids)]


def told_as_new(
    session: Session,
    addresses: Sequence[Mapping[str, Any]],
    companies: Sequence[Mapping[str, Any]],
    product_ids: Collection[int],
    names: Names,
) -> dict[str, list[Any]]:
    """What the history tells of a new customer's parts."""
    told = _told("addresses", [], [rules.one_line(one) for one in addresses])
    if companies:
        told["companies"] = [[], company_lines(session, companies)]
    if product_ids:
        told |= names({"products": [[], list(product_ids)]})
    return told


def replace(session: Session, one: CustomerUpdate, names: Names) -> dict[str, list[Any]]:
    """Make a customer's parts what the update says; the changes as the history tells them."""
    changes: dict[str, list[Any]] = {}
    if one.addresses is not None:
        wanted = _with_defaults(one.addresses)
        old = _rows(session, ADDRESSES, one.id)
        if _merge(session, ADDRESSES, one.id, old, wanted, _ADDRESS_FIELDS):
            changes |= _told(
                "addresses", [rules.one_line(o) for o in old], [rules.one_line(w) for w in wanted]
            )
    if one.companies is not None:
        old = _rows(session, COMPANIES, one.id)
        wanted = [dict(company) for company in one.companies]
        if _merge(session, COMPANIES, one.id, old, wanted, _COMPANY_FIELDS):
            changes |= _told(
                "companies", company_lines(session, old), company_lines(session, wanted)
            )
    if one.product_ids is not None:
        changes |= names(_replace_products(session, one.id, one.product_ids))
    return changes


def _replace_products(session: Session, id_: int, wanted: frozenset[int]) -> dict[str, list[Any]]:
    mine = customer_products.c.customer_id == id_
    old = set(session.scalars(select(customer_products.c.product_id).where(mine)))
    gone = old - wanted
    if gone:
        undo.note_updated(
            session, customer_products, [{"customer_id": id_, "product_id": p} for p in gone]
        )
        session.execute(
            delete(customer_products).where(mine, customer_products.c.product_id.in_(gone))
        )
    give_products(session, id_, wanted - old)
    return {} if old == wanted else {"products": [sorted(old), sorted(wanted)]}


def give_products(session: Session, id_: int, product_ids: Iterable[int]) -> None:
    """Let a customer use products and services that they have not used yet."""
    new = sorted(product_ids)
    add_rows(session, customer_products, [{"customer_id": id_, "product_id": p} for p in new])
    undo.note_inserted(session, customer_products, [(id_, product) for product in new])


def _with_defaults(addresses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The addresses complete, with exactly one default of each kind: the marked or first one."""
    rows = []
    for one in addresses:
        row = {field: one.get(field) or None for field in _ADDRESS_FIELDS}
        row["kind"] = row["kind"] or AddressKind.MAIN.value
        row["place_key"] = fold(row["place"])[:120] or None
        rows.append(row | ({"id": one["id"]} if one.get("id") else {}))
    for kind in {row["kind"] for row in rows}:
        same = [row for row in rows if row["kind"] == kind]
        chosen = next((row for row in same if row["is_default"]), same[0])
        for row in same:
            row["is_default"] = row is chosen
    return rows


def _rows(session: Session, table: Table, customer_id: int) -> list[dict[str, Any]]:
    statement = select(table).where(table.c.customer_id == customer_id).order_by(table.c.id)
    return [dict(row) for row in session.execute(statement).mappings()]


def _merge(
    session: Session,
    table: Table,
    customer_id: int,
    old: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
    fields: Sequence[str],
) -> bool:
    """Keep, change, add and remove rows until they are what is wanted; tell whether any differed.

    An id that is not the customer's own is taken as a new row: nobody moves another's address.
    """
    by_id = {row["id"]: row for row in old}
    kept = {row["id"] for row in wanted if row.get("id") in by_id}
    gone = [row for row in old if row["id"] not in kept]
    new = [row for row in wanted if row.get("id") not in by_id]
    changed = [
        row
        for row in wanted
        if row.get("id") in by_id and any(row.get(f) != by_id[row["id"]][f] for f in fields)
    ]
    undo.note_updated(session, table, [*gone, *(by_id[row["id"]] for row in changed)])
    if gone:
        session.execute(delete(table).where(table.c.id.in_([row["id"] for row in gone])))
    # Two rows may swap the mark of the default: first nobody has it.
    if changed and "is_default" in fields:
        ids = [row["id"] for row in changed]
        session.execute(update(table).where(table.c.id.in_(ids)).values(is_default=False))
    for row in changed:
        values = {field: row.get(field) for field in fields}
        session.execute(update(table).where(table.c.id == row["id"]).values(values))
    _insert(
        session, table, [{f: r.get(f) for f in fields} | {"customer_id": customer_id} for r in new]
    )
    return bool(gone or new or changed)


def _insert(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    ids = insert_rows(session, table, rows)
    undo.note_inserted(session, table, [(id_,) for id_ in ids])


def company_lines(session: Session, companies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Companies as the history tells them: those that are customers by number and name."""
    ids = [one["company_id"] for one in companies if one.get("company_id")]
    known: dict[int, str] = {}
    if ids:
        rows = session.execute(
            select(Customer.id, Customer.number, Customer.company_name).where(Customer.id.in_(ids))
        )
        known = {id_: f"{number} {name}" for id_, number, name in rows}
    lines = []
    for one in companies:
        name = known.get(one.get("company_id") or 0) or one.get("company_name") or "a customer"
        lines.append(f"{name} ({one['role']})" if one.get("role") else str(name))
    return lines


def _told(name: str, old: list[Any], new: list[Any]) -> dict[str, list[Any]]:
    return {name: [old, new]} if old != new else {}
