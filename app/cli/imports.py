"""flask import …: check a workbook and write its good rows, in the foreground, without a worker."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import current_app
from sqlalchemy import select

from app.cli.output import OutFile, ReadLater, command, progress
from app.core import storage
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.filters import MAX_ID
from app.extensions import db, transaction
from app.jobs import operations as jobs
from app.jobs import undoing
from app.jobs.models import JobLeftover
from app.transfer.columns import TITLES, WORKBOOK_NAMES, workbook_spec
from app.transfer.columns.base import SheetSpec, heading_key
from app.transfer.exports.streams import stream
from app.transfer.imports import operations, queries
from app.transfer.imports.guard import MEBIBYTE
from app.transfer.imports.headings import LEFT_OUT, heading_keys, remember, suggested
from app.transfer.imports.kinds import KINDS
from app.transfer.imports.layout import likely_layouts
from app.transfer.imports.reader import open_source
from app.transfer.models import Import, ImportRefusal, ImportState

OPTIONS = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option("--dry-run", is_flag=True, help="Only check; write nothing."),
    click.option("--all-or-nothing", is_flag=True, help="Write nothing if any row is refused."),
    click.option(
        "--map",
        "mapped",
        multiple=True,
        metavar="HEADING=COLUMN",
        help="What a heading of the file means: --map Vorname='First name'. Nothing after the = "
        "leaves it out. Kept for the next file with the same headings; may be given several times.",
    ),
    click.option(
        "--report",
        type=OutFile(),
        help="Where to put the workbook of refused rows.",
    ),
)
UPDATE = (
    click.option("--update", is_flag=True, help="Update existing customers too."),
    click.option(
        "--match",
        type=click.Choice(["number", "email"]),
        default="number",
        show_default=True,
        help="What tells which existing customer a row is about.",
    ),
)


def run(
    kind: str,
    file: Path,
    *,
    dry_run: bool,
    all_or_nothing: bool,
    report: Path | None,
    mapped: Sequence[str] = (),
    update: bool = False,
    match: str = "number",
) -> dict[str, Any]:
    """Check a file and write its good rows; the result as design.md, section 5, wants it."""
    if mapped:
        _remember(kind, file, mapped, updating=update)
    progress(f"Checking {file.name} …")
    with file.open("rb") as content:
        kept = storage.keep_bytes(content, purpose=operations.UPLOAD)
    with transaction() as session:
        started = operations.start_check(
            session,
            kind,
            kept,
            name=file.name,
            actor=COMMAND_LINE,
            update=update,
            match=match,
            foreground=True,
        )
        import_id, job_id = started.id, started.check_job_id
    assert job_id is not None
    jobs.run_now(job_id)
    found = db.session.get_one(Import, import_id)
    if found.state not in (ImportState.CHECKED, ImportState.DONE):
        return _refused_whole(job_id, found)
    whole = all_or_nothing and bool(found.refused_rows)
    if found.state == ImportState.CHECKED and not dry_run and not whole:
        progress("Writing …")
        with transaction() as session:
            job_id = operations.start_run(
                session,
                import_id,
                actor=COMMAND_LINE,
                all_or_nothing=all_or_nothing,
                foreground=True,
            ).run_job_id
        assert job_id is not None
        jobs.run_now(job_id)
        found = db.session.get_one(Import, import_id)
    if report is not None and found.report_file is not None:
        with report.open("wb") as target:
            storage.copy_to(found.report_file, target)
    return _result(job_id, found, dry_run=dry_run, whole=whole)


def _remember(kind: str, file: Path, mapped: Sequence[str], *, updating: bool) -> None:
    """Keep what the headings of a file mean. Raises Refused for one that is not there."""
    wanted = dict(_pair(one) for one in mapped)
    limit = current_app.config["SETTINGS"].upload_megabytes * MEBIBYTE
    updating = updating or KINDS[kind].only_updates
    with transaction() as session:
        spec = workbook_spec(session, kind)
        with open_source(file, limit) as source:
            found = likely_layouts(source, spec)
        for layout in found:
            columns = suggested(layout.spec, layout.headings, spec.mappings())
            for key in heading_keys(layout.headings):
                if key in wanted:
                    columns[key] = _field(layout.spec, wanted.pop(key))
            remember(
                session,
                spec,
                layout.spec,
                layout.headings,
                columns,
                updating=updating,
                actor=COMMAND_LINE,
            )
        if wanted:
            raise Refused.because(f"The file has no heading “{next(iter(wanted))}”")


def _pair(text: str) -> tuple[str, str]:
    heading, equals, column = text.rpartition("=")
    if not equals or not heading.strip():
        raise click.BadParameter(f"“{text}” is not HEADING=COLUMN", param_hint="--map")
    return heading_key(heading), column


def _field(sheet: SheetSpec, label: str) -> str:
    if not label.strip():
        return LEFT_OUT
    column = sheet.by_heading.get(heading_key(label))
    if column is None:
        raise Refused.because(f"There is no column “{label.strip()}” for {sheet.title.lower()}")
    return column.field


def _result(job_id: int, found: Import, *, dry_run: bool, whole: bool) -> dict[str, Any]:
    written = found.state == ImportState.DONE
    planned = found.layout if dry_run else {"create": 0, "update": 0}
    result: dict[str, Any] = {
        "job": job_id,
        "rows": found.rows,
        "created": found.created if written else planned["create"],
        "updated": found.updated if written else planned["update"],
        "unchanged": found.unchanged,
        "refused": ReadLater(partial(_refused, found.id)),
        "message": found.message or _said(found, dry_run=dry_run, whole=whole),
    }
    if whole or not (written or dry_run):
        result["refused_whole"] = True
    return result


def _said(found: Import, *, dry_run: bool, whole: bool) -> str:
    """The outcome in a sentence for people."""
    refused = f"{found.refused_rows:,} of {found.rows:,} rows are refused"
    if whole:
        return f"Nothing was written: {refused}, and all or nothing was asked for."
    if dry_run:
        plan = found.layout
        return f"{plan['create']:,} to create, {plan['update']:,} to update; {refused}."
    if found.state != ImportState.DONE:
        return "Nothing was written."
    return f"{found.created:,} created, {found.updated:,} updated; {refused}."


def _refused_whole(job_id: int, found: Import) -> dict[str, Any]:
    """What is said of an upload that could not even be read."""
    return {
        "job": job_id,
        "rows": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "refused": [],
        "error": found.message,
        "message": found.message,
        "headings": _headings(found),
        "refused_whole": True,
    }


def _headings(found: Import) -> list[dict[str, Any]]:
    """The headings that a refused file has, each with the column that it is likely to mean."""
    spec = workbook_spec(db.session(), found.kind)
    sheets = {sheet.title: sheet for sheet in spec.sheets}
    told = []
    for one in found.layout.get("sheets", ()):
        sheet = sheets[one["sheet"]]
        likely = suggested(sheet, one["headings"], spec.mappings())
        for heading, key in zip(one["headings"], heading_keys(one["headings"]), strict=True):
            column = sheet.by_field.get(likely.get(key, LEFT_OUT))
            label = column.label if column else None
            if heading:
                told.append({"sheet": one["title"], "heading": heading, "likely": label})
    return told


def _refused(import_id: int) -> Iterator[dict[str, Any]]:
    names = ("sheet", "row", "column", "reason")
    cells = queries.refusals_of(import_id).with_only_columns(
        *(getattr(ImportRefusal, name) for name in names)
    )
    for cell in stream(db.session(), cells):
        yield dict(zip(names, cell, strict=True))


def _make(kind: str) -> click.Command:
    def imported(**arguments: Any) -> dict[str, Any]:
        return run(kind, **arguments)

    imported.__doc__ = f"Import {TITLES[kind].lower()} from FILE: an .xlsx workbook, or CSV or TSV."
    options = (*OPTIONS, *(UPDATE if KINDS[kind].updates else ()))
    return command(kind, *options)(imported)


@command("undo", click.argument("job", type=click.IntRange(1, MAX_ID)))
def undo_command(job: int) -> dict[str, Any]:
    """Take back what the import JOB has written, but for records that were edited since.

    JOB is the number that the import told. It can be taken back for 30 days (setting)."""
    with transaction() as session:
        if jobs.find(session, job, actor=COMMAND_LINE).kind != operations.RUN:
            raise Refused.because(f"Job {job} is no import that has written something")
        undo_id = undoing.start_undo(session, job, actor=COMMAND_LINE, foreground=True).id
    progress("Taking back …")
    done = jobs.run_now(undo_id)
    if done.result is None:
        raise Refused.because(done.error or "The undo did not come to its end")
    taken_back, left = done.result["taken_back"], done.result["left"]
    listed = db.session.scalars(
        select(JobLeftover).where(JobLeftover.job_id == undo_id).order_by(JobLeftover.id)
    )
    return {
        "job": undo_id,
        "taken_back": taken_back,
        "left": [{"record": one.label, "reason": one.reason} for one in listed],
        "message": f"{taken_back:,} records were taken back; {left:,} were left as they are.",
    }


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("import", help="Bring in customers, journals, products and invoices.")
    group.add_command(undo_command)
    for kind in WORKBOOK_NAMES:
        if kind in KINDS:
            group.add_command(_make(kind))
    return [group]
