"""A preview of many invoices is worked out in the background, kept, and becomes what it showed."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.billing.operations import mark_paid
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.jobs import recovery
from app.jobs.models import Job
from app.sepa.models import Collection, CollectionRun, CreditorAccount, Mandate
from app.sepa.preparing import prepare_preview
from app.sepa.previews.models import PreviewLine, RunPreview
from tests.sepa import making

RUNS = "/admin/direct_debit/"
COLLECT = f"{RUNS}collect/"
DAY = making.DAY.isoformat()
AsRole = Callable[..., FlaskClient]
RunJobs = Callable[[], int]


@pytest.fixture(autouse=True)
def _many(app: Flask, clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty invoices count as many, and are judged seven at a time; two have no mandate."""
    clock(making.NOW)
    monkeypatch.setattr("admin_views.collect.AT_ONCE_MOST", 5)
    monkeypatch.setattr("app.sepa.candidates.AT_ONCE", 7)
    monkeypatch.setattr("app.sepa.preparing.AT_ONCE", 7)
    with app.app_context(), transaction() as session:
        making.account(session, label="Main")
        making.many_debtors(session, 30)
        for _ in range(2):
            making.invoice(session, making.payer(session, name="Mandateless"), "5.00")


@pytest.fixture
def client(as_role: AsRole) -> FlaskClient:
    return as_role("accounting")


def look(client: FlaskClient) -> str:
    return client.get(COLLECT, query_string={"date": DAY}).text


def work_out(client: FlaskClient, run_jobs: RunJobs) -> str:
    assert client.post(f"{COLLECT}work-out/", data={"date": DAY}).status_code == 302
    assert run_jobs() == 1
    return look(client)


def agreed(page: str) -> dict[str, str]:
    form = page[page.index("collect/create/") :]
    names = r'name="(account|date|count|amount|digest|preview)" value="([^"]*)"'
    return dict(re.findall(names, form)) | {"_confirmed": "yes"}


def test_it_is_worked_out_by_a_job_and_shown_page_by_page(
    client: FlaskClient, run_jobs: RunJobs, session: Session
) -> None:
    page = look(client)
    assert "Work out the preview" in page
    assert "Create run" not in page
    client.post(f"{COLLECT}work-out/", data={"date": DAY})
    assert "being worked out" in look(client)
    client.post(f"{COLLECT}work-out/", data={"date": DAY})
    assert run_jobs() == 1, "asked for twice, it is worked out once"
    page = look(client)
    assert "Nothing has changed since then" in page
    assert re.search(r"Recurrent \(RCUR\)</td>.*>30</td>.*370\.20", page)
    assert page.count("Mandateless") == 2
    preview = session.scalars(select(RunPreview)).one()
    rows = f"{COLLECT}rows/?date={DAY}&section=COLLECTED&preview={preview.id}&page=2"
    assert client.get(rows).text.count("Lovelace") == 5


def test_the_run_is_made_by_a_job_of_exactly_what_was_shown(
    client: FlaskClient, run_jobs: RunJobs, session: Session
) -> None:
    form = agreed(work_out(client, run_jobs))
    with transaction() as fresh:
        later = making.debtor(fresh, "99.00").id
    assert "2 changes" not in look(client)
    assert "since then" in look(client)
    asked = client.post(f"{COLLECT}create/", data=form | {"_confirmed": ""}).text
    assert f'name="preview" value="{form["preview"]}"' in asked
    for _ in range(2):
        client.post(f"{COLLECT}create/", data=form)
    assert "being created" in look(client)
    assert run_jobs() == 1
    session.rollback()
    run = session.scalars(select(CollectionRun)).one()
    assert (run.collection_count, str(run.amount)) == (30, "370.20")
    assert session.get_one(Invoice, later).state == InvoiceState.OPEN
    page = look(client)
    assert run.number in page
    assert "Create run" not in page
    assert run_jobs() == 0
    job = session.scalars(select(Job.id).order_by(Job.id.desc())).first()
    assert run.number in client.get(f"/admin/jobs/details/?id={job}").text


