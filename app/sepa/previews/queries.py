"""Reads of previews: judged at once or kept, their pages, and what has changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import Invoice
from app.customers.models import Customer
from app.sepa.candidates import Candidate, Judge
from app.sepa.models import Collection, CollectionState, CreditorAccount, Mandate
from app.sepa.previews.models import PreviewLine, RunPreview
from app.sepa.previews.totals import Totals, sections_of
from app.sepa.rules import Policy

# Up to so many due invoices are judged while somebody waits for the page, and always anew.
AT_ONCE_MOST = 2000
# What has changed since is counted up to here.
CHANGES_COUNTED = 1000
# Whose changes may change a verdict.
_MATTER = ("customer", "invoice", "mandate", "creditor account", "collection run")


class Key(NamedTuple):
    """An invoice in a section of a preview."""

    invoice_id: int
    mandate_id: int | None
    attempt: int


class Found(Protocol):
    """What a preview shows, whether it was judged at once or is kept."""

    totals: Totals

    def keys(self, session: Session, section: str, start: int, most: int) -> list[Key]:
        """Some invoices of a section, from the `start`th on."""


@dataclass(slots=True)
class Judged:
    """A preview that was judged at once."""

    totals: Totals = field(default_factory=Totals)
    sections: dict[str, list[Key]] = field(default_factory=dict)

    def keys(self, session: Session, section: str, start: int, most: int) -> list[Key]:
        """Some invoices of a section, from the `start`th on."""
        return self.sections.get(section, [])[start : start + most]


@dataclass(slots=True)
class Kept:
    """A preview that was worked out in the background."""

    preview: RunPreview
    totals: Totals

    def keys(self, session: Session, section: str, start: int, most: int) -> list[Key]:
        """Some invoices of a section, from the `start`th on."""
        rows = session.execute(
            select(PreviewLine.invoice_id, PreviewLine.mandate_id, PreviewLine.attempt)
            .where(
                PreviewLine.preview_id == self.preview.id,
                PreviewLine.section == section,
                PreviewLine.place >= start,
                PreviewLine.place < start + most,
            )
            .order_by(PreviewLine.place)
        )
        return [Key(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice as a preview shows it, with the mandate that serves or comes nearest to it."""

    invoice_id: int
    invoice: str
    amount: Decimal
    issued_on: date
    due_on: date
    customer_id: int
    customer: str
    customer_kind: str
    customer_name: str
    notice_days: int | None
    attempt: int
    run_id: int | None
    mandate_id: int | None
    mandate_reference: str | None
    mandate_state: str | None
    mandate_collected: bool
    iban: str | None
    iban_changed_at: datetime | None


def judge_now(
    session: Session, account: CreditorAccount, collection_date: date, policy: Policy
) -> Judged:
    """Judge everything that is due, at once."""
    found = Judged()
    for portion in Judge(session, account, collection_date, policy).portions():
        for verdict in portion:
            found.totals.add(verdict)
            attempt = verdict.attempt if isinstance(verdict, Candidate) else 1
            key = Key(verdict.invoice_id, verdict.mandate_id, attempt)
            for section in sections_of(verdict):
                found.sections.setdefault(section, []).append(key)
    return found


def latest_preview(session: Session, account_id: int, collection_date: date) -> RunPreview | None:
    """The newest preview that was asked for, whatever became of it."""
    return session.scalar(
        select(RunPreview)
        .where(
            RunPreview.creditor_account_id == account_id,
            RunPreview.collection_date == collection_date,
        )
        .order_by(RunPreview.id.desc())
        .limit(1)
    )


def kept(preview: RunPreview) -> Kept:
    """A preview that is done, to be looked at."""
    return Kept(preview, Totals.from_json(preview.totals or {}))


def changes_since(session: Session, preview: RunPreview) -> int:
    """How many changes that may matter were made since a preview, up to 1,000."""
    # Only the newest entries are to be read: as it stands, the entity would be looked up by its
    # index, which has an entry for each customer there ever was.
    entity = AuditEntry.entity.concat("")
    some = (
        select(AuditEntry.id)
        .where(AuditEntry.id > preview.after_entry, entity.in_(_MATTER))
        .limit(CHANGES_COUNTED)
    )
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def last_entry(session: Session) -> int:
    """The last entry of the history."""
    return session.scalar(select(func.max(AuditEntry.id))) or 0


def lines_of(session: Session, keys: Sequence[Key]) -> dict[Key, Line]:
    """What a page shows of its invoices; without those that are gone since."""
    mandates = _mandates(session, [key.mandate_id for key in keys if key.mandate_id])
    ids = [key.invoice_id for key in keys]
    held = session.execute(
        select(Collection.invoice_id, Collection.run_id).where(
            Collection.invoice_id.in_(ids), Collection.state == CollectionState.LIVE.value
        )
    )
    runs = {row.invoice_id: row.run_id for row in held}
    rows = {
        row.id: row
        for row in session.execute(
            select(
                Invoice.id, Invoice.number, Invoice.amount, Invoice.issued_on, Invoice.due_on,
                Invoice.customer_id, Customer.number.label("customer"), Customer.kind,
                Customer.first_name, Customer.name, Customer.company_name, Customer.notice_days,
            )
            .join(Customer, Customer.id == Invoice.customer_id)
            .where(Invoice.id.in_(ids))
        )
    }  # fmt: skip
    return {
        key: _line(key, rows[key.invoice_id], mandates.get(key.mandate_id), runs)
        for key in keys
        if key.invoice_id in rows
    }


def _mandates(session: Session, ids: Sequence[int]) -> dict[int | None, Any]:
    collected = exists().where(
        Collection.mandate_id == Mandate.id, Collection.state != CollectionState.VOID.value
    )
    rows = session.execute(
        select(
            Mandate.id, Mandate.reference, Mandate.state, Mandate.iban, Mandate.iban_changed_at,
            or_(Mandate.last_collected_on.is_not(None), collected).label("used"),
        ).where(Mandate.id.in_(ids))
    )  # fmt: skip
    return {row.id: row for row in rows}


def _line(key: Key, row: Any, mandate: Any, runs: Mapping[int, int]) -> Line:
    company = row.kind != "individual" and row.company_name
    return Line(
        invoice_id=row.id,
        invoice=row.number,
        amount=row.amount,
        issued_on=row.issued_on,
        due_on=row.due_on,
        customer_id=row.customer_id,
        customer=row.customer,
        customer_kind=row.kind,
        customer_name=company or " ".join(part for part in (row.first_name, row.name) if part),
        notice_days=row.notice_days,
        attempt=key.attempt,
        run_id=runs.get(row.id),
        mandate_id=mandate and mandate.id,
        mandate_reference=mandate and mandate.reference,
        mandate_state=mandate and mandate.state,
        mandate_collected=mandate is not None and mandate.used,
        iban=mandate and mandate.iban,
        iban_changed_at=mandate and mandate.iban_changed_at,
    )
