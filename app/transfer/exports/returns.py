"""The rows of exported returns: with the reason and what to do in words, and the attempts."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.billing.models import Invoice
from app.core.listing import Criteria, Listing
from app.sepa.models import Collection, CollectionRun
from app.sepa.queries_returns import is_attempt
from app.sepa.return_codes import TODO_LABELS, return_code
from app.transfer.columns.lists import RETURNS
from app.transfer.exports.rows import HOLDER, HOLDER_NAME, chosen
from app.transfer.exports.streams import stream

# Aliases: the conditions of the list may ask for any invoice and run, not tied to these.
_Attempt, _AttemptRun = aliased(Collection), aliased(CollectionRun)
_Owed, _Run = aliased(Invoice), aliased(CollectionRun)
_CODE, _REASON, _TODO = (
    [column.field for column in RETURNS].index(name) for name in ("reason_code", "reason", "todo")
)


def return_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Collections that the bank rejected or returned."""
    attempts = (
        select(func.count())
        .select_from(_Attempt)
        .join(_AttemptRun, _AttemptRun.id == _Attempt.run_id)
        .where(
            _Attempt.customer_id == Collection.customer_id,
            _Attempt.invoice_id == Collection.invoice_id,
            is_attempt(_Attempt, _AttemptRun),
        )
        .correlate(Collection)
        .scalar_subquery()
    )
    others = {
        "customer_number": HOLDER.number,
        "customer": HOLDER_NAME,
        "invoice": _Owed.number,
        "invoice_state": _Owed.state,
        "run": _Run.number,
        "reason": Collection.reason_code,
        "todo": Collection.reason_code,
        "attempts": attempts,
    }
    statement = (
        chosen(listing, criteria, Collection, RETURNS, **others)
        .join(HOLDER, HOLDER.id == Collection.customer_id)
        .join(_Owed, _Owed.id == Collection.invoice_id)
        .join(_Run, _Run.id == Collection.run_id)
    )
    for row in stream(session, statement):
        told, reason = list(row), return_code(row[_CODE])
        told[_REASON], told[_TODO] = reason.words, TODO_LABELS[reason.todo]
        yield told
