"""The addresses, companies and products of two customers who are merged: what stays with whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.orm import Session

from app.core import undo
from app.core.portions import portions
from app.core.text import fold
from app.customers import parts, rules
from app.customers.duplicate_rules import street_key
from app.customers.models import customer_products
from app.customers.operations import touch_customers
from app.customers.parts import ADDRESSES, COMPANIES
from app.customers.writing import Names

Row = Mapping[str, Any]
_SAID = ("kind", "line_2", "postcode", "place", "state", "country", "care_of", "po_box")


@dataclass(frozen=True, slots=True)
class Parts:
    """What two customers have, the winner's first."""

    addresses: Sequence[Row]
    companies: Sequence[Row]
    products: frozenset[int]


def read(session: Session, winner_id: int, loser_id: int) -> Parts:
    """The parts of both."""
    both = (winner_id, loser_id)

    def rows(table: Table) -> list[Row]:
        found = session.execute(select(table).where(table.c.customer_id.in_(both)))
        return sorted(
            (dict(row) for row in found.mappings()),
            key=lambda row: (row["customer_id"] != winner_id, row["id"]),
        )

    used = customer_products.c
    products = session.scalars(select(used.product_id).where(used.customer_id.in_(both)))
    return Parts(rows(ADDRESSES), rows(COMPANIES), frozenset(products))


def kept_by_default(found: Parts) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """Everything, but what both have only once: ids of addresses, of companies, of products."""
    return (
        frozenset(row["id"] for row in _once(found.addresses, _address)),
        frozenset(row["id"] for row in _once(found.companies, _company)),
        found.products,
    )


def _once(rows: Sequence[Row], told: Any) -> list[Row]:
    first: dict[Any, Row] = {}
    for row in rows:
        first.setdefault(told(row), row)
    return list(first.values())


def _address(row: Row) -> tuple[str, ...]:
    street = street_key(row["street"]) or fold(row["street"])
    return street, *(fold(row[name]) for name in _SAID)


def _company(row: Row) -> tuple[Any, ...]:
    return row["company_id"], fold(row["company_name"]), fold(row["role"])


def left_addresses(found: Parts, kept: Iterable[int]) -> dict[int, int | None]:
    """The addresses that are not kept, each with the kept one that says the same, if any does."""
    wanted = frozenset(kept)
    same: dict[tuple[str, ...], int] = {}
    for row in found.addresses:
        if row["id"] in wanted:
            same.setdefault(_address(row), row["id"])
    return {
        row["id"]: same.get(_address(row)) for row in found.addresses if row["id"] not in wanted
    }


def persons_of(session: Session, company_id: int) -> int:
    """How many customers belong to, or order for, this one."""
    wanted = select(func.count()).select_from(COMPANIES).where(COMPANIES.c.company_id == company_id)
    return session.scalar(wanted) or 0


def join_addresses(
    session: Session, found: Parts, kept: frozenset[int], winner_id: int, loser_id: int
) -> dict[str, list[Any]]:
    """Give the winner the kept addresses, one of each kind being the default."""
    mine = [row for row in found.addresses if row["id"] in kept]
    defaults = set()
    for kind in {row["kind"] for row in mine}:
        same = [row for row in mine if row["kind"] == kind]
        # The winner's come first in `found`, so that the winner's own default stays it.
        defaults.add(next((row for row in same if row["is_default"]), same[0])["id"])
    changed = []
    for row in found.addresses:
        stays = row["id"] in kept
        new = {
            "customer_id": winner_id if stays else loser_id,
            "is_default": row["id"] in defaults
            if stays
            else row["is_default"] and row["customer_id"] == loser_id,
        }
        if any(row[name] != value for name, value in new.items()):
            changed.append((row, new))
    undo.note_updated(session, ADDRESSES, [row for row, _ in changed])
    ids = [row["id"] for row, _ in changed]
    for some in portions(ids):
        # First nobody has the mark of the default: there may be one of a kind only.
        session.execute(update(ADDRESSES).where(ADDRESSES.c.id.in_(some)).values(is_default=False))
    for row, new in changed:
        session.execute(update(ADDRESSES).where(ADDRESSES.c.id == row["id"]).values(new))
    before = [rules.one_line(row) for row in found.addresses if row["customer_id"] == winner_id]
    after = [rules.one_line(row) for row in mine]
    return {} if before == after else {"addresses": [before, after]}


def join_companies(
    session: Session, found: Parts, kept: frozenset[int], winner_id: int, loser_id: int
) -> dict[str, list[Any]]:
    """Give the winner the kept companies, and make it the company of the loser's persons."""
    own = {winner_id, loser_id}
    mine = [row for row in found.companies if row["id"] in kept and row["company_id"] not in own]
    wanted = {row["id"] for row in mine}
    for row in found.companies:
        owner = winner_id if row["id"] in wanted else loser_id
        if row["customer_id"] != owner:
            undo.note_updated(session, COMPANIES, [row])
            session.execute(
                update(COMPANIES).where(COMPANIES.c.id == row["id"]).values(customer_id=owner)
            )
    of_loser = select(COMPANIES).where(
        COMPANIES.c.company_id == loser_id, COMPANIES.c.customer_id.not_in(own)
    )
    persons = session.execute(of_loser.order_by(COMPANIES.c.id)).mappings().all()
    for some in portions(persons):
        undo.note_updated(session, COMPANIES, [dict(row) for row in some])
        session.execute(
            update(COMPANIES)
            .where(COMPANIES.c.id.in_([row["id"] for row in some]))
            .values(company_id=winner_id)
        )
    touch_customers(session, sorted({row["customer_id"] for row in persons}))
    before = parts.company_lines(
        session, [row for row in found.companies if row["customer_id"] == winner_id]
    )
    after = parts.company_lines(session, mine)
    return {} if before == after else {"companies": [before, after]}


def join_products(
    session: Session, kept: frozenset[int], winner_id: int, loser_id: int, names: Names
) -> dict[str, list[Any]]:
    """Let the winner use the kept products, and the loser none."""
    used = customer_products.c
    held: dict[int, set[int]] = {winner_id: set(), loser_id: set()}
    for customer, product in session.execute(
        select(used.customer_id, used.product_id).where(used.customer_id.in_(held))
    ):
        held[customer].add(product)
    for customer, gone in ((winner_id, held[winner_id] - kept), (loser_id, held[loser_id])):
        rows = [{"customer_id": customer, "product_id": product} for product in sorted(gone)]
        undo.note_updated(session, customer_products, rows)
        if rows:
            session.execute(
                delete(customer_products).where(
                    used.customer_id == customer, used.product_id.in_(gone)
                )
            )
    wanted = kept & (held[winner_id] | held[loser_id])
    parts.give_products(session, winner_id, wanted - held[winner_id])
    old = held[winner_id]
    return {} if wanted == old else names({"products": [sorted(old), sorted(wanted)]})
