"""Downloads: every export with its receipt, the way to a new one, and the blank templates."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from flask import Response, abort, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement
from werkzeug.http import dump_options_header

from admin_views.access import needs
from admin_views.base import KontorView
from admin_views.filters import read_request
from admin_views.formatters import Badge, Column, Link, size, zone
from admin_views.imports import IMPORTERS, allowed_specs
from admin_views.jobs import is_active, register_job_page
from admin_views.mass_changes import read_ids
from admin_views.notices import seen
from admin_views.records import Section
from app.accounts.identity import current_actor
from app.audit.models import AuditEntry
from app.core import clock, storage
from app.core.actor import Actor
from app.core.errors import NotAllowed, NotFound, Problem, Refused
from app.core.listing import Criteria, Listing
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs import operations as jobs
from app.jobs.models import Job
from app.transfer.exports import operations, queries
from app.transfer.exports.lists import CHOSEN, ExportList, find_list
from app.transfer.exports.operations import MEDIA_TYPES, ROWS_AT_ONCE, may_export


def told(receipt: AuditEntry, name: str) -> Any:
    """What a receipt tells under a name."""
    return (receipt.changes or {}).get(name, [None, None])[1]


def kept_until(receipt: AuditEntry) -> datetime | None:
    """Until when the file is kept; none for an export that went to the command line."""
    found = told(receipt, "kept_until")
    return datetime.fromisoformat(found) if found else None


def _is_kept(receipt: AuditEntry) -> bool:
    until = kept_until(receipt)
    return until is not None and until > clock.now()


def _expiry(receipt: AuditEntry) -> Any:
    until = kept_until(receipt)
    if until is None:
        return None
    return until.astimezone(zone()).date() if _is_kept(receipt) else Badge("Deleted")


def _file(receipt: AuditEntry) -> str:
    words = f"{str(told(receipt, 'format')).upper()}, {size(told(receipt, 'size'))}"
    return words.replace(" ", "\u00a0")


class DownloadsView(KontorView):
    """The exports that one may see: one's own, or everybody's for administrators."""

    model_class = AuditEntry
    label, singular = "Downloads", "download"
    menu_group, icon, endpoint_name = "Data", "download", "exports"
    permissions: ClassVar[Mapping[str, Permission]] = {
        "view": Permission.JOBS_VIEW,
        "export": Permission.EXPORT,
    }
    export_kind = "downloads"
    details_template = "exports/download.html"
    empty_hint = "Press Export on any list: what leaves Kontor is kept here for a while."
    columns = (
        Column("entity_label", "List", main=True, filter="list"),
        Column("filter", "Conditions", lambda one: told(one, "filter") or "The whole list"),
        Column("rows", "Rows", lambda one: f"{told(one, 'rows'):,}", numeric=True),
        Column("file", "File", _file),
        Column("actor_label", "Exported by", filter="by"),
        Column("at", "Exported", sort="number", filter="exported"),
        Column("kept_until", "Kept until", _expiry),
    )

    def listing(self) -> Listing:
        return queries.listing(current_actor())

    def scope(self) -> list[ColumnElement[bool]]:
        return queries.visible_to(current_actor())

    def headline(self, model: AuditEntry) -> str:
        return f"Export of {model.entity_label.lower()}"

    def badges(self, model: AuditEntry) -> list[Badge]:
        if told(model, "bank_details") == "in full":
            return [Badge("Bank details in full", "orange")]
        return []

    def sections(self, model: AuditEntry) -> list[Section]:
        lines = [(column.label, column.of(model)) for column in self.columns]
        lines += [
            ("Bank details", told(model, "bank_details")),
            ("Checksum (SHA-256)", told(model, "sha256")),
        ]
        downloads = [(one.actor_label, one.at) for one in queries.downloads_of(db.session(), model)]
        return [
            Section("Export", lines),
            Section("Downloaded", downloads or [("Nobody yet", None)], wide=True),
        ]

    def file_of(self, model: AuditEntry) -> StoredFile | None:
        """The file, if it is still kept and this person may have it."""
        if not _is_kept(model) or not _may_have(model, current_actor()):
            return None
        return queries.file_of(db.session(), model)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """The receipt, with the file while it is kept; whoever sees it knows that it is there."""
        receipt = self.record_or_404()
        if receipt.job_id is not None:
            seen(receipt.job_id)
        return super().details_view()

    @expose("/download/")
    @needs(Permission.JOBS_VIEW)
    def download(self) -> ResponseReturnValue:
        """The file of an export."""
        receipt = self.record_or_404()
        if receipt.job_id is not None:
            seen(receipt.job_id)
            receipt = self.record_or_404()
        if not _may_have(receipt, current_actor()):
            raise NotAllowed("This export holds more than your permissions let you see")
        return self._send(receipt.id)

    @expose("/start/")
    @needs(Permission.EXPORT)
    def start(self) -> ResponseReturnValue:
        """Export a list as it is asked for: at once, or a page that offers to start a job."""
        export, criteria = self._asked()
        total = operations.count(db.session(), export, criteria)
        if total <= ROWS_AT_ONCE:
            return self._send(operations.export_now(export, criteria, actor=current_actor()))
        return self.render(
            "exports/start.html",
            export=export,
            total=total,
            as_archive=total >= operations.ROWS_OF_ARCHIVE,
            conditions=export.listing.describe(criteria, db.session()),
            run_url=self.get_url(".run", **request.args.to_dict(flat=False)),
        )

    @expose("/chosen/", methods=("POST",))
    @needs(Permission.EXPORT)
    def chosen(self) -> ResponseReturnValue:
        """Export the ticked rows of a list, in its order."""
        export, criteria = self._asked()
        ids = read_ids()
        if not ids:
            raise Refused([Problem("rowid", "No row is chosen", "Tick the rows to export")])
        counted = f"{len(ids)} row{'s' if len(ids) != 1 else ''}"
        criteria = replace(criteria, search="", filters={CHOSEN: counted})
        receipt = operations.export_now(export.of(ids), criteria, actor=current_actor())
        return self._send(receipt)

    @expose("/run/", methods=("POST",))
    @needs(Permission.EXPORT)
    def run(self) -> ResponseReturnValue:
        """Let a job write a large export."""
        export, criteria = self._asked()
        total = operations.count(db.session(), export, criteria)
        with transaction() as session:
            job = operations.start_export(
                session, export, criteria, actor=current_actor(), total=total
            )
            job_id = job.id
        return redirect(self.get_url(".progress", id=job_id))

    @expose("/progress/")
    @needs(Permission.EXPORT)
    def progress(self) -> ResponseReturnValue:
        """How far a large export is; at its end, the export itself."""
        raw = request.args.get("id", "")
        job_id = int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 19 else 0
        job = jobs.find(db.session(), job_id, actor=current_actor())
        if job.kind != operations.JOB:
            abort(404)
        if not is_active(job):
            seen(job.id)
        if job.result is not None:
            return redirect(self.get_url(".details_view", id=job.result["receipt"]))
        return self.render("exports/progress.html", job=job, active=is_active(job))

    @expose("/template/")
    @needs(*IMPORTERS)
    def template(self) -> ResponseReturnValue:
        """The blank workbook of a kind of import."""
        kind = request.args.get("kind", "")
        spec = next((one for one in allowed_specs() if one.name == kind), None)
        if spec is None or not spec.has_template:
            abort(404)
        # Loaded here: what writes workbooks cell by cell is large, and seldom asked for.
        from app.transfer.templates import template_name, write_template

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "template.xlsx"
            write_template(db.session(), kind, path)
            content = path.read_bytes()
        return Response(
            content, mimetype=MEDIA_TYPES["xlsx"], headers=_attachment(template_name(spec))
        )

    def _asked(self) -> tuple[ExportList, Criteria]:
        """The list and the conditions in the address. Nothing is left out in silence."""
        try:
            export = find_list(request.args.get("list_name", "")).seen_by(current_actor())
        except NotFound:
            abort(404)
        if not may_export(export, current_actor()):
            abort(403)
        asked = read_request(export.listing, request.args)
        if asked.problems:
            raise Refused(asked.problems)
        return export, asked.criteria

    def _send(self, receipt_id: int) -> ResponseReturnValue:
        with transaction() as session:
            stored = queries.file_of(session, session.get_one(AuditEntry, receipt_id))
            if stored is None:
                abort(404)
            storage.log_download(session, stored, actor=current_actor())
        stored = queries.file_of(db.session(), db.session.get_one(AuditEntry, receipt_id))
        assert stored is not None
        return Response(
            stream_with_context(storage.chunks(stored)),
            mimetype=stored.media_type,
            headers={**_attachment(stored.name), "Content-Length": str(stored.size)},
        )


def _may_have(receipt: AuditEntry, actor: Actor) -> bool:
    """Whether this person may still see what stands in the file: permissions may have gone."""
    try:
        export = find_list(told(receipt, "list") or "")
    except NotFound:
        return False
    if not may_export(export, actor):
        return False
    in_full = told(receipt, "bank_details") == "in full"
    return not in_full or actor.may(Permission.BANK_DETAILS_VIEW)


def _attachment(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": dump_options_header("attachment", {"filename": name}),
        "Cache-Control": "no-store",
    }


def _page_of(job: Job) -> Link:
    return Link("The export", f"/admin/exports/progress/?id={job.id}")


def views() -> list[KontorView]:
    """The views of this module."""
    register_job_page(operations.JOB, _page_of)
    return [DownloadsView()]
