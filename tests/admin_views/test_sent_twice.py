"""The same form sent twice makes one record, whoever repeats it and whenever the two meet."""

import contextvars
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.models import SubmittedForm
from app.customers.models import Customer, Group
from app.jobs import cleanup
from tests.admin_views.test_customers_form import fields_of

AsRole = Callable[..., FlaskClient]
URL = "/admin/individual/new/"


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


def opened(client: FlaskClient, url: str = URL) -> dict[str, Any]:
    return fields_of(client.get(url).text)


def customers(session: Session) -> list[Customer]:
    session.rollback()
    return list(session.scalars(select(Customer).order_by(Customer.id)))


def test_a_second_click_leads_to_the_customer_that_the_first_one_made(
    session: Session, clerk: FlaskClient
) -> None:
    sent = opened(clerk) | {"first_name": "Ada", "email": "ada@example.com"}
    first, second = clerk.post(URL, data=sent), clerk.post(URL, data=sent)
    [made] = customers(session)
    assert first.location == second.location == f"/admin/individual/details/?id={made.id}"
    assert "not created twice" in clerk.get(second.location).text


def test_two_at_the_same_moment_make_one_customer(
    app: Flask, session: Session, as_role: AsRole
) -> None:
    client = as_role("operations")
    sent = opened(client) | {"first_name": "Ada", "mobile_phone": "+43 664 1234567"}
    cookie = client.get_cookie("kontor")
    assert cookie is not None
    barrier = Barrier(4)

    def post() -> str | None:
        browser = app.test_client()
        browser.environ_base.update(client.environ_base)
        browser.set_cookie("kontor", cookie.value)
        barrier.wait(10)
        return browser.post(URL, data=sent).location

    session.rollback()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(contextvars.Context().run, post) for _ in range(4)]
        locations = {one.result(60) for one in waiting}
    [made] = customers(session)
    assert locations == {f"/admin/individual/details/?id={made.id}"}


def test_a_form_that_somebody_went_back_to_and_changed_makes_another_customer(
    session: Session, clerk: FlaskClient
) -> None:
    sent = opened(clerk) | {"first_name": "Ada"}
    clerk.post(URL, data=sent)
    clerk.post(URL, data=sent | {"first_name": "Grace"})
    assert [one.first_name for one in customers(session)] == ["Ada", "Grace"]


def test_a_form_that_was_refused_is_sent_again(session: Session, clerk: FlaskClient) -> None:
    sent = opened(clerk) | {"first_name": "", "alias": "Countess"}
    kept = fields_of(clerk.post(URL, data=sent).text)
    assert (kept["alias"], kept["_once"]) == ("Countess", sent["_once"])
    clerk.post(URL, data=kept | {"first_name": "Ada"})
    assert len(customers(session)) == 1
    with session.begin_nested():
        assert session.scalar(select(func.count()).select_from(SubmittedForm)) == 1


def test_a_mark_is_worth_nothing_to_another_person(session: Session, as_role: AsRole) -> None:
    one, other = as_role("operations"), as_role("operations")
    sent = opened(one) | {"first_name": "Ada"}
    one.post(URL, data=sent)
    other.post(URL, data=sent)
    assert len(customers(session)) == 2


@pytest.mark.parametrize("mark", ["", "short", "x" * 5000, "\0" * 32, "é" * 32])
def test_a_mark_that_no_page_has_given_does_no_harm(
    session: Session, clerk: FlaskClient, mark: str
) -> None:
    sent = opened(clerk) | {"first_name": "Ada", "_once": mark}
    assert clerk.post(URL, data=sent).status_code == 302
    assert len(customers(session)) == 1


def test_a_program_that_sends_the_fields_alone_makes_one_customer(
    session: Session, clerk: FlaskClient
) -> None:
    page = {name: value for name, value in opened(clerk).items() if name != "_once"}

    def send(name: str, token: str, **headers: str) -> None:
        fields = page | {"first_name": name} | ({} if headers else {"csrf_token": token})
        assert clerk.post(URL, data=fields, headers=headers).status_code == 302

    for name, token in (("Ada", "one page's token"), ("Grace", "one page's token")):
        send(name, token)
        send(name, token)
    send("Ada", "another page's token")
    send("Emmy", "", **{"X-CSRFToken": "a token"})
    send("Emmy", "", **{"X-CSRFToken": "a token"})
    assert [one.first_name for one in customers(session)] == ["Ada", "Grace", "Ada", "Emmy"]


def test_a_deleted_record_is_not_led_to(session: Session, clerk: FlaskClient) -> None:
    sent = opened(clerk) | {"first_name": "Ada"}
    clerk.post(URL, data=sent)
    [made] = customers(session)
    clerk.post("/admin/individual/delete/", data={"id": made.id, "_confirmed": "yes"})
    assert clerk.post(URL, data=sent).location == "/admin/individual/"


def test_every_form_for_something_new_is_known_again(session: Session, as_role: AsRole) -> None:
    admin, url = as_role("administrator"), "/admin/groups/new/"
    sent = opened(admin, url) | {"name": "Press"}
    first, second = admin.post(url, data=sent), admin.post(url, data=sent)
    assert first.location == second.location
    assert session.scalars(select(Group.name)).all() == ["Press"]


def test_each_page_has_a_mark_of_its_own(clerk: FlaskClient) -> None:
    marks = {opened(clerk)["_once"] for _ in range(3)}
    assert len(marks) == 3 and all(re.fullmatch(r"[\w-]{32}", mark) for mark in marks)


def test_marks_are_forgotten_after_a_week(
    session: Session, clerk: FlaskClient, clock: Callable[[datetime], None],
    run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    day = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    clock(day)
    clerk.post(URL, data=opened(clerk) | {"first_name": "Ada"})
    clock(day + timedelta(days=6))
    clerk.post(URL, data=opened(clerk) | {"first_name": "Grace"})
    clock(day + timedelta(days=8))
    cleanup.enqueue_if_due()
    run_jobs()
    session.rollback()
    assert session.scalars(select(SubmittedForm.created_at)).all() == [day + timedelta(days=6)]
