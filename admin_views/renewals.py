"""Renewals: subscriptions that expire soon or have expired, renewed by preview and job."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.datastructures import MultiDict

from admin_views.access import acting, needs
from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.customer_lookup import customer_in_list
from admin_views.filters import Request, chips, read_request
from admin_views.formatters import Column, Link
from admin_views.jobs import register_job_facts, register_job_page
from admin_views.mass_changes import NOT_CONDITIONS, TOKEN, MassBar, Offer, bar_of, read_ids
from admin_views.records import register_action
from admin_views.refusals import in_one, in_words
from admin_views.registry import address_of
from admin_views.rights import journal_in_words, status_badge
from app.accounts.identity import current_actor
from app.catalogue.coverage import in_words as coverage_words
from app.core import clock
from app.core.actor import Actor
from app.core.counts import exact_count
from app.core.errors import KontorError, Problem, Refused
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.paging import Page
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs.models import Job
from app.jobs.renewals import KIND, start_renewal
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import Subscription, SubscriptionSource
from app.subscriptions.renewals import (
    RENEWABLE,
    due_listing,
    next_coverage,
    next_term,
    renew_subscriptions,
)

SAMPLES = 10


def today() -> date:
    """Today, where the company is."""
    return clock.now().astimezone(ZoneInfo(current_app.config["SETTINGS"].timezone)).date()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a renewal would do: how many, and the first of them with their next term."""

    found: int
    against: int
    max_id: int
    samples: Sequence[tuple[str, str, str, str]]


def _left(row: Subscription) -> str:
    """How long a subscription still runs, in words."""
    days = (row.term_to - today()).days if row.term_to else 0
    if days < 0:
        return f"expired {-days} day{'s' if days < -1 else ''} ago"
    return "ends today" if days == 0 else f"{days} day{'s' if days > 1 else ''}"


