"""The panel's pages of subscriptions and authorizations, and what forged requests get."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.core.actor import COMMAND_LINE
from app.extensions import db
from app.subscriptions.authorizations import delete_authorizations
from app.subscriptions.models import Subscription
from app.subscriptions.operations import create_subscription
from tests.subscriptions.records import grant, institution, journal, merged, right
from tests.subscriptions.test_subscriptions import YEAR, SubscriptionDraft

AsRole = Callable[..., FlaskClient]


@pytest.fixture
def operations(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


@pytest.fixture
def perpetual(session: Session) -> int:
    """A merged row; its customer and its journal have the number 1 of their kind."""
    library, acta = institution(session, "Universität Wien"), journal(session, "Acta Geotechnica")
    grant(session, right(library, acta, "2006", "2008"), right(library, acta, "2009", "2010"))
    session.commit()
    return session.scalars(select(Subscription.id)).one()


def post(client: FlaskClient, url: str, **data: Any) -> TestResponse:
    page = client.get("/admin/subscriptions/").text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return client.post(url, data={"csrf_token": found[1], **data})


def test_the_list_shows_merged_rights_with_links_to_their_sources(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    page = operations.get("/admin/subscriptions/").text
    assert "Acta Geotechnica" in page
    assert "2006–2010" in page
    assert "purchase 2006–2008" in page
    assert page.count('href="/admin/authorizations/details/?id=') == 2
    assert f"/admin/subscriptions/edit/?id={perpetual}" not in page


def test_the_record_of_a_merged_right_leads_to_what_it_was_merged_from(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    page = operations.get(f"/admin/subscriptions/details/?id={perpetual}").text
    assert "Merged from" in page
    [source, _] = re.findall(r'href="(/admin/authorizations/details/\?id=\d+)"', page)
    back = operations.get(source).text
    assert f"/admin/subscriptions/details/?id={perpetual}" in back
    assert f"/admin/subscriptions/edit/?id={perpetual}" not in page


def test_a_forged_edit_of_a_merged_row_is_refused(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    before = merged(session)
    session.commit()
    url = f"/admin/subscriptions/edit/?id={perpetual}"
    assert operations.get(url).status_code == 403
    sent = {"term_from": "01.01.2026", "coverage_from": "1900", "_version": "1"}
    assert post(operations, url, **sent).status_code == 403
    assert merged(session) == before


@pytest.mark.parametrize("action", ["cancel", "activate", "expire", "delete"])
def test_a_forged_action_on_a_merged_row_is_refused(
    session: Session, operations: FlaskClient, perpetual: int, action: str
) -> None:
    before = merged(session)
    session.commit()
    answer = post(
        operations, "/admin/subscriptions/action/", action=action, rowid=perpetual, _confirmed="yes"
    )
    assert answer.status_code in (302, 403, 404)
    if action == "delete":
        assert post(operations, "/admin/subscriptions/delete/", id=perpetual).status_code == 403
    else:
        assert "read-only" in operations.get("/admin/subscriptions/").text
    assert merged(session) == before


def test_authorizations_are_not_edited_on_their_own_page(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    key = session.scalars(select(Subscription)).one().sources[0].id
    session.rollback()
    for url in ("edit", "delete", "new"):
        answer = post(operations, f"/admin/authorizations/{url}/?id={key}", id=key)
        assert answer.status_code in (403, 404)


def test_an_authorization_tells_its_own_history_only(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    row = session.get_one(Subscription, perpetual)
    old = row.sources[-1].id
    draft = right(row.customer, row.journal, "1990", "1991", note="another one")
    delete_authorizations(session, [old], actor=COMMAND_LINE)
    [new] = grant(session, draft)
    session.commit()
    page = operations.get(f"/admin/authorizations/tab/?id={new}&tab=history").text
    assert "another one" in page
    assert "2009" not in page


def test_an_ordinary_subscription_is_created_edited_and_cancelled(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    row = session.get_one(Subscription, perpetual)
    chosen = {"customer_id": row.customer_id, "journal_id": row.journal_id}
    session.rollback()
    made = post(
        operations,
        "/admin/subscriptions/new/",
        **chosen,
        term_from="01.01.2026",
        term_to="2026-12-31",
        price="120,50",
        copies="2",
        format="online",
    )
    assert made.status_code == 302, made.text
    one = session.scalars(select(Subscription).where(Subscription.source == "ordinary")).one()
    assert (str(one.price), one.copies, one.renewal) == ("120.50", 2, False)
    key, version = one.id, one.version
    session.rollback()
    edit = f"/admin/subscriptions/edit/?id={key}"
    assert "01.01.2026" in operations.get(edit).text
    sent = {"term_from": "01.01.2026", "term_to": "31.12.2027", "format": ""}
    sent["ship_to_address_id"] = ""
    saved = post(operations, edit, _version=version, **sent)
    assert saved.status_code == 302, saved.text
    post(operations, "/admin/subscriptions/action/", action="activate", rowid=key, _confirmed="yes")
    cancelled = {"action": "cancel", "rowid": key, "reason": "Budget"}
    post(operations, "/admin/subscriptions/action/", **cancelled, _confirmed="yes")
    session.expire_all()
    one = session.get_one(Subscription, key)
    assert (one.status, str(one.term_to)) == ("cancelled", "2027-12-31")
    history = operations.get(f"/admin/subscriptions/tab/?id={key}&tab=history").text
    assert "Budget" in history


def test_wrong_coverage_is_told_at_its_field_and_nothing_typed_is_lost(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    row = session.get_one(Subscription, perpetual)
    chosen = {"customer_id": row.customer_id, "journal_id": row.journal_id}
    session.rollback()
    sent = {"term_from": "01.01.2026", "coverage_from": "2010", "coverage_to": "2008", "format": ""}
    answer = post(operations, "/admin/subscriptions/new/", **chosen, **sent, note="typed")
    assert answer.status_code in (200, 422)
    at_field = answer.text.partition('data-errors="coverage_from">')[2]
    assert "Coverage from is after coverage to" in at_field[:600]
    assert "typed" in answer.text
    assert "Acta Geotechnica (0031-5117)" in answer.text


def test_a_reader_sees_rights_and_changes_none(
    session: Session, as_role: AsRole, perpetual: int
) -> None:
    manager = as_role("manager")
    assert manager.get("/admin/subscriptions/").status_code == 200
    assert manager.get("/admin/subscriptions/new/").status_code == 403
    answer = post(manager, "/admin/subscriptions/action/", action="cancel", rowid=perpetual)
    assert answer.status_code == 403


def test_rights_of_a_deleted_customer_are_on_no_page(
    session: Session, operations: FlaskClient, perpetual: int
) -> None:
    row = session.get_one(Subscription, perpetual)
    row.customer.deleted_at = row.created_at
    session.commit()
    assert "Acta Geotechnica" not in operations.get("/admin/subscriptions/").text
    assert "Acta Geotechnica" not in operations.get("/admin/authorizations/").text
    assert operations.get(f"/admin/subscriptions/details/?id={perpetual}").status_code == 404


@pytest.mark.parametrize("path", ["subscriptions", "authorizations", "journals"])
def test_a_list_runs_no_more_queries_as_rows_grow(
    app: Flask, session: Session, operations: FlaskClient, path: str
) -> None:
    library = institution(session)
    beta = journal(session, "Beta", "0340-5443")
    counts = []
    for start, end in ((0, 20), (20, 50)):
        years = range(1500 + 2 * start, 1500 + 2 * end, 2)
        grant(session, *(right(library, beta, str(year), str(year)) for year in years))
        draft = SubscriptionDraft(library.id, beta.id, *YEAR)
        create_subscription(session, draft, actor=COMMAND_LINE)
        session.commit()
        counts.append(count_statements(operations, f"/admin/{path}/?size=100"))
    assert counts[0] == counts[1]


def count_statements(client: FlaskClient, url: str) -> int:
    seen = []

    def listen(*_: Any) -> None:
        seen.append(1)

    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        assert client.get(url).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    return len(seen)


def test_recomputing_finds_nothing_to_change(
    session: Session, runner: FlaskCliRunner, perpetual: int
) -> None:
    session.rollback()
    result = runner.invoke(args=["subscriptions", "recompute", "--json"])
    assert result.exit_code == 0, result.output
    assert '"rows": 1, "changed": 0' in result.stdout.splitlines()[-1]


def test_recomputing_mends_a_row_that_was_tampered_with(
    session: Session, runner: FlaskCliRunner, perpetual: int
) -> None:
    before = merged(session)
    table = Subscription.__table__
    session.connection().execute(table.update().values(coverage_to="2099"))  # type: ignore[attr-defined]
    session.commit()
    result = runner.invoke(args=["subscriptions", "recompute", "--json"])
    assert '"rows": 1, "changed": 1' in result.stdout.splitlines()[-1]
    session.rollback()
    assert merged(session) == before
