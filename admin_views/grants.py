"""Granting a right to many: the page that asks for it, its preview, and the job it starts.

From the list of perpetual customers to all chosen, of one journal or a package; from the list of
journals of all chosen, to one customer.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import SelectField

from admin_views.access import KontorPage, acting, needs
from admin_views.authorization_rows import JOURNALS as JOURNAL_LOOKUP
from admin_views.authorization_rows import RightFields, coverage_in
from admin_views.filters import Request, chips, read_request
from admin_views.formatters import Link
from admin_views.forms import (
    Group,
    LookupField,
    Required,
)
from admin_views.jobs import register_job_facts, register_job_page
from admin_views.lookups import Lookup
from admin_views.mass_changes import NOT_CONDITIONS, TOKEN, MassBar, Offer, bar_of, read_ids
from admin_views.refusals import in_one, in_words
from app.accounts.identity import current_actor
from app.catalogue.models import Journal, JournalPackage
from app.catalogue.packages import all_packages, journals_of_package
from app.catalogue.queries_journals import journal_label, journal_labels
from app.core.counts import exact_count
from app.core.errors import KontorError, Problem
from app.core.filters import clean, identifier
from app.core.listing import Criteria
from app.core.paging import Page
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db, transaction
from app.jobs.grants import KIND, Side, listing_of, start_grant
from app.jobs.models import Job
from app.subscriptions.grants import Terms, has_it
from app.subscriptions.models import Authorization, Basis

SAMPLES = 10
LABELS = {Side.CUSTOMERS: "Grant a right", Side.JOURNALS: "Grant to a customer"}
LISTS = {Side.CUSTOMERS: "perpetual", Side.JOURNALS: "journals"}
LIST_LABELS = {Side.CUSTOMERS: "Perpetual customers", Side.JOURNALS: "Journals"}


def _perpetual(session: Session, text: str, limit: int) -> list[tuple[int, str]]:
    """Perpetual customers as their list finds them."""
    listing = listing_of(Side.CUSTOMERS)
    wanted = listing.where(Criteria(search=text)).order_by(Customer.sort_name, Customer.id)
    rows = session.scalars(wanted.limit(limit))
    return [(row.id, f"{row.display_name} ({row.number})") for row in rows]


def _customer(session: Session, customer_id: int) -> str | None:
    row = session.get(Customer, customer_id)
    return f"{row.display_name} ({row.number})" if row and row.deleted_at is None else None


class GrantForm(RightFields):
    """The right, and what it is granted of or to."""

    groups = (
        Group("Right", ("journal_id", "package_id", "customer_id", "basis")),
        Group(
            "Coverage",
            ("coverage_from", "coverage_to", "first_volume", "last_volume", "first_issue",
             "last_issue"),
            "Leave all of it blank for everything that was ever published",
        ),
        Group("More", ("embargo", "note")),
    )  # fmt: skip

    journal_id = LookupField("Journal", lookup="journals")
    package_id = SelectField("Or a package")
    customer_id = LookupField("Customer", [Required()], lookup="customers")

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields one by one; then a journal or a package, and not both."""
        valid = super().validate(extra_validators)
        if "package_id" not in self:
            return valid
        given = bool(self.journal_id.data) + bool(self.package_id.data)
        if given != 1:
            message = "Journal is missing" if not given else "Journal and package are both given"
            problem = Problem("journal_id", message, "Choose a journal, or a package")
            self.journal_id.errors = [*self.journal_id.errors, problem]
        return valid and given == 1


@dataclass(frozen=True, slots=True)
class Preview:
    """What a grant would do: pairs of customer and journal, and the first rows of the list."""

    found: int
    pairs: int
    same: int
    max_id: int
    names: Sequence[str]

    @property
    def new(self) -> int:
        """How many rights would be new."""
        return self.pairs - self.same


