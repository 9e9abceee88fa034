"""Every route × every role: what the views declare is what the application enforces."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from admin_views.registry import route_permissions
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from tests import factories

# Routes outside the panel, each with the reason why it is open as it is. A new one fails the test
# until it stands here.
FOR_EVERYBODY = {
    "static": "stylesheets, scripts, icons",
    "security.login": "the way in",
    "home": "leads to the panel, which asks for the log-in",
    "security.logout": "the way out, harmless for who is not in",
    "security.two_factor_token_validation": "the second step of the log-in, after the password",
    "security.mf_recovery": "the same with a recovery code",
    "account.show": "opens with the token of a one-time link only",
    "account.save": "opens with the token of a one-time link only",
    "account.done": "says that a password was set, and knows nothing else",
}
FOR_EVERY_OPERATOR = {
    "security.change_password": "one's own password",
    "security.verify": "proves again who one is",
    "two_factor.show": "one's own two-factor log-in",
    "two_factor.set_up": "one's own; asks for the password first",
    "two_factor.recovery_codes": "one's own; asks for the password first",
    "two_factor.remove": "one's own; asks for the password first",
    "own_sessions.show": "where one is logged in oneself",
}
# Flask-Admin serves its own static files, which its templates would use; ours do not. The pages of
# Flask-Security are closed (404) where ours do the same.
UNUSED = {
    "admin.static": "files of the library, no data",
    "security.two_factor_setup": "two_factor.set_up instead",
    "security.two_factor_setup_validate": "two_factor.set_up instead",
    "security.two_factor_rescue": "would send mail; security.mf_recovery instead",
    "security.tf_select": "there is one second factor only",
    "security.mf_recovery_codes": "two_factor.recovery_codes instead",
}

ROLES = [*RoleName]
METHODS = ("GET", "POST")
SAMPLE = {"IntegerConverter": "1", "PathConverter": "nothing.css"}


# Who may do what does not depend on the database; one of the two is enough for the long walk.
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in METHODS:
            if method in (rule.methods or ()):
                yield rule, method


def address(rule: Rule) -> str:
    """The rule with something in the place of each of its parts."""
    values: dict[str, Any] = {
        name: SAMPLE.get(type(converter).__name__, "x")
        for name, converter in rule._converters.items()
    }
    built = rule.build(values)
    assert built is not None, rule
    return built[1]


def ask(app: Flask, rule: Rule, method: str, uniquifier: str | None) -> TestResponse:
    """One request in a browser of its own, so that a log-out does not end the walk."""
    client = factories.logged_in(app, uniquifier) if uniquifier else app.test_client()
    return client.open(address(rule), method=method, query_string={"id": "1"})


def outcome(response: TestResponse) -> str:
    """'log in', 'forbidden', or 'open' for every answer that comes from behind the door."""
    if response.status_code == 401 or (
        response.status_code in {302, 303} and "/login" in response.headers.get("Location", "")
    ):
        return "log in"
    if response.status_code == 403:
        return "forbidden"
    assert response.status_code < 500, f"{response.request.path} answered {response.status}"
    return "open"


def declared(app: Flask) -> dict[str, frozenset[Permission]]:
    with app.test_request_context():
        return route_permissions(app)


@ON_SQLITE
def test_every_route_says_who_may_open_it(app: Flask) -> None:
    known = {*declared(app), *FOR_EVERYBODY, *FOR_EVERY_OPERATOR, *UNUSED}
    unknown = {rule.endpoint for rule in app.url_map.iter_rules()} - known
    unknown = {name for name in unknown if not name.endswith(".static")}
    assert not unknown, f"routes without a declared permission: {sorted(unknown)}"


@ON_SQLITE
def test_no_declaration_outlives_its_route(app: Flask) -> None:
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert (FOR_EVERYBODY.keys() | FOR_EVERY_OPERATOR) <= routes


@ON_SQLITE
@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_permissions_allow_and_nothing_else(app: Flask, role: str) -> None:
    needed = declared(app)
    with app.app_context():
        uniquifier = factories.operator(role).fs_uniquifier
    wrong = []
    for rule, method in rules(app):
        if rule.endpoint in needed:
            allowed = bool(needed[rule.endpoint] & ROLE_PERMISSIONS[RoleName(role)])
            expected = "open" if allowed else "forbidden"
        elif rule.endpoint in FOR_EVERYBODY | FOR_EVERY_OPERATOR:
            expected = "open"
        else:
            continue
        found = outcome(ask(app, rule, method, uniquifier))
        if rule.endpoint in {"security.logout", "security.login"}:
            continue  # both lead to the log-in page whoever comes; that they answer is enough
        if found != expected:
            wrong.append(f"{method} {rule.rule}: {found}, not {expected}")
    assert not wrong, "\n".join(wrong)


@ON_SQLITE
def test_a_stranger_is_led_to_the_log_in_everywhere(app: Flask) -> None:
    wrong = [
        f"{method} {rule.rule}"
        for rule, method in rules(app)
        if rule.endpoint not in FOR_EVERYBODY | UNUSED
        and not rule.endpoint.endswith(".static")
        and outcome(ask(app, rule, method, None)) != "log in"
    ]
    assert not wrong, "\n".join(wrong)


@ON_SQLITE
@pytest.mark.parametrize("method", METHODS)
def test_the_pages_that_are_not_used_are_closed(app: Flask, method: str) -> None:
    with app.app_context():
        uniquifier = factories.operator("administrator").fs_uniquifier
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("security.") and rule.endpoint in UNUSED:
            for who in (uniquifier, None):
                assert ask(app, rule, method, who).status_code in {404, 405}, rule


@ON_SQLITE
def test_an_operator_without_a_role_opens_nothing(app: Flask) -> None:
    needed = declared(app)
    with app.app_context():
        uniquifier = factories.operator("").fs_uniquifier
    open_to_all = [
        f"{method} {rule.rule}"
        for rule, method in rules(app)
        if rule.endpoint in needed and outcome(ask(app, rule, method, uniquifier)) != "forbidden"
    ]
    assert not open_to_all, "\n".join(open_to_all)


def test_a_manager_has_no_permission_that_changes_anything() -> None:
    looks = {"view", "view_all", "export"}
    assert all(
        permission.value.split(":")[1] in looks for permission in ROLE_PERMISSIONS[RoleName.MANAGER]
    )
