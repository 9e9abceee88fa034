"""Error pages: with the menu for who is logged in, alone for who is not or where the menu fails."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from admin_views.access import Guarded

AsRole = Callable[..., FlaskClient]
MENU = 'aria-label="Main menu"'
HERE = 'aria-current="page"'


def test_an_error_keeps_the_menu_of_who_is_logged_in(as_role: AsRole) -> None:
    manager = as_role("manager")
    for address, code in (
        ("/admin/nothing/", 404),
        ("/admin/individual/details/?id=999", 404),
        ("/admin/operators/", 403),
        ("/admin/individual/action/", 405),
    ):
        answer = manager.get(address)
        assert answer.status_code == code, address
        assert MENU in answer.text and str(code) in answer.text
        assert "/admin/clients/" in answer.text and 'href="/admin/operators/"' not in answer.text
    assert HERE in manager.get("/admin/individual/details/?id=999").text
    assert HERE not in manager.get("/admin/nothing/").text


def test_a_stranger_sees_no_menu(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404 and "There is nothing here" in answer.text
    assert MENU not in answer.text


def test_a_part_of_a_page_gets_no_second_menu(as_role: AsRole) -> None:
    answer = as_role("manager").get("/admin/nothing/", headers={"HX-Request": "true"})
    assert answer.status_code == 404 and MENU not in answer.text


def test_an_error_is_told_even_where_the_menu_fails(
    as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Guarded) -> bool:
        raise RuntimeError("the menu is broken")

    manager = as_role("manager")
    monkeypatch.setattr(Guarded, "is_visible", broken)
    answer = manager.get("/admin/nothing/")
    assert answer.status_code == 404 and "There is nothing here" in answer.text
    assert MENU not in answer.text
