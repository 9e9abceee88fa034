"""The check: reads every row, judges it, and writes down what to do; nothing else is written.

Runs as a job of the kind `import-check`. What it leaves behind: the refused cells in the
database, the plan and the workbook of refused rows in the file store, the counts on the import.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import current_app
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core import storage
from app.core.errors import Refused
from app.core.models import StoredFile
from app.core.portions import portions
from app.extensions import db, transaction
from app.jobs.context import JobContext
from app.transfer.columns import workbook_spec
from app.transfer.columns.base import WorkbookSpec
from app.transfer.columns.choices import load_lookups
from app.transfer.imports import queries
from app.transfer.imports.guard import MEBIBYTE
from app.transfer.imports.kinds import KINDS
from app.transfer.imports.kinds.base import ImportedBefore, Judged, Judging
from app.transfer.imports.layout import (
    HeadingProblem,
    SheetLayout,
    find_layouts,
    likely_layouts,
    same_headings_said,
)
from app.transfer.imports.plan import Action
from app.transfer.imports.reader import Source, open_source
from app.transfer.imports.rows import Refusal, read_rows
from app.transfer.imports.scratch import Scratch
from app.transfer.models import Import, ImportRefusal, ImportState

REFUSALS_AT_ONCE = 1000
PLAN = "import plan"


@dataclass(slots=True)
class Counts:
    """How many rows there are, and what is to become of them."""

    rows: int = 0
    create: int = 0
    update: int = 0
    unchanged: int = 0
    refused: int = 0
    sheets: list[dict[str, Any]] = field(default_factory=list)

    def count(self, judged: Judged) -> None:
        """Count a judged row in."""
        self.rows += 1
        if judged.row is not None and judged.row.refused:
            self.refused += 1
        elif judged.action is None:
            self.unchanged += 1
        elif judged.action is Action.CREATE:
            self.create += 1
        else:
            self.update += 1


def run_check(context: JobContext) -> dict[str, Any]:
    """Check the upload of the import that the job is for. Raises Refused for a bad upload."""
    import_id: int = context.params["import_id"]
    found = db.session.get_one(Import, import_id)
    kind = KINDS[found.kind]
    spec = workbook_spec(db.session(), kind.name)
    mappings = spec.mappings()
    earlier = queries.imported_before(
        db.session(), found, lambda one: same_headings_said(one.layout, mappings)
    )
    if earlier is not None and not earlier.refused_rows:
        return _nothing_to_do(import_id, earlier)
    before = _refused_by(db.session(), earlier)
    updating = kind.only_updates or bool(found.options.get("update"))
    match = str(found.options.get("match") or "number")
    stored = found.file
    with transaction() as session:  # a check that starts again after a kill starts afresh
        session.execute(delete(ImportRefusal).where(ImportRefusal.import_id == import_id))
    country = current_app.config["SETTINGS"].country
    with (
        open_upload(stored) as source,
        Scratch() as scratch,
        tempfile.TemporaryFile("w+b") as plan,
    ):
        context.progress(0, phase="Reading the file")
        layouts = _find_layouts(import_id, source, spec, updating)
        judging = Judging(
            db.session(), load_lookups(db.session()), scratch, updating=updating, match=match
        )
        sheets = {
            layout.spec.title: read_rows(
                source, layout, judging.lookups, updating=updating, country=country
            )
            for layout in layouts
        }
        judged = kind.judge(judging, sheets, before)
        counts = _settle(context, import_id, judged, plan, expected_rows(source, layouts))
        if not counts.rows:
            raise Refused.because("There are no rows below the headings of this file.")
        counts.sheets = [layout.described() for layout in layouts]
        context.progress(counts.rows, phase="Keeping the result")
        _keep(context, import_id, counts, plan, earlier)
        if counts.refused:
            context.progress(counts.rows, phase="Writing the workbook of refused rows")
            # Loaded here: what writes workbooks cell by cell is large.
            from app.transfer.imports.report import store_report

            store_report(import_id, source, layouts)
    return {"import": import_id, **asdict(counts)}


def _find_layouts(
    import_id: int, source: Source, spec: WorkbookSpec, updating: bool
) -> list[SheetLayout]:
    """The layouts; where the headings are the problem, they are kept for a clerk to explain."""
    try:
        return find_layouts(source, spec, updating=updating)
    except HeadingProblem:
        sheets = [layout.described() for layout in likely_layouts(source, spec)]
        with transaction() as session:
            session.get_one(Import, import_id).layout = {"sheets": sheets}
        raise


@contextmanager
def open_upload(stored: StoredFile) -> Iterator[Source]:
    """A stored upload, open for reading, under a path of our own as its readers need one."""
    limit = current_app.config["SETTINGS"].upload_megabytes * MEBIBYTE
    with tempfile.NamedTemporaryFile(prefix="kontor-") as copy:
        storage.copy_to(stored, cast(BinaryIO, copy))
        with open_source(Path(copy.name), limit) as source:
            yield source


def expected_rows(source: Source, layouts: list[SheetLayout]) -> int | None:
    """About how many rows there are, for the progress bar."""
    sizes = [source.size(layout.sheet) for layout in layouts]
    return None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)


def _settle(
    context: JobContext,
    import_id: int,
    judged: Iterator[Judged],
    plan: BinaryIO,
    total: int | None,
) -> Counts:
    """Count every judged row, write the plan, and keep the refusals portion by portion."""
    counts = Counts()
    waiting: list[Refusal] = []
    for one in judged:
        if one.line is not None:
            plan.write(one.line.dump().encode() + b"\n")
        if one.row is None:
            continue
        counts.count(one)
        waiting += one.row.in_order()
        if len(waiting) >= REFUSALS_AT_ONCE:
            keep_refusals(import_id, waiting)
            waiting = []
        context.progress(counts.rows, total, phase="Checking rows")
        context.stop_if_cancelled()
    keep_refusals(import_id, waiting)
    return counts


def keep_refusals(import_id: int, refusals: list[Refusal]) -> None:
    """Write refused cells in a short transaction of their own."""
    if not refusals:
        return
    with transaction() as session:
        add_refusals(session, import_id, refusals)


def add_refusals(session: Session, import_id: int, refusals: list[Refusal]) -> None:
    """Write refused cells in the transaction under way."""
    for portion in portions(refusals, REFUSALS_AT_ONCE):
        session.execute(
            insert(ImportRefusal),
            [
                {
                    "import_id": import_id,
                    "sheet": refusal.sheet[:255],
                    "row": refusal.row,
                    "column": refusal.column[:255],
                    "value": refusal.value,
                    "reason": refusal.reason,
                    "hint": refusal.hint or None,
                }
                for refusal in portion
            ],
        )


def _refused_by(session: Session, earlier: Import | None) -> ImportedBefore:
    if earlier is None:
        return ImportedBefore()
    rows = session.execute(
        select(ImportRefusal.sheet, ImportRefusal.row)
        .where(ImportRefusal.import_id == earlier.id)
        .distinct()
    )
    return ImportedBefore(frozenset((sheet, row) for sheet, row in rows))


def _nothing_to_do(import_id: int, earlier: Import) -> dict[str, Any]:
    """The file was imported whole before: it is not even read again."""
    earlier_rows, message = earlier.rows, queries.told_before(earlier)
    sheets = earlier.layout.get("sheets", [])
    with transaction() as session:
        found = session.get_one(Import, import_id)
        found.rows = found.unchanged = earlier_rows
        found.message = message
        found.layout = {"repeats": True, "create": 0, "update": 0, "sheets": sheets}
        found.state = ImportState.DONE
    return {"import": import_id, **asdict(Counts(rows=earlier_rows, unchanged=earlier_rows))}


def _keep(
    context: JobContext, import_id: int, counts: Counts, plan: BinaryIO, earlier: Import | None
) -> None:
    """Store the plan, and write the counts onto the import."""
    message = queries.told_before(earlier) if earlier is not None else None
    kept = storage.keep_bytes(plan, purpose=PLAN) if counts.create or counts.update else None
    with transaction() as session:
        found = session.get_one(Import, import_id)
        found.rows = counts.rows
        found.unchanged = counts.unchanged
        found.refused_rows = counts.refused
        found.message = message
        found.layout = {
            "sheets": counts.sheets,
            "create": counts.create,
            "update": counts.update,
            "repeats": earlier is not None,
            "last_refusal": queries.last_refusal(session, import_id),
        }
        if kept is not None:
            stored = storage.save(
                session,
                kept,
                name="plan.jsonl",
                media_type="application/x-ndjson",
                purpose=PLAN,
                owner_id=None,
                days=current_app.config["SETTINGS"].retention_days,
            )
            found.plan_file_id = stored.id
            found.state = ImportState.CHECKED
        else:  # there is nothing to choose
            found.state = ImportState.DONE
