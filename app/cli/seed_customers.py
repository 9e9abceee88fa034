"""flask seed customers: many invented customers, written in bulk, for trying Kontor at size."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Final, cast

import click
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action, AuditEntry
from app.audit.rules import mask_iban
from app.catalogue.models import PriceLevel, Product
from app.cli.output import command, progress
from app.cli.synthetic.people import DAYS, FIRST_DAY, Inventor, Person, References
from app.core.actor import COMMAND_LINE
from app.core.bulk import take_ids
from app.core.database import refresh_statistics
from app.core.numbering import next_numbers
from app.customers import rules
from app.customers.choices import CustomerKind
from app.customers.models import (
    Address,
    Customer,
    Group,
    Store,
    customer_products,
)
from app.customers.writing import customer_entry, defaults, name_references
from app.extensions import transaction
from app.sepa.models import Mandate, MandateState, MandateType, Scheme

CHUNK: Final = 2000
TOLD_EVERY: Final = 50_000
_CUSTOMERS = cast(Table, Customer.__table__)
_ADDRESSES = cast(Table, Address.__table__)
_MANDATES = cast(Table, Mandate.__table__)
_HISTORY = cast(Table, AuditEntry.__table__)
# What the history tells of a new customer is what was filled in, not the whole of the row.
_UNTOLD: Final = frozenset(
    {"number", "kind", "created_at", "changed_at", "version", "search_text", "sort_name"}
    | {"name_key", "email_key"}
)


def seed_customers(
    count: int, seed: int, *, since: datetime = FIRST_DAY, days: int = DAYS
) -> dict[str, int]:
    """Write invented customers with addresses, mandates and history; how many of each kind.

    They came in during `days` days from `since` on.
    """
    made = {kind.value: 0 for kind in CustomerKind} | {"mandates": 0}
    inventor: Inventor | None = None
    for start in range(0, count, CHUNK):
        with transaction() as session:
            if inventor is None:
                inventor = Inventor(seed, _references(session), since, days)
            people = _invent(session, inventor, start, min(CHUNK, count - start))
            _write(session, people)
        for person in people:
            made[person.values["kind"]] += 1
            made["mandates"] += person.mandate is not None
        if (start + len(people)) % TOLD_EVERY < CHUNK:
            progress(f"{start + len(people):,} of {count:,} customers …")
    with transaction() as session:
        refresh_statistics(session)
    return made


def _references(session: Session) -> References:
    def ids(column: Any) -> tuple[int, ...]:
        return tuple(session.scalars(select(column).order_by(column)))

    return References(
        store_id=session.scalar(select(Store.id).where(Store.is_default)),
        groups=ids(Group.id),
        price_levels=ids(PriceLevel.id),
        products=ids(Product.id),
    )


def _invent(session: Session, inventor: Inventor, start: int, count: int) -> list[Person]:
    numbers = next_numbers(session, "customer", count)
    return [inventor.invent(start + place, number) for place, number in enumerate(numbers)]


def _write(session: Session, people: Sequence[Person]) -> None:
    shared = defaults(session, COMMAND_LINE)
    blank = dict.fromkeys(column.name for column in _CUSTOMERS.columns)
    ids = take_ids(session, _CUSTOMERS, len(people))
    rows = [
        blank | shared | person.values | rules.derived(person.values) | {"id": id_, "version": 1}
        for id_, person in zip(ids, people, strict=True)
    ]
    session.execute(insert(_CUSTOMERS), rows)
    owned = list(zip(rows, people, strict=True))
    _insert(session, _ADDRESSES, _addresses(owned))
    _insert(session, customer_products, _products(owned))
    _insert(session, _MANDATES, _mandates(owned))
    _insert(session, _HISTORY, _history(session, owned))


def _insert(session: Session, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    found = list(rows)
    if found:
        session.execute(insert(table), found)


Owned = Sequence[tuple[Mapping[str, Any], Person]]


def _addresses(owned: Owned) -> Iterator[dict[str, Any]]:
    for row, person in owned:
        for address in person.addresses:
            yield address | {"customer_id": row["id"]}


def _products(owned: Owned) -> Iterator[dict[str, Any]]:
    for row, person in owned:
        for product_id in person.product_ids:
            yield {"customer_id": row["id"], "product_id": product_id}


def _mandates(owned: Owned) -> Iterator[dict[str, Any]]:
    fixed = {
        "scheme": Scheme.CORE.value,
        "type": MandateType.RECURRENT.value,
        "state": MandateState.ACTIVE.value,
        "version": 1,
    }
    for row, person in owned:
        if person.mandate is not None:
            yield fixed | person.mandate | {"customer_id": row["id"]}


def _history(session: Session, owned: Owned) -> Iterator[dict[str, Any]]:
    names = name_references(session)
    for row, person in owned:
        told = {
            name: [None, mask_iban(value) if name == "iban" else _plain(value)]
            for name, value in person.values.items()
            if value not in (None, False) and name not in _UNTOLD
        }
        told["addresses"] = [[], [rules.one_line(one) for one in person.addresses]]
        entry = customer_entry(COMMAND_LINE, Action.CREATED, row["id"], row, names(told))
        yield entry | {"at": row["created_at"]}
        if person.mandate is not None:
            yield audit.entry(
                actor=COMMAND_LINE,
                action=Action.CREATED,
                entity="mandate",
                entity_id=None,
                entity_label=person.mandate["reference"],
                customer_id=row["id"],
                changes={"iban": [None, mask_iban(person.mandate["iban"])]},
            ) | {"at": row["created_at"]}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


@command(
    "customers",
    click.option("--count", required=True, type=click.IntRange(1, 8_000_000), help="How many."),
    click.option("--seed", default=1, show_default=True, type=int, help="Same seed, same people."),
)
def customers_command(count: int, seed: int) -> dict[str, Any]:
    """Make invented customers of all kinds, with valid phones, mails, IBANs and mandates.

    70 % are individual, 25 % business and 5 % perpetual customers. Never on a system in use."""
    began = perf_counter()
    made = seed_customers(count, seed)
    seconds = round(perf_counter() - began, 1)
    return {
        "customers": count,
        **made,
        "seconds": seconds,
        "message": f"{count:,} customers made in {seconds:,.1f} seconds.",
    }
