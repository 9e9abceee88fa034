"""Keeps merged perpetual rows from every change but the merge's own, and journals with rights.

The merge writes through the tables (merging.py). Whatever goes through the mapped class, be it a
form, a mass change, an import or a forged request, comes past here.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Delete, Update, event, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from app.catalogue.journal_records import keep_while
from app.catalogue.models import Journal
from app.core.errors import Refused
from app.subscriptions.models import Authorization, Subscription, SubscriptionSource

READ_ONLY = "Merged perpetual rights are read-only; change the authorizations that they come from"


@event.listens_for(Session, "before_flush")
def _refuse_rows(session: Session, context: UOWTransaction, instances: Any) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Subscription) and _merged(row) and _touched(session, row):
            raise Refused.because(READ_ONLY)


@event.listens_for(Session, "do_orm_execute")
def _leave_out_rows(state: ORMExecuteState) -> None:
    """A mass statement over subscriptions reaches ordinary ones only."""
    mapper = state.bind_mapper
    if mapper is None or mapper.class_ is not Subscription:
        return
    if (state.is_update or state.is_delete) and isinstance(state.statement, Update | Delete):
        state.statement = state.statement.where(
            Subscription.source == SubscriptionSource.ORDINARY.value
        )


def _journals_with_rights(session: Session, journal_ids: Sequence[int]) -> str | None:
    """Why these journals cannot be deleted, or None."""
    for model, what in ((Authorization, "journal authorizations"), (Subscription, "subscriptions")):
        needing = select(Journal.title).join(model, model.journal_id == Journal.id)
        title = session.scalar(needing.where(Journal.id.in_(journal_ids)).limit(1))
        if title is not None:
            return f"{title} cannot be deleted while customers have {what} to it"
    return None


keep_while(_journals_with_rights)


def _merged(row: Subscription) -> bool:
    """Whether the row is a merged one, was one, or is about to become one."""
    history = inspect(row).attrs.source.history
    return SubscriptionSource.PERPETUAL in {row.source, *history.added, *history.deleted}


def _touched(session: Session, row: Subscription) -> bool:
    return row in session.new or row in session.deleted or session.is_modified(row)
