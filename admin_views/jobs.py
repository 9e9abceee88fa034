"""Jobs: what runs in the background, how far it is, what became of it; cancel and run again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from admin_views.access import acting, needs
from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column, Link, day, zone
from admin_views.notices import seen
from admin_views.records import RecordTab, Section
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import operations, queries, undoing
from app.jobs.leftovers import count_leftovers, leftovers
from app.jobs.models import Job, JobLeftover, JobState
from app.jobs.story import story

COLOURS = {
    JobState.QUEUED: "grey",
    JobState.RUNNING: "blue",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "orange",
}

LEFTOVERS = 25

_pages: dict[str, Callable[[Job], Link]] = {}
_facts: dict[str, Callable[[Job], list[tuple[str, Any]]]] = {}
_records: dict[str, Callable[[JobLeftover], str]] = {}
_names: dict[str, Callable[[Session, Sequence[int]], Mapping[int, str]]] = {}


def register_job_page(kind: str, page: Callable[[Job], Link]) -> None:
    """Say which page shows what a kind of job belongs to, such as its import."""
    _pages[kind] = page


def register_job_facts(kind: str, facts: Callable[[Job], list[tuple[str, Any]]]) -> None:
    """Say what a kind of job was asked to do, in lines of label and value."""
    _facts[kind] = facts


def register_record_address(entity: str, address: Callable[[JobLeftover], str]) -> None:
    """Say where the records of a table are shown, by their id or by what they are known by."""
    _records[entity] = address


def register_record_names(
    entity: str, names: Callable[[Session, Sequence[int]], Mapping[int, str]]
) -> None:
    """Say what records of a table are called besides what they are known by, by their ids."""
    _names[entity] = names


def state_badge(job: Job) -> Badge:
    """The state of a job as a badge."""
    state = JobState(job.state)
    if job.cancel_requested and state in operations.ACTIVE:
        return Badge("Stopping", "orange")
    return Badge(queries.STATE_LABELS[state], COLOURS[state])


def is_active(job: Job) -> bool:
    """Tell whether a job still waits or runs."""
    return job.state in operations.ACTIVE


def _done(job: Job) -> str:
    if not job.total:
        return f"{job.done:,}" if job.done else ""
    return f"{job.done:,} of {job.total:,}"


def _to_the_second(moment: datetime) -> str:
    local = moment.astimezone(zone())
    return f"{day(local)} {local:%H:%M:%S}"


def _cancel(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    for job_id in ids:
        operations.cancel(session, job_id, actor=actor)
    return "The job stops at its next safe point; what it has written is taken back."


def _run_again(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    for job_id in ids:
        operations.run_again(session, job_id, actor=actor)
    return "The job waits for a worker again."


def _undo(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    for job_id in ids:
        undoing.start_undo(session, job_id, actor=actor)
    return "What this job has changed is being taken back."


def _may_undo(job: Job) -> bool:
    return undoing.may_undo(db.session(), job, acting())


def _left_count(session: Session, job: Job) -> int:
    return count_leftovers(session, job.id)


def _has_left(job: Job) -> bool:
    return _left_count(db.session(), job) > 0


def _left(view: Any, session: Session, job: Job, page: int) -> str:
    """The records that the job left as they were, each with the reason."""
    pages = max(1, ceil(_left_count(session, job) / LEFTOVERS))
    page = min(page, pages)
    rows = leftovers(session, job.id, (page - 1) * LEFTOVERS, LEFTOVERS)
    called = _called(session, rows)
    columns = (
        Column("label", "Record", lambda row: _left_record(row, called), main=True),
        Column("reason", "Why it was left"),
    )
    return render_template(
        "jobs/leftovers.html",
        admin_view=view,
        columns=columns,
        rows=rows,
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(".tab_view", id=job.id, tab="left", page=number),
    )


def _called(session: Session, rows: Sequence[JobLeftover]) -> dict[tuple[str, int], str]:
    """The names of the records on a page, by table and id."""
    found: dict[tuple[str, int], str] = {}
    for entity, names in _names.items():
        ids = [row.entity_id for row in rows if row.entity == entity and row.entity_id is not None]
        found |= {(entity, id_): name for id_, name in (names(session, ids) if ids else {}).items()}
    return found


def _left_record(row: JobLeftover, called: Mapping[tuple[str, int], str]) -> Any:
    address = _records.get(row.entity)
    name = f"{row.label} {called.get((row.entity, row.entity_id or 0), '')}".strip()
    return Link(name, address(row)) if address else name


class JobsView(KontorView):
    """The list of jobs and the page of each."""

    model_class = Job
    label, singular = "Jobs", "job"
    menu_group, icon, endpoint_name = "Data", "activity", "jobs"
    permissions = {"view": Permission.JOBS_VIEW, "export": Permission.EXPORT}
    export_kind = "jobs"
    details_template = "jobs/job.html"
    empty_hint = "Imports and large exports appear here while they run and after."
    columns = (
        Column("title", "Job", main=True, filter="title"),
        Column("state", "State", state_badge, filter="state"),
        Column("done", "Done", _done, numeric=True),
        Column("created_by_label", "Asked for by", filter="by"),
        Column("created_at", "Asked for", sort="number", filter="created"),
        Column("finished_at", "Ended"),
    )
    actions = (
        Action(
            "cancel",
            "Cancel",
            Permission.JOBS_VIEW,
            _cancel,
            icon="x",
            confirm="Stop this job? What it has written so far is taken back.",
            danger=True,
            places=frozenset({"record", "row"}),
            shown=lambda job: (
                is_active(job) and not job.cancel_requested and operations.stoppable(job)
            ),
        ),
        Action(
            "run_again",
            "Run again",
            Permission.JOBS_VIEW,
            _run_again,
            icon="refresh",
            places=frozenset({"record", "row"}),
            shown=lambda job: job.state in operations.ENDED_BADLY,
        ),
        Action(
            "undo",
            "Undo",
            Permission.JOBS_VIEW,
            _undo,
            icon="arrow-back-up",
            confirm=(
                "Take back everything that this job has changed? Records that somebody edited "
                "since stay as they are and are listed."
            ),
            places=frozenset({"record"}),
            shown=_may_undo,
        ),
    )
    tabs = (RecordTab("left", "Left as they were", _left, _left_count, shown=_has_left),)
    first_tab = "Job"

    def listing(self) -> Listing:
        return queries.listing(current_actor())

    def scope(self) -> list[ColumnElement[bool]]:
        return queries.visible_to(current_actor())

    def headline(self, model: Job) -> str:
        return model.title

    def badges(self, model: Job) -> list[Badge]:
        return [state_badge(model)]

    def sections(self, model: Job) -> list[Section]:
        lines: list[tuple[str, Any]] = [
            ("Asked for by", model.created_by_label),
            ("Asked for", model.created_at),
            ("Started", model.started_at),
            ("Ended", model.finished_at),
            ("Done", _done(model)),
        ]
        if _may_undo(model):
            lines.append(("Can be undone until", undoing.undo_until(model)))
        if model.kind == undoing.KIND:
            taken_back = model.params["job_id"]
            url = self.get_url(".details_view", id=taken_back)
            lines.append(("Takes back", Link(f"Job {taken_back}", url)))
        if model.kind in _pages:
            lines.append(("Belongs to", _pages[model.kind](model)))
        sections = [Section("Job", lines)]
        if model.kind in _facts:
            sections.append(Section("What was asked", _facts[model.kind](model)))
        if model.result:
            figures = [
                (key.replace("_", " ").capitalize(), value)
                for key, value in model.result.items()
                if isinstance(value, int | str)
            ]
            if figures:
                sections.append(Section("Result", figures))
        happened = [(_to_the_second(at), sentence) for at, sentence in story(model)]
        return [*sections, Section("What happened", happened, wide=True)]

    def undone_by(self, model: Job) -> Job | None:
        """The job that took this one back."""
        return undoing.undone_by(db.session(), model.id)

    @expose("/seen/", methods=("POST",))
    @needs(Permission.JOBS_VIEW)
    def seen_view(self) -> ResponseReturnValue:
        """Put the notice away that a job has ended."""
        job = self.record_or_404()
        seen(job.id)
        return "" if request.headers.get("HX-Request") else redirect(self.record_url(job))

    @expose("/progress/")
    @needs(Permission.JOBS_VIEW)
    def progress_view(self) -> Response:
        """The progress of one job, as a fragment that asks for itself again until the end.

        At the end the page around it is loaded anew, whichever page that is: it shows the result.
        """
        job = self.record_or_404()
        response = make_response(render_template("jobs/progress_fragment.html", job=job))
        response.headers["Cache-Control"] = "no-store"
        if not is_active(job):
            response.headers["HX-Refresh"] = "true"
        return response


def views() -> list[JobsView]:
    """The views of this module."""
    return [JobsView()]
