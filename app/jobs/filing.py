"""The bank files of a run: written beside everybody's work, then stored in one short commit.

Until that commit the run is as it was, so that a killed process leaves nothing half done: filing
again makes the one set of files. Small runs are filed at once, large ones by a job.
"""

from collections.abc import Mapping
from typing import Any, Final

from flask import current_app
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.database import reading_through
from app.extensions import db, transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobRequest, JobState
from app.jobs.registry import OnAbandoned
from app.sepa import operations_runs as runs
from app.sepa.models import CollectionRun
from app.sepa.queries import policy_of
from app.sepa.rules import Policy
from app.sepa.run_files import Progress, Written, discard, write_files

KIND: Final = "bank_file"
# So many collections are filed while a person waits for the page.
AT_ONCE = 2_000


def register() -> None:
    """Make the kind of job known. A killed one wrote nothing yet, or has come to its end."""
    registry.register(KIND, run, on_abandoned=OnAbandoned.RESUME)


def file_now(
    run_id: int, *, policy: Policy, actor: Actor, progress: Progress = lambda _: None
) -> bool:
    """Make the bank files of a run in this process; False where they were there already.

    Raises Refused with the rows and the reasons where a bank would refuse them.
    """
    session = db.session()
    found = session.get_one(CollectionRun, run_id)
    runs.check_filing(session, found, policy=policy, actor=actor)
    with reading_through(session):
        written = [] if found.files else write_files(session, found, progress)
    # Ends the read: what stands in the database now decides.
    session.rollback()
    return _store(run_id, written, policy, actor)


def _store(run_id: int, written: list[Written], policy: Policy, actor: Actor) -> bool:
    made = False
    try:
        with transaction() as session:
            found = session.get_one(CollectionRun, run_id)
            made = runs.file_run(session, found, policy=policy, actor=actor, written=written)
    finally:
        if not made:
            discard(written)
    return made


def start(session: Session, found: CollectionRun, *, policy: Policy, actor: Actor) -> Job:
    """Have a job make the files; the one under way, if there is one.

    Raises Refused where they cannot be made now.
    """
    runs.check_filing(session, found, policy=policy, actor=actor)
    token = _token(found)
    # Whoever asks at the same moment waits here for the other.
    session.execute(select(CollectionRun.id).where(CollectionRun.id == found.id).with_for_update())
    before = latest(session, found)
    if before is not None and before.state in operations.ACTIVE:
        return before
    session.execute(delete(JobRequest).where(JobRequest.token == token))
    job = operations.enqueue(
        session, KIND, {"run_id": found.id}, actor=actor, title=f"Bank file of run {found.number}",
        total=found.collection_count,
    )  # fmt: skip
    session.execute(insert(JobRequest).values(token=token, job_id=job.id))
    return job


def latest(session: Session, found: CollectionRun) -> Job | None:
    """The job that makes the files of a run, or made them, or could not."""
    return session.scalar(
        select(Job)
        .join(JobRequest, JobRequest.job_id == Job.id)
        .where(JobRequest.token == _token(found))
    )


def has_failed(job: Job) -> bool:
    """Tell whether a job came to an end without files."""
    return job.state in (JobState.FAILED, JobState.CANCELLED)


def run(context: JobContext) -> Mapping[str, Any]:
    """Make the files. Asked for twice, or begun again after a kill, it makes them once."""
    context.progress(0, phase="Writing and checking the bank file")

    def progress(count: int) -> None:
        context.stop_if_cancelled()
        context.progress(count)

    run_id = context.params["run_id"]
    policy = policy_of(current_app.config["SETTINGS"])
    file_now(run_id, policy=policy, actor=context.actor, progress=progress)
    found = db.session.get_one(CollectionRun, run_id)
    return {"run": found.number, "files": len(found.files)}


def _token(found: CollectionRun) -> str:
    return f"{KIND}:{found.id}"
