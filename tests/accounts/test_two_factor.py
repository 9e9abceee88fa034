"""Two-factor log-in: set up, asked for, never replayed, recovered, removed, reset."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.accounts.rules import MOST_FAILURES_OF_ACCOUNT, WINDOW, app_code, recovery_code
from app.audit.models import AuditEntry
from app.core import clock as product_clock
from app.extensions import limiter
from tests import factories
from tests.accounts import phones

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EMAIL = "olga@example.com"
STEP = timedelta(seconds=30)
Stop = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def stopped(app: Flask, clock: Stop) -> Iterator[None]:
    """All happens at one moment, and each test begins with a fresh count of requests."""
    clock(NOW)
    limiter.reset()
    yield
    limiter.reset()


@pytest.fixture
def olga(session: Session, app: Flask) -> FlaskClient:
    one = factories.operator("operations", email=EMAIL, name="Olga")
    return factories.logged_in(app, one.fs_uniquifier)


def told(session: Session) -> list[str]:
    session.rollback()
    return list(
        session.scalars(
            select(AuditEntry.action).where(AuditEntry.entity == "operator").order_by(AuditEntry.id)
        )
    )


def stored(session: Session) -> Operator:
    session.rollback()
    return session.scalars(select(Operator).where(Operator.email == EMAIL)).one()


def test_once_set_up_the_password_alone_opens_nothing(
    session: Session, app: Flask, olga: FlaskClient, clock: Stop
) -> None:
    key, codes = phones.set_up(olga, NOW)
    assert len(codes) == len(set(codes)) == 10
    clock(NOW + STEP)
    browser = app.test_client()
    assert phones.password(browser, EMAIL).startswith("/login/code")
    assert browser.get("/admin/").status_code == 302
    assert "authenticator app" in browser.get("/login/code").text
    assert phones.type_code(browser, phones.code_at(key, NOW + STEP)) == "in"
    assert "Olga" in browser.get("/admin/").text
    assert told(session) == ["two-factor set up", "logged in"]


def test_secrets_stand_encrypted_in_the_database_and_nowhere_in_the_history(
    session: Session, olga: FlaskClient
) -> None:
    key, codes = phones.set_up(olga, NOW)
    one = stored(session)
    kept = f"{one.tf_totp_secret} {one.mf_recovery_codes}"
    assert key.replace(" ", "") not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    entries = session.scalars(select(AuditEntry)).all()
    history = " ".join(f"{one.changes} {one.reason}" for one in entries)
    assert key not in history and codes[0] not in history


def test_the_key_is_shown_as_a_picture_that_the_strict_policy_allows(olga: FlaskClient) -> None:
    answer = olga.get("/two-factor/set-up")
    assert 'src="data:image/svg+xml;base64,' in answer.text
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_code_at_the_set_up_keeps_the_picture(olga: FlaskClient) -> None:
    key = phones.key_on(olga.get("/two-factor/set-up").text)
    page = olga.post("/two-factor/set-up", data={"code": phones.wrong_code(key, NOW)}).text
    assert "This code does not fit" in page and phones.key_on(page) == key
    assert "Set up" in olga.get("/two-factor").text


@pytest.mark.parametrize("code", ["", "\0", "x" * 5000, "１２３４５６", "-1", "12345", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused_in_words(
    app: Flask, olga: FlaskClient, clock: Stop, code: str
) -> None:
    olga.get("/two-factor/set-up")
    assert "does not fit" in olga.post("/two-factor/set-up", data={"code": code}).text
    phones.set_up(olga, NOW)
    browser = app.test_client()
    phones.password(browser, EMAIL)
    assert "does not fit" in phones.type_code(browser, code)
    assert "none of your recovery codes" in phones.type_code(browser, code, "/login/recovery-code")


def test_a_code_is_taken_once_also_that_of_the_set_up(
    app: Flask, olga: FlaskClient, clock: Stop
) -> None:
    key, _ = phones.set_up(olga, NOW)
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        phones.password(browser, EMAIL)
    assert "was used before" in phones.type_code(first, phones.code_at(key, NOW))
    clock(NOW + STEP)
    code = phones.code_at(key, NOW + STEP)
    assert phones.type_code(first, code) == "in"
    assert "was used before" in phones.type_code(second, code)
    clock(NOW + 2 * STEP)
    assert "does not fit" in phones.type_code(second, phones.code_at(key, NOW)), "an older one"
    assert phones.type_code(second, phones.code_at(key, NOW + 2 * STEP)) == "in"


@pytest.mark.parametrize("page", ["/login/code", "/login/recovery-code"])
def test_of_two_log_ins_at_once_with_one_code_one_succeeds(
    app: Flask, olga: FlaskClient, page: str
) -> None:
    key, codes = phones.set_up(olga, NOW)
    browsers = [app.test_client(), app.test_client()]
    for browser in browsers:
        phones.password(browser, EMAIL)
    code = phones.code_at(key, NOW + STEP) if page == "/login/code" else codes[0]

    def enter(browser: FlaskClient) -> bool:
        with product_clock.frozen(NOW + STEP):  # a thread knows nothing of the stopped clock
            return phones.type_code(browser, code, page) == "in"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(enter, browsers)) == [False, True]


def test_wrong_codes_close_the_account_and_the_right_password_between_does_not_help(
    app: Flask, olga: FlaskClient, clock: Stop
) -> None:
    key, codes = phones.set_up(olga, NOW)
    browser = app.test_client()
    for turn in range(MOST_FAILURES_OF_ACCOUNT):
        phones.password(browser, EMAIL)
        page = "/login/code" if turn % 2 else "/login/recovery-code"
        wrong = phones.wrong_code(key, NOW) if turn % 2 else "0000-0000-0000"
        assert phones.type_code(browser, wrong, page) != "in"
    clock(NOW + STEP)
    right = phones.code_at(key, NOW + STEP)
    assert "Too many wrong attempts" in phones.type_code(browser, right)
    assert "Too many wrong" in phones.type_code(browser, codes[0], "/login/recovery-code")
    sent = {"email": EMAIL, "password": factories.PASSWORD}
    assert "Too many wrong" in app.test_client().post("/login", data=sent).text
    later = NOW + WINDOW + timedelta(minutes=1)
    clock(later)
    phones.password(browser, EMAIL)
    assert phones.type_code(browser, phones.code_at(key, later)) == "in"


def test_a_recovery_code_opens_once_however_it_is_typed(
    session: Session, app: Flask, olga: FlaskClient
) -> None:
    _, codes = phones.set_up(olga, NOW)
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        phones.password(browser, EMAIL)
    typed = f" {codes[3].upper().replace('-', ' ')} "
    assert phones.type_code(first, typed, "/login/recovery-code") == "in"
    assert "You have 9 recovery codes left." in first.get("/admin/").text
    assert "used before" in phones.type_code(second, codes[3], "/login/recovery-code")
    assert phones.type_code(second, codes[4], "/login/recovery-code") == "in"
    assert len(stored(session).mf_recovery_codes or []) == 8
    assert told(session).count("recovery code used") == 2


def test_new_recovery_codes_replace_the_old_ones(
    session: Session, app: Flask, olga: FlaskClient
) -> None:
    _, old = phones.set_up(olga, NOW)
    assert not phones.codes_on(olga.get("/two-factor/recovery-codes?show_codes=1").text)
    new = phones.codes_on(olga.post("/two-factor/recovery-codes").text)
    assert len(new) == 10 and not set(old) & set(new)
    browser = app.test_client()
    phones.password(browser, EMAIL)
    assert "none of your" in phones.type_code(browser, old[0], "/login/recovery-code")
    assert phones.type_code(browser, new[0], "/login/recovery-code") == "in"
    assert "new recovery codes" in told(session)


def test_the_second_step_alone_leads_back_to_the_first(client: FlaskClient) -> None:
    for page in ("/login/code", "/login/recovery-code"):
        assert client.get(page).location.startswith("/login")
        assert client.post(page, data={"code": "123456"}).location.startswith("/login")


def test_the_way_back_goes_through_both_steps(app: Flask, olga: FlaskClient, clock: Stop) -> None:
    key, _ = phones.set_up(olga, NOW)
    for minutes, way, end in ((1, "/admin/jobs/", "/admin/jobs/"), (2, "//evil.example", "/")):
        moment = NOW + timedelta(minutes=minutes)
        clock(moment)
        browser = app.test_client()
        code = {"code": phones.code_at(key, moment)}
        answer = browser.post(phones.password(browser, EMAIL, way), data=code)
        while "/login" in answer.location:
            assert answer.location.startswith(("/", "http://localhost/"))
            answer = browser.get(answer.location)
        assert answer.location == end


def test_removing_asks_for_the_password_when_it_was_typed_long_ago(
    session: Session, app: Flask, olga: FlaskClient
) -> None:
    phones.set_up(olga, NOW)
    with olga.session_transaction() as cookie:
        cookie["fs_paa"] = 1
    for page in ("remove", "recovery-codes", "set-up"):
        for asked in (olga.get(f"/two-factor/{page}"), olga.post(f"/two-factor/{page}")):
            assert asked.location.startswith("/verify?next=")
    assert "This is not your password" in olga.post("/verify", data={"password": "no"}).text
    way = olga.get("/two-factor/remove").location
    proven = olga.post(way, data={"password": factories.PASSWORD})
    assert proven.location == "/two-factor/remove"
    assert "Remove two-factor log-in?" in olga.get("/two-factor/remove").text
    assert olga.post("/two-factor/remove").status_code == 303
    assert not stored(session).has_two_factor and not stored(session).mf_recovery_codes
    assert phones.password(app.test_client(), EMAIL) == "/"
    assert told(session)[-2:] == ["two-factor removed", "logged in"]


def test_guessing_the_password_there_is_stopped_too(olga: FlaskClient) -> None:
    for _ in range(MOST_FAILURES_OF_ACCOUNT):
        assert "not your password" in olga.post("/verify", data={"password": "guess"}).text
    sent = {"password": factories.PASSWORD}
    assert "Too many wrong attempts" in olga.post("/verify", data=sent).text


def test_an_administrator_resets_the_log_in_of_a_lost_phone(
    session: Session, app: Flask, olga: FlaskClient, as_role: Callable[..., FlaskClient]
) -> None:
    phones.set_up(olga, NOW)
    administrator = as_role("administrator", name="Ada")
    page = f"/admin/operators/details/?id={stored(session).id}"
    assert "Reset two-factor log-in" in administrator.get(page).text
    sent = {"action": "reset_two_factor", "rowid": str(stored(session).id)}
    asked = administrator.post("/admin/operators/action/", data=sent).text
    assert "For a lost phone" in asked
    administrator.post("/admin/operators/action/", data=sent | {"_confirmed": "yes"})
    assert not stored(session).has_two_factor
    assert olga.get("/admin/").status_code == 302, "the sessions ended"
    assert phones.password(app.test_client(), EMAIL) == "/"
    assert "two-factor reset" in told(session)
    assert "Reset two-factor log-in" not in administrator.get(page).text


def test_nobody_resets_without_the_permission_and_administrators_not_their_own(
    session: Session, olga: FlaskClient, as_role: Callable[..., FlaskClient]
) -> None:
    phones.set_up(olga, NOW)
    sent = {"action": "reset_two_factor", "rowid": str(stored(session).id), "_confirmed": "yes"}
    assert as_role("manager").post("/admin/operators/action/", data=sent).status_code == 403
    ada = as_role("administrator", email="ada@example.com")
    phones.set_up(ada, NOW)
    own = session.scalars(select(Operator.id).where(Operator.email == "ada@example.com")).one()
    sent["rowid"] = str(own)
    page = ada.post("/admin/operators/action/", data=sent, follow_redirects=True).text
    assert "This is your own log-in" in page
    assert stored(session).has_two_factor


def test_the_command_line_helps_the_last_administrator(
    session: Session, app: Flask, olga: FlaskClient, runner: FlaskCliRunner
) -> None:
    phones.set_up(olga, NOW)
    done = runner.invoke(args=["operator", "reset-two-factor", "Olga@example.com", "--json"])
    assert done.exit_code == 0 and '"operator": "olga@example.com"' in done.output
    assert not stored(session).has_two_factor
    assert runner.invoke(args=["operator", "reset-two-factor", EMAIL]).exit_code == 1
    assert runner.invoke(args=["operator", "reset-two-factor", "no@example.com"]).exit_code == 1


def test_codes_are_read_as_people_type_them() -> None:
    assert app_code(" 123 456 ") == "123456" and app_code("123-456") == "123456"
    assert app_code("1234567") is None and app_code("１２３４５６") is None
    assert recovery_code("ABCD 0123-ef45") == "abcd-0123-ef45"
    assert recovery_code("abcd-0123-ef4") is None and recovery_code("\0" * 5000) is None