@pytest.mark.parametrize("what", ["paid", "suspended", "iban", "account", "day"])
def test_what_is_no_longer_as_shown_makes_no_run(
    client: FlaskClient,
    run_jobs: RunJobs,
    session: Session,
    clock: Callable[[datetime], None],
    what: str,
) -> None:
    form = agreed(work_out(client, run_jobs))
    with transaction() as fresh:
        invoice = fresh.scalars(select(Invoice).order_by(Invoice.id)).first()
        assert invoice is not None
        number = invoice.number
        mandate = fresh.query(Mandate).filter_by(customer_id=invoice.customer_id).one()
        if what == "paid":
            mark_paid(fresh, [invoice.id], actor=COMMAND_LINE)
        elif what == "suspended":
            mandate.state = "suspended"
        elif what == "iban":
            mandate.iban = invoice.customer.iban = making.iban()
        elif what == "account":
            fresh.scalars(select(CreditorAccount)).one().name = "Another GmbH"
    if what == "day":
        clock(making.NOW + timedelta(days=1))
    client.post(f"{COLLECT}create/", data=form)
    run_jobs()
    session.rollback()
    assert session.scalar(select(func.count(CollectionRun.id))) == 0
    assert session.scalar(select(func.count(Collection.id))) == 0
    told = {"account": "account has changed", "day": "of another day"}.get(what, number)
    assert told in look(client)


@pytest.mark.parametrize("what", ["what the bank is told", "something else"])
def test_what_changes_while_the_run_is_made_ready_is_seen_before_it_is_claimed(
    client: FlaskClient,
    run_jobs: RunJobs,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    client.post(f"{COLLECT}create/", data=agreed(work_out(client, run_jobs)))

    def meanwhile(*given: Any, **named: Any) -> None:
        prepare_preview(*given, **named)
        with transaction() as fresh:
            mandate = fresh.scalars(select(Mandate).order_by(Mandate.id.desc())).first()
            assert mandate is not None
            if what == "something else":
                mandate.document_id = None
                mandate.version += 1
            else:
                mandate.account_holder = "Somebody Else"

    monkeypatch.setattr("app.jobs.collecting.prepare_preview", meanwhile)
    run_jobs()
    session.rollback()
    made = session.scalars(select(CollectionRun.collection_count)).all()
    assert made == ([30] if what == "something else" else [])
    if not made:
        assert "has changed since this preview" in look(client)


def test_a_preview_that_is_worked_out_again_takes_the_place_of_the_old(
    client: FlaskClient, run_jobs: RunJobs, session: Session
) -> None:
    first = agreed(work_out(client, run_jobs))["preview"]
    second = agreed(work_out(client, run_jobs))["preview"]
    assert first != second
    assert session.scalars(select(RunPreview.id)).all() == [int(second)]
    assert set(session.scalars(select(PreviewLine.preview_id))) == {int(second)}
    rows = f"{COLLECT}rows/?date={DAY}&section=COLLECTED&preview={first}&page=2"
    assert "worked out again" in client.get(rows).text
    client.post(f"{COLLECT}create/", data=agreed(look(client)) | {"preview": first})
    assert run_jobs() == 0


def test_a_killed_preview_and_a_killed_creation_are_done_again_whole(
    client: FlaskClient,
    run_jobs: RunJobs,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies in the middle of each: what a process that is killed leaves behind."""
    client.post(f"{COLLECT}work-out/", data={"date": DAY})
    with monkeypatch.context() as patch:
        patch.setattr("app.sepa.previews.operations.finish_preview", _killed)
        patch.setattr("app.jobs.runner._run_to_an_end", _without_an_end)
        with pytest.raises(KilledError):
            run_jobs()
    assert session.scalar(select(func.count()).select_from(PreviewLine)) == 32
    session.rollback()
    recovery.set_abandoned_right()
    assert run_jobs() == 1
    assert session.scalar(select(func.count()).select_from(PreviewLine)) == 32
    client.post(f"{COLLECT}create/", data=agreed(look(client)))
    with monkeypatch.context() as patch:
        patch.setattr("app.sepa.creating.tell_run", _killed)
        patch.setattr("app.jobs.runner._run_to_an_end", _without_an_end)
        with pytest.raises(KilledError):
            run_jobs()
    session.rollback()
    assert session.scalar(select(func.count(Collection.id))) == 0
    recovery.set_abandoned_right()
    assert run_jobs() == 1
    session.rollback()
    assert session.scalars(select(CollectionRun.collection_count)).all() == [30]


class KilledError(BaseException):
    """What no code of the product handles."""


def _killed(*_arguments: object, **_given: object) -> None:
    raise KilledError


def _without_an_end(kind: object, context: object) -> None:
    kind.run(context)  # type: ignore[attr-defined]


def test_a_page_of_a_large_preview_asks_no_more_than_a_small_one(
    app: Flask, client: FlaskClient, run_jobs: RunJobs, queries: Callable[..., int]
) -> None:
    work_out(client, run_jobs)
    few = queries(lambda: look(client))
    with app.app_context(), transaction() as fresh:
        making.many_debtors(fresh, 60)
    work_out(client, run_jobs)
    assert queries(lambda: look(client)) <= few
