"""Reads about the views of lists that operators keep."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import SavedView


def views_of(session: Session, list_name: str, operator_id: int) -> Sequence[SavedView]:
    """The views of a list that an operator may open, with their owners: own ones first."""
    return session.scalars(
        select(SavedView)
        .where(
            SavedView.list_name == list_name,
            or_(SavedView.operator_id == operator_id, SavedView.shared),
        )
        .order_by(SavedView.operator_id != operator_id, func.lower(SavedView.name), SavedView.id)
        .options(joinedload(SavedView.operator))
    ).all()
