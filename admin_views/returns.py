"""Returns: what the bank rejected or gave back, and what is done about each or about many."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin_views import return_rows as rows
from admin_views.access import acting, needs
from admin_views.accounting_states import collection_badge, said
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.filters import Request, chips, read_request
from admin_views.formatters import Badge, Column, Link
from admin_views.history import history_tab
from admin_views.jobs import register_job_facts, register_job_page
from admin_views.mass_changes import NOT_CONDITIONS, TOKEN, MassBar, Offer, bar_of, read_ids
from admin_views.records import RecordTab, Section, register_tab
from admin_views.refusals import in_one, in_words
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.audit.queries import About
from app.billing.models import Invoice
from app.core.actor import Actor
from app.core.counts import exact_count
from app.core.errors import KontorError, Problem, Refused
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.paging import Page
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs.models import Job
from app.jobs.returns import KIND, start_working_off
from app.sepa.models import Collection
from app.sepa.operations_returns import (
    LONGEST_NOTE,
    NEEDS_NOTE,
    STEP_LABELS,
    Step,
    reasons_against,
    work_off,
)
from app.sepa.queries_returns import (
    IS_ENDED,
    WAITING,
    WORKED_OFF,
    allowed_again,
    ended_of,
    sums,
)
from app.sepa.return_codes import TODO_LABELS, return_code

SAMPLES = 10
ICONS = {
    Step.AGAIN: "refresh",
    Step.REOPEN: "lock-open",
    Step.PAID: "cash",
    Step.WRITTEN_OFF: "ban",
    Step.DONE: "check",
}
DOES = {
    Step.AGAIN: "The invoice is open again, and the next run takes it.",
    Step.REOPEN: "The invoice is open again, and the next run takes it where the mandate allows.",
    Step.PAID: "The invoice is paid by other means than a direct debit.",
    Step.WRITTEN_OFF: "The invoice is cancelled. This cannot be taken back.",
    Step.DONE: "The return leaves the list; the invoice stays as it is.",
}
_BECAME = {
    Step.AGAIN: "to be collected again",
    Step.REOPEN: "the invoice is open again",
    Step.PAID: "paid otherwise",
    Step.WRITTEN_OFF: "written off",
    Step.DONE: "done",
}
_HINTS = {Step.REOPEN: "Why it may be collected again", Step.DONE: "What was done"}


def _perform(step: Step) -> Callable[[Session, list[int], Mapping[str, str], Actor], str]:
    def perform(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
        outcome = work_off(
            session, ids, step, note=answers.get("note"), policy=rows.policy(),
            today=rows.today(), actor=actor,
        )  # fmt: skip
        if outcome.refused:
            raise Refused([Problem("", f"{label}: {why}") for _, label, why in outcome.refused])
        many = "The return was" if outcome.done == 1 else f"{outcome.done} returns were"
        return f"{many} worked off: {_BECAME[step]}."

    return perform


def _action(step: Step, places: Sequence[str] = ("record",), **given: Any) -> Action:
    return Action(
        step.value, STEP_LABELS[step], Permission.RETURNS_EDIT, _perform(step), icon=ICONS[step],
        confirm=f"{STEP_LABELS[step]}? {DOES[step]}",
        ask=None if step is Step.AGAIN else Ask(
            "note", "Note", required=step in NEEDS_NOTE, max_length=LONGEST_NOTE,
            hint=f"{_HINTS.get(step, 'Why')}; kept in the history",
        ),
        places=frozenset(places),
        **{"shown": _waits, **given},
    )  # fmt: skip


def _waits(one: Collection) -> bool:
    return one.worked_off_at is None


def _may_again(one: Collection) -> bool:
    return _waits(one) and not rows.against_again(one)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a step would do: how many, how many cannot be, and the first of them."""

    found: int
    against: int
    max_id: int
    samples: Sequence[tuple[Collection, str]]


