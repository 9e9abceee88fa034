"""Roles that must use two-factor log-in: their holders open nothing before it is set up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.accounts.queries import unknown_roles
from tests import factories
from tests.accounts import phones
from tests.test_permissions import FOR_EVERY_OPERATOR, ON_SQLITE, UNUSED, ask, declared, rules

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OPEN = {"static", "security.login", "security.logout", "security.verify", "two_factor.set_up"}
AsRole = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def required(
    app: Flask, clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(NOW)
    settings = replace(app.config["SETTINGS"], two_factor_roles=" Administrator,manager ")
    monkeypatch.setitem(app.config, "SETTINGS", settings)


def test_after_the_password_only_the_set_up_opens_and_then_everything(
    session: Session, app: Flask, client: FlaskClient
) -> None:
    factories.operator("manager", email="mara@example.com")
    assert phones.password(client, "mara@example.com") == "/"
    assert client.get("/admin/").location == "/two-factor/set-up"
    assert "Your role requires two-factor log-in" in client.get("/two-factor/set-up").text
    phones.set_up(client, NOW)
    assert client.get("/admin/").status_code == 200


def test_fragments_and_machines_are_held_back_too(as_role: AsRole) -> None:
    mara = as_role("manager")
    for headers in ({"HX-Request": "true"}, {"Accept": "application/json"}):
        answer = mara.get("/admin/individual/", headers=headers)
        assert answer.status_code == 403 and not answer.text
        assert answer.headers["HX-Redirect"] == "/two-factor/set-up"
    assert mara.post("/admin/clients/", json={}).status_code == 403
    assert mara.get("/nowhere").location == "/two-factor/set-up"


@ON_SQLITE
def test_no_route_opens_before_the_set_up(app: Flask) -> None:
    with app.app_context():
        uniquifier = factories.operator("administrator").fs_uniquifier
    wrong = []
    for rule, method in rules(app):
        if rule.endpoint in OPEN or rule.endpoint.endswith(".static"):
            continue
        answer = ask(app, rule, method, uniquifier)
        if answer.headers.get("Location") != "/two-factor/set-up":
            wrong.append(f"{method} {rule.rule}: {answer.status}")
    assert not wrong, "\n".join(wrong)
    assert {*declared(app), *FOR_EVERY_OPERATOR, *UNUSED} - OPEN


def test_who_holds_another_role_is_not_asked(as_role: AsRole) -> None:
    assert as_role("operations").get("/admin/").status_code == 200


def test_a_role_given_while_somebody_works_counts_at_the_next_click(
    session: Session, app: Flask, as_role: AsRole
) -> None:
    one = factories.operator("operations", email="otto@example.com")
    otto = factories.logged_in(app, one.fs_uniquifier)
    assert otto.get("/admin/").status_code == 200
    administrator = as_role("administrator")
    phones.set_up(administrator, NOW)
    sent = {"email": one.email, "name": one.name, "active": "y", "_version": str(one.version),
            "roles": ["manager"]}  # fmt: skip
    administrator.post(f"/admin/operators/edit/?id={one.id}", data=sent)
    assert otto.get("/admin/").location == "/two-factor/set-up"
    assert "Required, not set up" in administrator.get("/admin/operators/").text


def test_it_cannot_be_removed_and_a_reset_leads_to_the_set_up_again(
    session: Session, app: Flask, as_role: AsRole
) -> None:
    mara = as_role("manager", email="mara@example.com")
    phones.set_up(mara, NOW)
    assert "cannot be removed" in mara.get("/two-factor/remove").text
    page = mara.post("/two-factor/remove", follow_redirects=True).text
    assert "Your role requires two-factor log-in" in page
    one = session.scalars(select(Operator).where(Operator.email == "mara@example.com")).one()
    assert one.has_two_factor
    administrator = as_role("administrator")
    phones.set_up(administrator, NOW)
    sent = {"action": "reset_two_factor", "rowid": str(one.id), "_confirmed": "yes"}
    administrator.post("/admin/operators/action/", data=sent)
    browser = app.test_client()
    phones.password(browser, "mara@example.com")
    assert browser.get("/admin/").location == "/two-factor/set-up"


def test_a_misspelt_role_is_found_before_it_lets_somebody_in(session: Session, app: Flask) -> None:
    settings = replace(app.config["SETTINGS"], two_factor_roles="manager, administrators,,")
    assert unknown_roles(session, settings.roles_with_two_factor) == ["administrators"]
