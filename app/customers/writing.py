"""The steps that the operations on customers share: defaults, checks, bulk reads and writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import String, Table, bindparam, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.models import PriceLevel, Product
from app.core import undo
from app.core.actor import Actor, Channel
from app.core.errors import Conflict, Problem, Refused
from app.core.values import bank_of
from app.customers import rules
from app.customers.choices import ApprovalState, CustomerKind, Source
from app.customers.models import (
    Customer,
    CustomerCompany,
    Group,
    SecurityQuestion,
    Store,
)

CUSTOMERS = cast(Table, Customer.__table__)
BATCH = 5000
_SOURCES = {Channel.IMPORT: Source.IMPORT, Channel.API: Source.API}
# Which column names the value of a reference, for the history.
_REFERENCES = {
    "store_id": Store.name,
    "group_id": Group.name,
    "price_level_id": PriceLevel.name,
    "dedicated_operator_id": Operator.email,
    "security_question_id": SecurityQuestion.question,
    "products": Product.name,
}
# Read for every few rows of a long write: made once, and without what records would need.
_NAMED = {
    field: select(column.table.c.id, column)
    for field, one in _REFERENCES.items()
    for column in one.property.columns
}
# How many characters each field may have; of the memo the rules speak.
_LIMITS = {
    column.name: column.type.length
    for column in CUSTOMERS.columns
    if isinstance(column.type, String)
    and column.type.length
    and column.name in rules.FIELD_LABELS
    and column.name != "memo"
}
_SEVERAL = (list, tuple, frozenset, set)
_SHORTEST_LIMIT = min(_LIMITS.values())
Names = Callable[[dict[str, list[Any]]], dict[str, list[Any]]]


def defaults(session: Session, actor: Actor) -> dict[str, Any]:
    """What a new customer has when nothing else is said (the manuals' defaults)."""
    store = session.scalar(select(Store.id).where(Store.is_default))
    return {
        "store_id": store,
        "source": _SOURCES.get(actor.channel, Source.TELEPHONE).value,
        "newsletter": True,
        "promotional_sms": False,
        "invoices_by_email": False,
        "favourite": False,
        "collection_hold": False,
        "login_allowed": False,
        "restricted": False,
        "suppress_registration_email": False,
        "approval_state": ApprovalState.NOT_NEEDED.value,
        "active": True,
        "locked": False,
    }


def check(
    kind: str,
    values: Mapping[str, Any],
    addresses: Sequence[Mapping[str, Any]],
    companies: Sequence[Mapping[str, Any]],
) -> None:
    """Raise Refused with everything that is wrong with one customer by itself.

    Problems of the n-th address are placed at `addresses-n-field`, as forms name it.
    """
    found = rules.problems(kind, values) + _too_long(values)
    for place, address in enumerate(addresses):
        found += [
            Problem(f"addresses-{place}-{one.field}", one.message, one.hint)
            for one in rules.address_problems(address)
        ]
    for place, company in enumerate(companies):
        if not company.get("company_id") and not company.get("company_name"):
            found.append(Problem(f"companies-{place}-company_name", "Company is missing"))
    if found:
        raise Refused(found)


def check_companies(
    session: Session, given: Sequence[tuple[int | None, Sequence[Mapping[str, Any]] | None]]
) -> None:
    """Raise Refused unless the companies of customers (None: a new one) are companies we have.

    What was stored before stays: the company may have become one with a person since.
    """
    wanted = [
        (own, place, company["company_id"])
        for own, companies in given
        for place, company in enumerate(companies or ())
        if company.get("company_id")
    ]
    if not wanted:
        return
    ours = select(Customer.id).where(Customer.kind != CustomerKind.INDIVIDUAL.value)
    known = set(session.scalars(ours.where(Customer.id.in_({id_ for _, _, id_ in wanted}))))
    wrong = [(own, place, id_) for own, place, id_ in wanted if id_ not in known or id_ == own]
    if not wrong:
        return
    stored = select(CustomerCompany.customer_id, CustomerCompany.company_id).where(
        CustomerCompany.customer_id.in_({own for own, _, _ in wrong if own is not None})
    )
    before = {(own, id_) for own, id_ in session.execute(stored)}
    found = [
        Problem(f"companies-{place}-company_id", "This is no company among the customers")
        for own, place, id_ in wrong
        if (own, id_) not in before
    ]
    if found:
        raise Refused(found)


def check_operators(session: Session, chosen: Iterable[Mapping[str, Any]]) -> None:
    """Raise Refused unless everybody that customers get as dedicated operator is one."""
    wanted = {values.get("dedicated_operator_id") for values in chosen} - {None}
    if wanted and wanted - set(session.scalars(select(Operator.id).where(Operator.id.in_(wanted)))):
        raise Refused.because("There is no such operator", field="dedicated_operator_id")


def _too_long(values: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(
            name,
            f"{rules.FIELD_LABELS[name]} is longer than {limit} characters",
            f"It has {length}",
        )
        for name, value in values.items()
        if isinstance(value, str)
        and (length := len(value)) > _SHORTEST_LIMIT  # the fewest are, of a million texts
        and length > (limit := _LIMITS.get(name, length))
    ]


def with_bank(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The values with BIC and institute filled in from the IBAN.

    A BIC that was given with the IBAN stays; one that belonged to an earlier IBAN goes.
    """
    values = dict(new)
    iban = values.get("iban")
    if not iban:
        return values | {"institute": None} if old.get("iban") else values
    if old is not new and iban == old.get("iban") and values.get("institute"):
        return values
    bic, bank = bank_of(iban)
    kept = values.get("bic")
    if not kept or (old is not new and kept == old.get("bic") and iban != old.get("iban")):
        values["bic"] = bic
    return values | {"institute": (bank or "")[:120] or None}


def with_consents(
    old: Mapping[str, Any], new: Mapping[str, Any], actor: Actor, now: datetime
) -> dict[str, Any]:
    """Who set each consent, and when, for those that differ from before."""
    stamps: dict[str, Any] = {}
    for name in rules.CONSENTS:
        if old.get(name) != new.get(name):
            stamps |= {f"{name}_set_at": now, f"{name}_set_by": actor.label[:255]}
    return stamps


def load(session: Session, customer_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The rows of customers by id, locked until the transaction ends where the database can."""
    rows: dict[int, dict[str, Any]] = {}
    for start in range(0, len(customer_ids), BATCH):
        some = customer_ids[start : start + BATCH]
        found = session.execute(
            select(CUSTOMERS)
            .where(CUSTOMERS.c.id.in_(some))
            .order_by(CUSTOMERS.c.id)
            .with_for_update()
        )
        rows |= {row["id"]: dict(row) for row in found.mappings()}
    return rows


def save_values(
    session: Session, before: Mapping[int, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write changed rows, only the columns that differ somewhere among them.

    Raises Conflict if a row's version is no longer the one that was loaded.
    """
    if not rows:
        return
    undo.note_updated(session, CUSTOMERS, [before[row["id"]] for row in rows])
    columns = [
        name for name in rows[0] if any(row[name] != before[row["id"]][name] for row in rows)
    ]
    statement = (
        update(CUSTOMERS)
        .where(CUSTOMERS.c.id == bindparam("_id"), CUSTOMERS.c.version == bindparam("_version"))
        .values({name: bindparam(f"_{name}_") for name in columns})
    )
    done = session.connection().execute(
        statement,
        [
            {f"_{name}_": row[name] for name in columns}
            | {"_id": row["id"], "_version": before[row["id"]]["version"]}
            for row in rows
        ],
    )
    if done.rowcount != len(rows):
        raise Conflict("Somebody else saved one of these customers at the same moment")
    session.expire_all()


def name_references(session: Session) -> Names:
    """A function that puts names in the place of ids, in a history entry's changes."""
    known: dict[str, dict[int, str]] = {}

    def name(field: str, value: Any) -> Any:
        if field not in known:
            session.flush()
            known[field] = dict(session.execute(_NAMED[field]).all())
        if isinstance(value, _SEVERAL):
            return sorted(known[field].get(one, str(one)) for one in value)
        return known[field].get(value) or str(value)

    def names(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for field in _NAMED:
            if field in changes:
                old, new = changes[field]
                changes[field] = [
                    None if old is None else name(field, old),
                    None if new is None else name(field, new),
                ]
        return changes

    return names


def customer_entry(
    actor: Actor,
    action: Action,
    id_: int,
    row: Mapping[str, Any],
    changes: Mapping[str, Any],
    at: datetime | None = None,
) -> dict[str, Any]:
    """A history entry about a customer."""
    return audit.entry(
        actor=actor,
        action=action,
        entity="customer",
        entity_id=id_,
        entity_label=f"{row['number']} {rules.display_name(row)}",
        customer_id=id_,
        changes=changes,
        at=at,
    )
