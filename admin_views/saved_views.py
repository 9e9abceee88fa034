"""Views of a list that are kept under a name: one's own, and those that colleagues share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session
from wtforms import BooleanField

from admin_views.access import acting
from admin_views.filters import NO_VIEW, Request, read_request
from admin_views.formatters import Column
from admin_views.forms import KontorForm, Longest, Required, TextField
from admin_views.list_layout import ListLayout
from admin_views.refusals import in_words
from app.accounts import operations_views as operations
from app.accounts.models import SavedView
from app.accounts.queries_views import views_of
from app.core.errors import Conflict, NotFound, Problem, Refused
from app.core.listing import Listing
from app.core.permissions import Permission
from app.extensions import db, transaction

OWN_ARGUMENTS = frozenset({"q", "sort", "size", "columns"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One view as the menu shows it. `owner` is empty for one's own."""

    id: int
    name: str
    version: int
    owner: str
    shared: bool
    changeable: bool
    is_default: bool
    url: str
    stored: SavedView


@dataclass(frozen=True, slots=True)
class ViewMenu:
    """The views of a list for this person, and the one that is open.

    `changed` tells that the list shows something else by now than the open view keeps;
    `left_out` is what the view asks for and the list no longer has.
    """

    entries: Sequence[Entry]
    current: Entry | None = None
    changed: bool = False
    left_out: Sequence[str] = ()
    empty: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> list[Entry]:
        """The person's own."""
        return [entry for entry in self.entries if not entry.owner]

    @property
    def others(self) -> list[Entry]:
        """Those that colleagues share."""
        return [entry for entry in self.entries if entry.owner]

    @property
    def default(self) -> Entry | None:
        """The one that the list opens with."""
        return next((entry for entry in self.entries if entry.is_default), None)


class ViewForm(KontorForm):
    """The name of a view, and who sees it."""

    name = TextField("Name", [Required(), Longest(operations.LONGEST_NAME)])
    shared = BooleanField(
        "Share it with everybody who sees this list",
        description="Sharing gives nobody more rights than their role has",
    )
    is_default = BooleanField("Open this list with it", description="For you alone")


