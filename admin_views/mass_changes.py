"""Changing many customers at once: those that were ticked, or all that the list has found.

A page shows first what would be done, to how many and to whom; a job does it then, which can be
followed, stopped and taken back.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from admin_views.access import acting, needs
from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.filters import Request, chips, read_request
from admin_views.formatters import Link
from admin_views.jobs import register_job_facts, register_job_page
from admin_views.refusals import in_one, in_words
from admin_views.saving import MOST_IDS
from app.accounts.identity import current_actor
from app.accounts.queries import search_operators
from app.catalogue.models import Product
from app.core.errors import KontorError, Refused
from app.core.filters import identifier
from app.core.paging import Page
from app.core.permissions import Permission
from app.core.text import clean_lines
from app.customers import mass
from app.customers.mass import NOBODY, MassChange, MassKind
from app.customers.mass_preview import Preview, preview
from app.customers.models import Customer, Group
from app.extensions import db, transaction
from app.jobs.mass_changes import ALL, KIND, start_mass_change
from app.jobs.models import Job

Choices = Sequence[tuple[str, str]]
# What the address of a list says besides which rows are wanted.
NOT_CONDITIONS = ("page", "size", "columns", "view")

ICONS = {
    MassKind.GROUP: "users-group",
    MassKind.OPERATOR: "user-check",
    MassKind.ADD_PRODUCT: "circle-plus",
    MassKind.REMOVE_PRODUCT: "circle-x",
    MassKind.NEWSLETTER: "mail",
    MassKind.LOCK: "lock",
    MassKind.UNLOCK: "lock-open",
    MassKind.DELETE: "trash",
}
VALUE_LABELS = {
    MassKind.GROUP: "Group",
    MassKind.OPERATOR: "Dedicated operator",
    MassKind.ADD_PRODUCT: "Product or service",
    MassKind.REMOVE_PRODUCT: "Product or service",
    MassKind.NEWSLETTER: "Newsletter",
    MassKind.LOCK: "Lock text",
}
MOST_OPERATORS = 1000
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Offer:
    """One change that the list offers; `url` is its own page where it has one."""

    name: str
    label: str
    icon: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class MassBar:
    """What the list offers below its rows: the changes, and the way to all that was found."""

    url: str
    offers: Sequence[Offer]
    on_page: int
    all_found: str


def all_found_in_words(page: Page) -> str:
    """All rows that a list has found, in words; a count only where it is exact."""
    return "all found" if page.capped else f"all {page.total:,} found"


def bar_of(page: Page, url: str, offers: Sequence[Offer], words: str = "") -> MassBar:
    """The offers for the rows of a page; all that was found, too, where these are more."""
    here = len(page.rows)
    more = page.capped or page.total > here
    return MassBar(url, offers, here, (words or all_found_in_words(page)) if more else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """The change that a page was asked for, as far as it can be read."""

    kind: MassKind
    typed: str
    change: MassChange | None
    problem: str


class MassChangesView(KontorView):
    """A list of customers that can be changed in bulk."""

    mass_list: ClassVar[str] = ALL

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """What the list offers this person for the rows of its page."""
        kinds = [kind for kind in MassKind if acting().may(mass.permission_for(kind))]
        if not kinds or not page.rows:
            return None
        url = self.get_url(".mass_view", **asked.arguments(NOT_CONDITIONS))
        offers = [Offer(kind.value, mass.LABELS[kind], ICONS[kind]) for kind in kinds]
        return bar_of(page, url, offers, self.all_found(page, asked))

    def all_found(self, page: Page, asked: Request) -> str:
        """All rows that the list has found, in words; a count only where it is exact."""
        return all_found_in_words(page)

    def all_actions(self) -> Sequence[Action]:
        """What is a mass change stands in its menu, and not among the buttons for ticked rows."""
        return [
            replace(one, places=one.places - {"bulk"}) if one.name in set(MassKind) else one
            for one in super().all_actions()
        ]

    @expose("/mass/", methods=("GET", "POST"))
    @needs(Permission.CUSTOMERS_EDIT, Permission.CUSTOMERS_DELETE)
    def mass_view(self) -> ResponseReturnValue:
        """One change: its value, and what it would do to the ticked ones or to all found."""
        kind = self._kind()
        if request.method == "GET":
            return self._choose(kind, None)
        if request.form.get("all") == "yes":
            asked = read_request(self.listing(), request.args)
            return redirect(self._mass_url(asked, change=kind.value), 303)
        ids = self.in_scope(db.session(), read_ids())
        if not ids:
            flash("Nothing was chosen. Tick the customers first.", "warning")
            return redirect(self.back_to_list())
        return self._choose(kind, ids)

    @expose("/mass/start/", methods=("POST",))
    @needs(Permission.CUSTOMERS_EDIT, Permission.CUSTOMERS_DELETE)
    def mass_start_view(self) -> ResponseReturnValue:
        """The job; the same form sent twice leads to the same job."""
        asked = read_request(self.listing(), request.args)
        change = self._asked(self._kind(), request.form.get("value", ""))
        back = self._mass_url(asked, change=change.kind.value, value=change.typed or None)
        ids = read_ids()
        if ids:
            back = self.back_to_list()
        token = request.form.get("token", "")
        if asked.problems or change.change is None or not TOKEN.fullmatch(token):
            flash("This was not started. Look at the preview again.", "danger")
            return redirect(back)
        try:
            max_id, found = (identifier(request.form.get(n, "")) for n in ("max_id", "found"))
            with in_words(), transaction() as session:
                job_id = start_mass_change(
                    session, change.change, self.mass_list, asked.criteria, ids=ids,
                    max_id=max_id, found=found, token=token, actor=current_actor(),
                ).id  # fmt: skip
        except ValueError:
            abort(400)
        except KontorError as error:
            flash(in_one(error), "danger")
            return redirect(back)
        return redirect(self.get_url("jobs.details_view", id=job_id))

    # Inner works ----------------------------------------------------------------------------------

    def _mass_url(self, asked: Request, **more: str | None) -> str:
        return str(self.get_url(".mass_view", **asked.arguments(NOT_CONDITIONS, **more)))

    def _kind(self) -> MassKind:
        raw = request.values.get("change", "")
        if raw not in set(MassKind):
            abort(404)
        if not acting().may(mass.permission_for(raw)):
            abort(403)
        return MassKind(raw)

    def _asked(self, kind: MassKind, raw: str, *, given: bool = True) -> Asked:
        typed = clean_lines(raw) or ""
        if not given:
            return Asked(kind, typed, None, "")
        try:
            return Asked(kind, typed, mass.read_change(db.session(), kind.value, typed), "")
        except Refused as refused:
            return Asked(kind, typed, None, str(refused))

    def _choose(self, kind: MassKind, ids: list[int] | None) -> str:
        """Choose the value, then see what it would do to the ticked ones, or to all found."""
        listing = self.listing()
        given = "value" in request.values or kind not in VALUE_LABELS
        change = self._asked(kind, request.values.get("value", ""), given=given)
        asked = read_request(listing, MultiDict() if ids else request.args)
        if ids:
            listing = replace(listing, statement=listing.statement.where(Customer.id.in_(ids)))
        session = db.session()
        found: Preview | None = None
        if change.change is not None and not asked.problems:
            found = preview(session, listing, asked.criteria, change.change)
        choices = _CHOICES.get(kind)
        return self.render(
            "customers/mass.html",
            change=change,
            label=mass.LABELS[kind],
            value_label=VALUE_LABELS.get(kind, ""),
            choices=choices() if choices else None,
            danger=kind is MassKind.DELETE,
            ids=ids or [],
            asked=asked,
            conditions=asked.arguments(NOT_CONDITIONS),
            chips=chips(listing, asked, session, lambda **_: ""),
            found=found,
            words=mass.in_words(session, change.change) if change.change else "",
            token=secrets.token_urlsafe(16),
            back=(
                self.back_to_list() if ids
                else self.get_url(".index_view", **asked.arguments(["page"]))
            ),
        )  # fmt: skip


def read_ids() -> list[int]:
    """The rows that were ticked."""
    try:
        return sorted({identifier(raw) for raw in request.form.getlist("rowid")[:MOST_IDS]})
    except ValueError:
        abort(400)


def _groups() -> Choices:
    rows = db.session.execute(select(Group.id, Group.name).order_by(Group.name))
    return [*((str(id_), name) for id_, name in rows), (NOBODY, "No group")]


def _operators() -> Choices:
    rows = search_operators(db.session(), "", MOST_OPERATORS)
    return [*((str(id_), name) for id_, name in rows), (NOBODY, "Nobody")]


def _products(*, active: bool) -> Choices:
    rows = select(Product.id, Product.name).order_by(Product.name)
    if active:
        rows = rows.where(Product.active)
    return [(str(id_), name) for id_, name in db.session.execute(rows)]


_CHOICES: dict[MassKind, Callable[[], Choices]] = {
    MassKind.GROUP: _groups,
    MassKind.OPERATOR: _operators,
    MassKind.ADD_PRODUCT: lambda: _products(active=True),
    MassKind.REMOVE_PRODUCT: lambda: _products(active=False),
    MassKind.NEWSLETTER: lambda: [("yes", "On"), ("no", "Off")],
}


def register_job_pages() -> None:
    """Let the page of a mass change say what it was about, and lead to the list."""
    register_job_page(KIND, _list_of)
    register_job_facts(KIND, _conditions)


def _list_of(job: Job) -> Link:
    endpoint = "clients" if job.params["list"] == ALL else job.params["list"]
    arguments = {**job.params["filters"], "q": job.params["search"] or None}
    return Link("The list with these conditions", url_for(f"{endpoint}.index_view", **arguments))


def _conditions(job: Job) -> list[tuple[str, Any]]:
    return [tuple(pair) for pair in job.params["conditions"]] or [("Conditions", "none: all")]
