"""Merged rows are read-only in every way in: what a forged request, an import or a command gets.

Forms, row actions and deletion stand in test_panel.py, the operations and the mapped class in
test_subscriptions.py, the merge of two customers in tests/customers/test_merging.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.subscriptions.models import Subscription
from app.subscriptions.operations import create_subscription
from tests.subscriptions.records import grant, institution, journal, merged, right
from tests.subscriptions.test_panel import post
from tests.subscriptions.test_subscriptions import YEAR, SubscriptionDraft

AsRole = Callable[..., FlaskClient]
URL = "/admin/subscriptions"
# Every address of subscriptions that takes a POST. A new way in fails the test until it stands
# here, with a test of what it does to merged rows.
POSTS = {
    f"{URL}/new/": "makes ordinary subscriptions",
    f"{URL}/edit/": "test_panel: a forged edit is refused",
    f"{URL}/delete/": "test_panel: there is no deletion",
    f"{URL}/action/": "test_panel and below: refused whole",
    f"{URL}/check/": "checks a field, writes nothing",
    f"{URL}/columns/": "the columns that a person sees",
    f"{URL}/views/form/": "names a saved view of the list",
    f"{URL}/views/action/": "shares or deletes a saved view of the list",
}


@pytest.fixture
def rows(session: Session) -> tuple[int, int]:
    """A merged row and an ordinary one of the same customer and journal."""
    library, acta = institution(session, "Universität Wien"), journal(session, "Acta Geotechnica")
    grant(session, right(library, acta, "2006", "2008"), right(library, acta, "2009", "2010"))
    draft = SubscriptionDraft(library.id, acta.id, *YEAR)
    ordinary = create_subscription(session, draft, actor=COMMAND_LINE).id
    session.commit()
    one = select(Subscription.id).where(Subscription.source == "perpetual")
    found = session.scalars(one).one()
    session.rollback()
    return found, ordinary


def test_every_way_in_by_http_is_known(app: Flask) -> None:
    found = {
        str(rule)
        for rule in app.url_map.iter_rules()
        if str(rule).startswith(f"{URL}/") and "POST" in (rule.methods or ())
    }
    assert found - POSTS.keys() == set()


@pytest.mark.parametrize("role", ["operations", "administrator"])
def test_a_form_sent_for_an_ordinary_row_does_not_reach_the_merged_one_it_names(
    session: Session, as_role: AsRole, rows: tuple[int, int], role: str
) -> None:
    before = merged(session)
    session.rollback()
    forged: dict[str, Any] = {"id": rows[0], "source": "ordinary", "volume_only": "y"}
    sent = {"term_from": "01.01.2026", "coverage_from": "1900", "_version": "1", "format": ""}
    post(as_role(role), f"{URL}/edit/?id={rows[1]}", **forged, **sent)
    assert merged(session) == before


def test_a_new_row_is_ordinary_whatever_the_form_claims(
    session: Session, as_role: AsRole, rows: tuple[int, int]
) -> None:
    row = session.get_one(Subscription, rows[0])
    chosen = {"customer_id": row.customer_id, "journal_id": row.journal_id}
    before = merged(session)
    session.rollback()
    sent = {"term_from": "01.01.2026", "source": "perpetual", "status": "active", "format": ""}
    assert post(as_role("operations"), f"{URL}/new/", **chosen, **sent).status_code == 302
    assert merged(session) == before
    newest = session.scalars(select(Subscription).order_by(Subscription.id.desc())).first()
    assert newest is not None
    assert (newest.source, newest.status) == ("ordinary", "draft")


def test_a_mass_action_over_both_kinds_is_refused_whole(
    session: Session, as_role: AsRole, rows: tuple[int, int]
) -> None:
    before = merged(session)
    session.rollback()
    client = as_role("operations")
    post(client, f"{URL}/action/", action="cancel", rowid=list(rows), _confirmed="yes")
    assert "read-only" in client.get(f"{URL}/").text
    assert merged(session) == before
    assert session.get_one(Subscription, rows[1]).status == "draft"


def test_no_single_field_of_a_row_can_be_posted(
    session: Session, as_role: AsRole, rows: tuple[int, int]
) -> None:
    before = merged(session)
    session.rollback()
    sent = {"list_form_pk": rows[0], "coverage_to": "2099"}
    answer = post(as_role("administrator"), f"{URL}/ajax/update/", **sent)
    assert answer.status_code in (404, 405)
    assert merged(session) == before


@pytest.mark.parametrize("kind", ["perpetual", "journals", "individual"])
def test_an_exported_list_cannot_be_imported_over_merged_rows(
    session: Session, runner: FlaskCliRunner, rows: tuple[int, int], tmp_path: Path, kind: str
) -> None:
    before = merged(session)
    session.rollback()
    file = tmp_path / "subscriptions.xlsx"
    made = runner.invoke(args=["export", "subscriptions", "--out", str(file)])
    assert made.exit_code == 0, made.output
    refused = runner.invoke(args=["import", kind, str(file)])
    assert refused.exit_code == 1, refused.output
    session.rollback()
    assert merged(session) == before
    assert runner.invoke(args=["import", "subscriptions", str(file)]).exit_code == 2