class SavedViews(ListLayout):
    """The menu Views of a list, and its pages."""

    def view_menu(self, listing: Listing, asked: Request, columns: Sequence[Column]) -> ViewMenu:
        """What the menu shows."""
        entries = self._view_entries()
        default = any(entry.is_default for entry in entries)
        empty = {"view": NO_VIEW} if default else {}
        current = next((one for one in entries if str(one.id) == asked.view), None)
        if current is None:
            return ViewMenu(entries, empty=empty)
        known = {name: value for name, value in current.stored.arguments.items()
                 if name in listing.names or name in OWN_ARGUMENTS}  # fmt: skip
        return ViewMenu(
            entries,
            current,
            changed=_to_keep(asked, columns) != known,
            left_out=_left_out(current.stored.arguments, listing, self.offered_columns()),
            empty=empty,
        )

    def _view_entries(self) -> list[Entry]:
        actor = acting()
        if actor.operator_id is None:
            return []
        default = self.preference("view")
        may_all = actor.may(Permission.OPERATORS_MANAGE)
        found = views_of(db.session(), self.endpoint, actor.operator_id)
        return [
            Entry(
                view.id,
                view.name,
                view.version,
                "" if view.operator_id == actor.operator_id else str(view.operator),
                view.shared,
                view.operator_id == actor.operator_id or may_all,
                view.id == default,
                self._view_address(view),
                view,
            )
            for view in found
        ]

    def _view_address(self, view: SavedView) -> str:
        """The ordinary address of the list, with the number of the view that it came from."""
        arguments = {f"{name}": value for name, value in view.arguments.items()}
        return str(self.get_url(".index_view", **arguments, view=view.id))

    @expose("/views/")
    def views_view(self) -> ResponseReturnValue:
        """All views of the list, to rename and to delete."""
        asked = read_request(self.listing(), request.args)
        return self.render("admin/views.html", views=ViewMenu(self._view_entries()), asked=asked)

    @expose("/views/form/", methods=("GET", "POST"))
    def view_form(self) -> ResponseReturnValue:
        """A new view of what the address asks for; with `id`, the name and sharing of one."""
        asked = read_request(self.listing(), request.args)
        entry = self._view_entry(request.args.get("id", "")) if "id" in request.args else None
        if entry is not None and not entry.changeable:
            abort(403)
        form = ViewForm(request.form) if request.method == "POST" else ViewForm(
            data={"name": entry.name, "shared": entry.shared, "is_default": entry.is_default}
            if entry else None
        )  # fmt: skip
        left: list[Problem] = []
        if request.method == "POST" and form.validate():
            try:
                with in_words(), transaction() as session:
                    address = self._keep_view(session, form, entry, asked)
            except (Refused, Conflict) as error:
                problems = getattr(error, "problems", None) or [Problem("", str(error))]
                left = form.place(problems)
            else:
                flash("The view was saved.", "success")
                return redirect(address)
        return self.render(
            "admin/view_form.html",
            part=bool(request.headers.get("HX-Request")),
            form=form,
            left=left,
            entry=entry,
            asked=asked,
            version=request.form.get("_version") or (entry.version if entry else None),
        )

    def _keep_view(
        self, session: Session, form: ViewForm, entry: Entry | None, asked: Request
    ) -> str:
        given: dict[str, Any] = {
            "list_name": self.endpoint,
            "name": form.name.data,
            "shared": form.shared.data,
            "actor": acting(),
        }
        was_default = entry is not None and entry.is_default
        if entry is None:
            arguments = _to_keep(asked, self.shown_columns(asked))
            view = operations.save_view(session, arguments=arguments, **given)
        else:
            version = _version(request.form.get("_version", ""))
            view = operations.rename_view(session, entry.id, version=version, **given)
        if form.is_default.data != was_default:
            changes = {"view": view.id if form.is_default.data else None}
            operations.prefer(
                session, list_name=self.endpoint, changes=changes, actor=given["actor"]
            )
        return self._view_address(view)

    @expose("/views/action/", methods=("POST",))
    def view_action(self) -> ResponseReturnValue:
        """Something done to one view: update it, delete it, open the list with it or without."""
        todo: Mapping[str, Callable[[Entry, Request], ResponseReturnValue]] = {
            "update": self._update_view,
            "delete": self._delete_view,
            "default": self._make_default_view,
            "plain": self._make_default_view,
        }
        wanted = request.form.get("action", "")
        if wanted not in todo:
            abort(404)
        entry = self._view_entry(request.form.get("id", ""))
        return todo[wanted](entry, read_request(self.listing(), request.args))

    def _update_view(self, entry: Entry, asked: Request) -> ResponseReturnValue:
        arguments = _to_keep(asked, self.shown_columns(asked))
        try:
            with in_words(), transaction() as session:
                operations.update_view(
                    session,
                    entry.id,
                    list_name=self.endpoint,
                    arguments=arguments,
                    version=_version(request.form.get("_version", "")),
                    actor=acting(),
                )
        except (Refused, Conflict) as error:
            flash(str(error), "danger")
        else:
            flash(f"The view {entry.name} shows this from now on.", "success")
        return redirect(self.get_url(".index_view", **asked.arguments(view=entry.id)))

    def _delete_view(self, entry: Entry, asked: Request) -> ResponseReturnValue:
        if request.form.get("_confirmed") != "yes":
            return self.render("admin/view_delete.html", entry=entry, asked=asked)
        with transaction() as session:
            operations.delete_view(session, entry.id, list_name=self.endpoint, actor=acting())
        flash(f"The view {entry.name} was deleted.", "success")
        return redirect(self.get_url(".views_view"))

    def _make_default_view(self, entry: Entry, asked: Request) -> ResponseReturnValue:
        chosen = request.form.get("action") == "default"
        with transaction() as session:
            operations.prefer(
                session,
                list_name=self.endpoint,
                changes={"view": entry.id if chosen else None},
                actor=acting(),
            )
        how = f"with the view {entry.name}" if chosen else "without a view"
        flash(f"This list opens {how} from now on.", "success")
        if request.form.get("back") == "views":
            return redirect(self.get_url(".views_view"))
        return redirect(self.get_url(".index_view", **asked.arguments()))

    def _view_entry(self, raw: str) -> Entry:
        """The view that is meant, if this person may open it. Raises NotFound."""
        found = next((entry for entry in self._view_entries() if str(entry.id) == raw), None)
        if found is None:
            raise NotFound("This view is no longer there.")
        return found


def _to_keep(asked: Request, columns: Sequence[Column]) -> dict[str, str]:
    """What a view keeps of an address: everything but the page, and the columns in any case."""
    arguments = asked.arguments(["page", "view"])
    arguments["columns"] = ",".join(column.name for column in columns)
    return {name: str(value) for name, value in arguments.items()}


def _left_out(
    arguments: Mapping[str, str], listing: Listing, offered: Sequence[Column]
) -> list[str]:
    """What a view asks for and the list no longer has, in words."""
    left = [
        f"{name.replace('_', ' ')}: {value}"
        for name, value in arguments.items()
        if name not in listing.names and name not in OWN_ARGUMENTS
    ]
    sort = arguments.get("sort", "").removeprefix("-")
    if sort and sort not in listing.sorts:
        left.append(f"the order by {sort.replace('_', ' ')}")
    known = {column.name for column in offered}
    gone = [name for name in arguments.get("columns", "").split(",") if name not in known]
    return left + [f"the column {name.replace('_', ' ')}" for name in gone if name]


def _version(raw: str) -> int:
    """The version that a form was made for; -1, which none has, for whatever is none."""
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else -1
