"""Everything that changes an import from outside: upload, check, choose, run."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import clock, storage
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.models import StoredFile
from app.jobs import cleanup, registry
from app.jobs import operations as jobs
from app.jobs.leftovers import count_leftovers
from app.jobs.models import Job, JobState
from app.jobs.registry import OnAbandoned
from app.transfer.columns import permission_for
from app.transfer.imports.kinds import KINDS
from app.transfer.models import Import, ImportRefusal, ImportState

CHECK = "import-check"
RUN = "import-run"
UPLOAD = "import"  # what uploads are kept for, as the file store knows it


def start_check(
    session: Session,
    kind: str,
    content: BinaryIO | storage.KeptBytes,
    *,
    name: str,
    actor: Actor,
    update: bool = False,
    match: str = "number",
    foreground: bool = False,
) -> Import:
    """Keep an upload and have it checked. Nothing but the check happens before `start_run`.

    Whoever has a big one keeps its bytes first, outside of the transaction.
    Raises NotAllowed without the permission of the kind, Refused for options that do not fit.
    """
    _may(kind, actor)
    stored = storage.save(
        session,
        content,
        name=name,
        purpose=UPLOAD,
        owner_id=actor.operator_id,
        days=current_app.config["SETTINGS"].retention_days,
    )
    return _check(session, kind, stored, update, match, actor, foreground)


def check_again(
    session: Session, one: Import, *, actor: Actor, update: bool, match: str = "number"
) -> Import:
    """Check the same upload with other options, as an import of its own."""
    _may(one.kind, actor)
    return _check(session, one.kind, one.file, update, match, actor, foreground=False)


def _may(kind: str, actor: Actor) -> None:
    actor.require(permission_for(kind))


def _check(
    session: Session,
    kind: str,
    stored: StoredFile,
    update: bool,
    match: str,
    actor: Actor,
    foreground: bool,
) -> Import:
    if update and not KINDS[kind].updates:
        raise Refused.because("This kind of import cannot update what exists", field="update")
    if match not in ("number", "email"):
        raise Refused.because("Customers are matched by number or by email", field="match")
    options: dict[str, Any] = {"update": True, "match": match} if update else {}
    found = Import(
        kind=kind,
        state=ImportState.CHECKING,
        file_id=stored.id,
        sha256=stored.sha256,
        options=options,
        layout={},
        created_by_id=actor.operator_id,
        created_by_label=actor.label,
        created_at=clock.now(),
    )
    session.add(found)
    session.flush()
    job = jobs.enqueue(
        session,
        CHECK,
        {"import_id": found.id},
        actor=actor,
        title=f"Check {stored.name}",
        input_file=stored,
        foreground=foreground,
    )
    found.check_job_id = job.id
    session.flush()
    return found


def start_run(
    session: Session,
    import_id: int,
    *,
    actor: Actor,
    all_or_nothing: bool = False,
    foreground: bool = False,
) -> Import:
    """Have a checked import written. Raises Refused unless it waits for this choice."""
    one = session.get_one(Import, import_id, with_for_update=True)
    _may(one.kind, actor)
    if one.state != ImportState.CHECKED:
        raise Refused.because(f"This import is {one.state}; only a checked one can be started")
    if all_or_nothing and one.refused_rows:
        raise Refused.because(
            f"{one.refused_rows:,} rows are refused; “all or nothing” needs them mended first"
        )
    one.options = {**one.options, "all_or_nothing": all_or_nothing}
    one.state = ImportState.RUNNING
    job = jobs.enqueue(
        session,
        RUN,
        {"import_id": one.id, "kind": one.kind, "all_or_nothing": all_or_nothing},
        actor=actor,
        title=f"Import {one.file.name}",
        total=one.rows - one.unchanged - one.refused_rows,
        foreground=foreground,
    )
    one.run_job_id = job.id
    session.flush()
    return one


def forget_refusals(session: Session, most: int) -> int:
    """Delete refused cells whose upload is no longer kept; how many."""
    old = (
        select(ImportRefusal.id)
        .join(Import, Import.id == ImportRefusal.import_id)
        .where(Import.file.has(StoredFile.removed_at.is_not(None)))
        .limit(most)
    )
    ids = session.scalars(old).all()
    session.execute(delete(ImportRefusal).where(ImportRefusal.id.in_(ids)))
    return len(ids)


def register() -> None:
    """Make the two kinds of job known."""
    from app.transfer.imports.check import run_check
    from app.transfer.imports.run import run_import

    cleanup.add("refused_cells", "Deleting refused cells", forget_refusals)
    registry.register(CHECK, run_check, on_abandoned=OnAbandoned.RESUME, on_end=_check_ended)
    registry.register(
        RUN,
        run_import,
        on_abandoned=lambda params: (
            OnAbandoned.TAKE_BACK if params.get("all_or_nothing") else OnAbandoned.RESUME
        ),
        on_end=_run_ended,
        undo=lambda params: permission_for(params["kind"]),
        on_undone=_undone,
    )


def _check_ended(session: Session, job: Job) -> None:
    one = session.get(Import, job.params["import_id"])
    if one is None or job.state == JobState.DONE:
        return
    cancelled = job.state == JobState.CANCELLED
    one.state = ImportState.CANCELLED if cancelled else ImportState.REFUSED
    one.message = job.error


def _run_ended(session: Session, job: Job) -> None:
    """Write what a run came to onto its import, in the transaction that ends the job."""
    one = session.get(Import, job.params["import_id"])
    if one is None:
        return
    if job.state != JobState.DONE:
        one.state = ImportState.TAKEN_BACK
        one.message = job.error or "This import was cancelled."
        left = count_leftovers(session, job.id)
        one.message += (
            f" What it had written was taken back, but for {_records(left)} changed since."
            if left
            else " Nothing of it was kept."
        )
        return
    result = job.result or {}
    one.state = ImportState.DONE
    one.created = result["created"]
    one.updated = result["updated"]
    one.unchanged = result["unchanged"]
    one.refused_rows = result["refused_rows"]


def _undone(session: Session, job: Job, result: Mapping[str, Any]) -> None:
    """Write onto an import that it was taken back, and what was left."""
    one = session.get(Import, job.params["import_id"])
    if one is None:
        return
    one.state = ImportState.TAKEN_BACK
    taken_back, left = result["taken_back"], result["left"]
    one.message = f"This import was taken back: {_records(taken_back)}."
    if left == 1:
        one.message += " 1 was left as it is, because it was changed since."
    elif left:
        one.message += f" {left:,} were left as they are, because they were changed since."


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
