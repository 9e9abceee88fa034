"""The run: writes what the check has decided, in short commits that a kill cannot tear.

Runs as a job of the kind `import-run`. Each commit, its count and the place in the plan are one
transaction with an undo journal: a killed run goes on where it stood, or is taken back whole if
"all or nothing" was chosen. A commit takes piece after piece, and ends as soon as somebody waits.
"""

import gc
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flask import current_app
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.core import storage
from app.core.actor import Actor, Channel
from app.core.errors import Conflict, NotFound, Problem, Refused
from app.core.models import StoredFile
from app.extensions import db, transaction
from app.jobs.context import JobContext
from app.jobs.pace import Pace
from app.transfer.columns import workbook_spec
from app.transfer.imports.check import add_refusals, open_upload
from app.transfer.imports.kinds import KINDS
from app.transfer.imports.kinds.base import ImportKind, Written, late_refusals
from app.transfer.imports.layout import find_layouts
from app.transfer.imports.plan import PlanLine, read_plan
from app.transfer.models import Import, ImportRefusal

CHANGED: Final = "What this row refers to has changed since the check"
# Somebody may take an email between the look and the write (on PostgreSQL): look again.
ATTEMPTS: Final = 3
# What says that something cannot be written, and is no fault of the program.
UNWRITABLE: Final = (IntegrityError, Refused, NotFound, Conflict)

Piece = list[PlanLine]


@dataclass(slots=True)
class Progress:
    """Where a run stands: the lines of the plan that are done, and what they came to."""

    line: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    late: int = 0

    def add(self, lines: int, written: Written) -> "Progress":
        """The place after another chunk."""
        return Progress(
            self.line + lines,
            self.created + written.created,
            self.updated + written.updated,
            self.unchanged + written.unchanged,
            self.late + len({(refusal.sheet, refusal.row) for refusal in written.refusals}),
        )

    @property
    def rows(self) -> int:
        """How many rows the lines came to."""
        return self.created + self.updated + self.unchanged + self.late


def run_import(context: JobContext) -> dict[str, Any]:
    """Write the plan of the import that the job is for; say what it came to.

    Raises Refused when "all or nothing" was chosen and a row cannot be written.
    """
    found = db.session.get_one(Import, context.params["import_id"])
    import_id, kind = found.id, KINDS[found.kind]
    rows, unchanged, refused_rows = found.rows, found.unchanged, found.refused_rows
    if context.params.get("all_or_nothing") and refused_rows:
        raise Refused.because(
            f"{refused_rows:,} of {rows:,} rows are refused, and “all or nothing” was chosen: "
            "nothing was written"
        )
    if context.cursor is None:
        _forget_late_refusals(import_id, found.layout.get("last_refusal", 0))
        found = db.session.get_one(Import, import_id)
    progress = Progress(**(context.cursor or {}))
    if found.plan_file_id is not None:
        plan = db.session.get_one(StoredFile, found.plan_file_id)
        with _what_is_there_kept_aside():
            progress = _write_plan(context, kind, plan, progress, rows - unchanged - refused_rows)
    if progress.late:
        _write_report_again(import_id)
    return {
        "import": import_id,
        "rows": rows,
        "created": progress.created,
        "updated": progress.updated,
        "unchanged": unchanged + progress.unchanged,
        "refused_rows": refused_rows + progress.late,
    }


