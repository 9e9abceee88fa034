"""Invitations: a new operator chooses the password by a link, once, within a week."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.audit.models import AuditEntry
from app.outbox.models import OutboxMessage

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EMAIL = "nora@example.com"
PASSWORD = "a battery staples horses"
Stop = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def stopped(app: Flask, clock: Stop) -> None:
    clock(NOW)


@pytest.fixture
def ada(as_role: Callable[..., FlaskClient]) -> FlaskClient:
    return as_role("administrator", email="ada@example.com", name="Ada")


def invite(ada: FlaskClient, **given: Any) -> Any:
    data = {"email": EMAIL, "name": "Nora", "roles": ["operations"], "begin": "invite"} | given
    return ada.post("/admin/operators/new/", data=data)


def again(ada: FlaskClient, one: Operator) -> str:
    data = {"action": "invite", "rowid": str(one.id)}
    return ada.post("/admin/operators/action/", data=data, follow_redirects=True).text


def nora(session: Session) -> Operator:
    session.rollback()
    return session.scalars(select(Operator).where(Operator.email == EMAIL)).one()


def messages(session: Session) -> list[OutboxMessage]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def link(session: Session) -> str:
    """The way that the last mail leads."""
    return urlsplit(messages(session)[-1].secret or "").path


def choose(client: FlaskClient, way: str, password: str = PASSWORD) -> Any:
    return client.post(way, data={"password": password, "password_again": password})


def log_in(client: FlaskClient, password: str = PASSWORD) -> bool:
    answer = client.post("/login", data={"email": EMAIL, "password": password})
    return answer.status_code == 302


def change(ada: FlaskClient, one: Operator, **given: Any) -> Any:
    data = {"email": one.email, "name": one.name, "active": "y", "_version": str(one.version),
            "roles": ["operations"]} | given  # fmt: skip
    data = {name: value for name, value in data.items() if value is not None}
    return ada.post(f"/admin/operators/edit/?id={one.id}", data=data)


def test_who_was_invited_chooses_a_password_and_logs_in(
    session: Session, ada: FlaskClient, client: FlaskClient
) -> None:
    assert invite(ada).status_code == 302
    one = nora(session)
    mail = messages(session)[0]
    assert mail.recipient == EMAIL and "Good day Nora" in mail.body and "Ada has made" in mail.body
    page = ada.get(f"/admin/operators/details/?id={one.id}").text
    assert "Invited" in page and f"Good until 30.11.2026, sent to {EMAIL}" in page
    assert not log_in(client, "") and not log_in(client)
    assert "At least 12 characters" in client.get(link(session)).text
    done = choose(client, link(session))
    assert "Your password is set" in client.get(done.location).text
    assert log_in(client) and "Nora" in client.get("/admin/").text
    assert "Invited" not in ada.get(f"/admin/operators/details/?id={one.id}").text
    told = session.scalars(
        select(AuditEntry.action)
        .where(AuditEntry.entity == "operator", AuditEntry.entity_id == one.id)
        .order_by(AuditEntry.id)
    ).all()
    assert [one for one in told if one != "log-in refused"] == [
        "created", "invited", "invitation accepted", "logged in",
    ]  # fmt: skip


def test_a_password_of_a_customers_length_is_too_short_for_an_operator(
    session: Session, ada: FlaskClient, client: FlaskClient
) -> None:
    invite(ada)
    assert "has only 7 characters" in choose(client, link(session), "seven77").text
    assert nora(session).invited
    assert choose(client, link(session)).status_code == 303, "the link is still good"


def test_a_link_opens_once_and_not_after_a_week(
    session: Session, ada: FlaskClient, client: FlaskClient, clock: Stop
) -> None:
    invite(ada)
    way = link(session)
    clock(NOW + timedelta(days=7, seconds=1))
    assert "too old" in client.get(way).text and "too old" in choose(client, way).text
    page = ada.get(f"/admin/operators/details/?id={nora(session).id}").text
    assert "Too old by now" in page
    clock(NOW + timedelta(hours=1))
    assert choose(client, way).status_code == 303
    for answer in (client.get(way), choose(client, way, "yet another battery staple")):
        assert answer.status_code == 410 and "This link was used" in answer.text
    assert not log_in(client, "yet another battery staple") and log_in(client)


def test_a_second_invitation_ends_the_first(
    session: Session, ada: FlaskClient, client: FlaskClient
) -> None:
    invite(ada)
    first = link(session)
    assert "is on its way" in again(ada, nora(session))
    assert [one.state for one in messages(session)] == ["cancelled", "waiting"]
    assert client.get(first).status_code == 410
    assert choose(client, link(session)).status_code == 303
    assert "has chosen a password already" in again(ada, nora(session))


@pytest.mark.parametrize(
    "given",
    [
        {"active": None},
        {"email": "nora@elsewhere.example"},
        {"password": PASSWORD, "password_again": PASSWORD},
    ],
)
def test_a_link_that_no_longer_fits_the_operator_opens_nothing(
    session: Session, ada: FlaskClient, client: FlaskClient, given: dict[str, Any]
) -> None:
    invite(ada)
    way = link(session)
    assert change(ada, nora(session), **given).status_code == 302
    assert choose(client, way).status_code == 410
    assert messages(session)[0].state == "cancelled" and messages(session)[0].secret is None


def test_the_link_stands_in_no_history_and_the_database_keeps_its_hash(
    session: Session, ada: FlaskClient, client: FlaskClient
) -> None:
    invite(ada)
    token = link(session).rpartition("/")[2]
    assert len(token) > 40
    for entry in session.scalars(select(AuditEntry)):
        assert token not in f"{entry.changes} {entry.reason} {entry.entity_label}"
    for page in ("/admin/operators/", "/admin/outgoing_mail/"):
        assert token not in ada.get(page).text


def test_only_who_manages_operators_invites(
    session: Session, ada: FlaskClient, as_role: Callable[..., FlaskClient]
) -> None:
    invite(ada)
    mara = as_role("manager")
    assert invite(mara, email="other@example.com").status_code == 403
    data = {"action": "invite", "rowid": str(nora(session).id)}
    assert mara.post("/admin/operators/action/", data=data).status_code == 403
    assert len(messages(session)) == 1


def test_an_invited_administrator_is_not_yet_one_who_could_go_on_alone(
    session: Session, ada: FlaskClient
) -> None:
    invite(ada, roles=["administrator"])
    one = session.scalars(select(Operator).where(Operator.email == "ada@example.com")).one()
    assert "Nobody would be left" in change(ada, one, roles=["manager"]).text


def test_the_command_line_invites_and_prints_the_link_only_where_no_mail_leaves(
    session: Session, app: Flask, client: FlaskClient, runner: FlaskCliRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    command = ["operator", "invite", EMAIL, "--role", "administrator", "--name", "Nora", "--json"]
    done = json.loads(runner.invoke(args=command).output.splitlines()[-1])
    assert done["operator"] == EMAIL and done["roles"] == ["administrator"]
    assert urlsplit(done["link"]).path == link(session)
    assert choose(client, urlsplit(done["link"]).path).status_code == 303 and log_in(client)
    assert runner.invoke(args=command).exit_code == 1, "there is such an operator already"
    settings = replace(app.config["SETTINGS"], mail_url="smtp://localhost")
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    command[2] = "other@example.com"
    assert "link" not in json.loads(runner.invoke(args=command).output.splitlines()[-1])
