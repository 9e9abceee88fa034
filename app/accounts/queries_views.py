"""Reads about the views of lists that operators keep."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import SavedView

# Asked for by every page of a list: written once, it is also compiled and compared once.
_OF_LIST = (
    select(SavedView)
    .where(
        SavedView.list_name == bindparam("list"),
        or_(SavedView.operator_id == bindparam("operator"), SavedView.shared),
    )
    .order_by(
        SavedView.operator_id != bindparam("operator"), func.lower(SavedView.name), SavedView.id
    )
    .options(joinedload(SavedView.operator))
)


def views_of(session: Session, list_name: str, operator_id: int) -> Sequence[SavedView]:
    """The views of a list that an operator may open, with their owners: own ones first."""
    return session.scalars(_OF_LIST, {"list": list_name, "operator": operator_id}).all()
