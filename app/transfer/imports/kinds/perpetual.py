"""Imports institutions with their addresses and journal authorizations from three sheets.

What hangs on an institution of the same file is written together with it, in one transaction;
what hangs on one of the system is added to it. A refused institution takes with it what hangs
on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.queries_journals import match_journals
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.portions import portions
from app.customers.choices import AddressKind, CustomerKind
from app.customers.drafts import CustomerUpdate
from app.customers.operations import create_customers, update_customers
from app.customers.rules import address_problems
from app.subscriptions.authorizations import create_authorizations
from app.subscriptions.drafts import AuthorizationDraft, read_coverage
from app.subscriptions.models import Authorization, Basis
from app.transfer.columns.perpetual import ADDRESSES_SHEET, AUTHORIZATIONS_SHEET, CUSTOMERS_SHEET
from app.transfer.imports.kinds import stored
from app.transfer.imports.kinds.base import (
    BATCH,
    ImportedBefore,
    ImportKind,
    Judged,
    Judging,
    Written,
)
from app.transfer.imports.kinds.customers import (
    claim_customer,
    customer_draft,
    drop_late,
    judge_new,
    plain,
    refuse_collisions,
)
from app.transfer.imports.kinds.institutions import Institutions, Owner
from app.transfer.imports.kinds.mandates import create_mandates_of, judge_mandates
from app.transfer.imports.plan import Action, PlanLine
from app.transfer.imports.rows import ReadRow, Refusal

ADDRESSES: Final = "addresses"
AUTHORIZATIONS: Final = "authorizations"
_COVERAGE: Final = (
    *("coverage_from", "coverage_to", "first_volume", "first_issue"),
    *("last_volume", "last_issue"),
)


_AUTHORIZATION: Final = ("journal_id", "basis", "embargo", "note", *_COVERAGE)


class PerpetualKind(ImportKind):
    """Institutions, their addresses, their authorizations."""

    name: ClassVar[str] = "perpetual"
    updates: ClassVar[bool] = True

    def judge(
        self, judging: Judging, sheets: Mapping[str, Iterator[ReadRow]], before: ImportedBefore
    ) -> Iterator[Judged]:
        """Judge the institutions first, then what hangs on them, whatever the order of sheets."""
        found = Institutions(judging)
        nothing: Iterator[ReadRow] = iter(())
        for batch in portions(sheets.get(CUSTOMERS_SHEET.title, nothing), BATCH):
            yield from _judge_institutions(judging, found, batch, before)
        for batch in portions(sheets.get(ADDRESSES_SHEET.title, nothing), BATCH):
            yield from _judge_parts(judging, found, batch, before, ADDRESSES)
        for batch in portions(sheets.get(AUTHORIZATIONS_SHEET.title, nothing), BATCH):
            yield from _judge_parts(judging, found, batch, before, AUTHORIZATIONS)
        for line in found.lines():
            yield Judged(None, line=line)

    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Write institutions with all that hangs on them; rights are merged with the last step."""
        written = Written()
        good = drop_late(session, lines, written)
        _refuse_what_hangs(lines, written)
        new = [line for line in good if line.target is None]
        ids = create_customers(session, [_draft(line) for line in new], actor=actor)
        changes = [line for line in good if line.action is Action.UPDATE]
        written.updated += stored.write_updates(session, changes, actor=actor)
        updated = [(line.target or 0, line) for line in changes]
        create_mandates_of(session, [*zip(ids, new, strict=True), *updated], actor=actor)
        more = [line for line in good if line.target is not None and line.action is Action.CREATE]
        _add_addresses(session, more, actor)
        owners = [*zip(ids, new, strict=True), *((line.target or 0, line) for line in more)]
        drafts = [
            _authorization(customer_id, part)
            for customer_id, line in owners
            for part in line.parts.get(AUTHORIZATIONS, ())
        ]
        create_authorizations(session, drafts, actor=actor)
        written.created += sum(len(line.rows) for _, line in owners)
        return written


def _judge_institutions(
    judging: Judging, found: Institutions, batch: list[ReadRow], before: ImportedBefore
) -> Iterator[Judged]:
    for row in batch:
        claim_customer(judging, row)
    rows = [row for row in batch if row not in before]
    targets = stored.find_targets(judging, rows, CustomerKind.PERPETUAL)
    for row in rows:
        if id(row) not in targets:
            judge_new(row, CustomerKind.PERPETUAL)
    refuse_collisions(judging.session, rows, targets)
    judge_mandates(judging.session, rows, targets)
    changes = stored.judge_updates([row for row in rows if id(row) in targets], targets)
    for row in batch:
        if row in before:
            yield Judged(row)
        elif id(row) in targets:
            found.know(row, targets[id(row)].id)
            line = None if row.refused else changes[id(row)]
            yield Judged(row, line.action if line else None, line)
        else:
            found.know(row, None)
            yield Judged(row, None if row.refused else Action.CREATE)