class ReturnsView(KontorView):
    """The work list."""

    model_class = Collection
    label, singular = "Returns", "return"
    menu_group, icon, endpoint_name = "Accounting", "arrow-back-up", "returns"
    permissions = {"view": Permission.BANK_REPORTS_VIEW, "export": Permission.EXPORT}
    export_kind = "returns"
    list_template = "returns/list.html"
    details_template = "returns/record.html"
    search_hint = "Invoice, end-to-end id, customer number or name"
    empty_hint = "What the bank rejects or returns comes here by itself when its report is read."
    columns: ClassVar[Sequence[Column]] = rows.COLUMNS
    more_columns = rows.MORE_COLUMNS
    # It is the history of the invoice, for those who may see that.
    tabs = (
        replace(
            history_tab("invoice", lambda one: About("invoice", one.invoice_id)),
            permission=Permission.INVOICES_VIEW,
        ),
    )
    actions: ClassVar[Sequence[Action]] = (
        _action(Step.AGAIN, ("record", "row"), shown=_may_again),
        _action(Step.REOPEN),
        _action(Step.PAID),
        _action(Step.WRITTEN_OFF, danger=True),
        _action(Step.DONE),
    )

    def listing(self) -> Listing:
        """What waits, the oldest first."""
        return WAITING

    def scope(self) -> list[ColumnElement[bool]]:
        """Rejected and returned collections, whether worked off or not."""
        return [IS_ENDED]

    def record_options(self) -> Sequence[Any]:
        """As its list."""
        return WAITING.options

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The rows with their attempts."""
        page = super().page_of(listing, asked)
        rows.know_attempts(page.rows)
        return page

    def counted_in_menu(self) -> Select[Any] | None:
        """Those that wait."""
        return WAITING.statement

    def headline(self, model: Collection) -> str:
        """The invoice."""
        return f"{said(model.state)}: invoice {model.invoice.number}"

    def subtitle(self, model: Collection) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def badges(self, model: Collection) -> list[Badge]:
        """What became of the collection, and what is to be done."""
        return [collection_badge(model), rows.todo_badge(model)]

    def sections(self, model: Collection) -> list[Section]:
        """What the bank said, and of what."""
        return rows.sections_of(model)

    def advice(self, model: Collection) -> str:
        """What to do, in a sentence; nothing once it was worked off."""
        return return_code(model.reason_code).advice if _waits(model) else ""

    def mends(self, model: Collection) -> list[Link]:
        """Where it is mended."""
        return rows.mends(model, request.full_path)

    def other_list(self) -> Link:
        """What was worked off."""
        return Link("Worked off", self.get_url("returns_done.index_view"))

    @expose("/sums/")
    @needs(Permission.BANK_REPORTS_VIEW)
    def sums_view(self) -> str:
        """What the list adds up to, as a part that comes after its rows."""
        listing = self.listing()
        asked = read_request(listing, request.args)
        conditions = asked.arguments([*NOT_CONDITIONS, "todo"])
        return render_template(
            "returns/sums.html",
            found=sums(db.session(), listing, asked.criteria),
            labels=TODO_LABELS,
            colours=rows.TODO_COLOURS,
            url=lambda todo: self.get_url(".index_view", **conditions, todo=todo),
        )

    # Many at once ---------------------------------------------------------------------------------

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """Every step, for the chosen ones or for all found."""
        if not acting().may(Permission.RETURNS_EDIT) or not page.rows:
            return None
        offers = [Offer(one.value, STEP_LABELS[one], ICONS[one]) for one in Step]
        return bar_of(page, self._mass_url(asked), offers)

    @expose("/work-off/", methods=("GET", "POST"))
    @needs(Permission.RETURNS_EDIT)
    def work_off_view(self) -> ResponseReturnValue:
        """What a step would do to the ticked ones, or to all found."""
        step = _step()
        asked = read_request(WAITING, request.args)
        if request.method == "POST" and request.form.get("all") == "yes":
            return redirect(self._mass_url(asked, change=step.value), 303)
        ids = read_ids()
        if request.method == "POST" and not ids:
            flash("Nothing was chosen. Tick the returns first.", "warning")
            return redirect(self.back_to_list())
        return self._choose(step, asked, ids)

    @expose("/work-off/start/", methods=("POST",))
    @needs(Permission.RETURNS_EDIT)
    def work_off_start_view(self) -> ResponseReturnValue:
        """The job; the same form sent twice leads to the same job."""
        step, ids = _step(), read_ids()
        asked = read_request(WAITING, MultiDict() if ids else request.args)
        token = request.form.get("token", "")
        if asked.problems or not TOKEN.fullmatch(token):
            flash("This was not started. Look at the preview again.", "danger")
            return redirect(self.back_to_list())
        try:
            max_id, found = (identifier(request.form.get(n, "")) for n in ("max_id", "found"))
            with in_words(), transaction() as session:
                job_id = start_working_off(
                    session, step, request.form.get("note", ""), asked.criteria, ids=ids,
                    max_id=max_id, found=found, token=token, actor=current_actor(),
                ).id  # fmt: skip
        except ValueError:
            abort(400)
        except Refused as refused:
            return self._choose(step, asked, ids, refused.problems)
        except KontorError as error:
            flash(in_one(error), "danger")
            return redirect(self.back_to_list())
        return redirect(url_for("jobs.details_view", id=job_id))

    def _mass_url(self, asked: Request, **more: str) -> str:
        return str(self.get_url(".work_off_view", **asked.arguments(NOT_CONDITIONS, **more)))

    def _choose(
        self, step: Step, asked: Request, ids: list[int], problems: Sequence[Problem] = ()
    ) -> str:
        if ids:
            asked = read_request(WAITING, MultiDict())
        return str(self.render(
            "returns/work_off.html",
            step=step,
            label=STEP_LABELS[step],
            does=DOES[step],
            needs_note=step in NEEDS_NOTE,
            longest_note=LONGEST_NOTE,
            note=request.form.get("note", ""),
            problem=problems[0] if problems else None,
            ids=ids,
            asked=asked,
            found=None if asked.problems else _preview(step, asked, ids),
            reason_of=rows.reason_in_list,
            amount_of=rows.amount_in_list,
            chips=chips(WAITING, asked, db.session(), lambda **_: ""),
            conditions=asked.arguments(NOT_CONDITIONS),
            token=secrets.token_urlsafe(16),
            back=self.get_url(".index_view", **asked.arguments(["page"])),
        ))  # fmt: skip


class WorkedOffView(ReturnsView):
    """What was worked off, by whom and how; a row leads to the return itself."""

    label, endpoint_name = "Returns worked off", "returns_done"
    export_kind = "returns_done"
    columns = rows.WORKED_OFF_COLUMNS
    actions = ()
    empty_hint = "Returns come here once somebody has worked them off."

    def listing(self) -> Listing:
        """What was worked off, the newest first."""
        return WORKED_OFF

    def is_visible(self) -> bool:
        """Not in the menu: the work list leads here."""
        return False

    def counted_in_menu(self) -> None:
        """Nothing waits here."""

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """Nothing is left to do."""
        return None

    def record_url(self, row: Any) -> str:
        """The return in the work list's own pages."""
        return str(url_for("returns.details_view", id=row.id))

    def neighbour_url(self, key: Any, **arguments: str) -> str:
        """The return in the work list's own pages."""
        return str(self.get_url("returns.details_view", id=key, **arguments))

    def other_list(self) -> Link:
        """What waits."""
        return Link("To work off", self.get_url("returns.index_view"))


