"""Who may open which page: every route of the panel declares a permission, or it stays shut."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import abort, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from flask_login import current_user
from flask_security import url_for_security
from sqlalchemy import Select

from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.permissions import Permission

F = TypeVar("F", bound=Callable[..., Any])

NOBODY: frozenset[Permission] = frozenset()


def needs(*permissions: Permission) -> Callable[[F], F]:
    """Open a route to whoever has one of the permissions. Stands below `@expose`."""

    def mark(view: F) -> F:
        view.needed_permissions = frozenset(permissions)  # type: ignore[attr-defined]
        return view

    return mark


def acting() -> Actor:
    """The actor of this request, worked out once for all that a page asks of it."""
    known: tuple[object, Actor] | None = g.get("acting")
    # Another object after a log-in or a log-out; to ask it for more would cost a page a lot.
    operator = current_user._get_current_object()
    if known is None or known[0] is not operator:
        known = g.acting = (operator, current_actor())
    return known[1]


class Guarded(BaseView):
    """A view that is closed by default: to strangers, and to operators without the permission."""

    def needed(self, name: str) -> frozenset[Permission]:
        """The permissions of which one opens the route; none at all keeps it shut."""
        return getattr(getattr(self, name, None), "needed_permissions", NOBODY)

    def may_open(self, name: str) -> bool:
        """Tell whether the present operator may open the route."""
        return not acting().permissions.isdisjoint(self.needed(name))

    def is_accessible(self) -> bool:
        """Tell whether the menu shows the view."""
        return self.may_open(self._default_view)

    def counted_in_menu(self) -> Select[Any] | None:
        """The rows whose number stands beside the menu's entry where there are any."""
        return None

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        if not current_user.is_authenticated:
            return self.inaccessible_callback(name, **kwargs)
        if not self.may_open(name):
            abort(403)
        return None

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Send a stranger to the log-in and back again; a fragment cannot show it, so all goes."""
        if request.headers.get("HX-Request") or request.accept_mimetypes.best == "application/json":
            back = request.headers.get("HX-Current-URL") or request.referrer
            return "", 401, {"HX-Redirect": url_for_security("login", next=back)}
        target = request.full_path if request.method == "GET" else request.path
        return redirect(url_for_security("login", next=target.rstrip("?")))

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the view once. The library would call it again after any TypeError inside."""
        return fn(self, *args, **kwargs)


class KontorPage(Guarded):
    """A page that is no list of records: an import wizard, a run, the dashboard.

    class Runs(KontorPage):
        def __init__(self) -> None:
            super().__init__(name="Direct debit", category="Accounting", endpoint="direct_debit",
                             menu_icon_value="building-bank")

        @expose("/")
        @needs(Permission.DIRECT_DEBIT_VIEW)
        def index(self) -> str:
            return self.render("sepa/runs.html", title="Direct debit", ...)

    Templates extend "admin/page.html" (blocks: title, actions, content). Routes without `@needs`
    answer 403 to everybody.
    """
