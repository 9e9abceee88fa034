"""The page behind a one-time link: a password is set once, calmly, and the token goes nowhere."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers import accounts, operations
from app.customers.models import Customer
from app.extensions import transaction
from tests.customers.accounts import account, change, mails, token_of
from tests.customers.people import history

PASSWORD = "five5 or more"
Clock = Callable[[datetime], None]


def page_of(token: str) -> str:
    return f"/account/set-password/{token}"


def both(password: str, again: str | None = None) -> dict[str, str]:
    return {"password": password, "password_again": password if again is None else again}


@pytest.fixture
def token(session: Session) -> str:
    """The token of a new account's registration."""
    account()
    return token_of(mails(session)[0])


def test_a_customer_sets_a_password_and_can_log_in_with_it(
    session: Session, client: FlaskClient, token: str
) -> None:
    page = client.get(page_of(token))
    assert page.status_code == 200
    assert "At least 5 characters" in page.text
    answer = client.post(page_of(token), data=both(PASSWORD))
    assert (answer.status_code, answer.location) == (303, "/account/password-set/shop")
    assert "Your password is set" in client.get(answer.location).text
    assert accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)


def test_the_page_names_nobody_and_is_kept_by_nobody(client: FlaskClient, token: str) -> None:
    for answer in (
        client.get(page_of(token)),
        client.get(page_of("unknown")),
        client.post(page_of(token), data=both("a")),
    ):
        assert "Karin" not in answer.text
        assert "karin@" not in answer.text
        assert token not in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert '<meta name="robots" content="noindex' in answer.text


def test_looking_at_the_page_uses_nothing_up(client: FlaskClient, token: str) -> None:
    for _ in range(3):
        assert client.get(page_of(token)).status_code == 200
    assert client.post(page_of(token), data=both(PASSWORD)).status_code == 303


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (both("1234"), "only 4 characters"),
        (both(""), "password is missing"),
        ({}, "password is missing"),
        (both(PASSWORD, "other"), "two passwords differ"),
        (both("x" * 129), "longer than 128"),
        (both("x" * 5000), "too long"),
        (both("karin@example.com"), "email or the number"),
    ],
)
def test_a_password_that_is_not_good_enough_is_refused_and_the_link_stays(
    session: Session, client: FlaskClient, token: str, data: dict[str, str], reason: str
) -> None:
    answer = client.post(page_of(token), data=data)
    assert answer.status_code == 422
    assert reason in answer.text
    typed = data.get("password") or "nothing typed"
    assert f'value="{typed}"' not in answer.text
    assert client.post(page_of(token), data=both(PASSWORD)).status_code == 303


def test_any_signs_make_a_password(session: Session, client: FlaskClient, token: str) -> None:
    signs = "\x00<b>ü🐈'"
    assert client.post(page_of(token), data=both(signs)).status_code == 303
    decomposed = signs.replace("ü", "u\u0308")
    assert accounts.verify_credentials(session, email="karin@example.com", password=decomposed)


def test_a_second_use_is_answered_calmly_and_changes_nothing(
    session: Session, client: FlaskClient, token: str
) -> None:
    client.post(page_of(token), data=both(PASSWORD))
    for answer in (
        client.get(page_of(token)),
        client.post(page_of(token), data=both("another one")),
    ):
        assert answer.status_code == 410
        assert "This link was used" in answer.text
        assert "all is well" in answer.text
    assert accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)


def test_of_two_clicks_at_once_one_sets_the_password(app: Flask) -> None:
    with app.app_context():
        one = account().id
        from app.extensions import db

        token = token_of(mails(db.session())[0])
        db.session.remove()
    ready, outcomes = Barrier(2), []

    def click(password: str) -> None:
        client = app.test_client()
        ready.wait(5)
        outcomes.append((client.post(page_of(token), data=both(password)).status_code, password))

    threads = [Thread(target=click, args=(p,)) for p in ("first one", "second one")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(code for code, _ in outcomes) == [303, 410]
    [winner] = [password for code, password in outcomes if code == 303]
    with app.app_context():
        from app.extensions import db

        session = db.session()
        assert accounts.verify_credentials(session, email="karin@example.com", password=winner)
        told = [e.changes for e in history(session, one) if e.entity == "customer"]
        assert told.count({"password_hash": [None, "changed"]}) == 1


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 5000, "%00", "%F0%9F%90%88", "a%0d%0ab"])
def test_an_address_that_is_no_link_says_so(client: FlaskClient, token: str) -> None:
    for answer in (client.get(page_of(token)), client.post(page_of(token), data=both(PASSWORD))):
        assert answer.status_code == 404
        assert "not one of ours" in answer.text
        assert "Ask us for a new one" in answer.text


def test_a_link_that_is_too_old_says_what_to_do(
    session: Session, client: FlaskClient, clock: Clock
) -> None:
    account()
    token = token_of(mails(session)[0])
    clock(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    answer = client.get(page_of(token))
    assert answer.status_code == 410
    assert "too old" in answer.text
    assert "Ask us for a new one" in answer.text


def test_whoever_is_locked_or_deleted_meanwhile_sets_no_password(
    session: Session, client: FlaskClient
) -> None:
    locked, deleted = account(), account(email="b@example.com")
    tokens = [token_of(mail) for mail in mails(session)]
    change(locked, locked=True, lock_text="Owes us money")
    with transaction() as work:
        operations.delete_customers(work, [deleted.id], actor=COMMAND_LINE)
    for token in tokens:
        answer = client.post(page_of(token), data=both(PASSWORD))
        assert answer.status_code == 410
        assert "Owes us money" not in answer.text
    session.rollback()
    assert session.get_one(Customer, locked.id, populate_existing=True).password_hash is None
    assert session.get_one(Customer, deleted.id, populate_existing=True).password_hash is None


def test_the_token_stands_in_no_log_even_where_the_program_fails(
    client: FlaskClient,
    token: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("app.accounts.links.use_link", broken)
    monkeypatch.setitem(client.application.config, "PROPAGATE_EXCEPTIONS", False)
    caplog.set_level(logging.DEBUG)
    answer = client.post(page_of(token), data=both(PASSWORD))
    assert answer.status_code == 500
    assert "RuntimeError: broken" in caplog.text
    assert token not in caplog.text
    assert PASSWORD not in caplog.text


def test_the_page_is_protected_against_forgery_without_leading_to_the_log_in(
    app: Flask, client: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    answer = client.post(page_of(token), data=both(PASSWORD))
    assert answer.status_code == 400
    assert "no longer valid" in answer.text
    page = client.get(page_of(token)).text
    found = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post(page_of(token), data=both(PASSWORD) | {"csrf_token": found})
    assert answer.status_code == 303


def test_guessing_is_slowed_down(client: FlaskClient) -> None:
    codes = [client.post(page_of(f"guess{n}"), data=both("x")).status_code for n in range(25)]
    assert codes[0] == 404
    assert codes[-1] == 429