def _judge_parts(
    judging: Judging,
    found: Institutions,
    batch: list[ReadRow],
    before: ImportedBefore,
    what: str,
) -> Iterator[Judged]:
    """Judge addresses or authorizations: each belongs to an institution of file or system."""
    rows = [row for row in batch if row not in before]
    for row in rows:
        row.refuse_missing()
    owners = found.owners_of(rows)
    parts = _addresses(rows) if what == ADDRESSES else _authorizations(judging.session, rows)
    held = _held(judging.session, owners, what)
    for row in batch:
        owner = owners.get(id(row))
        if (
            row in before
            or row.refused
            or owner is None
            or (owner.target is not None and _same(parts[id(row)]) in held.get(owner.target, ()))
        ):
            yield Judged(row)
        else:
            found.hang(owner, what, row, parts[id(row)])
            yield Judged(row, Action.CREATE)


def _addresses(rows: Sequence[ReadRow]) -> dict[int, dict[str, Any]]:
    parts = {}
    for row in rows:
        values = {name: value for name, value in plain(row.values).items() if name != "customer"}
        row.refuse_for(address_problems(values) if not row.refused else [])
        parts[id(row)] = {"kind": AddressKind.MAIN.value, **values}
    return parts


def _authorizations(session: Session, rows: Sequence[ReadRow]) -> dict[int, dict[str, Any]]:
    parts: dict[int, dict[str, Any]] = {}
    named = [row for row in rows if not row.has_refusal("issn") and not row.has_refusal("journal")]
    cells = [(row.values.get("issn"), row.values.get("journal")) for row in named]
    journals = dict(zip(map(id, named), match_journals(session, cells), strict=True))
    for row in rows:
        values = plain(row.values)
        try:
            read_coverage(values)
        except Refused as refused:
            row.refuse_for(refused.problems)
        journal = journals.get(id(row))
        if isinstance(journal, Problem):
            row.refuse_for([journal])
        elif journal is not None:
            parts[id(row)] = {
                "journal_id": journal.id,
                "basis": values.get("basis"),
                "embargo": values.get("embargo"),
                "note": values.get("note"),
                **{name: values.get(name) for name in _COVERAGE},
            }
    return parts


def _held(
    session: Session, owners: Mapping[int, Owner], what: str
) -> dict[int, set[tuple[Any, ...]]]:
    """What the institutions of the system have already, to tell what a file says again."""
    ids = sorted({owner.target for owner in owners.values() if owner.target is not None})
    held: dict[int, set[tuple[Any, ...]]] = {key: set() for key in ids}
    if what == ADDRESSES:
        for one in stored.load_by_id(session, ids):
            held[one.id] = {_same(address) for address in one.addresses}
        return held
    for some in portions(ids):
        for row in session.scalars(
            select(Authorization).where(Authorization.customer_id.in_(some))
        ):
            part = {name: getattr(row, name) for name in _AUTHORIZATION}
            held[row.customer_id].add(_same(part))
    return held


_ADDRESS: Final = (
    *("kind", "label", "street", "line_2", "postcode", "place", "state", "country"),
    *("care_of", "po_box"),
)


def _same(part: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two addresses or two authorizations the same."""
    if "journal_id" in part:
        return tuple(part.get(name) for name in _AUTHORIZATION)
    return tuple(part.get(name) for name in _ADDRESS)


def _draft(line: PlanLine) -> Any:
    """A new institution. The country in its own row stands for addresses that name none."""
    values = dict(line.values)
    country = values.get("country")
    addresses = [
        {**address, "country": address.get("country") or country}
        for address in line.parts.get(ADDRESSES, ())
    ]
    if addresses:
        values.pop("country", None)
    return customer_draft(CustomerKind.PERPETUAL, values, addresses)


def _add_addresses(session: Session, lines: Sequence[PlanLine], actor: Actor) -> None:
    more = {line.target: line.parts[ADDRESSES] for line in lines if line.parts.get(ADDRESSES)}
    update_customers(
        session,
        [
            CustomerUpdate(one.id, addresses=[*one.addresses, *more[one.id]])
            for one in stored.load_by_id(session, [key for key in more if key is not None])
        ],
        actor=actor,
    )


def _authorization(customer_id: int, part: Mapping[str, Any]) -> AuthorizationDraft:
    return AuthorizationDraft(
        customer_id,
        part["journal_id"],
        Basis(part["basis"]),
        read_coverage(part),
        note=part["note"],
        embargo=part.get("embargo"),
    )


def _refuse_what_hangs(lines: Sequence[PlanLine], written: Written) -> None:
    """A line that cannot be written any more stands for several rows: refuse them all."""
    refused = {(refusal.sheet, refusal.row) for refusal in written.refusals}
    for line in lines:
        first, *others = line.rows
        if tuple(first) in refused:
            reason = f"Customer in row {first[1]} of the sheet “{first[0]}” is refused"
            written.refusals += [
                Refusal(sheet, number, "Customer", reason) for sheet, number in others
            ]
