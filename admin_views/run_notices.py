"""Notices of a collection run: sent from its record, listed there, and told on the customer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager
from werkzeug.http import dump_options_header

from admin_views.access import KontorPage, acting, needs
from admin_views.actions import Action, usable
from admin_views.customer_lookup import customer_in_record
from admin_views.formatters import Badge, Column, Link, day
from admin_views.jobs import register_job_page
from admin_views.outgoing_mail import mail_state_badge
from admin_views.records import RecordTab, register_action, register_tab
from admin_views.refusals import in_one
from admin_views.registry import address_of
from admin_views.timeline import (
    Event,
    TimelineSource,
    older_than,
    position_of,
    register_timeline,
)
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import identifier
from app.core.money import format_amount
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db, transaction
from app.jobs.models import Job
from app.jobs.run_notices import KIND, start_notices
from app.sepa.letters import hand_out_letters, letters
from app.sepa.models import CollectionRun, PreNotification, RunState
from app.sepa.notices import NOTIFIABLE, Way, of_run, summary_of

ROWS = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A notice with its customer and the state of its mail."""

    notice: PreNotification
    customer: Customer
    state: str | None


def _state(row: Row) -> Badge:
    if row.notice.channel == Way.LETTER:
        return Badge("To be printed", "purple", "file-text")
    # The outbox forgets what was sent long ago.
    return mail_state_badge(row) if row.state else Badge("Sent", "green")  # type: ignore[arg-type]


def _way(row: Row) -> Any:
    url = address_of("outgoing_mail.details_view", id=row.notice.message_id)
    if row.notice.channel == Way.LETTER:
        return "Letter"
    may = row.state and url and acting().may(Permission.OUTBOX_VIEW)
    return Link("Email", url) if may else "Email"


COLUMNS = (
    Column("customer", "Customer", lambda row: customer_in_record(row.customer), main=True),
    Column("amount", "Amount", lambda row: row.notice.amount, numeric=True, suffix="\u00a0€"),
    Column("count", "Collections", lambda row: row.notice.collection_count, numeric=True),
    Column("way", "Told by", _way),
    Column("state", "State", _state),
    Column("made_at", "Made", lambda row: row.notice.made_at),
)


def _count(session: Session, run: CollectionRun) -> int:
    wanted = select(func.count(PreNotification.id)).where(PreNotification.run_id == run.id)
    return session.scalar(wanted) or 0


def _tab(view: Any, session: Session, run: CollectionRun, page: int) -> str:
    found = summary_of(session, run)
    pages = max(1, ceil((found.mails + found.letters) / ROWS))
    page = min(page, pages)
    rows = session.execute(of_run(run).offset((page - 1) * ROWS).limit(ROWS))
    may = acting().may(Permission.DIRECT_DEBIT_RUN)
    return render_template(
        "notices/tab.html",
        admin_view=view,
        run=run,
        found=found,
        void=run.state == RunState.VOID,
        actions=usable(view.all_actions(), "notices", acting(), run),
        letters_url=(
            address_of("run_notices.letters_view", id=run.id)
            if may and found.to_print and run.state != RunState.VOID
            else ""
        ),
        back=_tab_url(run.id),
        columns=COLUMNS,
        rows=[Row(*row) for row in rows],
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(".tab_view", id=run.id, tab="notices", page=number),
    )


def _tab_url(run_id: int) -> str:
    return address_of("direct_debit.details_view", id=run_id, tab="notices") or ""


def _may_send(run: CollectionRun) -> bool:
    """Whether somebody of the run has not been told yet, and may still be."""
    if run.state not in NOTIFIABLE:
        return False
    told = select(func.sum(PreNotification.collection_count)).where(
        PreNotification.run_id == run.id
    )
    return (db.session().scalar(told) or 0) < run.collection_count