@contextmanager
def _what_is_there_kept_aside() -> Iterator[None]:
    """Spare the search for garbage what the application is made of.

    A write makes millions of small objects, and each search would walk all that was there before.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _forget_late_refusals(import_id: int, last: int) -> None:
    """Forget what a former run, taken back since, had to refuse."""
    with transaction() as session:
        session.execute(
            delete(ImportRefusal).where(
                ImportRefusal.import_id == import_id, ImportRefusal.id > last
            )
        )


def _write_plan(
    context: JobContext, kind: ImportKind, stored: StoredFile, progress: Progress, total: int
) -> Progress:
    pace = Pace(current_app.config["SETTINGS"].chunk_rows)
    actor = replace(context.actor, channel=Channel.IMPORT, job_id=context.job_id)
    run = _Run(context, kind, actor, pace)
    with tempfile.TemporaryFile("w+b") as plan:
        storage.copy_to(stored, plan)
        pieces = _pieces(read_plan(plan, progress.line), pace)
        while piece := next(pieces, None):
            context.stop_if_cancelled()
            context.progress(progress.rows, total, phase="Writing")
            taken = [piece]
            try:
                progress = run.commit(taken, pieces, progress)
            except UNWRITABLE:
                # Those before the piece that failed are written by themselves, and whole.
                for one in taken:
                    progress = run.write(one, progress)
    return progress


def _pieces(lines: Iterable[PlanLine], pace: Pace) -> Iterator[Piece]:
    """Lines for some rows together, or a single one that stands for more."""
    piece: Piece = []
    rows = 0
    for line in lines:
        if piece and rows + len(line.rows) > pace.rows:
            yield piece
            piece, rows = [], 0
        piece.append(line)
        rows += len(line.rows)
    if piece:
        yield piece


@dataclass(frozen=True, slots=True)
class _Run:
    """What writes the pieces of one plan."""

    context: JobContext
    kind: ImportKind
    actor: Actor
    pace: Pace

    def write(self, piece: Piece, progress: Progress) -> Progress:
        """Write a piece in one transaction; where it cannot be, line by line.

        What changed since the check becomes a refusal of its line, never the end of the import.
        """
        all_or_nothing = self.context.params.get("all_or_nothing")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.commit([piece], iter(()), progress)
            except UNWRITABLE as error:
                if all_or_nothing and not isinstance(error, IntegrityError):
                    raise
                if isinstance(error, IntegrityError) and attempt < ATTEMPTS:
                    continue
                if len(piece) > 1:
                    break
                return _refuse(self.context, piece[0], progress, error)
        for line in piece:
            progress = self.write([line], progress)
        return progress

    def commit(self, taken: list[Piece], more: Iterator[Piece], progress: Progress) -> Progress:
        """Write pieces in one transaction, and `more` of them while nobody waits for its end.

        Each is noted in `taken` before it is written.
        """
        with self.context.chunk() as session:
            for piece in taken:
                began = time.monotonic()
                written = self.kind.write(session, piece, actor=self.actor)
                if written.refusals and self.context.params.get("all_or_nothing"):
                    first = written.refusals[0]
                    raise Refused.because(f"Row {first.row}: {first.reason}. Nothing was written")
                add_refusals(session, self.context.params["import_id"], written.refusals)
                progress = progress.add(len(piece), written)
                self.pace.learn(len(piece), time.monotonic() - began)
                if self._may_go_on(taken) and (another := next(more, None)):
                    taken.append(another)
            self.context.checkpoint(session, asdict(progress), progress.rows)
        return progress

    def _may_go_on(self, taken: Sequence[Piece]) -> bool:
        rows = sum(len(line.rows) for piece in taken for line in piece)
        return rows + self.pace.rows <= self.pace.most and not self.context.holds_others_up()


def _refuse(context: JobContext, line: PlanLine, progress: Progress, error: Exception) -> Progress:
    """Refuse a line that the operations or the database would not take."""
    if context.params.get("all_or_nothing"):
        raise Refused.because(f"Row {line.rows[0][1]}: {CHANGED}. Nothing was written") from error
    problems = error.problems if isinstance(error, Refused) else [Problem("", CHANGED)]
    refusals = [
        refusal
        for place in line.rows
        for refusal in late_refusals(replace(line, rows=[place]), problems)
    ]
    with context.chunk() as session:
        add_refusals(session, context.params["import_id"], refusals)
        after = progress.add(1, Written(refusals=refusals))
        context.checkpoint(session, asdict(after), after.rows)
    return after


def _write_report_again(import_id: int) -> None:
    """The workbook of refused rows, with those that the run had to refuse too."""
    # Loaded here: what writes workbooks cell by cell is large.
    from app.transfer.imports.report import store_report

    found = db.session.get_one(Import, import_id)
    spec = workbook_spec(db.session(), found.kind)
    updating = KINDS[found.kind].only_updates or bool(found.options.get("update"))
    with open_upload(found.file) as source:
        store_report(import_id, source, find_layouts(source, spec, updating=updating))
