"""The same right for many at once: many customers, many journals, or both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from app.catalogue.coverage import Coverage, in_words
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.subscriptions.authorizations import create_authorizations
from app.subscriptions.drafts import (
    NOTE_LENGTH,
    AuthorizationDraft,
    parse_embargo,
    read_coverage,
)
from app.subscriptions.merging import coverage_columns
from app.subscriptions.models import Authorization, Basis

NOT_PERPETUAL = "Only a perpetual customer has rights to journals"
_NUMBERS = ("first_volume", "first_issue", "last_volume", "last_issue")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is granted of each journal."""

    basis: Basis
    coverage: Coverage
    embargo: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        embargo = f", embargo {self.embargo}" if self.embargo else ""
        return f"{self.basis} {in_words(self.coverage)}{embargo}"

    def as_params(self) -> dict[str, Any]:
        """The terms as a job keeps them; `read_terms` reads them back."""
        span = self.coverage
        return {
            "basis": self.basis.value,
            "coverage_from": str(span.start) if span.start else None,
            "coverage_to": str(span.end) if span.end else None,
            **{name: getattr(span, name) for name in _NUMBERS},
            "embargo": self.embargo,
            "note": self.note,
        }


def read_terms(values: Mapping[str, Any]) -> Terms:
    """Terms from plain values. Raises Refused, or ValueError for what no page offers."""
    note = values.get("note") or None
    if note and len(note) > NOTE_LENGTH:
        raise Refused.because(f"Note has {len(note)} characters", field="note")
    return Terms(
        Basis(values["basis"]), read_coverage(values), parse_embargo(values.get("embargo")), note
    )


@dataclass(slots=True)
class Granted:
    """What became of pairs of customer and journal, and of customers that cannot have any."""

    new: int = 0
    same: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def has_it(terms: Terms) -> ColumnElement[bool]:
    """The condition of authorizations that say exactly this."""
    columns = coverage_columns(terms.coverage)
    wanted = {name: columns[name] for name in ("coverage_from", "coverage_to", *_NUMBERS)}
    wanted |= {"basis": terms.basis.value, "embargo": terms.embargo}
    return and_(*(getattr(Authorization, n).is_not_distinct_from(v) for n, v in wanted.items()))


def grant_rights(
    session: Session,
    customer_ids: Sequence[int],
    journal_ids: Sequence[int],
    terms: Terms,
    *,
    actor: Actor,
) -> Granted:
    """Give each of the customers this right to each of the journals.

    Who has exactly this right already does not get it twice; customers that are deleted or no
    perpetual ones are told apart as refused.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    outcome = Granted()
    there: list[int] = []
    for some in portions(customer_ids):
        rows = session.execute(
            select(Customer.id, Customer.number, Customer.kind, Customer.deleted_at)
            .where(Customer.id.in_(some))
            .order_by(Customer.id)
            .with_for_update()
        )
        for row in rows:
            if row.kind == CustomerKind.PERPETUAL and row.deleted_at is None:
                there.append(row.id)
            else:
                outcome.refused.append((row.id, row.number, NOT_PERPETUAL))
    held = _held(session, there, journal_ids, terms)
    drafts = [
        AuthorizationDraft(
            customer, journal, terms.basis, terms.coverage, terms.note, embargo=terms.embargo
        )
        for customer in there
        for journal in journal_ids
        if (customer, journal) not in held
    ]
    create_authorizations(session, drafts, actor=actor)
    outcome.new = len(drafts)
    outcome.same = len(there) * len(journal_ids) - len(drafts)
    return outcome


def _held(
    session: Session, customer_ids: Sequence[int], journal_ids: Sequence[int], terms: Terms
) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    wanted = select(Authorization.customer_id, Authorization.journal_id).where(has_it(terms))
    for customers in portions(customer_ids):
        for journals in portions(journal_ids):
            pairs = wanted.where(
                Authorization.customer_id.in_(customers), Authorization.journal_id.in_(journals)
            )
            found |= {(row.customer_id, row.journal_id) for row in session.execute(pairs)}
    return found
