"""Imports open invoices; each names a customer of the system."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.billing.operations import InvoiceDraft, create_invoices, taken_numbers
from app.billing.rules import problems
from app.core.actor import Actor
from app.core.errors import Problem
from app.customers.queries import find_customers
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
from app.transfer.imports.plan import PlanLine
from app.transfer.imports.rows import ReadRow


class InvoiceKind(RowKind):
    """Each row is an open invoice."""

    name: ClassVar[str] = "invoices"

    def claim(self, judging: Judging, row: ReadRow) -> None:
        """No two rows share an invoice number."""
        if number := row.values.get("number"):
            claim_unique(judging, row, "number", number, "Invoice number")

    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Judge by the rules of billing, and find out whose invoice each is."""
        for row in rows:
            row.refuse_missing()
            row.refuse_for(problems(row.values))
        named = [row for row in rows if row.values.get("customer")]
        found = find_customers(judging.session, [row.values["customer"] for row in named])
        for row, one in zip(named, found, strict=True):
            if isinstance(one, Problem):
                row.refuse_for([one])
            else:
                row.values["customer_id"] = one.id
        taken = taken_numbers(judging.session, [row.values.get("number", "") for row in rows])
        for row in rows:
            if row.values.get("number") in taken:
                row.refuse_for([_taken(row.values["number"])])
        return [created(row) for row in rows]

    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Make the invoices whose number is still free and whose customer is still there."""
        written = Written()
        taken = taken_numbers(session, [line.values["number"] for line in lines])
        gone = stored.gone(session, sorted({line.values["customer_id"] for line in lines}))
        drafts = []
        for line in lines:
            late = [_taken(line.values["number"])] if line.values["number"] in taken else []
            if line.values["customer_id"] in gone:
                late.append(Problem("customer_id", stored.GONE.message))
            written.refusals += late_refusals(line, late)
            if not late:
                drafts.append(_draft(line.values))
        written.created = len(create_invoices(session, drafts, actor=actor))
        return written


def _draft(values: dict[str, Any]) -> InvoiceDraft:
    return InvoiceDraft(**{name: value for name, value in values.items() if name != "customer"})


def _taken(number: str) -> Problem:
    return Problem("number", "Invoice number is already used", f"There is an invoice {number}")