class GrantsPage(KontorPage):
    """Not in the menu: the lists lead here."""

    lookups: Mapping[str, Any] = {
        "journals": JOURNAL_LOOKUP,
        "customers": Lookup(_perpetual, _customer),
    }

    def __init__(self) -> None:
        super().__init__(name="Grant rights", category="Subscriptions", endpoint="grants")

    def is_visible(self) -> bool:
        """Not in the menu."""
        return False

    @expose("/", methods=("GET", "POST"))
    @needs(Permission.SUBSCRIPTIONS_EDIT)
    def index(self) -> ResponseReturnValue:
        """The form, and below it what it would do once it is filled in."""
        side = self._side()
        if request.method == "POST" and request.form.get("all") == "yes":
            asked = read_request(listing_of(side), request.args)
            return redirect(self._url(side, asked), 303)
        ids = read_ids()
        if request.method == "POST" and not ids and "basis" not in request.form:
            flash("Nothing was chosen. Tick something first.", "warning")
            return redirect(url_for(f"{LISTS[side]}.index_view"))
        return self._show(side, ids)

    @expose("/start/", methods=("POST",))
    @needs(Permission.SUBSCRIPTIONS_EDIT)
    def start(self) -> ResponseReturnValue:
        """The job; the same form sent twice leads to the same job."""
        side, ids = self._side(), read_ids()
        asked = read_request(listing_of(side), MultiDict() if ids else request.args)
        form = self._form(side, request.form)
        token = request.form.get("token", "")
        if not form.validate() or asked.problems or not TOKEN.fullmatch(token):
            return self._show(side, ids)
        if request.form.get("previewed") != self._in_words(form):
            flash("The fields were changed after the preview; look at the new one.", "warning")
            return self._show(side, ids)
        try:
            max_id, found = (identifier(request.form.get(n, "")) for n in ("max_id", "found"))
            with in_words(), transaction() as session:
                job_id = start_grant(
                    session, side, asked.criteria, _partners(session, form), _terms(form),
                    title=f"{LIST_LABELS[side]}: {self._in_words(form)}", ids=ids,
                    max_id=max_id, found=found, token=token, actor=current_actor(),
                ).id  # fmt: skip
        except ValueError:
            abort(400)
        except KontorError as error:
            flash(in_one(error), "danger")
            return redirect(url_for(f"{LISTS[side]}.index_view"))
        return redirect(url_for("jobs.details_view", id=job_id))

    @expose("/ajax/lookup/")
    @needs(Permission.SUBSCRIPTIONS_EDIT)
    def ajax_lookup(self) -> Any:
        """Journals and perpetual customers, found while typing."""
        lookup = self.lookups.get(request.args.get("name", ""))
        if lookup is None:
            abort(404)
        found = lookup.search(db.session(), clean(request.args.get("query", "")), 20)
        return [{"value": str(value), "text": text} for value, text in found[:20]]

    def lookup_label(self, name: str, value: Any) -> str:
        """The text of what was chosen."""
        return self.lookups[name].label(db.session(), value) or f"#{value}"

    # Inner works ------------------------------------------------------------------------------

    def _side(self) -> Side:
        raw = request.values.get("side", "")
        if raw not in set(Side):
            abort(404)
        return Side(raw)

    def _url(self, side: Side, asked: Request) -> str:
        return url_for("grants.index", side=side.value, **asked.arguments(NOT_CONDITIONS))

    def _form(self, side: Side, posted: Any = None) -> GrantForm:
        form = GrantForm()
        if side is Side.CUSTOMERS:
            del form.customer_id
            packages = [(str(key), name) for key, name in all_packages(db.session())]
            form.package_id.choices = [("", "none"), *packages]
        else:
            del form.journal_id
            del form.package_id
        form.process(posted)
        return form

    def _show(self, side: Side, ids: list[int]) -> str:
        listing = listing_of(side)
        given = request.method == "POST" and "basis" in request.form
        form = self._form(side, request.form if given else None)
        asked = read_request(listing, MultiDict() if ids else request.args)
        session = db.session()
        found = None
        if given and form.validate() and not asked.problems:
            found = _preview(session, side, asked, ids, _partners(session, form), _terms(form))
        return self.render(
            "subscriptions/grant.html",
            side=side,
            label=LABELS[side],
            list_label=LIST_LABELS[side],
            form=form,
            ids=ids,
            asked=asked,
            action=self._url(side, asked),
            start=url_for("grants.start", side=side.value, **asked.arguments(NOT_CONDITIONS)),
            back=url_for(f"{LISTS[side]}.index_view", **asked.arguments(["page"])),
            chips=chips(listing, asked, session, lambda **_: ""),
            found=found,
            words=self._in_words(form) if found else "",
            token=secrets.token_urlsafe(16),
        )

    def _in_words(self, form: GrantForm) -> str:
        session = db.session()
        if "customer_id" in form:
            return (
                f"grant {_terms(form)} to {self.lookup_label('customers', form.customer_id.data)}"
            )
        if form.package_id.data:
            package = session.get(JournalPackage, int(form.package_id.data))
            what = f"the package {package}"
        else:
            what = journal_label(session, form.journal_id.data) or "a journal"
        return f"grant {what}, {_terms(form)}"


