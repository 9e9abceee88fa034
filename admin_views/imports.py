"""Imports: choose a kind, upload, look at what the check found, choose, and see the result."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response, abort, flash, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload
from werkzeug.http import dump_options_header

from admin_views import mapping_page
from admin_views.access import needs
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column, Link
from admin_views.import_undo import UNDO, left_by, may_undo, undone_by
from admin_views.jobs import register_job_page, register_record_address
from admin_views.records import Section
from app.accounts.identity import current_actor
from app.core import storage
from app.core.errors import KontorError, Refused
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers.collisions import record_address
from app.extensions import db, transaction
from app.jobs import undoing
from app.jobs.models import Job, JobLeftover
from app.transfer.columns import TITLES, WORKBOOK_NAMES, workbook_spec
from app.transfer.columns.base import WorkbookSpec
from app.transfer.imports import operations, queries
from app.transfer.imports.kinds import KINDS
from app.transfer.models import Import, ImportState

IMPORTERS = (
    Permission.CUSTOMERS_IMPORT,
    Permission.CATALOGUE_IMPORT,
    Permission.INVOICES_IMPORT,
)
STATES = {
    ImportState.CHECKING: Badge("Checking", "blue"),
    ImportState.CHECKED: Badge("Waits for your choice", "yellow"),
    ImportState.RUNNING: Badge("Running", "blue"),
    ImportState.DONE: Badge("Done", "green"),
    ImportState.REFUSED: Badge("Refused", "red"),
    ImportState.CANCELLED: Badge("Cancelled", "orange"),
    ImportState.TAKEN_BACK: Badge("Taken back", "orange"),
}
ICONS = {
    "individual": "user",
    "business": "building",
    "perpetual": "building-bank",
    "customers": "users",
    "journals": "book",
    "products": "package",
    "invoices": "file-invoice",
}
# Where people find what an import has brought in: endpoints of other views.
LISTS = {
    "individual": "individual.index_view",
    "business": "business.index_view",
    "perpetual": "perpetual.index_view",
    "customers": "clients.index_view",
    "journals": "journals.index_view",
    "products": "products.index_view",
    "invoices": "invoices.index_view",
}
PAGE = 50
_CUSTOMER = re.compile(r"customer (\d+)$")


def allowed_specs() -> list[WorkbookSpec]:
    """The kinds that the present operator may import."""
    specs = [workbook_spec(db.session(), name) for name in WORKBOOK_NAMES if name in KINDS]
    return [spec for spec in specs if current_actor().may(spec.permission)]


class ImportsView(KontorView):
    """The list of imports, the page of each, and the way to a new one."""

    model_class = Import
    label, singular = "Imports", "import"
    menu_group, icon, endpoint_name = "Data", "table-import", "imports"
    permissions: ClassVar[Mapping[str, Permission]] = {"export": Permission.EXPORT}
    export_kind = "imports"
    list_template = "imports/list.html"
    details_template = "imports/import.html"
    actions = (UNDO,)
    empty_hint = "Download a template, fill it in, and upload it: nothing is written unseen."
    columns = (
        Column("file.name", "File", main=True),
        Column("kind", "Kind", lambda one: TITLES[one.kind], filter="kind"),
        Column("state", "State", lambda one: STATES[ImportState(one.state)], filter="state"),
        Column("rows", "Rows", numeric=True),
        Column("created", "Created", numeric=True),
        Column("updated", "Updated", numeric=True),
        Column("refused_rows", "Refused", numeric=True),
        Column("created_by_label", "Uploaded by", filter="by"),
        Column("created_at", "Uploaded", sort="number", filter="created"),
    )

    def needed(self, name: str) -> frozenset[Permission]:
        """Whoever may import anything sees imports; what kind of, each route asks itself."""
        if name in {"index_view", "count_view", "details_view"}:
            return frozenset(IMPORTERS)
        return super().needed(name)

    def listing(self) -> Listing:
        return queries.listing(
            current_actor(), [(spec.name, spec.title) for spec in allowed_specs()]
        )

    def scope(self) -> list[ColumnElement[bool]]:
        return queries.visible_to(current_actor())

    def record_options(self) -> list[Any]:
        return [joinedload(Import.file), joinedload(Import.check_job), joinedload(Import.run_job)]

    def headline(self, model: Import) -> str:
        return model.file.name

    def subtitle(self, model: Import) -> str:
        return TITLES[model.kind]

    def badges(self, model: Import) -> list[Badge]:
        return [STATES[ImportState(model.state)]]

    def sections(self, model: Import) -> list[Section]:
        options = []
        if model.options.get("update"):
            options.append(f"Existing ones are updated by {model.options['match']}")
        if model.options.get("all_or_nothing"):
            options.append("All or nothing")
        lines: list[tuple[str, Any]] = [
            ("Kind", TITLES[model.kind]),
            ("Options", options or None),
            ("Uploaded by", model.created_by_label),
            ("Uploaded", model.created_at),
            ("Checksum (SHA-256)", model.sha256),
        ]
        if model.run_job is not None and may_undo(model):
            lines.append(("Can be undone until", undoing.undo_until(model.run_job)))
        return [Section("Upload", lines)]

    def figures(self, model: Import) -> list[tuple[str, int, str, str]]:
        """The counts of the check or of the run: label, number, icon, colour."""
        done = model.state == ImportState.DONE
        plan = model.layout
        return [
            ("rows read", model.rows, "table", "grey"),
            (
                "created" if done else "to create",
                model.created if done else plan.get("create", 0),
                "plus",
                "green",
            ),
            (
                "updated" if done else "to update",
                model.updated if done else plan.get("update", 0),
                "refresh",
                "blue",
            ),
            ("unchanged", model.unchanged, "checks", "grey"),
            ("refused", model.refused_rows, "alert-circle", "red"),
        ]

    def headings_to_say(self, model: Import) -> bool:
        """Whether there are headings of which a person may say what they mean."""
        sheets = model.layout.get("sheets", ())
        return self.may_run(model) and any("sheet" in sheet for sheet in sheets)

    def said_before(self, model: Import) -> list[tuple[str, str]]:
        """The headings that were understood as somebody has said before, with their columns."""
        return mapping_page.said_before(db.session(), model)

    def undone_by(self, model: Import) -> Job | None:
        """The job that takes this import back, or did."""
        return undone_by(model)

    def left_by(self, model: Import) -> Job | None:
        """The job that lists what stayed as it was when the import was taken back."""
        return left_by(model)

    def unknown_columns(self, model: Import) -> list[str]:
        """Headings that no column knows: what stands there is not imported."""
        return [name for sheet in model.layout.get("sheets", ()) for name in sheet["unknown"]]

    def may_run(self, model: Import) -> bool:
        """Whether this person may start this import."""
        return current_actor().may(workbook_spec(db.session(), model.kind).permission)

    def can_update(self, model: Import) -> bool:
        """Whether this kind can update what exists."""
        return _offers_update(model.kind)

    def list_endpoint(self, model: Import) -> str:
        """The endpoint of the list that shows what was imported."""
        return LISTS[model.kind]

    @expose("/choose/")
    @needs(*IMPORTERS)
    def choose_view(self) -> str:
        """The kinds that may be imported, each with its template."""
        return self.render("imports/choose.html", specs=allowed_specs(), icons=ICONS)

    @expose("/upload/", methods=("GET", "POST"))
    @needs(*IMPORTERS)
    def upload_view(self) -> ResponseReturnValue:
        """The upload of one kind; what is uploaded is checked as a job."""
        spec = self._spec_or_404()
        problem = ""
        if request.method == "POST":
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                problem = "Choose a file first"
            else:
                try:
                    return self._start(spec, upload)
                except KontorError as refused:
                    problem = str(refused)
        page = self.render(
            "imports/upload.html", spec=spec, problem=problem, updates=_offers_update(spec.name)
        )
        return page, 422 if problem else 200

    @expose("/again/", methods=("POST",))
    @needs(*IMPORTERS)
    def again_view(self) -> ResponseReturnValue:
        """The same file once more, with or without updating what exists."""
        one = self.record_or_404()
        update, match = "update" in request.form, request.form.get("match", "number")
        try:
            with transaction() as session:
                again = operations.check_again(
                    session,
                    self.find(session, one.id),
                    actor=current_actor(),
                    update=update,
                    match=match,
                )
                import_id = again.id
        except KontorError as refused:
            flash(str(refused), "error")
            import_id = one.id
        return redirect(self.get_url(".details_view", id=import_id))

    @expose("/map/", methods=("GET", "POST"))
    @needs(*IMPORTERS)
    def map_view(self) -> ResponseReturnValue:
        """Say what the headings of an upload mean; then it is checked once more."""
        one = self.record_or_404()
        if not self.headings_to_say(one):
            abort(404)
        page = mapping_page.MappingPage.of(db.session(), one)
        if request.method == "POST":
            page.read(request.form)
            try:
                with transaction() as session:
                    again = page.save(session, self.find(session, one.id), actor=current_actor())
                    import_id = again.id
                return redirect(self.get_url(".details_view", id=import_id))
            except Refused as refused:
                page.refuse(refused)
            except KontorError as refused:
                flash(str(refused), "error")
        shown = self.render("imports/mapping.html", one=self.record_or_404(), page=page)
        return shown, 422 if page.refused else 200

    @expose("/run/", methods=("POST",))
    @needs(*IMPORTERS)
    def run_view(self) -> ResponseReturnValue:
        """The choice: write the good rows, or all or nothing."""
        one = self.record_or_404()
        import_id = one.id
        try:
            with transaction() as session:
                operations.start_run(
                    session,
                    import_id,
                    actor=current_actor(),
                    all_or_nothing=request.form.get("choice") == "all",
                )
        except KontorError as refused:
            flash(str(refused), "error")
        return redirect(self.get_url(".details_view", id=import_id))

    @expose("/refused/")
    @needs(*IMPORTERS)
    def refused_view(self) -> str:
        """A page of the refused cells, as a fragment."""
        one = self.record_or_404()
        raw = request.args.get("page", "1")
        number = int(raw[:9]) if raw.isascii() and raw.isdecimal() and int(raw[:9]) else 1
        total = queries.count_refusals(db.session(), one.id)
        pages = max(1, -(-total // PAGE))
        number = min(number, pages)
        cells = db.session.scalars(
            queries.refusals_of(one.id).limit(PAGE).offset((number - 1) * PAGE)
        ).all()
        return self.render(
            "imports/refused.html",
            one=one,
            cells=cells,
            total=total,
            number=number,
            pages=pages,
            several_sheets=len(one.layout.get("sheets", ())) > 1,
            link_of=_link_of,
            headings={label: heading for heading, label in self.said_before(one)},
        )

    @expose("/report/")
    @needs(*IMPORTERS)
    def report_view(self) -> ResponseReturnValue:
        """The workbook of the refused rows."""
        one = self.record_or_404()
        if one.report_file is None or one.report_file.removed_at is not None:
            abort(404)
        with transaction() as session:
            storage.log_download(session, one.report_file, actor=current_actor())
        stored = self.find(db.session(), one.id).report_file
        return Response(
            stream_with_context(storage.chunks(stored)),
            mimetype=stored.media_type,
            headers={
                "Content-Disposition": dump_options_header("attachment", {"filename": stored.name}),
                "Content-Length": str(stored.size),
            },
        )

    def _start(self, spec: WorkbookSpec, upload: Any) -> ResponseReturnValue:
        kept = storage.keep_bytes(upload.stream, purpose=operations.UPLOAD)
        with transaction() as session:
            started = operations.start_check(
                session,
                spec.name,
                kept,
                name=upload.filename,
                actor=current_actor(),
                update="update" in request.form,
                match=request.form.get("match", "number"),
            )
            import_id = started.id
        return redirect(self.get_url(".details_view", id=import_id))

    def _spec_or_404(self) -> WorkbookSpec:
        kind = request.args.get("kind", "")
        spec = next((one for one in allowed_specs() if one.name == kind), None)
        if spec is None:
            abort(404)
        return spec


def _offers_update(kind: str) -> bool:
    """Whether it is a choice to update what exists."""
    return KINDS[kind].updates and not KINDS[kind].only_updates


def _link_of(reason: str) -> Link | None:
    """The customer that a reason speaks of."""
    found = _CUSTOMER.search(reason)
    return Link(f"Customer {found[1]}", record_address(found[1])) if found else None


def _page_of(job: Job) -> Link:
    return Link("The import", f"/admin/imports/details/?id={job.params['import_id']}")


def _record_address(left: JobLeftover) -> str:
    return f"/admin/{left.entity}/details/?id={left.entity_id}"


def views() -> list[KontorView]:
    """The views of this module."""
    register_job_page(operations.CHECK, _page_of)
    register_job_page(operations.RUN, _page_of)
    for entity in ("invoices", "journals", "products"):
        register_record_address(entity, _record_address)
    return [ImportsView()]
