"""The page of a run: each step by its own permission, by a second person, and by a job if large."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Role
from app.accounts.operations import ensure_built_in_roles
from app.core.actor import COMMAND_LINE
from app.core.models import FileDownload, StoredFile
from app.core.permissions import Permission
from app.extensions import transaction
from app.jobs import filing, runner
from app.jobs.models import Job
from app.sepa.creating import create_run
from app.sepa.models import CollectionRun
from tests.admin_views.test_direct_debit import RUNS, AsRole, act, create, state
from tests.sepa import making

STEP = {
    "release": Permission.DIRECT_DEBIT_RELEASE,
    "file": Permission.DIRECT_DEBIT_FILE,
    "hand_in": Permission.DIRECT_DEBIT_HAND_IN,
    "cancel": Permission.DIRECT_DEBIT_RUN,
}


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def run(app: Flask) -> int:
    """A run of two invoices, made by the command line."""
    with app.app_context(), transaction() as session:
        account = making.account(session, label="Main")
        making.debtor(session, "10.00")
        making.debtor(session, "20.50")
        made = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
        return made[0].id


def page(client: FlaskClient, run: int) -> str:
    return client.get(f"{RUNS}details/?id={run}").text


def without(role: str, permission: Permission) -> None:
    """Take a permission from a role, as a company may."""
    with transaction() as session:
        ensure_built_in_roles(session)
        found = session.scalars(select(Role).where(Role.name == role)).one()
        found.permissions = sorted(set(found.permissions) - {permission})


@pytest.mark.parametrize("step", STEP)
def test_a_step_without_its_permission_has_no_button_and_a_forged_post_is_refused(
    as_role: AsRole, session: Session, run: int, step: str
) -> None:
    without("accounting", STEP[step])
    client = as_role("accounting")
    assert f'value="{step}"' not in page(client, run)
    forged = client.post(
        f"{RUNS}action/", data={"action": step, "rowid": run, "_confirmed": "yes", "reason": "x"}
    )
    assert forged.status_code == 403
    assert state(session, run) == "created"


def test_who_may_file_but_not_release_waits_for_the_release(
    as_role: AsRole, session: Session, run: int
) -> None:
    other = as_role("administrator")
    without("accounting", Permission.DIRECT_DEBIT_RELEASE)
    client = as_role("accounting")
    assert 'value="file"' not in page(client, run)
    act(client, run, "file")
    assert state(session, run) == "created"
    act(other, run, "release")
    assert 'value="file"' in page(client, run)
    act(client, run, "file")
    assert state(session, run) == "filed"


def test_with_two_persons_no_forged_post_of_the_creator_makes_a_file(
    app: Flask, as_role: AsRole, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as fresh:
        making.account(fresh, label="Main")
        making.debtor(fresh, "10.00")
    strict = replace(app.config["SETTINGS"], two_person_rule=True)
    monkeypatch.setitem(app.config, "SETTINGS", strict)
    creator, other = as_role("accounting"), as_role("accounting")
    run = create(creator)
    shown = page(creator, run)
    assert 'value="release"' not in shown
    assert 'value="file"' not in shown
    for step in ("release", "file"):
        assert "may not release" in act(creator, run, step)
    monkeypatch.setattr(filing, "AT_ONCE", 0)
    assert "may not release" in act(creator, run, "file")
    assert state(session, run) == "created"
    assert session.scalar(select(func.count(Job.id))) == 0
    assert session.scalar(select(func.count(StoredFile.id))) == 0
    assert "was released" in act(other, run, "release")
    assert "being written" in act(creator, run, "file")


def test_a_large_run_is_filed_by_a_job_whose_progress_the_page_shows(
    as_role: AsRole, session: Session, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "AT_ONCE", 1)
    client = as_role("accounting")
    act(client, run, "file")
    act(client, run, "file")
    job_id = session.scalars(select(Job.id)).one()
    shown = page(client, run)
    assert f"filing/?id={run}" in shown
    assert "being written and checked" in shown
    assert 'value="file"' not in shown
    manager = as_role("manager").get(f"{RUNS}filing/?id={run}")
    assert "Waiting for a worker" in manager.text
    runner.run_queued(job_id)
    ended = client.get(f"{RUNS}filing/?id={run}")
    assert ended.headers["HX-Refresh"] == "true"
    shown = page(client, run)
    assert "Download bank file" in shown
    assert "filing/?id=" not in shown
    assert f"details/?id={run}" in client.get(f"/admin/jobs/details/?id={job_id}").text


def test_a_file_that_could_not_be_made_says_which_invoice_and_why(
    as_role: AsRole, session: Session, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as fresh:
        [first, _] = making.collections(fresh, run)
        first.iban = "DE88370400440532013000"
        row = f"Invoice {first.invoice.number} of customer {first.customer.number}"
    client = as_role("accounting")
    told = act(client, run, "file")
    assert f"{row}: IBAN is not valid" in told
    assert re.search(r'href="/customers/\d+"', told)
    monkeypatch.setattr(filing, "AT_ONCE", 1)
    act(client, run, "file")
    runner.run_queued(session.scalars(select(Job.id)).one())
    shown = page(client, run)
    assert f"The bank file could not be made. {row}: IBAN is not valid" in shown
    assert 'value="file"' in shown


def test_every_download_is_logged_with_who_and_nobody_else_gets_the_bytes(
    as_role: AsRole, session: Session, run: int
) -> None:
    client = as_role("accounting")
    act(client, run, "file")
    for _ in range(2):
        assert client.get(f"{RUNS}download/?id={run}").status_code == 200
    assert as_role("manager").get(f"{RUNS}download/?id={run}").status_code == 403
    assert session.scalar(select(func.count(FileDownload.id))) == 2
    assert session.get_one(CollectionRun, run).files[0].file.expires_at is None


@pytest.mark.parametrize("key", ["0", "99999999999999999999", "x", "\0"])
def test_the_progress_of_no_run_is_not_found(as_role: AsRole, key: str) -> None:
    answer = as_role("accounting").get(f"{RUNS}filing/", query_string={"id": key})
    assert answer.status_code in (302, 400, 404)