def _step() -> Step:
    raw = request.values.get("change", "")
    if raw not in set(Step):
        abort(404)
    return Step(raw)


def _preview(step: Step, asked: Request, ids: list[int]) -> Preview:
    session, listing = db.session(), WAITING
    if ids:
        listing = replace(listing, statement=listing.statement.where(Collection.id.in_(ids)))
    wanted = listing.where(asked.criteria)
    found = exact_count(session, wanted)
    allowed = found
    if step is Step.AGAIN:
        again = allowed_again(rows.policy(), rows.today())
        allowed = exact_count(session, wanted.where(again))
    first = wanted.order_by(*listing.order(asked.criteria)).options(*listing.options)
    samples = session.scalars(first.limit(SAMPLES)).all()
    against = reasons_against(
        session, [one.id for one in samples], step, policy=rows.policy(), today=rows.today()
    )
    return Preview(
        found=found,
        against=found - allowed,
        max_id=session.scalar(select(func.max(Collection.id))) or 0,
        samples=[(one, against.get(one.id, "")) for one in samples],
    )


def _attempts_tab(view: Any, session: Session, invoice: Invoice, page: int) -> str:
    return render_template(
        "returns/attempts_tab.html",
        admin_view=view,
        columns=rows.ATTEMPT_COLUMNS,
        rows=rows.attempts_for(invoice),
        url_of=lambda one: address_of("returns.details_view", id=one.id) if one.ended_on else "",
    )


ATTEMPTS_TAB = RecordTab(
    "returns", "Returns", _attempts_tab, permission=Permission.BANK_REPORTS_VIEW, order=60,
    rows=ended_of,
)  # fmt: skip


def _conditions(job: Job) -> list[tuple[str, Any]]:
    return [tuple(pair) for pair in job.params["conditions"]]


def views() -> list[KontorView]:
    """The views of this module; records of invoices get the tab with every attempt."""
    register_tab("invoices", ATTEMPTS_TAB)
    register_job_page(KIND, lambda job: Link("Returns", address_of("returns.index_view")))
    register_job_facts(KIND, _conditions)
    return [ReturnsView(), WorkedOffView()]
