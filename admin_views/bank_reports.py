"""Bank reports: upload, what each one did, and what of it waits for a person."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.http import dump_options_header

from admin_views.access import needs
from admin_views.bank_answer import ANSWER_TAB, BANK_EVENTS, INVOICE_TAB
from admin_views.bank_entries import ENTRY_COLUMNS
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column, Link, moment
from admin_views.history import history_tab
from admin_views.jobs import register_job_page
from admin_views.records import RecordTab, Section, register_tab
from admin_views.registry import address_of
from admin_views.timeline import register_timeline
from app.accounts.identity import current_actor
from app.core import storage
from app.core.errors import KontorError
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs import bank_reports as reading
from app.jobs.models import Job, JobState
from app.sepa.reports.models import BankReport, EntryOutcome, ReportEntry
from app.sepa.reports.queries import REPORTS, entries_of_report, waiting_of_report

ROWS = 25
MOST_FILES = 20
MOST_JOBS = 20


def _numbers(report: BankReport) -> list[Badge]:
    """What a report did, in short."""
    if report.finished_at is None:
        return [Badge("Being read", "blue", "hourglass")]
    told = (
        ("settled", report.settled, "green"),
        ("accepted", report.accepted, "azure"),
        ("rejected", report.rejected, "red"),
        ("returned", report.returned, "red"),
        ("unmatched", report.unmatched, "orange"),
    )
    found = [Badge(f"{number:,} {label}", colour) for label, number, colour in told if number]
    return found or [Badge("Nothing new")]


def _page(
    view: Any, session: Session, wanted: Select[Any], template: str, tab: str, report: BankReport,
    page: int, **given: Any,
) -> str:  # fmt: skip
    """A page of entries, as a fragment."""
    total = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    pages = max(1, ceil(total / ROWS))
    page = min(page, pages)

    def tab_url(number: int, **more: Any) -> str:
        return str(view.get_url(".tab_view", id=report.id, tab=tab, page=number, **more))

    return render_template(
        template,
        admin_view=view,
        columns=ENTRY_COLUMNS,
        rows=session.scalars(wanted.offset((page - 1) * ROWS).limit(ROWS)).all(),
        entry_url=lambda one: address_of("bank_entries.details_view", id=one.id),
        page=page,
        pages=pages,
        tab_url=tab_url,
        **given,
    )


def _waiting(view: Any, session: Session, report: BankReport, page: int) -> str:
    """What waits for a person."""
    wanted = waiting_of_report(report)
    template = "bank_reports/waiting_tab.html"
    return _page(view, session, wanted, template, "waiting", report, page)


def _all(view: Any, session: Session, report: BankReport, page: int) -> str:
    """All entries, or those of one outcome."""
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in set(EntryOutcome) else ""
    found = session.execute(
        select(ReportEntry.outcome, func.count())
        .where(ReportEntry.report_id == report.id)
        .group_by(ReportEntry.outcome)
    )
    counted = {row[0]: row[1] for row in found}
    return _page(
        view, session, entries_of_report(report, outcome), "bank_reports/entries_tab.html",
        "entries", report, page, chosen=outcome,
        outcomes=[(one.value, counted[one]) for one in EntryOutcome if one in counted],
    )  # fmt: skip


class BankReportsView(KontorView):
    """The list of reports, the page of each, and the upload."""

    model_class = BankReport
    label, singular = "Bank reports", "bank report"
    menu_group, icon, endpoint_name = "Accounting", "file-import", "bank_reports"
    permissions = {"view": Permission.BANK_REPORTS_VIEW, "export": Permission.EXPORT}
    export_kind = "bank_reports"
    list_template = "bank_reports/list.html"
    details_template = "bank_reports/report.html"
    first_tab = "Report"
    search_hint = "Id of the bank's message"
    empty_hint = "Read in what the bank answers: pain.002, camt.053, camt.054."
    tabs = (
        RecordTab("waiting", "To look at", _waiting, rows=waiting_of_report, order=10),
        RecordTab("entries", "All entries", _all, rows=entries_of_report, order=20),
        history_tab("bank report"),
    )
    columns = (
        Column("received_at", "Read", sort="received", filter="received", main=True),
        Column("kind", "Kind", lambda one: f"{one.kind}.{one.variant}", filter="kind"),
        Column("message_id", "Message"),
        Column("file", "File", lambda one: one.file.name if one.file else None),
        Column("entries", "Entries", numeric=True),
        Column("numbers", "What it did", _numbers),
        Column("received_by_label", "Read by"),
    )

    def listing(self) -> Listing:
        """All reports."""
        return REPORTS

    def record_options(self) -> Sequence[Any]:
        """The record names the file."""
        return (joinedload(BankReport.file),)

    def headline(self, model: BankReport) -> str:
        """Kind and id."""
        return str(model)

    def subtitle(self, model: BankReport) -> str:
        """The file that it came in."""
        return model.file.name if model.file else ""

    def badges(self, model: BankReport) -> list[Badge]:
        """Whether it is read to its end."""
        return [] if model.finished_at else [Badge("Being read", "blue", "hourglass")]

    def sections(self, model: BankReport) -> list[Section]:
        """Where it comes from."""
        lines = [
            ("Message", model.message_id),
            ("Kind", f"{model.kind}, version {model.variant}"),
            ("Made by the bank", model.made_at),
            ("Read", [model.received_at, model.received_by_label]),
            ("File", self._file(model)),
            ("Checksum (SHA-256)", model.sha256),
        ]
        counts = [
            (label, f"{getattr(model, name):,}")
            for name, label in (
                ("entries", "Entries"), ("accepted", "Accepted"), ("settled", "Settled"),
                ("rejected", "Rejected"), ("returned", "Returned"), ("known", "Known before"),
                ("unmatched", "Unmatched"), ("other", "Not direct debits of ours"),
            )
        ]  # fmt: skip
        return [Section("Report", lines), Section("Entries", counts)]

    def _file(self, model: BankReport) -> Any:
        if model.file is None or not current_actor().may(Permission.BANK_DETAILS_VIEW):
            return model.file.name if model.file else None
        return Link(model.file.name, self.get_url(".download_view", id=model.id))

    # For the template -------------------------------------------------------------------------

    def figures(self, model: BankReport) -> list[tuple[str, int, str, str, str]]:
        """Label, number, icon, colour and the tab of each figure."""
        waiting = (
            db.session().scalar(
                select(func.count()).select_from(waiting_of_report(model).order_by(None).subquery())
            )
            or 0
        )
        first = (
            ("accepted", model.accepted, "file-check", "azure", "")
            if model.kind == "pain.002"
            else ("settled", model.settled, "check", "green", "")
        )
        return [
            first,
            ("rejected", model.rejected, "ban", "red" if model.rejected else "grey", ""),
            ("returned", model.returned, "arrow-back-up", "red" if model.returned else "grey", ""),
            (
                "to look at", waiting, "alert-triangle", "orange" if waiting else "grey",
                self.get_url(".details_view", id=model.id, tab="waiting") if waiting else "",
            ),
        ]  # fmt: skip

    @expose("/upload/", methods=("GET", "POST"))
    @needs(Permission.BANK_REPORTS_IMPORT)
    def upload_view(self) -> ResponseReturnValue:
        """The upload of one file or several; each is read as a job."""
        problems: list[str] = []
        if request.method == "POST":
            jobs, problems = self._take(request.files.getlist("file"))
            if jobs:
                for problem in problems:
                    flash(problem, "error")
                return redirect(self.get_url(".reading_view", job=jobs))
        page = self.render("bank_reports/upload.html", problems=problems, most=MOST_FILES)
        return page, 422 if problems else 200

    def _take(self, uploads: Sequence[Any]) -> tuple[list[int], list[str]]:
        """Keep the files that are reports, and have them read; what is wrong with the others."""
        jobs: list[int] = []
        problems: list[str] = []
        chosen = [one for one in uploads if one and one.filename]
        if not chosen:
            return [], ["Choose a file first"]
        if len(chosen) > MOST_FILES:
            return [], [f"At most {MOST_FILES} files at once; or put them into a ZIP"]
        for one in chosen:
            name = storage.safe_name(one.filename)
            try:
                kept = reading.keep(one.stream)
                with transaction() as session:
                    jobs.append(
                        reading.start_reading(session, kept, name, actor=current_actor()).id
                    )
            except KontorError as refused:
                problems.append(f"{name}: {refused}" if len(chosen) > 1 else str(refused))
        return jobs, problems

    @expose("/reading/")
    @needs(Permission.BANK_REPORTS_IMPORT)
    def reading_view(self) -> ResponseReturnValue:
        """How far one's own uploads are, and what became of them."""
        jobs = self._jobs()
        if not jobs:
            abort(404)
        told = {one.id: (one.result or {}).get("reports", []) for one in jobs}
        if len(jobs) == 1 and jobs[0].state == JobState.DONE and len(told[jobs[0].id]) == 1:
            return redirect(self._lead_to_report(told[jobs[0].id][0]))
        ids = [one["report"] for some in told.values() for one in some]
        reports = {
            one.id: one
            for one in db.session.scalars(select(BankReport).where(BankReport.id.in_(ids)))
        }
        return self.render(
            "bank_reports/reading.html", jobs=jobs, told=told, reports=reports, numbers=_numbers
        )

    def _jobs(self) -> Sequence[Job]:
        wanted = []
        for raw in request.args.getlist("job")[:MOST_JOBS]:
            try:
                wanted.append(identifier(raw))
            except ValueError:
                abort(404)
        return db.session.scalars(
            select(Job)
            .where(
                Job.id.in_(wanted),
                Job.kind == reading.KIND,
                Job.created_by_id == current_actor().operator_id,
            )
            .order_by(Job.id)
        ).all()

    def _lead_to_report(self, told: dict[str, Any]) -> str:
        report = db.session.get_one(BankReport, told["report"])
        if told["again"]:
            said = moment(report.received_at).striptags()
            flash(
                f"This file was read before, on {said} by {report.received_by_label}:"
                " nothing was changed.",
                "info",
            )
        waits = report.unmatched and not told["again"]
        return str(self.get_url(".details_view", id=report.id, tab="waiting" if waits else None))

    @expose("/download/")
    @needs(Permission.BANK_DETAILS_VIEW)
    def download_view(self) -> ResponseReturnValue:
        """The file as the bank sent it, for whoever may see bank details in full."""
        if not current_actor().may(Permission.BANK_REPORTS_VIEW):
            abort(403)
        report = self.record_or_404()
        report_id = report.id
        if report.file is None or report.file.removed_at is not None:
            abort(404)
        with transaction() as session:
            storage.log_download(session, self.find(session, report_id).file, actor=current_actor())
        stored = self.find(db.session(), report_id).file
        return Response(
            stream_with_context(storage.chunks(stored)),
            mimetype="application/octet-stream",
            headers={
                "Content-Disposition": dump_options_header("attachment", {"filename": stored.name}),
                "Content-Length": str(stored.size),
                "Cache-Control": "no-store",
            },
        )


def _page_of(job: Job) -> Link:
    return Link("The reports", address_of("bank_reports.reading_view", job=job.id) or "")


def views() -> list[KontorView]:
    """The views of this module."""
    register_job_page(reading.KIND, _page_of)
    register_tab("direct_debit", ANSWER_TAB)
    register_tab("invoices", INVOICE_TAB)
    register_timeline("customers", BANK_EVENTS)
    return [BankReportsView()]
