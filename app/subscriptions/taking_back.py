"""How journal authorizations are told of when an import is taken back, with their customer."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.queries_journals import journal_titles
from app.core import taking_back
from app.core.actor import Actor
from app.core.putting_back import RowChange
from app.core.taking_back import Records
from app.subscriptions.models import Authorization


def register() -> None:
    """Make it known."""
    taking_back.register(Authorization.__tablename__, AuthorizationRecords())


class AuthorizationRecords(Records):
    """They belong to their customer; the history names them by their journal."""

    def tell_parts(
        self, session: Session, rows: Sequence[RowChange], *, actor: Actor, why: str
    ) -> None:
        values = [(row, row.now or row.then or {}) for row in rows]
        titles = journal_titles(session, {one["journal_id"] for _, one in values})
        audit.record_many(
            session,
            [
                audit.entry(
                    actor=actor, action=Action.TAKEN_BACK, entity="journal authorization",
                    entity_id=row.key[0], entity_label=titles.get(one["journal_id"], ""),
                    customer_id=one["customer_id"], reason=why,
                )
                for row, one in values
            ],
        )  # fmt: skip
