"""Imports individual and business customers, with their address, products and mandate."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.customers import rules
from app.customers.choices import CustomerKind, Source
from app.customers.collisions import collisions
from app.customers.drafts import CustomerDraft
from app.customers.operations import create_customers
from app.transfer.columns import fields_of
from app.transfer.columns.base import CLEAR, Part
from app.transfer.imports.kinds import stored
from app.transfer.imports.kinds.base import (
    Judged,
    Judging,
    RowKind,
    Written,
    claim_unique,
    created,
    late_refusals,
)
from app.transfer.imports.kinds.mandates import (
    claim_mandate,
    create_mandates_of,
    judge_mandates,
    late_mandates,
)
from app.transfer.imports.plan import PlanLine
from app.transfer.imports.rows import ReadRow

_ADDRESS = fields_of(Part.ADDRESS)
# What stands in a row but is no field of the customers table.
_ELSEWHERE = fields_of(Part.NUMBER, Part.ADDRESS, Part.PRODUCTS, Part.MANDATE)


class CustomerRowKind(RowKind):
    """Each row is a customer of one kind."""

    kind: ClassVar[CustomerKind]
    updates: ClassVar[bool] = True

    def claim(self, judging: Judging, row: ReadRow) -> None:
        """No two rows share an email, a mobile phone, a mandate or a customer number."""
        claim_customer(judging, row)

    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Judge new customers by the rules, and updates by what they would come to."""
        targets = stored.find_targets(judging, rows, self.kind)
        new = [row for row in rows if id(row) not in targets]
        for row in new:
            judge_new(row, self.kind)
        refuse_collisions(judging.session, rows, targets)
        judge_mandates(judging.session, rows, targets)
        changes = stored.judge_updates([row for row in rows if id(row) in targets], targets)
        return [
            changed(row, changes[id(row)]) if id(row) in targets else created(row) for row in rows
        ]

    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Create and update customers in bulk, without those whose values were taken meanwhile."""
        written = Written()
        good = drop_late(session, lines, written)
        new = [line for line in good if line.target is None]
        ids = create_customers(
            session, [customer_draft(self.kind, line.values) for line in new], actor=actor
        )
        changes = [line for line in good if line.target is not None]
        written.created += len(new)
        written.updated += stored.write_updates(session, changes, actor=actor)
        updated = [(line.target or 0, line) for line in changes]
        create_mandates_of(session, [*zip(ids, new, strict=True), *updated], actor=actor)
        return written


def changed(row: ReadRow, line: PlanLine | None) -> Judged:
    """A row that changes a stored customer, unless it is refused or changes nothing."""
    if row.refused or line is None:
        return Judged(row)
    return Judged(row, line.action, line)


class IndividualKind(CustomerRowKind):
    """People."""

    name: ClassVar[str] = "individual"
    kind: ClassVar[CustomerKind] = CustomerKind.INDIVIDUAL


class BusinessKind(CustomerRowKind):
    """Companies."""

    name: ClassVar[str] = "business"
    kind: ClassVar[CustomerKind] = CustomerKind.BUSINESS


def claim_customer(judging: Judging, row: ReadRow) -> None:
    """Claim what no two customers of a file may share."""
    for field, label in (("email", "Email"), ("mobile_phone", "Mobile phone")):
        value = row.values.get(field)
        if value and value is not CLEAR:
            claim_unique(judging, row, field, str(value).casefold(), label)
    number = row.values.get("number")
    if number and number is not CLEAR and judging.updating:
        claim_unique(judging, row, "number", str(number), "Customer number")
    claim_mandate(judging, row)


def judge_new(row: ReadRow, kind: CustomerKind) -> None:
    """Judge a customer to be made by everything that needs no database.

    A row with a wrong customer number was meant for an existing one: its blanks say nothing.
    """
    if row.has_refusal("number"):
        return
    row.refuse_missing()
    row.refuse_for(rules.problems(kind, plain(row.values)))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without those that only say that something is to be taken away."""
    return {name: value for name, value in values.items() if value is not CLEAR}


def keys_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What must be unique among live customers, as the database compares it."""
    email = values.get("email")
    mobile = values.get("mobile_phone")
    return {
        "email_key": email.casefold() if isinstance(email, str) else None,
        "mobile_phone": mobile if isinstance(mobile, str) else None,
    }


def refuse_collisions(
    session: Session, rows: Sequence[ReadRow], targets: Mapping[int, "stored.Stored"]
) -> None:
    """Refuse rows whose email or phone another live customer has."""
    own = [targets[id(row)].id if id(row) in targets else None for row in rows]
    found = collisions(session, [keys_of(row.values) for row in rows], own_ids=own)
    for place, problems in found.items():
        rows[place].refuse_for(problems)


def drop_late(session: Session, lines: Sequence[PlanLine], written: Written) -> list[PlanLine]:
    """The lines that can still be written; the others become refusals."""
    found = collisions(
        session, [keys_of(line.values) for line in lines], own_ids=[line.target for line in lines]
    )
    for place, problems in late_mandates(session, lines).items():
        found.setdefault(place, []).extend(problems)
    gone = stored.gone(session, [line.target for line in lines if line.target is not None])
    edited = stored.edited(session, lines) - gone
    good = []
    for place, line in enumerate(lines):
        problems = found.get(place, []) + ([stored.GONE] if line.target in gone else [])
        problems += [stored.EDITED] if line.target in edited else []
        if problems:
            written.refusals += late_refusals(line, problems)
        else:
            good.append(line)
    return good


def customer_draft(
    kind: CustomerKind, values: Mapping[str, Any], addresses: Sequence[Mapping[str, Any]] = ()
) -> CustomerDraft:
    """The customer that the values of a row describe, with the address in the same row."""
    given = plain(values)
    own = {name: given[name] for name in _ADDRESS if name in given}
    return CustomerDraft(
        kind=kind.value,
        values={"source": Source.IMPORT.value}
        | {name: value for name, value in given.items() if name not in _ELSEWHERE},
        addresses=[*([own] if own else []), *addresses],
        product_ids=frozenset(given.get("product_ids", ())),
    )
