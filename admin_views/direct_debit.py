"""Direct debit: the runs, and each from its release to the day it is handed in."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from flask import (
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    stream_with_context,
)
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.http import dump_options_header

from admin_views.access import needs
from admin_views.accounting_states import collection_badge, run_badge, sequence
from admin_views.base import KontorView
from admin_views.collect import Collecting, register_pages
from admin_views.customer_events import COLLECTIONS as COLLECTION_EVENTS
from admin_views.customer_lookup import customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, Link, day, size
from admin_views.history import history_tab
from admin_views.jobs import is_active, register_job_page
from admin_views.records import RecordTab, Section
from admin_views.registry import address_of
from admin_views.run_advice import Advice, advice_of
from admin_views.run_steps import ACTIONS, filing_job
from admin_views.timeline import register_timeline
from app.accounts.identity import current_actor
from app.core import storage
from app.core.errors import Refused
from app.core.listing import Listing
from app.core.models import StoredFile
from app.core.money import format_amount
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs import filing
from app.jobs.models import Job
from app.sepa import operations_runs as operations
from app.sepa.archive import write_archive
from app.sepa.models import Collection, CollectionRun, RunFile, RunState
from app.sepa.queries import RUNS, blocks_of_run, collections_of_run

ROWS = 25
IN_MEMORY = 8 * 1024 * 1024
# What each step is called, when it was taken and by whom, in their order.
STEPS = (
    (RunState.CREATED, "Created", "created_at", "created_by_label"),
    (RunState.RELEASED, "Released", "released_at", "released_by_label"),
    (RunState.FILED, "Bank file made", "filed_at", ""),
    (RunState.HANDED_IN, "Handed in", "handed_in_at", ""),
    (RunState.ANSWERED, "Answered", "answered_at", ""),
    (RunState.CLOSED, "Closed", "closed_at", ""),
)


def _invoice_link(one: Collection) -> Markup:
    url = address_of("invoices.details_view", id=one.invoice_id)
    if not url or not current_actor().may(Permission.INVOICES_VIEW):
        return Markup('<span class="k-piece">{}</span>').format(one.invoice.number)
    return Markup('<a class="k-piece" href="{}">{}</a>').format(url, one.invoice.number)


def _account(one: Collection) -> Markup:
    """The IBAN, and below it whose account it is."""
    return Markup('{}<br><span class="text-secondary">{}</span>').format(
        account_of(one), one.debtor_name
    )


def _in_one_piece(name: str) -> Callable[[Any], Markup]:
    return lambda one: Markup('<span class="k-piece">{}</span>').format(getattr(one, name))


COLLECTION_COLUMNS = (
    Column("customer", "Customer", lambda one: customer_in_record(one.customer), main=True),
    Column("invoice", "Invoice", _invoice_link),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("iban", "Account", _account),
    Column("mandate_reference", "Mandate", _in_one_piece("mandate_reference")),
    Column("sequence_type", "Sequence", lambda one: sequence(one.sequence_type)),
    Column("state", "State", collection_badge),
)


def _collections(view: Any, session: Session, run: CollectionRun, page: int) -> str:
    pages = max(1, ceil(_count_collections(session, run) / ROWS))
    page = min(page, pages)
    wanted = collections_of_run(run).offset((page - 1) * ROWS).limit(ROWS)
    return render_template(
        "direct_debit/collections_tab.html",
        admin_view=view,
        columns=COLLECTION_COLUMNS,
        rows=session.scalars(wanted).all(),
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(
            ".tab_view", id=run.id, tab="collections", page=number
        ),
    )  # fmt: skip


def _count_collections(session: Session, run: CollectionRun) -> int:
    wanted = select(func.count(Collection.id)).where(Collection.run_id == run.id)
    return session.scalar(wanted) or 0


class DirectDebitView(Collecting, KontorView):
    """The list of runs, and the page of each."""

    model_class = CollectionRun
    label, singular = "Direct debit", "collection run"
    menu_group, icon, endpoint_name = "Accounting", "report-money", "direct_debit"
    permissions = {"view": Permission.DIRECT_DEBIT_VIEW, "export": Permission.EXPORT}
    export_kind = "runs"
    list_template = "direct_debit/list.html"
    details_template = "direct_debit/run.html"
    empty_hint = "A run collects all that is due from customers with a mandate."
    tabs = (
        RecordTab("collections", "Collections", _collections, _count_collections, order=10),
        history_tab("collection run"),
    )
    actions = ACTIONS
    columns = (
        Column("number", "Run", sort="number", main=True),
        Column("collection_date", "Collection date", sort="collected", filter="collected"),
        Column("creditor_account", "Account", lambda run: run.creditor_account.label),
        Column("scheme", "Scheme"),
        Column("collection_count", "Collections", numeric=True),
        Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
        Column("state", "State", run_badge, filter="state"),
        Column("created_at", "Created", lambda run: [run.created_at, run.created_by_label]),
    )

    def listing(self) -> Listing:
        """All runs."""
        return RUNS

    def record_options(self) -> Sequence[Any]:
        """The record names the account, and the files with their checksums."""
        return (
            joinedload(CollectionRun.creditor_account),
            selectinload(CollectionRun.files).joinedload(RunFile.file),
        )

    def headline(self, model: CollectionRun) -> str:
        """The number."""
        return f"Collection run {model.number}"

    def subtitle(self, model: CollectionRun) -> str:
        """When it is collected, into which account."""
        words = self.collecting(model).capitalize()
        return f"{words} on {day(model.collection_date)} · {model.creditor_account.label}"

    def collecting(self, model: CollectionRun) -> str:
        """Whether its money is still to come, in words."""
        return {
            RunState.ANSWERED: "asked for",
            RunState.CLOSED: "asked for",
            RunState.VOID: "was to be collected",
        }.get(RunState(model.state), "to be collected")

    def badges(self, model: CollectionRun) -> list[Badge]:
        """The step it has reached."""
        return [run_badge(model)]

    def sections(self, model: CollectionRun) -> list[Section]:
        """What the bank is told of the creditor, and the payment blocks."""
        blocks = [
            (sequence(kind), f"{count:,} · {format_amount(total)} €")
            for kind, count, total in blocks_of_run(db.session(), model)
        ]
        creditor = [
            ("Account", model.creditor_account.label),
            ("Creditor", model.creditor_name),
            ("Creditor identifier", model.creditor_identifier),
            ("IBAN", account_of(_Creditor(model.creditor_iban))),
            ("BIC", model.creditor_bic),
        ]
        run = [("Collection date", model.collection_date), ("Scheme", model.scheme), *blocks]
        return [Section("Run", run), Section("Creditor", creditor)]

    # For the template ---------------------------------------------------------------------------

    def steps(self, model: CollectionRun) -> list[dict[str, Any]]:
        """The steps of a run: label, state (done, next, later), moment and person."""
        order = [state for state, *_ in STEPS]
        state = RunState(model.state)
        if state is RunState.VOID:
            reached = max(i for i, (_, _, at, _) in enumerate(STEPS) if getattr(model, at))
        else:
            reached = order.index(state)
        found = [
            {
                "label": label,
                "state": "done" if place <= reached else
                         "next" if place == reached + 1 and state is not RunState.VOID else "later",
                "at": getattr(model, at) if place <= reached else None,
                "by": getattr(model, by) if by and place <= reached else None,
            }
            for place, (_, label, at, by) in enumerate(STEPS)
        ]  # fmt: skip
        if state is RunState.VOID:
            found = found[: reached + 1]
            found.append({"label": "Cancelled", "state": "void", "at": model.voided_at, "by": None})
        return found

    def advice(self, model: CollectionRun) -> Advice:
        """What is to be done next, and where."""
        return advice_of(model)

    def may_download(self, model: CollectionRun) -> bool:
        """Whether there is a file that this person may have."""
        may = current_actor().may(Permission.DIRECT_DEBIT_FILE)
        return may and bool(model.files) and model.state != RunState.VOID

    def file_lines(self, model: CollectionRun) -> list[tuple[str, str, str, str]]:
        """The bank files of a run: name, what is in it, size, checksum."""
        return [
            (
                one.file.name,
                f"{one.collection_count:,} collections · {format_amount(one.amount)} €",
                size(one.file.size),
                one.file.sha256,
            )
            for one in model.files
        ]

    def filing_job(self, model: CollectionRun) -> Job | None:
        """The job that makes the bank file, while it runs or where it has failed."""
        job = filing_job(model)
        return job if job is not None and (is_active(job) or filing.has_failed(job)) else None

    @expose("/filing/")
    @needs(Permission.DIRECT_DEBIT_VIEW)
    def filing_view(self) -> Response:
        """The progress of the bank file, as a fragment; at its end the page is loaded anew."""
        run = self.record_or_404()
        job = filing.latest(db.session(), run)
        if job is None:
            abort(404)
        response = make_response(self.render("direct_debit/filing.html", model=run, job=job))
        response.headers["Cache-Control"] = "no-store"
        if not is_active(job):
            response.headers["HX-Refresh"] = "true"
        return response

    @expose("/download/")
    @needs(Permission.DIRECT_DEBIT_FILE)
    def download_view(self) -> ResponseReturnValue:
        """The stored bytes: one pain.008, or a ZIP where the limits split the run."""
        run_id = self.record_or_404().id
        try:
            with transaction() as session:
                run = self.find(session, run_id)
                operations.hand_out_files(session, run, actor=current_actor())
        except Refused as refused:
            flash(str(refused), "danger")
            return redirect(self.get_url(".details_view", id=run_id))
        run = self.find(db.session(), run_id)
        files = [one.file for one in run.files]
        if len(files) == 1:
            return _attached(files[0].name, files[0].media_type, files[0].size, files)
        return _attached(f"{run.number}.zip", "application/zip", None, files)


class _Creditor:
    """The creditor's account, to be shown by the same rule as everybody's."""

    def __init__(self, iban: str) -> None:
        self.iban = iban


def _attached(name: str, kind: str, length: int | None, files: list[StoredFile]) -> Response:
    """A download of one file as it is stored, or of several in an archive."""
    content = storage.chunks(files[0]) if len(files) == 1 else _archived(files)
    headers = {
        "Content-Disposition": dump_options_header("attachment", {"filename": name}),
        "Cache-Control": "no-store",
    }
    if length is not None:
        headers["Content-Length"] = str(length)
    return Response(stream_with_context(content), mimetype=kind, headers=headers)


def _archived(files: Sequence[StoredFile]) -> Iterator[bytes]:
    """A ZIP of the files, piece by piece."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as archive:
        write_archive(files, cast(BinaryIO, cast(IO[bytes], archive)))
        archive.seek(0)
        while piece := archive.read(storage.CHUNK):
            yield piece


def _page_of(job: Job) -> Link:
    """Where the page of a job leads to."""
    run_id = job.params["run_id"]
    return Link("Collection run", address_of("direct_debit.details_view", id=run_id) or "")


def views() -> list[KontorView]:
    """The views of this module."""
    register_timeline("customers", COLLECTION_EVENTS)
    register_job_page(filing.KIND, _page_of)
    register_pages()
    return [DirectDebitView()]
