"""Gets a run ready before its invoices are claimed: judged, and made ready to be stored.

Whoever claims holds the database, on SQLite against everybody. So what can be worked out before is
worked out before, and kept in a temporary file together with what it was worked out from: claiming
needs only to compare that with what is there by then.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import entries_of_change
from app.core.actor import Actor
from app.core.bulk import Ready, make_ready
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.sepa.candidates import AT_ONCE, Candidate, Judge, Verdict
from app.sepa.characters import MAX_REMITTANCE, legal_name, legal_text, to_legal
from app.sepa.models import Collection, CollectionState, MandateType
from app.sepa.previews.models import PreviewLine, RunPreview
from app.sepa.previews.operations import check_current
from app.sepa.previews.totals import COLLECTED, Totals
from app.sepa.queries_candidates import Evidence, evidence_of
from app.sepa.rules import Policy

COLLECTIONS = cast(Table, Collection.__table__)
HISTORY = cast(Table, AuditEntry.__table__)
CHANGED = "What can be collected has changed since this preview"
# Up to so many bytes stay in memory: a run of a few thousand.
_IN_MEMORY = 4_000_000
# What only the run itself can say of its collections, and of the entries in the history.
_LATE_OF_COLLECTIONS = ("run_id", "end_to_end_id")
_LATE_OF_ENTRIES = ("at", "reason")


@dataclass(frozen=True, slots=True)
class Share:
    """Some invoices of a run that can be claimed, all columns in the same order.

    `once` are the one-off mandates that they use up, `id_texts` the ends of their end-to-end ids.
    """

    invoice_ids: list[int]
    marks: list[int]
    totals: Totals
    once: list[int]
    id_texts: list[str]
    collections: Ready
    entries: Ready


class Prepared:
    """The shares of a run, each with what it was judged by."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with this

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def keep(self, share: Share, evidence: Evidence) -> None:
        """Add some invoices."""
        pickle.dump((share, evidence), self._file, pickle.HIGHEST_PROTOCOL)

    def shares(self) -> Iterator[tuple[Share, Evidence]]:
        """All of them in their order. Only this process has written them."""
        end = self._file.seek(0, 2)
        self._file.seek(0)
        while self._file.tell() < end:
            yield pickle.load(self._file)  # noqa: S301 - from our own temporary file


def prepare_preview(
    session: Session, preview_id: int, prepared: Prepared, *, policy: Policy, actor: Actor
) -> None:
    """Keep the run of exactly the invoices that a preview shows, ready; nothing is written.

    Raises Refused where one of them is not what was shown.
    """
    actor.require(Permission.DIRECT_DEBIT_RUN)
    preview = session.get(RunPreview, preview_id)
    if preview is None:
        raise NotFound("This preview is no longer there")
    account = preview.creditor_account
    check_current(preview, account, policy)
    judge = Judge(session, account, preview.collection_date, policy)
    place = 0
    while lines := _lines(session, preview_id, place):
        ids = [id_ for id_, _ in lines]
        # Read before it is judged: what changes in between has another version when it is claimed.
        evidence = evidence_of(session, ids)
        chosen = as_shown(session, judge.again(ids), ids, [mark for _, mark in lines])
        prepared.keep(share_of(session, chosen, actor), evidence)
        place += AT_ONCE


def as_shown(
    session: Session, now: dict[int, Verdict], invoice_ids: Sequence[int], marks: Sequence[int]
) -> list[Candidate]:
    """The invoices as they are judged now. Raises Refused where one is not what was shown."""
    chosen, changed = [], []
    for id_, mark in zip(invoice_ids, marks, strict=True):
        verdict = now.get(id_)
        if isinstance(verdict, Candidate) and verdict.mark == mark:
            chosen.append(verdict)
        else:
            changed.append(id_)
    if changed:
        raise Refused.because(
            f"{CHANGED}: {_named(session, changed)}",
            hint="Work the preview out again, then create the run",
        )
    return chosen


def share_of(session: Session, chosen: Sequence[Candidate], actor: Actor) -> Share:
    """The invoices made ready to be claimed."""
    totals = Totals()
    for one in chosen:
        totals.add(one)
    entries = entries_of_change(
        [(one.invoice_id, one.invoice, one.customer_id) for one in chosen],
        InvoiceState.OPEN, InvoiceState.IN_COLLECTION, actor=actor,
    )  # fmt: skip
    return Share(
        invoice_ids=[one.invoice_id for one in chosen],
        marks=[one.mark for one in chosen],
        totals=totals,
        once=[one.mandate_id for one in chosen if one.mandate_type == MandateType.ONE_OFF],
        id_texts=[to_legal(one.invoice) for one in chosen],
        collections=make_ready(
            session, COLLECTIONS, [_collection(one) for one in chosen], _LATE_OF_COLLECTIONS
        ),
        entries=make_ready(
            session, HISTORY, [_without(one, _LATE_OF_ENTRIES) for one in entries],
            _LATE_OF_ENTRIES,
        ),
    )  # fmt: skip


def _without(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _collection(one: Candidate) -> dict[str, Any]:
    return {
        "invoice_id": one.invoice_id,
        "customer_id": one.customer_id,
        "mandate_id": one.mandate_id,
        "state": CollectionState.LIVE.value,
        "sequence_type": one.sequence_type,
        "amount": one.amount,
        "debtor_name": legal_name(one.debtor_name),
        "iban": one.iban,
        "bic": one.bic,
        "mandate_reference": one.mandate_reference,
        "mandate_signed_on": one.mandate_signed_on,
        "original_reference": one.original_reference,
        "original_iban": one.original_iban,
        # A text in a script that banks cannot read leaves the invoice's number.
        "remittance_text": legal_text(one.remittance_text, MAX_REMITTANCE)
        or legal_text(f"Invoice {one.invoice}", MAX_REMITTANCE),
        **{name: one.address.get(name) for name in ("street", "postcode", "place", "country")},
    }


def _lines(session: Session, preview_id: int, place: int) -> list[tuple[int, int]]:
    """Some invoices that a preview shows as collected, from a place on, each with its mark."""
    rows = session.execute(
        select(PreviewLine.invoice_id, PreviewLine.mark)
        .where(
            PreviewLine.preview_id == preview_id,
            PreviewLine.section == COLLECTED,
            PreviewLine.place >= place,
            PreviewLine.place < place + AT_ONCE,
        )
        .order_by(PreviewLine.place)
    )
    return [(invoice_id, mark) for invoice_id, mark in rows]


def _named(session: Session, invoice_ids: Sequence[int]) -> str:
    """Some invoices by their numbers: the first three, then how many more."""
    first = session.scalars(
        select(Invoice.number).where(Invoice.id.in_(invoice_ids[:3])).order_by(Invoice.number)
    )
    numbers = ", ".join(first) or "an invoice that is gone"
    more = len(invoice_ids) - 3
    return f"{numbers} and {more:,} more" if more > 0 else numbers
