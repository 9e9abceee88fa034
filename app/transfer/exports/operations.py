"""Exports: written at once or by a job, kept for a while, and each with its receipt.

The receipt is an entry of the history (`exported`): who, when, which list and conditions, how
many rows, the checksum of the file, and whether bank details stood in it in full.
"""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import chain, islice
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action, AuditEntry
from app.core import clock, storage
from app.core.actor import Actor
from app.core.among import one_of
from app.core.database import reading_through
from app.core.listing import Criteria, Listing
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.jobs import operations as jobs
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned
from app.transfer.columns.base import Column
from app.transfer.exports import telling
from app.transfer.exports.cells import Cells, defused, masked, sheet_cells, text_cells
from app.transfer.exports.lists import ExportList, find_list
from app.transfer.exports.queries import ENTITY
from app.transfer.exports.streams import PORTION, stream
from app.transfer.exports.writers import write_archive, write_workbook

JOB: Final = "export"
PURPOSE: Final = "export"
# Above this, the panel lets a job write the export (domain.md, section 3).
ROWS_AT_ONCE: Final = 2_000
# From here on, a ZIP of two CSV files.
ROWS_OF_ARCHIVE: Final = 100_000
MEDIA_TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}

Watch = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: rows of data, format ("xlsx" or "zip"), checksum, and what was asked."""

    export: ExportList
    rows: int
    format: str
    sha256: str
    size: int
    conditions: Sequence[tuple[str, str]]
    bank_details: str

    @property
    def file_name(self) -> str:
        """The name it is offered by: the list and the day."""
        day = clock.now().astimezone(_zone()).date()
        return f"{self.export.title} {day.isoformat()}.{self.format}"


def may_export(export: ExportList, actor: Actor) -> bool:
    """Whether this person may export this list."""
    return actor.may(Permission.EXPORT) and export.open_to(actor)


def count(session: Session, export: ExportList, criteria: Criteria) -> int:
    """How many rows the export will have. Raises Refused for conditions that do not fit."""
    return export.count(session, export.listing, criteria)


def criteria_of(
    search: str = "", filters: Mapping[str, str] | None = None, sort: str = ""
) -> Criteria:
    """Conditions as they come from an address, a command or a job; days are the company's."""
    return Criteria(
        search=search,
        filters=dict(filters or {}),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        zone=_zone(),
    )


def write(
    export: ExportList,
    criteria: Criteria,
    target: BinaryIO,
    *,
    actor: Actor,
    watch: Watch = lambda done: None,
) -> Written:
    """Write an export into an open file: a workbook, or from 100,000 rows on the ZIP.

    `watch` is told of every row and may raise to stop. Raises NotAllowed, and Refused for
    conditions that do not fit.
    """
    actor.require(Permission.EXPORT)
    export.require(actor)
    export = export.seen_by(actor)
    session = db.session()
    session.rollback()  # what stands there now, not when the request began
    with reading_through(session):
        return _write(session, export, criteria, target, actor, watch)


def _write(
    session: Session,
    export: ExportList,
    criteria: Criteria,
    target: BinaryIO,
    actor: Actor,
    watch: Watch,
) -> Written:
    columns = export.columns(session)
    conditions = export.listing.describe(criteria, session)
    total = count(session, export, criteria)
    as_archive = total >= ROWS_OF_ARCHIVE
    rows = _Rows(_rows(session, export, criteria, total, narrowed=bool(conditions)), watch)
    if as_archive:
        _write_archive(target, export, columns, rows, conditions, actor)
    else:
        cells = sheet_cells(columns, actor, _zone())
        write_workbook(target, export.title, columns, rows.through(cells))
    return Written(
        export=export,
        rows=rows.done,
        format="zip" if as_archive else "xlsx",
        sha256=_sha256(target),
        size=target.seek(0, os.SEEK_END),
        conditions=conditions,
        bank_details=_bank_details(columns, actor),
    )


def _write_archive(
    target: BinaryIO,
    export: ExportList,
    columns: Sequence[Column],
    rows: "_Rows",
    conditions: Sequence[tuple[str, str]],
    actor: Actor,
) -> None:
    labels = [column.label for column in columns]
    cells = text_cells(columns, actor, _zone())
    settings = _settings(export, conditions, actor, rows)
    write_archive(
        target,
        (f"{export.title.lower()}.csv", labels, rows.through(cells)),
        ("filter settings.csv", ("Setting", "Value"), settings),
        separator=current_app.config["SETTINGS"].csv_separator,
    )


def record_export(
    session: Session, written: Written, *, actor: Actor, stored: StoredFile | None = None
) -> int:
    """Write the receipt of an export; its number. `stored` is the file where one is kept."""
    told = {
        "list": written.export.name,
        "filter": [f"{label}: {value}" for label, value in written.conditions],
        "rows": written.rows,
        "format": written.format,
        "size": written.size,
        "sha256": written.sha256,
        "bank_details": written.bank_details,
        "kept_until": stored.expires_at.isoformat() if stored and stored.expires_at else None,
    }
    entry = audit.entry(
        actor=actor,
        action=Action.EXPORTED,
        entity=ENTITY,
        entity_id=stored.id if stored else None,
        entity_label=written.export.title,
        changes={name: [None, value] for name, value in told.items()},
    )
    return session.scalars(insert(AuditEntry).returning(AuditEntry.id), [entry]).one()


