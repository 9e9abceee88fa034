"""A bank's report, or a ZIP of several, read as a job: all is looked through, then worked in.

A killed reading goes on where it stood, and so does the same file uploaded again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

from flask import current_app
from sqlalchemy.orm import Session

from app.core import storage
from app.core.actor import Actor
from app.core.database import page_cache
from app.core.errors import Refused
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.core.storage import KeptBytes
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job
from app.jobs.pace import Pace
from app.jobs.registry import OnAbandoned
from app.sepa.reports import operations as reports
from app.sepa.reports.message import Head, Item, Scope
from app.sepa.reports.models import BankReport
from app.sepa.reports.opening import is_archive, recognise, reports_in
from app.sepa.reports.spool import Spool

KIND: Final = "bank-report"
PURPOSE: Final = "bank-report"
MEBIBYTE = 1024 * 1024
# In KB. Each collection is spoken of once: enough for the pages that one commit writes to.
PAGE_CACHE: Final = 16_384


def register() -> None:
    """Make the kind of job known. Half of a report would tell half of the truth: it runs to its
    end."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME, stoppable=False)


def keep(content: BinaryIO) -> KeptBytes:
    """Keep an upload, after a first look at what it is. Raises Refused for what is no report."""
    if not is_archive(content):
        recognise(content)
    return storage.keep_bytes(content, purpose=PURPOSE)


def start_reading(
    session: Session, kept: KeptBytes, name: str, *, actor: Actor, foreground: bool = False
) -> Job:
    """Have an upload read."""
    actor.require(Permission.BANK_REPORTS_IMPORT)
    stored = storage.save(
        session, kept, name=name, media_type="application/octet-stream", purpose=PURPOSE,
        owner_id=actor.operator_id, days=current_app.config["SETTINGS"].retention_days,
    )  # fmt: skip
    return operations.enqueue(
        session, KIND, {}, actor=actor, title=f"Bank report {stored.name}"[:255],
        input_file=stored, foreground=foreground,
    )  # fmt: skip


def run(context: JobContext) -> dict[str, Any]:
    """Look through every report of the upload; if none is broken, work them in."""
    stored, settings = _file_of(context), current_app.config["SETTINGS"]
    zone, most = settings.timezone, settings.upload_megabytes * MEBIBYTE
    with _copied(stored) as source, TemporaryFile() as kept:
        spool, single = Spool(kept), not is_archive(source)
        context.progress(0, phase="Looking through the file")
        heads = [
            _examined(file, name, zone, single, spool)
            for name, file in _opened(source, stored, most)
        ]
        context.progress(0, sum(head.items for head, _ in heads))
        told, before = [], 0
        for (head, ours), (name, file) in zip(heads, _opened(source, stored, most), strict=True):
            report = _report_of(context, head, ours, stored if single else None, name, file)
            told.append(_worked_in(context, report, head, ours, spool, before))
            before += head.items
    return {"reports": told}


@contextmanager
def _chunk(context: JobContext) -> Iterator[Session]:
    """One commit of a reading."""
    with context.chunk(journal=False) as session, page_cache(session, PAGE_CACHE):
        yield session


def _file_of(context: JobContext) -> StoredFile:
    stored = db.session.get_one(Job, context.job_id).file
    assert stored is not None  # start_reading gives it
    db.session.expunge(stored)
    db.session.rollback()
    return stored


@contextmanager
def _copied(stored: StoredFile) -> Iterator[BinaryIO]:
    with TemporaryFile() as file:
        source = cast(BinaryIO, cast(IO[bytes], file))
        storage.copy_to(stored, source)
        yield source


def _opened(source: BinaryIO, stored: StoredFile, most: int) -> Iterator[tuple[str, BinaryIO]]:
    source.seek(0)
    return reports_in(source, stored.name, most)


