"""The jobs page: one's own jobs, their progress, cancel and run again."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.core.actor import Actor, Channel
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.extensions import transaction
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.models import Job, JobState

AsRole = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def a_kind() -> None:
    """A job that ends well, or badly when its parameters say so."""

    def run(context: JobContext) -> dict[str, int]:
        if context.params.get("fail"):
            raise RuntimeError("SELECT secret FROM nowhere")
        context.progress(7, 7)
        return {"rows": 7}

    registry.register("test_page", run, on_abandoned="fail")


def enqueue(owner_name: str, *, count: int = 1, **params: object) -> int:
    """Jobs of the operator of that name; the number of the last."""
    with transaction() as session:
        owner = session.scalars(select(Operator).where(Operator.name == owner_name)).one()
        actor = Actor(
            owner_name,
            ROLE_PERMISSIONS[RoleName.OPERATIONS],
            Channel.PANEL,
            operator_id=owner.id,
        )
        for _ in range(count):
            job = operations.enqueue(
                session, "test_page", params, actor=actor, title="Import of a list"
            )
    return job.id


def read(session: Session, job_id: int) -> Job:
    session.rollback()
    return session.get_one(Job, job_id)


def test_the_list_shows_ones_own_jobs_only(session: Session, as_role: AsRole) -> None:
    olga, oskar = as_role("operations", name="Olga"), as_role("operations", name="Oskar")
    enqueue("Olga")
    assert "Import of a list" in olga.get("/admin/jobs/").text
    assert "Import of a list" not in oskar.get("/admin/jobs/").text
    assert "Import of a list" in as_role("administrator").get("/admin/jobs/").text


def test_the_job_of_somebody_else_is_not_there(session: Session, as_role: AsRole) -> None:
    as_role("operations", name="Olga")
    oskar = as_role("operations", name="Oskar")
    job_id = enqueue("Olga")
    assert oskar.get(f"/admin/jobs/details/?id={job_id}").status_code == 404
    assert oskar.get(f"/admin/jobs/progress/?id={job_id}").status_code == 404
    oskar.post(
        "/admin/jobs/action/", data={"action": "cancel", "rowid": job_id, "_confirmed": "yes"}
    )
    assert read(session, job_id).state == JobState.QUEUED


def test_the_progress_asks_again_until_the_end_and_then_loads_the_page_anew(
    session: Session, as_role: AsRole, run_jobs: Callable[[], int]
) -> None:
    olga = as_role("operations", name="Olga")
    job_id = enqueue("Olga")
    waiting = olga.get(f"/admin/jobs/progress/?id={job_id}")
    assert "Waiting for a worker" in waiting.text
    assert 'hx-trigger="every 1s"' in waiting.text
    assert "HX-Refresh" not in waiting.headers
    run_jobs()
    ended = olga.get(f"/admin/jobs/progress/?id={job_id}")
    assert "hx-trigger" not in ended.text
    assert ended.headers["HX-Refresh"] == "true"


def test_a_job_is_cancelled_from_its_page(session: Session, as_role: AsRole) -> None:
    olga = as_role("operations", name="Olga")
    job_id = enqueue("Olga")
    olga.post(
        "/admin/jobs/action/", data={"action": "cancel", "rowid": job_id, "_confirmed": "yes"}
    )
    assert read(session, job_id).state == JobState.CANCELLED


def test_a_failed_job_says_why_in_words_and_can_be_run_again(
    session: Session, as_role: AsRole, run_jobs: Callable[[], int]
) -> None:
    olga = as_role("operations", name="Olga")
    job_id = enqueue("Olga", fail=True)
    run_jobs()
    page = olga.get(f"/admin/jobs/details/?id={job_id}").text
    assert "A fault of the program stopped it" in page
    assert "SELECT" not in page
    assert "Run again" in page
    olga.post("/admin/jobs/action/", data={"action": "run_again", "rowid": job_id})
    assert read(session, job_id).state == JobState.QUEUED


def test_a_done_job_shows_its_result_and_its_story(
    session: Session, as_role: AsRole, run_jobs: Callable[[], int]
) -> None:
    olga = as_role("operations", name="Olga")
    job_id = enqueue("Olga")
    run_jobs()
    page = olga.get(f"/admin/jobs/details/?id={job_id}").text
    assert "Rows" in page
    assert "Waits for a worker" in page
    assert "Run again" not in page


def test_the_list_asks_the_database_as_often_for_200_jobs_as_for_20(
    app: Flask, session: Session, as_role: AsRole, queries: Callable[[Callable[[], object]], int]
) -> None:
    olga = as_role("operations", name="Olga")
    enqueue("Olga", count=20)
    few = queries(lambda: olga.get("/admin/jobs/?size=200"))
    enqueue("Olga", count=180)
    assert queries(lambda: olga.get("/admin/jobs/?size=200")) == few
