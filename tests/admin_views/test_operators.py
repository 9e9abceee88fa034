"""Operators and roles in the panel: made, changed, deactivated; never without an administrator."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator, Role
from tests import factories

AsRole = Callable[..., FlaskClient]
PASSWORD = "a battery staples horses"


@pytest.fixture
def administrator(as_role: AsRole) -> FlaskClient:
    return as_role("administrator", email="ada@example.com", name="Ada")


def found(session: Session, email: str) -> Operator:
    session.rollback()
    return session.scalars(select(Operator).where(Operator.email == email)).one()


def role(session: Session, name: str) -> Role:
    session.rollback()
    return session.scalars(select(Role).where(Role.name == name)).one()


def create(client: FlaskClient, **given: Any) -> Any:
    data = {"email": "New@Example.com", "name": "Newcomer", "roles": ["operations"],
            "password": PASSWORD, "password_again": PASSWORD, "begin": "password"}  # fmt: skip
    data |= given
    return client.post("/admin/operators/new/", data=data)


def change(client: FlaskClient, one: Operator, **given: Any) -> Any:
    data = {"email": one.email, "name": one.name, "active": "y", "_version": str(one.version),
            "roles": [held.name for held in one.roles]} | given  # fmt: skip
    data = {name: value for name, value in data.items() if value is not None}
    return client.post(f"/admin/operators/edit/?id={one.id}", data=data)


def test_a_new_operator_can_log_in(
    session: Session, administrator: FlaskClient, client: FlaskClient
) -> None:
    assert create(administrator).status_code == 302
    made = found(session, "new@example.com")
    assert made.active and [one.name for one in made.roles] == ["operations"]
    assert PASSWORD not in (made.password or "")
    answer = client.post("/login", data={"email": "new@example.com", "password": PASSWORD})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"email": "ada@example.com"}, "There is an operator with this email already"),
        ({"email": "nobody"}, "Email is not an address"),
        ({"password": "short", "password_again": "short"}, "Password has only 5 characters"),
        ({"password_again": "something else"}, "The two passwords differ"),
        ({"roles": []}, "Roles is missing"),
        ({"password": "", "password_again": ""}, "Password is missing"),
    ],
)
def test_a_bad_operator_is_refused_in_words_and_passwords_are_not_sent_back(
    session: Session, administrator: FlaskClient, given: dict[str, Any], reason: str
) -> None:
    page = create(administrator, **given).text
    assert reason in page and "Newcomer" in page and PASSWORD not in page


def test_a_deactivated_operator_is_thrown_out_at_once(
    session: Session, app: Flask, administrator: FlaskClient
) -> None:
    one = factories.operator("operations", email="otto@example.com")
    otto = factories.logged_in(app, one.fs_uniquifier)
    assert otto.get("/admin/clients/").status_code == 200
    change(administrator, found(session, "otto@example.com"), active=None)
    assert not found(session, "otto@example.com").active
    assert otto.get("/admin/clients/").status_code == 302
    assert "Inactive" in administrator.get("/admin/operators/").text


def test_operators_cannot_be_deleted(session: Session, administrator: FlaskClient) -> None:
    one = factories.operator("operations")
    answer = administrator.post("/admin/operators/delete/", data={"id": str(one.id)})
    assert answer.status_code in {403, 404}
    assert 'value="delete"' not in administrator.get("/admin/operators/").text


def test_the_last_administrator_stays_one(session: Session, administrator: FlaskClient) -> None:
    ada = found(session, "ada@example.com")
    for given in ({"roles": ["manager"]}, {"active": None}):
        assert "Nobody would be left" in change(administrator, ada, **given).text
    assert [one.name for one in found(session, "ada@example.com").roles] == ["administrator"]


def test_a_changed_role_is_told_in_the_history_and_no_password_ever(
    session: Session, administrator: FlaskClient
) -> None:
    factories.operator("operations", email="otto@example.com")
    change(
        administrator, found(session, "otto@example.com"), roles=["manager"],
        password=PASSWORD, password_again=PASSWORD,
    )  # fmt: skip
    one = found(session, "otto@example.com")
    told = administrator.get(f"/admin/operators/tab/?id={one.id}&tab=history").text
    assert "operations" in told and "manager" in told and "by Ada" in told
    assert "Password" in told and "argon2" not in told and PASSWORD not in told


def test_a_role_of_ones_own_gives_just_its_permissions(
    session: Session, app: Flask, administrator: FlaskClient
) -> None:
    data = {"name": "Front desk", "description": "Looks only", "permissions": ["customers:view"]}
    assert administrator.post("/admin/roles/new/", data=data).status_code == 302
    made = role(session, "front desk")
    assert made.permissions == ["customers:view"] and not made.built_in
    one = factories.operator("front desk")
    desk = factories.logged_in(app, one.fs_uniquifier)
    assert desk.get("/admin/individual/").status_code == 200
    assert desk.get("/admin/individual/new/").status_code == 403
    assert desk.get("/admin/roles/").status_code == 403


def test_permissions_are_boxes_in_words_by_what_they_are_about(
    session: Session, administrator: FlaskClient
) -> None:
    page = administrator.get("/admin/roles/new/").text
    assert "See bank details in full" in page and "<legend" in page
    assert 'value="customers:edit"' in page


def test_a_built_in_role_keeps_its_name_and_cannot_be_deleted(
    session: Session, administrator: FlaskClient
) -> None:
    manager = role(session, "manager")
    key, kept = manager.id, [*manager.permissions, "invoices:edit"]
    data = {"name": "boss", "description": "Looks", "permissions": kept,
            "_version": str(manager.version)}  # fmt: skip
    administrator.post(f"/admin/roles/edit/?id={key}", data=data)
    changed = session.get_one(Role, key, populate_existing=True)
    assert changed.name == "manager" and "invoices:edit" in changed.permissions
    sent = {"id": str(key), "_confirmed": "yes"}
    answer = administrator.post("/admin/roles/delete/", data=sent, follow_redirects=True)
    assert "cannot be deleted" in answer.text
    assert role(session, "manager").id == key


def test_a_role_that_somebody_holds_is_not_deleted(
    session: Session, administrator: FlaskClient
) -> None:
    data = {"name": "front desk", "permissions": ["customers:view"]}
    administrator.post("/admin/roles/new/", data=data)
    key = role(session, "front desk").id
    factories.operator("front desk", email="desk@example.com")
    sent = {"id": str(key), "_confirmed": "yes"}
    refused = administrator.post("/admin/roles/delete/", data=sent, follow_redirects=True)
    assert "holds the role front desk" in refused.text
    session.rollback()
    holder = session.scalars(select(Operator).where(Operator.roles.any(Role.id == key))).one()
    change(administrator, holder, roles=["manager"])
    gone = administrator.post("/admin/roles/delete/", data=sent, follow_redirects=True)
    assert "was deleted" in gone.text


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("state=active", {"ada@", "mara@"}), ("state=invited", {"ivo@"}),
        ("state=inactive", {"lea@"}), ("state=invited,inactive", {"ivo@", "lea@"}),
        ("name=mara", {"mara@"}), ("email=LEA@", {"lea@"}),
        ("state=,", {"ada@", "ivo@", "lea@", "mara@"}),
    ],
)  # fmt: skip
def test_operators_are_filtered_under_the_headings(
    session: Session, administrator: FlaskClient, asked: str, there: set[str]
) -> None:
    factories.operator("manager", email="mara@example.com", name="Mara")
    factories.operator("manager", email="lea@example.com", active=False)
    factories.operator("manager", email="ivo@example.com", password=None)
    page = administrator.get(f"/admin/operators/?{asked}").text
    rows = page.partition("<tbody>")[2]
    assert {name for name in ("ada@", "mara@", "lea@", "ivo@") if name in rows} == there
    heads = page.partition('<tr class="k-heads">')[2].partition("</tr>")[0]
    assert all(f'name="{name}"' in heads for name in ("name", "email", "role", "state"))


def test_operators_are_filtered_by_role(session: Session, administrator: FlaskClient) -> None:
    factories.operator("manager", email="mara@example.com")
    key = role(session, "manager").id
    rows = administrator.get(f"/admin/operators/?role={key}").text.partition("<tbody>")[2]
    assert "mara@" in rows and "ada@" not in rows