def _examined(
    file: BinaryIO, name: str, zone: str, single: bool, spool: Spool
) -> tuple[Head, reports.Ours]:
    """Read one report through, and check that it is ours. Raises Refused, naming the file."""
    from app.sepa.reports.reading import examine

    try:
        head = examine(file, zone, spool)
        ours = reports.check_accounts(db.session(), head)
    except Refused as refused:
        if single:
            raise
        raise Refused.because(f"{name} in the ZIP: {refused}") from refused
    finally:
        db.session.rollback()
    return head, ours


def _report_of(
    context: JobContext,
    head: Head,
    ours: reports.Ours,
    stored: StoredFile | None,
    name: str,
    file: BinaryIO,
) -> int:
    """The report of a file, made now or before; a file of a ZIP is kept by itself."""
    if stored is None:
        known = reports.find_report(db.session(), _checksum(file))
        known_id = known.id if known is not None else None
        db.session.rollback()
        if known_id is not None:
            return known_id
        kept = storage.keep_bytes(file, purpose=PURPOSE)
    with transaction() as session:
        if stored is not None:
            own = session.get_one(StoredFile, stored.id)
        else:
            own = storage.save(
                session, kept, name=name, media_type="application/xml", purpose=PURPOSE,
                owner_id=context.actor.operator_id,
            )  # fmt: skip
        return reports.start_report(session, head, own, ours.remarks, actor=context.actor).id


def _checksum(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while piece := file.read(storage.CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _worked_in(
    context: JobContext,
    report_id: int,
    head: Head,
    ours: reports.Ours,
    spool: Spool,
    before: int,
) -> dict[str, Any]:
    """Work a report in from where it stands, and tell what it came to."""
    report = db.session.get_one(BankReport, report_id)
    again, done = report.finished_at is not None, report.items_done
    db.session.rollback()
    if not again:
        own = (item for item in spool.items(head) if ours.concerns(item))
        _work_in(context, report_id, islice(own, done, None), done, before)
        _try_sums(context, report_id)
        with _chunk(context) as session:
            report = reports.locked(session, report_id)
            if report.finished_at is None:
                reports.finish_report(session, report, actor=context.actor)
    context.progress(before + head.items)
    return {"report": report_id, "again": again}


def _work_in(
    context: JobContext, report_id: int, items: Iterator[Item], done: int, before: int
) -> None:
    """Chunk after chunk: entries of single transactions together, one of a block by itself."""
    most = current_app.config["SETTINGS"].chunk_rows
    of_ones, of_blocks = Pace(most), Pace(most)
    ahead: list[Item] = []
    context.progress(before + done, phase="Matching")
    while chunk := _next_items(items, ahead, of_ones.rows):
        pace = of_ones if chunk[0].scope is Scope.ONE else of_blocks
        while chunk:
            with _chunk(context) as session:
                report = reports.locked(session, report_id)
                # Whoever reads the same file at the same time may have been here before.
                worked = min(report.items_done - done, len(chunk))
                if worked <= 0:
                    worked = reports.work_in(session, report, chunk, pace.rows, actor=context.actor)
            pace.learn(pace.rows, context.held_seconds)
            done, chunk = done + worked, chunk[worked:]
        context.progress(before + done)


def _next_items(items: Iterator[Item], ahead: list[Item], most: int) -> list[Item]:
    """The next entries that are worked in together; `ahead` keeps what was read too far."""
    chunk: list[Item] = []
    while len(chunk) < most:
        item = ahead.pop() if ahead else next(items, None)
        if item is None:
            break
        if item.scope is not Scope.ONE:
            if chunk:
                ahead.append(item)
                break
            return [item]
        chunk.append(item)
    return chunk


def _try_sums(context: JobContext, report_id: int) -> None:
    """Book sums that did not fit before: what they lacked may just have been told."""
    report = db.session.get_one(BankReport, report_id)
    with page_cache(db.session(), PAGE_CACHE):
        waiting = reports.sums_to_try_again(db.session(), report)
    db.session.rollback()
    pace = Pace(current_app.config["SETTINGS"].chunk_rows)
    for entry_id in waiting:
        more = True
        while more:
            with _chunk(context) as session:
                more = reports.try_sum_again(session, entry_id, pace.rows, actor=context.actor)
            pace.learn(pace.rows, context.held_seconds)
