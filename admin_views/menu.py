"""The menu of every page, drawn once for all who may open the same pages."""

from collections.abc import Sequence
from typing import Any, Final

from flask import render_template, request
from flask_admin import Admin, BaseView
from markupsafe import Markup
from sqlalchemy import Select

from admin_views.access import Guarded
from admin_views.assets import asset
from app.core.counts import counting_each, format_to_cap
from app.extensions import db

_MOST_KEPT: Final = 200


class Menu:
    """Draws the menu, and keeps it by all that it depends on: a page has some thirty entries."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._kept: dict[Any, Markup] = {}
        self._counting: dict[tuple[str, ...], Select[Any]] = {}

    def __call__(self, current: BaseView) -> Markup:
        """The entries that the present operator may open; `current` is the view of the page."""
        shown = [
            view
            for view in self._admin._views
            if isinstance(view, Guarded) and view.is_accessible() and view.is_visible()
        ]
        waiting = self._waiting(shown)
        key = (
            tuple(view.endpoint for view in shown),
            tuple(waiting.items()),
            getattr(current, "endpoint", None),  # an error page may stand in no view
            asset("vendor/tabler-icons/sprite.svg"),
            request.root_path,
        )
        drawn = self._kept.get(key)
        if drawn is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            drawn = self._kept[key] = Markup(  # noqa: S704 - a template has escaped it
                render_template(
                    "admin/menu.html", items=self._admin.menu(), current=current, waiting=waiting
                )
            )
        return drawn

    def _waiting(self, shown: Sequence[Guarded]) -> dict[str, str]:
        """What the entries tell of work that waits: one question to the database for all."""
        rows = {view.endpoint: view.counted_in_menu() for view in shown}
        counted = {name: found for name, found in rows.items() if found is not None}
        if not counted:
            return {}
        names = tuple(counted)
        if names not in self._counting:
            self._counting[names] = counting_each(counted.values())
        totals = db.session().execute(self._counting[names]).one()
        return {
            name: format_to_cap(total) for name, total in zip(names, totals, strict=True) if total
        }
