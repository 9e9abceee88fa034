"""What the invoices that a list has found come to, by their states."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.billing.queries import INVOICES, OWED, overdue
from app.core import clock
from app.core.among import one_of
from app.core.counts import CAP
from app.core.listing import Criteria
from app.core.paging import found_keys
from app.core.ways import keys_of, ways_to_find


@dataclass(frozen=True, slots=True)
class Sums:
    """Amounts in euros by state, and how much of it should have been paid by now."""

    by_state: Sequence[tuple[str, int, Decimal]]
    overdue: Decimal

    @property
    def count(self) -> int:
        """How many invoices they are."""
        return sum(count for _, count, _ in self.by_state)

    @property
    def total(self) -> Decimal:
        """What all of them come to."""
        return sum((amount for *_, amount in self.by_state), Decimal(0))

    @property
    def owed(self) -> Decimal:
        """What has not been paid, whatever is under way to collect it."""
        return sum((amount for state, _, amount in self.by_state if state in OWED), Decimal(0))


def sum_found(session: Session, criteria: Criteria, *, many: bool = False) -> Sums:
    """The sums of all that fit; with `many` for more than are counted at once, which takes time."""
    parts = INVOICES.parts(criteria)
    facets = INVOICES.facets
    assert facets is not None
    if not many:
        wanted = select(Invoice).where(
            one_of(Invoice.id, found_keys(session, INVOICES, criteria, CAP))
        )
    elif {part.column for part in parts} <= facets.columns:
        # All that is asked and summed stands in the index of the facets.
        wanted = keys_of(INVOICES, parts).execution_options(sqlite_plan=facets.by(facets.index))
    else:
        wanted = select(Invoice).where(Invoice.id.in_(ways_to_find(session, INVOICES, parts)[0]))
    late = func.sum(Invoice.amount).filter(overdue(clock.today()))
    rows = session.execute(
        wanted.with_only_columns(
            Invoice.state, func.count(), func.sum(Invoice.amount), late,
            maintain_column_froms=True,
        ).group_by(Invoice.state)
    ).all()  # fmt: skip
    order = list(InvoiceState)
    found = sorted(((state, count, amount) for state, count, amount, _ in rows),
                   key=lambda one: order.index(InvoiceState(one[0])))  # fmt: skip
    return Sums(found, sum((row[3] or Decimal(0) for row in rows), Decimal(0)))