def grant_bar(side: Side, page: Page, asked: Request) -> MassBar | None:
    """What a list offers for its chosen rows: the way to the page of grants."""
    if not acting().may(Permission.SUBSCRIPTIONS_EDIT) or not page.rows:
        return None
    url = url_for("grants.index", side=side.value, **asked.arguments(NOT_CONDITIONS))
    return bar_of(page, url, [Offer("grant", LABELS[side], "key", url)])


def _terms(form: GrantForm) -> Terms:
    return Terms(Basis(form.basis.data), coverage_in(form), form.embargo.data, form.note.data)


def _partners(session: Session, form: GrantForm) -> list[int]:
    """What each row of the list is paired with."""
    if "customer_id" in form:
        return [form.customer_id.data]
    if form.package_id.data:
        return journals_of_package(session, int(form.package_id.data))
    return [form.journal_id.data]


def _preview(
    session: Session, side: Side, asked: Request, ids: list[int], partners: list[int], terms: Terms
) -> Preview:
    listing = listing_of(side)
    model: Any = Customer if side is Side.CUSTOMERS else Journal
    if ids:
        listing = replace(listing, statement=listing.statement.where(model.id.in_(ids)))
    wanted = listing.where(asked.criteria)
    found = exact_count(session, wanted)
    keys = wanted.with_only_columns(model.id, maintain_column_froms=True)
    mine, theirs = Authorization.customer_id, Authorization.journal_id
    own, other = (mine, theirs) if side is Side.CUSTOMERS else (theirs, mine)
    pairs = (
        select(mine, theirs)
        .where(has_it(terms), own.in_(keys), other.in_(partners))
        .distinct()
        .subquery()
    )
    first = session.scalars(wanted.order_by(*listing.order(asked.criteria)).limit(SAMPLES)).all()
    if side is Side.CUSTOMERS:
        names = [f"{row.display_name} ({row.number})" for row in first]
    else:
        labels = journal_labels(session, [row.id for row in first])
        names = [labels[row.id] for row in first]
    return Preview(
        found=found,
        pairs=found * len(partners),
        same=session.scalar(select(func.count()).select_from(pairs)) or 0,
        max_id=session.scalar(select(func.max(model.id))) or 0,
        names=names,
    )


def _list_of(job: Job) -> Link:
    side = Side(job.params["side"])
    arguments = {**job.params["filters"], "q": job.params["search"] or None}
    url = url_for(f"{LISTS[side]}.index_view", **arguments)
    return Link("The list with these conditions", url)


def _conditions(job: Job) -> list[tuple[str, Any]]:
    return [(label, value) for label, value in job.params["conditions"]]


def views() -> list[KontorPage]:
    """The views of this module."""
    register_job_page(KIND, _list_of)
    register_job_facts(KIND, _conditions)
    return [GrantsPage()]