def export_now(export: ExportList, criteria: Criteria, *, actor: Actor) -> int:
    """Write an export and keep it; the number of its receipt."""
    with tempfile.TemporaryFile() as file:
        written = write(export, criteria, file, actor=actor)
        with transaction() as session:
            return _keep(session, file, written, actor)


def start_export(
    session: Session, export: ExportList, criteria: Criteria, *, actor: Actor, total: int
) -> Job:
    """Have a large export written by a job. Raises NotAllowed."""
    actor.require(Permission.EXPORT)
    export.require(actor)
    sort = f"-{criteria.sort}" if criteria.descending else criteria.sort
    params = {
        "list": export.name,
        "search": criteria.search,
        "filters": dict(criteria.filters),
        "sort": sort,
    }
    return jobs.enqueue(
        session, JOB, params, actor=actor, title=f"Export of {export.title.lower()}", total=total
    )


def run_export(context: JobContext) -> dict[str, Any]:
    """Write an export as a job. One that was killed starts anew, unless its file was kept."""
    if context.cursor is not None:
        return dict(context.cursor)
    params = context.params
    export = find_list(params["list"])
    criteria = criteria_of(params["search"], params["filters"], params["sort"])

    def watch(done: int) -> None:
        context.progress(done, phase="Writing rows")
        context.stop_if_cancelled()

    # A file without a name: of a worker that is killed, not even half an export stays behind.
    with tempfile.TemporaryFile() as file:
        written = write(export, criteria, file, actor=context.actor, watch=watch)
        context.progress(written.rows, phase="Keeping the file")
        with transaction() as session:
            receipt = _keep(session, file, written, context.actor)
            result = {"receipt": receipt, "rows": written.rows, "format": written.format}
            # In the transaction of the receipt: a worker killed right here exports nothing twice.
            context.checkpoint(session, result, written.rows)
    return result


def register() -> None:
    """Make the kind of job known."""
    registry.register(JOB, run_export, on_abandoned=OnAbandoned.RESUME, on_end=telling.tell)


def _keep(session: Session, file: BinaryIO, written: Written, actor: Actor) -> int:
    stored = storage.save(
        session,
        file,
        name=written.file_name,
        media_type=MEDIA_TYPES[written.format],
        purpose=PURPOSE,
        owner_id=actor.operator_id,
        days=current_app.config["SETTINGS"].retention_days,
    )
    return record_export(session, written, actor=actor, stored=stored)


def _rows(
    session: Session, export: ExportList, criteria: Criteria, total: int, *, narrowed: bool
) -> Iterator[Any]:
    """The rows in the order of the list, on the way that the database can go in time.

    Where conditions narrow a list, the keys are found first, and the rows by them: left to itself,
    SQLite walks through the whole table in the order asked for to save a sort.
    """
    listing = export.listing
    if total >= ROWS_OF_ARCHIVE:
        # The order that nobody asked for: by the key, in which the rows lie on the disk.
        return export.rows(session, replace(listing, default_sort=""), criteria)
    if not narrowed or (total > ROWS_AT_ONCE and listing.facets is None):
        return export.rows(session, listing, criteria)
    keys = _keys(session, listing, criteria)
    if total <= ROWS_AT_ONCE:
        return export.rows(session, _only(listing, keys), criteria)
    ordered = replace(criteria, search="", filters={})
    portions = (keys[start : start + PORTION] for start in range(0, len(keys), PORTION))
    return chain.from_iterable(
        export.rows(session, _only(listing, portion), ordered) for portion in portions
    )


def _keys(session: Session, listing: Listing, criteria: Criteria) -> Sequence[int]:
    """The keys of the rows asked for, in order."""
    key = listing.primary_key
    found = listing.where(criteria).with_only_columns(key, maintain_column_froms=True)
    order = listing.order(criteria, walked=False)
    # A hundred thousand of them take 1 MB this way, and 9 MB as the session would give them.
    return array("q", (key for (key,) in stream(session, found.order_by(*order))))


def _only(listing: Listing, keys: Sequence[int]) -> Listing:
    return replace(listing, statement=listing.statement.where(one_of(listing.primary_key, keys)))


class _Rows:
    """Counts the rows that pass by, and tells of them after each portion."""

    def __init__(self, rows: Iterator[Any], watch: Watch) -> None:
        self._rows = rows
        self._watch = watch
        self.done = 0

    def through(self, cells: Sequence[Cells]) -> Iterator[Sequence[Any]]:
        """Each row with its values made into cells."""
        while portion := list(islice(self._rows, PORTION)):
            self.done += len(portion)
            self._watch(self.done)
            columns = zip(*portion, strict=True)
            yield from zip(
                *(make(values) for make, values in zip(cells, columns, strict=True)), strict=True
            )


def _settings(
    export: ExportList, conditions: Sequence[tuple[str, str]], actor: Actor, rows: _Rows
) -> Iterator[tuple[str, str]]:
    """What was asked, by whom and when; read last, when the rows are counted."""
    moment = clock.now().astimezone(_zone()).replace(tzinfo=None)
    yield "List", export.title
    yield "Exported by", defused(actor.label)
    yield "Exported", moment.isoformat(" ", timespec="seconds")
    for label, value in conditions:
        yield label, defused(value)
    if not conditions:
        yield "Conditions", "none: the whole list"
    yield "Rows", str(rows.done)


def _bank_details(columns: Sequence[Column], actor: Actor) -> str:
    if not any(column.masked for column in columns):
        return "none"
    return "masked" if any(masked(column, actor) for column in columns) else "in full"


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _zone() -> tzinfo:
    return ZoneInfo(current_app.config["SETTINGS"].timezone)
