"""The way in: log-in, lock-out against guessing, the session, and demo log-ins in production."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.accounts.rules import MOST_FAILURES_OF_ACCOUNT, WINDOW, locked_until, password_problems
from app.audit.models import AuditEntry
from app.extensions import limiter
from tests import factories

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EMAIL = "olga@example.com"


@pytest.fixture(autouse=True)
def olga(session: Session) -> Operator:
    return factories.operator("operations", email=EMAIL, name="Olga")


@pytest.fixture(autouse=True)
def unlimited(app: Flask) -> Iterator[None]:
    """Each test begins with a fresh count of requests."""
    limiter.reset()
    yield
    limiter.reset()


def log_in(client: FlaskClient, password: str = factories.PASSWORD, email: str = EMAIL) -> str:
    """'in', or the page that was shown instead."""
    answer = client.post("/login", data={"email": email, "password": password})
    return "in" if answer.status_code == 302 else answer.text


def test_the_right_password_opens_the_panel(client: FlaskClient) -> None:
    assert client.get("/admin/").status_code == 302
    assert log_in(client, email="Olga@Example.com") == "in"
    assert "Olga" in client.get("/admin/").text


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client: FlaskClient) -> None:
    wrong, unknown = log_in(client, "wrong"), log_in(client, email="nobody@example.com")
    assert "Email or password is wrong" in wrong and "Email or password is wrong" in unknown
    assert "Email or password is wrong" in log_in(client, "\0", email="no\0body@example.com")


def test_an_inactive_operator_stays_outside(session: Session, client: FlaskClient) -> None:
    factories.operator("operations", email="left@example.com", active=False)
    assert "Email or password is wrong" in log_in(client, email="left@example.com")


def test_guessing_closes_the_account_for_a_while_also_for_the_right_password(
    client: FlaskClient, clock: Callable[[datetime], None]
) -> None:
    clock(NOW)
    for _ in range(MOST_FAILURES_OF_ACCOUNT):
        assert "is wrong" in log_in(client, "wrong")
    assert "Too many wrong attempts. Try again in 15 minutes" in log_in(client)
    clock(NOW + WINDOW + timedelta(seconds=1))
    assert log_in(client) == "in"


def test_one_account_that_is_closed_leaves_the_others_open(
    client: FlaskClient, clock: Callable[[datetime], None]
) -> None:
    factories.operator("manager", email="mara@example.com")
    for _ in range(MOST_FAILURES_OF_ACCOUNT):
        log_in(client, "wrong")
    assert log_in(client, email="mara@example.com") == "in"


def test_a_good_log_in_forgets_the_failures_before_it(
    client: FlaskClient, clock: Callable[[datetime], None]
) -> None:
    moment = NOW
    for _ in range(MOST_FAILURES_OF_ACCOUNT - 1):
        clock(moment := moment + timedelta(seconds=1))
        log_in(client, "wrong")
    clock(moment := moment + timedelta(seconds=1))
    assert log_in(client) == "in"
    client.post("/logout")
    clock(moment + timedelta(seconds=1))
    assert "is wrong" in log_in(client, "wrong")


def test_logging_in_and_out_stands_in_the_history(session: Session, client: FlaskClient) -> None:
    log_in(client, "wrong")
    log_in(client)
    client.post("/logout")
    session.rollback()
    told = session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity == "operator").order_by(AuditEntry.id)
    ).all()
    assert told[-3:] == ["log-in refused", "logged in", "logged out"]
    assert client.get("/admin/").status_code == 302


def test_a_session_stolen_by_another_browser_is_worth_nothing(
    app: Flask, client: FlaskClient
) -> None:
    log_in(client)
    cookie = client.get_cookie("kontor")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("kontor", cookie.value)
    assert thief.get("/admin/", headers={"User-Agent": "Another browser"}).status_code == 302


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(client: FlaskClient) -> None:
    answer = client.post("/login", data={"email": EMAIL, "password": factories.PASSWORD})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("kontor="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example", "javascript:a()"])
def test_the_way_in_leads_nowhere_else(client: FlaskClient, way: str) -> None:
    form = {"email": EMAIL, "password": factories.PASSWORD}
    answer = client.post("/login", query_string={"next": way}, data=form)
    assert answer.status_code == 302, "a hostile link must not look like a wrong password"
    assert answer.location == "/"


def test_production_refuses_demo_log_ins(
    session: Session, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.operator("administrator", email="admin@demo.example", demo=True)
    assert log_in(client, email="admin@demo.example") == "in"
    client.post("/logout")
    production = replace(app.config["SETTINGS"], production=True)
    monkeypatch.setitem(app.config, "SETTINGS", production)
    assert "Demo log-ins are closed" in log_in(client, email="admin@demo.example")
    assert log_in(client) == "in"


def test_the_lock_counts_only_failures_within_the_window() -> None:
    old = [NOW - WINDOW] * 10
    recent = [NOW - timedelta(minutes=minute) for minute in range(1, 6)]
    assert locked_until(old, 5, NOW) is None
    assert locked_until(recent[:4] + old, 5, NOW) is None
    assert locked_until(recent, 5, NOW) == NOW - timedelta(minutes=5) + WINDOW


@pytest.mark.parametrize(
    ("password", "wrong"),
    [("short", "only 5"), ("x" * 129, "longer than 128"), ("Olga@example.com", "the email address"),
     ("correct horse battery", "")],
)  # fmt: skip
def test_a_password_is_judged_by_its_length_not_its_characters(password: str, wrong: str) -> None:
    found = password_problems(password, EMAIL)
    assert bool(found) == bool(wrong)
    assert not wrong or wrong in found[0].message
