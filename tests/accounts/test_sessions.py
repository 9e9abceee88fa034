"""Where operators are logged in: listed, ended by themselves and by administrators, forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator, OperatorSession
from app.accounts.rules import browser_in_words
from app.accounts.sessions import KEY
from app.audit.models import AuditEntry
from app.jobs import cleanup
from tests import factories
from tests.accounts import phones

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EMAIL = "olga@example.com"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0 Mobile Safari/537.36"
)
Stop = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def olga(session: Session, clock: Stop) -> Operator:
    clock(NOW)
    return factories.operator("operations", email=EMAIL, name="Olga")


@pytest.fixture
def browser(app: Flask) -> Callable[..., FlaskClient]:
    """A browser in which Olga has logged in by the log-in page."""

    def log_in(user_agent: str = FIREFOX) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = user_agent
        assert phones.password(client, EMAIL) == "/"
        return client

    return log_in


def rows(session: Session) -> list[OperatorSession]:
    session.rollback()
    return list(session.scalars(select(OperatorSession).order_by(OperatorSession.id)))


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def told(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_both_browsers_of_an_operator_stand_in_the_list(
    session: Session, browser: Callable[..., FlaskClient]
) -> None:
    desk, phone = browser(FIREFOX), browser(PHONE)
    page = desk.get("/sessions").text
    assert "Firefox on Windows" in page and "Chrome on Android" in page and "127.0.0.1" in page
    assert page.count("This one") == 1
    assert page.index("This one") > page.index("Firefox on Windows")
    assert is_in(desk) and is_in(phone)


def test_a_session_ended_from_elsewhere_is_over_at_the_next_request(
    session: Session, browser: Callable[..., FlaskClient]
) -> None:
    desk, phone = browser(FIREFOX), browser(PHONE)
    assert desk.post("/sessions", data={"end": str(rows(session)[1].id)}).status_code == 303
    assert is_in(desk)
    answer = phone.get("/admin/individual/", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and "HX-Redirect" in answer.headers
    assert not is_in(phone)
    assert rows(session)[1].ended_by_label == "Olga"
    assert "session ended" in told(session)


def test_all_others_are_ended_at_once(
    session: Session, browser: Callable[..., FlaskClient]
) -> None:
    desk, *others = (browser() for _ in range(3))
    page = desk.post("/sessions", data={"end": "others"}, follow_redirects=True).text
    assert "2 other sessions were ended" in page and "End all others" not in page
    assert is_in(desk) and not any(is_in(one) for one in others)


@pytest.mark.parametrize("end", ["", "x", "0", "-1", "9" * 30, "\0"])
def test_a_forged_choice_ends_nothing(
    session: Session, browser: Callable[..., FlaskClient], end: str
) -> None:
    desk = browser()
    page = desk.post("/sessions", data={"end": end}, follow_redirects=True)
    assert page.status_code == 200 and "alert-warning" in page.text and is_in(desk)


def test_nobody_ends_the_session_of_another(
    session: Session, browser: Callable[..., FlaskClient], as_role: Callable[..., FlaskClient]
) -> None:
    desk = browser()
    key = rows(session)[0].id
    mara = as_role("manager")
    page = mara.post("/sessions", data={"end": str(key)}, follow_redirects=True).text
    assert "ended already" in page and is_in(desk)
    sent = {"session": str(key)}
    answer = mara.post(
        f"/admin/operators/end-session/?id={rows(session)[0].operator_id}", data=sent
    )
    assert answer.status_code == 403 and is_in(desk)


def test_an_administrator_sees_and_ends_the_sessions_of_an_operator(
    session: Session, browser: Callable[..., FlaskClient], as_role: Callable[..., FlaskClient],
    olga: Operator,
) -> None:  # fmt: skip
    first, second, third = browser(FIREFOX), browser(PHONE), browser(PHONE)
    ada = as_role("administrator", name="Ada")
    tab = ada.get(f"/admin/operators/tab/?id={olga.id}&tab=sessions").text
    assert "Firefox on Windows" in tab and tab.count("Chrome on Android") == 2
    sent = {"session": str(rows(session)[0].id)}
    for said in ("The session was ended", "ended already"):
        address = f"/admin/operators/end-session/?id={olga.id}"
        assert said in ada.post(address, data=sent, follow_redirects=True).text
    assert not is_in(first) and is_in(second)
    sent = {"action": "end_sessions", "rowid": str(olga.id), "_confirmed": "yes"}
    page = ada.post("/admin/operators/action/", data=sent, follow_redirects=True).text
    assert "2 sessions were ended" in page
    assert not is_in(second) and not is_in(third) and is_in(ada)
    history = unescape(ada.get(f"/admin/operators/tab/?id={olga.id}&tab=history").text)
    assert "Session ended" in history and "by Ada" in history


def test_logging_out_ends_the_session_also_for_a_copied_cookie(
    session: Session, app: Flask, browser: Callable[..., FlaskClient]
) -> None:
    desk = browser()
    cookie = desk.get_cookie("kontor")
    assert cookie is not None
    desk.post("/logout")
    copy = app.test_client()
    copy.environ_base["HTTP_USER_AGENT"] = FIREFOX
    copy.set_cookie("kontor", cookie.value)
    assert not is_in(copy)
    assert rows(session)[0].ended_at is not None


def test_a_cookie_without_the_key_of_a_session_is_worth_nothing(
    session: Session, browser: Callable[..., FlaskClient]
) -> None:
    for key in (None, "", "guessed", 7, ["x"]):
        desk = browser()
        with desk.session_transaction() as cookie:
            cookie[KEY] = key
        assert not is_in(desk)


def test_the_database_holds_no_key(session: Session, browser: Callable[..., FlaskClient]) -> None:
    desk = browser()
    with desk.session_transaction() as cookie:
        key = cookie[KEY]
    assert len(key) > 40 and rows(session)[0].key_hash != key


def test_a_session_ends_by_itself_after_the_hours_of_the_setting(
    browser: Callable[..., FlaskClient], clock: Stop
) -> None:
    desk = browser()
    clock(NOW + timedelta(hours=12) - timedelta(seconds=1))
    assert is_in(desk)
    clock(NOW + timedelta(hours=12))
    assert not is_in(desk)


def test_a_new_password_ends_all_others_and_stands_in_the_history(
    session: Session, browser: Callable[..., FlaskClient]
) -> None:
    desk, other = browser(), browser()
    new = "another battery staple"
    sent = {"password": factories.PASSWORD, "new_password": new, "new_password_confirm": new}
    assert desk.post("/password", data=sent).status_code == 302
    assert is_in(desk) and not is_in(other)
    assert [row.ended_at is None for row in rows(session)] == [False, False, True]
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None and entry.changes == {"password": [None, "changed"]}


def test_last_seen_is_written_every_five_minutes_and_no_page_waits_for_it(
    session: Session, browser: Callable[..., FlaskClient], clock: Stop,
    queries: Callable[[Callable[[], object]], int],
) -> None:  # fmt: skip
    desk = browser()
    usual = queries(lambda: desk.get("/admin/jobs/").close())
    clock(NOW + timedelta(minutes=4))
    assert queries(lambda: desk.get("/admin/jobs/").close()) == usual
    assert rows(session)[0].last_seen_at == NOW
    clock(NOW + timedelta(minutes=6))
    answer = desk.get("/admin/jobs/")
    assert answer.status_code == 200 and rows(session)[0].last_seen_at == NOW
    answer.close()  # as a server does when the answer has been sent
    assert rows(session)[0].last_seen_at == NOW + timedelta(minutes=6)


def test_the_list_runs_no_more_queries_for_more_sessions(
    browser: Callable[..., FlaskClient], queries: Callable[[Callable[[], object]], int],
    as_role: Callable[..., FlaskClient], olga: Operator,
) -> None:  # fmt: skip
    desk, ada = browser(), as_role("administrator")
    pages = (
        lambda: desk.get("/sessions"),
        lambda: ada.get(f"/admin/operators/tab/?id={olga.id}&tab=sessions"),
    )
    few = [queries(page) for page in pages]
    for _ in range(20):
        browser()
    assert [queries(page) for page in pages] == few


def test_old_sessions_go_in_the_daily_clean_up(
    session: Session, browser: Callable[..., FlaskClient], clock: Stop,
    run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    browser()
    clock(NOW + timedelta(days=20))
    browser()
    clock(NOW + timedelta(days=31))
    cleanup.enqueue_if_due()
    run_jobs()
    assert [row.created_at for row in rows(session)] == [NOW + timedelta(days=20)]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (PHONE, "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36", "Chromium on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/18 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) CriOS/140 Safari/604.1", "Chrome on iPhone"),
        ("curl/8.5", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_called_by_their_names(user_agent: str, words: str) -> None:
    assert browser_in_words(user_agent) == words