def _renew(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    outcome = renew_subscriptions(session, ids, actor=actor)
    if outcome.refused:
        raise Refused([Problem("", f"{label}: {why}") for _, label, why in outcome.refused])
    one = outcome.renewed == 1
    return "The subscription was renewed." if one else f"{outcome.renewed} were renewed."


RENEW = Action(
    "renew", "Renew", Permission.SUBSCRIPTIONS_EDIT, _renew, icon="refresh",
    confirm="Renew {this subscription|# subscriptions}? The next term, as long as the present one, "
    "takes its place; the history keeps the old one.",
    places=frozenset({"record", "row"}),
    shown=lambda row: (
        row.source == SubscriptionSource.ORDINARY
        and row.status in RENEWABLE
        and row.term_to is not None
    ),
)  # fmt: skip


class RenewalsView(KontorView):
    """The work list; a row leads to the subscription itself."""

    model_class = Subscription
    label, singular = "Renewals", "renewal"
    menu_group, icon, endpoint_name = "Subscriptions", "refresh", "renewals"
    permissions = {"view": Permission.SUBSCRIPTIONS_VIEW, "export": Permission.EXPORT}
    export_kind = "renewals"
    search_hint = "ISSN, words of a title, customer number or name"
    empty_hint = "No subscription ends within a year; they come here by themselves."
    columns = (
        Column("journal", "Journal", journal_in_words, main=True, filter="journal"),
        Column("customer", "Customer", customer_in_list, filter="customer"),
        Column("term_to", "Term to", sort="term_to", filter="term_to"),
        Column("left", "Left", _left, filter="within"),
        Column("renewal", "To be renewed", filter="renewal"),
        Column("price", "Price", numeric=True, suffix="\u00a0€"),
        Column("status", "Status", status_badge, filter="status"),
    )

    actions = (RENEW,)

    def listing(self) -> Listing:
        """What expires within a year or has expired."""
        return due_listing(today())

    def scope(self) -> list[ColumnElement[bool]]:
        """Ordinary subscriptions only."""
        return [Subscription.source == SubscriptionSource.ORDINARY.value]

    def record_options(self) -> Sequence[Any]:
        """As its list."""
        return (
            joinedload(Subscription.customer),
            joinedload(Subscription.journal),
            selectinload(Subscription.sources),
        )

    def record_url(self, row: Any) -> str:
        """The subscription in its own list."""
        return str(url_for("subscriptions.details_view", id=row.id))

    def neighbour_url(self, key: Any, **arguments: str) -> str:
        """The subscription in its own list."""
        return str(self.get_url("subscriptions.details_view", id=key, **arguments))

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """Renew the chosen ones, or all found."""
        if not acting().may(Permission.SUBSCRIPTIONS_EDIT) or not page.rows:
            return None
        url = self._renew_url(asked)
        return bar_of(page, url, [Offer("renew", "Renew", "refresh", url)])

    @expose("/renew/", methods=("GET", "POST"))
    @needs(Permission.SUBSCRIPTIONS_EDIT)
    def renew_view(self) -> ResponseReturnValue:
        """What would be renewed, and to when."""
        asked = read_request(self.listing(), request.args)
        if request.method == "POST" and request.form.get("all") == "yes":
            return redirect(self._renew_url(asked), 303)
        ids = read_ids()
        if request.method == "POST" and not ids:
            flash("Nothing was chosen. Tick the subscriptions first.", "warning")
            return redirect(self.back_to_list())
        if ids:
            asked = read_request(self.listing(), MultiDict())
        found = None if asked.problems else self._preview(asked, ids)
        return self.render(
            "subscriptions/renew.html",
            ids=ids,
            asked=asked,
            found=found,
            chips=chips(self.listing(), asked, db.session(), lambda **_: ""),
            conditions=asked.arguments(NOT_CONDITIONS),
            token=secrets.token_urlsafe(16),
            back=self.get_url(".index_view", **asked.arguments(["page"])),
        )

    @expose("/renew/start/", methods=("POST",))
    @needs(Permission.SUBSCRIPTIONS_EDIT)
    def renew_start_view(self) -> ResponseReturnValue:
        """The job; the same form sent twice leads to the same job."""
        ids = read_ids()
        asked = read_request(self.listing(), MultiDict() if ids else request.args)
        token = request.form.get("token", "")
        if asked.problems or not TOKEN.fullmatch(token):
            flash("This was not started. Look at the preview again.", "danger")
            return redirect(self.back_to_list())
        try:
            max_id, found = (identifier(request.form.get(n, "")) for n in ("max_id", "found"))
            with in_words(), transaction() as session:
                job_id = start_renewal(
                    session, asked.criteria, today(), ids=ids, max_id=max_id, found=found,
                    token=token, actor=current_actor(),
                ).id  # fmt: skip
        except ValueError:
            abort(400)
        except KontorError as error:
            flash(in_one(error), "danger")
            return redirect(self.back_to_list())
        return redirect(url_for("jobs.details_view", id=job_id))

    def _renew_url(self, asked: Request) -> str:
        return str(self.get_url(".renew_view", **asked.arguments(NOT_CONDITIONS)))

    def _preview(self, asked: Request, ids: list[int]) -> Preview:
        session, listing = db.session(), self.listing()
        if ids:
            narrowed = listing.statement.where(Subscription.id.in_(ids))
            listing = replace(listing, statement=narrowed)
        wanted = listing.where(asked.criteria)
        first = wanted.order_by(*listing.order(asked.criteria)).options(*listing.options)
        return Preview(
            found=exact_count(session, wanted),
            against=exact_count(session, wanted.where(Subscription.renewal.is_(False))),
            max_id=session.scalar(select(func.max(Subscription.id))) or 0,
            samples=[_sample(row) for row in session.scalars(first.limit(SAMPLES))],
        )


def _sample(row: Subscription) -> tuple[str, str, str, str]:
    assert row.term_from is not None and row.term_to is not None
    name = f"{row.journal.title}, {row.customer.display_name}"
    old = f"{row.term_from:%d.%m.%Y} – {row.term_to:%d.%m.%Y}"
    try:
        begin, end = next_term(row.term_from, row.term_to)
    except (OverflowError, ValueError):
        return name, old, "no calendar has the next term", ""
    coverage = next_coverage(coverage_of(row), row.term_to, end)
    return name, old, f"{begin:%d.%m.%Y} – {end:%d.%m.%Y}", coverage_words(coverage)


def _list_of(job: Job) -> Link:
    return Link("Renewals", address_of("renewals.index_view"))


def _conditions(job: Job) -> list[tuple[str, Any]]:
    return [tuple(pair) for pair in job.params["conditions"]] or [("Conditions", "none: all")]


def views() -> list[KontorView]:
    """The views of this module."""
    # In the rows of that list it would take the room of what a right stands on.
    register_action("subscriptions", replace(RENEW, places=frozenset({"record"})))
    register_job_page(KIND, _list_of)
    register_job_facts(KIND, _conditions)
    return [RenewalsView()]
