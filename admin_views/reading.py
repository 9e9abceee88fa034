"""Which records a view may touch at all, for reading and for writing alike."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, request
from flask_admin.contrib.sqla import ModelView
from flask_admin.helpers import get_redirect_target
from sqlalchemy import ColumnElement, inspect, select
from sqlalchemy.orm import Query, Session

from admin_views.access import Guarded, acting
from admin_views.assets import page_address
from app.core.filters import identifier
from app.core.permissions import Permission
from app.extensions import db


class Reading(Guarded, ModelView):
    """The scope of a view, and the ways to one of its records."""

    model_class: ClassVar[type[Any]]
    permissions: ClassVar[Mapping[str, Permission]] = {}

    def may(self, key: str) -> bool:
        """Tell whether the present operator may view, create, edit, delete or export here."""
        return key in self.permissions and acting().may(self.permissions[key])

    def scope(self) -> list[ColumnElement[bool]]:
        """The conditions of every row that this view may touch: by default the live ones."""
        deleted_at = getattr(self.model_class, "deleted_at", None)
        return [deleted_at.is_(None)] if deleted_at is not None else []

    def get_query(self) -> Query[Any]:
        """The rows in scope, for whatever of the library asks for them."""
        query: Query[Any] = super().get_query()
        return query.filter(*self.scope())

    def get_one(self, id: Any) -> Any:
        """One record in scope, or None: also for an id that is none, or two of them."""
        return self.find(db.session(), id)

    def find(self, session: Session, id: Any) -> Any:
        """One record in scope, read through a session; None if it is not there."""
        try:
            wanted = identifier(str(id))
        except ValueError:
            return None
        statement = select(self.model_class).where(self.key_column == wanted, *self.scope())
        return session.scalar(statement.options(*self.record_options()))

    def in_scope(self, session: Session, ids: Sequence[int]) -> list[int]:
        """Those of the ids that this view may touch, in one query."""
        statement = select(self.key_column).where(self.key_column.in_(ids), *self.scope())
        return sorted(session.scalars(statement))

    def record_options(self) -> Sequence[Any]:
        """Loader options for one record."""
        return ()

    @property
    def key_column(self) -> Any:
        """The primary key."""
        return getattr(self.model_class, inspect(self.model_class).primary_key[0].key)

    def record_or_404(self) -> Any:
        """The record that the address names."""
        model = self.get_one(request.values.get("id", ""))
        if model is None:
            abort(404)
        return model

    def get_pk_value(self, model: Any) -> Any:
        """The id of a row."""
        return getattr(model, inspect(self.model_class).primary_key[0].key)

    def record_url(self, row: Any) -> str:
        """Where a click on a row leads."""
        return f"{page_address(f'{self.endpoint}.details_view')}?id={self.get_pk_value(row)}"

    def back_to_list(self) -> str:
        """The list that one came from, if the address names it, else the whole list."""
        return get_redirect_target() or str(self.get_url(".index_view"))