def _send(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    return _start(session, ids, actor, letters=False)


def _all_by_letter(
    session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor
) -> str:
    return _start(session, ids, actor, letters=True)


def _start(session: Session, ids: list[int], actor: Actor, *, letters: bool) -> str:
    if len(ids) != 1:
        raise Refused.because("Choose one run")
    run = session.get_one(CollectionRun, ids[0])
    total = start_notices(session, run, letters=letters, actor=actor).total
    who = "One customer is" if total == 1 else f"{total:,} customers are"
    return f"{who} being notified of run {run.number}. The tab Notices tells how."


SEND = Action(
    "notify", "Send notices", Permission.DIRECT_DEBIT_RUN, _send, icon="mail",
    confirm="Tell each customer of this run what will be collected and when? Whoever has an email "
    "gets a mail, the others a letter to be printed. Nobody is told twice.",
    places=frozenset({"record", "notices"}), shown=_may_send,
)  # fmt: skip
ALL_BY_LETTER = Action(
    "notify_by_letter", "All by letter", Permission.DIRECT_DEBIT_RUN, _all_by_letter,
    icon="file-text",
    confirm="Make a letter for every customer of this run who has not been told yet, and send no "
    "mail?",
    places=frozenset({"notices"}), shown=_may_send,
)  # fmt: skip
TAB = RecordTab(
    "notices", "Notices", _tab, _count, permission=Permission.DIRECT_DEBIT_VIEW, order=20
)


class RunNoticesPage(KontorPage):
    """The letters of a run to be printed. It has no place in the menu."""

    def __init__(self) -> None:
        super().__init__(name="Notices", endpoint="run_notices")

    def is_visible(self) -> bool:
        """The way here is the tab of a run."""
        return False

    @expose("/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def letters_view(self) -> ResponseReturnValue:
        """One PDF with a letter to a page, or a ZIP of several; noted before it leaves."""
        try:
            run_id = identifier(request.args.get("id", ""))
        except ValueError:
            abort(404)
        with transaction() as session:
            if session.get(CollectionRun, run_id) is None:
                abort(404)
        try:
            with transaction() as session:
                run = session.get_one(CollectionRun, run_id)
                name, count = hand_out_letters(session, run, actor=current_actor())
        except Refused as refused:
            flash(in_one(refused), "danger")
            return redirect(_tab_url(run_id))
        session = db.session()
        content = letters(session, session.get_one(CollectionRun, run_id), count)
        headers = {
            "Content-Disposition": dump_options_header("attachment", {"filename": name}),
            "Cache-Control": "no-store",
        }
        kind = "application/pdf" if name.endswith(".pdf") else "application/zip"
        return Response(stream_with_context(content), mimetype=kind, headers=headers)


def _told(session: Session, customer: Customer, position: str, limit: int) -> Sequence[Event]:
    """The notices that a customer got, and of which run."""
    wanted = (
        select(PreNotification)
        .join(CollectionRun, CollectionRun.id == PreNotification.run_id)
        .where(PreNotification.customer_id == customer.id)
        .options(contains_eager(PreNotification.run))
    )
    found = older_than(wanted, position, PreNotification.made_at, PreNotification.id).limit(limit)
    return [
        Event(
            one.made_at,
            "mail" if one.channel == Way.EMAIL else "file-text",
            f"Notice of a direct debit by {one.channel}",
            f"{format_amount(one.amount)} € on {day(one.run.collection_date)},"
            f" run {one.run.number}",
            _tab_url(one.run_id),
            "",
            position_of(one.made_at, one.id),
        )
        for one in session.scalars(found)
    ]


def _run_of(job: Job) -> Link:
    return Link(f"Run {job.params['run']}", _tab_url(job.params["run_id"]))


def views() -> list[KontorPage]:
    """The views of this module."""
    register_tab("direct_debit", TAB)
    register_action("direct_debit", SEND)
    register_action("direct_debit", ALL_BY_LETTER)
    register_job_page(KIND, _run_of)
    told = TimelineSource("notices", "Notices", _told, Permission.DIRECT_DEBIT_VIEW)
    register_timeline("customers", told)
    return [RunNoticesPage()]
