"""Marking many invoices as paid, or cancelling them: those that were ticked, or all found.

A page shows first what would be done, to how many and to which; a job does it then, which can be
followed, stopped and taken back.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from admin_views.access import acting, needs
from admin_views.base import KontorView
from admin_views.filters import Request, chips, read_request
from admin_views.formatters import Link
from admin_views.jobs import register_job_facts, register_job_page, register_record_address
from admin_views.mass_changes import NOT_CONDITIONS, TOKEN, MassBar, Offer, bar_of, read_ids
from admin_views.refusals import in_one, in_words
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.billing.mass import LABELS, REASONS, Step, read_reason, refuses, takes, why_not
from app.billing.models import Invoice
from app.core.counts import exact_count
from app.core.errors import KontorError, Refused
from app.core.filters import identifier
from app.core.paging import Page
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs.invoice_steps import KIND, start_step
from app.jobs.models import Job

SAMPLES = 10
ICONS = {Step.PAID: "cash", Step.CANCELLED: "ban"}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a step would do: to how many, to which of them first, and why not to the others."""

    found: int
    changing: int
    refused: int
    max_id: int
    amount: Any
    samples: Sequence[Invoice]
    reasons: Sequence[tuple[str, int]]

    @property
    def same(self) -> int:
        """How many have taken the step already."""
        return self.found - self.changing - self.refused


class InvoiceStepsView(KontorView):
    """The list of invoices, as far as many of them are changed at once."""

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """What the list offers this person for the rows of its page."""
        if not acting().may(Permission.INVOICES_EDIT) or not page.rows:
            return None
        offers = [Offer(step.value, LABELS[step], ICONS[step]) for step in Step]
        return bar_of(page, self._url(asked), offers)

    @expose("/mass/", methods=("GET", "POST"))
    @needs(Permission.INVOICES_EDIT)
    def mass_view(self) -> ResponseReturnValue:
        """What a step would do to the ticked ones, or to all found; and the reason it asks for."""
        step = self._step()
        if request.method == "POST" and request.form.get("all") == "yes":
            asked = read_request(self.listing(), request.args)
            return redirect(self._url(asked, change=step.value), 303)
        ids = read_ids()
        if request.method == "POST" and not ids:
            flash("Nothing was chosen. Tick the invoices first.", "warning")
            return redirect(self.back_to_list())
        asked = read_request(self.listing(), MultiDict() if ids else request.args)
        return self._show(step, asked, ids)

    @expose("/mass/start/", methods=("POST",))
    @needs(Permission.INVOICES_EDIT)
    def mass_start_view(self) -> ResponseReturnValue:
        """The job; the same form sent twice leads to the same job."""
        step, ids = self._step(), read_ids()
        asked = read_request(self.listing(), MultiDict() if ids else request.args)
        typed, token = request.form.get("reason", ""), request.form.get("token", "")
        if asked.problems or not TOKEN.fullmatch(token):
            flash("This was not started. Look at the preview again.", "danger")
            return redirect(self.back_to_list())
        try:
            reason = read_reason(step, typed)
        except Refused as refused:
            return self._show(step, asked, ids, typed=typed, problem=str(refused))
        try:
            max_id, found = (identifier(request.form.get(n, "")) for n in ("max_id", "found"))
            with in_words(), transaction() as session:
                job_id = start_step(
                    session, step, reason, asked.criteria, ids=ids, max_id=max_id, found=found,
                    token=token, actor=current_actor(),
                ).id  # fmt: skip
        except ValueError:
            abort(400)
        except KontorError as error:
            flash(in_one(error), "danger")
            return redirect(self.back_to_list())
        return redirect(url_for("jobs.details_view", id=job_id))

    # Inner works ----------------------------------------------------------------------------------

    def _step(self) -> Step:
        raw = request.values.get("change", "")
        if raw not in set(Step):
            abort(404)
        return Step(raw)

    def _url(self, asked: Request, **more: str | None) -> str:
        return str(self.get_url(".mass_view", **asked.arguments(NOT_CONDITIONS, **more)))

    def _show(
        self, step: Step, asked: Request, ids: list[int], *, typed: str = "", problem: str = ""
    ) -> str:
        label, required = REASONS[step]
        return self.render(
            "invoices/mass.html",
            step=step,
            label=LABELS[step],
            reason_label=label,
            reason_required=required,
            typed=typed,
            problem=problem,
            ids=ids,
            asked=asked,
            conditions=asked.arguments(NOT_CONDITIONS),
            chips=chips(self.listing(), asked, db.session(), lambda **_: ""),
            found=None if asked.problems else self._preview(step, asked, ids),
            token=secrets.token_urlsafe(16),
            back=self.get_url(".index_view", **asked.arguments(["page"])),
        )

    def _preview(self, step: Step, asked: Request, ids: list[int]) -> Preview:
        session, listing = db.session(), self.listing()
        if ids:
            narrowed = listing.statement.where(Invoice.id.in_(ids))
            listing = replace(listing, statement=narrowed)
        wanted = listing.where(asked.criteria)
        changing = wanted.where(takes(step))
        count, amount = session.execute(
            changing.with_only_columns(
                func.count(), func.sum(Invoice.amount), maintain_column_froms=True
            )
        ).one()
        against = session.execute(
            wanted.where(refuses(step))
            .with_only_columns(Invoice.state, func.count(), maintain_column_froms=True)
            .group_by(Invoice.state)
            .order_by(Invoice.state)
        ).all()
        first = changing.order_by(*listing.order(asked.criteria)).options(*listing.options)
        return Preview(
            found=exact_count(session, wanted),
            changing=count,
            refused=sum(number for _, number in against),
            max_id=session.scalar(select(func.max(Invoice.id))) or 0,
            amount=amount or 0,
            samples=session.scalars(first.limit(SAMPLES)).all(),
            reasons=[(why_not(state), number) for state, number in against],
        )


def _list_of(job: Job) -> Link:
    arguments = {**job.params["filters"], "q": job.params["search"] or None}
    return Link("The list with these conditions", url_for("invoices.index_view", **arguments))


def _conditions(job: Job) -> list[tuple[str, Any]]:
    return [tuple(pair) for pair in job.params["conditions"]] or [("Conditions", "none: all")]


def register_job_pages() -> None:
    """Let the page of such a job say what it was about, and lead to the invoices."""
    register_job_page(KIND, _list_of)
    register_job_facts(KIND, _conditions)
    register_record_address(
        "invoices", lambda left: address_of("invoices.details_view", id=left.entity_id) or ""
    )
