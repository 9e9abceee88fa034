"""Shop accounts by rule: why a log-in is refused, what a password must be, who waits."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest

from app.customers.account_rules import (
    account_problem,
    approval,
    credential_problems,
    login_problem,
    normal_answer,
    password_problem,
)
from app.customers.choices import ApprovalState

GOOD: dict[str, Any] = {
    "login_allowed": True,
    "approval_state": "not needed",
    "restricted": False,
    "locked": False,
    "active": True,
    "deleted_at": None,
    "password_hash": "x",
    "suppress_registration_email": False,
    "email": "karin@example.com",
}
# In the order in which one of two reasons is said.
REASONS: list[tuple[dict[str, Any], str]] = [
    ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, "deleted"),
    ({"active": False}, "inactive"),
    ({"locked": True}, "locked"),
    ({"login_allowed": False}, "not allowed"),
    ({"restricted": True}, "restricted"),
    ({"approval_state": "rejected"}, "not approved"),
    ({"approval_state": "waiting"}, "waits for approval"),
    ({"password_hash": None}, "no password yet"),
]


def test_who_has_everything_may_log_in() -> None:
    assert login_problem(GOOD) is None
    assert login_problem(GOOD | {"approval_state": "approved"}) is None


@pytest.mark.parametrize(("state", "reason"), REASONS)
def test_each_reason_against_a_log_in_is_said(state: dict[str, Any], reason: str) -> None:
    assert reason in (login_problem(GOOD | state) or "")


@pytest.mark.parametrize(("first", "second"), list(combinations(REASONS, 2)))
def test_of_two_reasons_the_weightier_one_is_said(first: Any, second: Any) -> None:
    both = GOOD | second[0] | first[0]
    if first[1] == "not approved" and second[1] == "waits for approval":
        return  # one field cannot hold both
    assert first[1] in (login_problem(both) or "")


def test_without_a_registration_email_the_account_opens_after_its_recovery() -> None:
    suppressed = GOOD | {"suppress_registration_email": True}
    assert login_problem(suppressed) is None
    assert "recovery" in (login_problem(suppressed | {"password_hash": None}) or "")
    assert account_problem(suppressed | {"password_hash": None}) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "only 0 characters"),
        ("a", "only 1 character"),
        ("äöü4", "only 4 characters"),
        ("x" * 129, "longer than 128"),
        ("Karin@Example.com", "email or the number"),
        ("1000001", "email or the number"),
        ("half a sign \ud800", "signs that are none"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    problem = password_problem(password, 5, "karin@example.com", "1000001")
    assert problem is not None
    assert reason in problem.message


@pytest.mark.parametrize("password", ["12345", "x" * 128, "  pa ss  ", "🐈" * 5])
def test_a_good_password_is_taken(password: str) -> None:
    assert password_problem(password, 5, "karin@example.com", None) is None


@pytest.mark.parametrize("answer", ["Straße", " strasse ", "STRASSE", "stra\u00dfe"])
def test_an_answer_is_the_same_in_every_spelling_of_it(answer: str) -> None:
    assert normal_answer(answer) == normal_answer("strasse")


@pytest.mark.parametrize(
    ("old", "new", "password", "answer", "fields"),
    [
        ({}, {"security_question_id": 1}, None, None, ["security_answer"]),
        ({}, {"security_question_id": 1}, None, "Rex", []),
        ({}, {}, None, "Rex", ["security_question_id"]),
        ({}, {"security_question_id": 1}, None, "   ", ["security_answer"]),
        ({}, {"security_question_id": 1}, None, "x" * 201, ["security_answer"]),
        (
            {"security_question_id": 1, "security_answer_hash": "x"},
            {"security_question_id": 1},
            None,
            None,
            [],
        ),
        (
            {"security_question_id": 1, "security_answer_hash": "x"},
            {"security_question_id": 2},
            None,
            None,
            ["security_answer"],
        ),
        ({}, {"suppress_registration_email": True}, "long enough", None, ["password"]),
        ({"password_hash": "x"}, {"suppress_registration_email": True}, "long enough", None, []),
    ],
)
def test_password_question_and_answer_must_fit_together(
    old: Any, new: Any, password: str | None, answer: str | None, fields: list[str]
) -> None:
    found = credential_problems(old, new, password, answer, 5)
    assert [one.field for one in found] == fields


NONE, WAITING = ApprovalState.NOT_NEEDED, ApprovalState.WAITING
APPROVED, REJECTED = ApprovalState.APPROVED, ApprovalState.REJECTED


@pytest.mark.parametrize(
    ("before", "had_login", "has_login", "group_approves", "after"),
    [
        (None, False, True, True, WAITING),
        (None, False, True, False, NONE),
        (None, False, False, True, NONE),
        (NONE, True, True, True, NONE),  # whoever may log in already does not wait
        (WAITING, True, True, False, NONE),  # moved to a group that asks for nothing
        (WAITING, True, True, True, WAITING),
        (WAITING, True, False, True, NONE),
        (APPROVED, True, False, True, APPROVED),
        (APPROVED, False, True, True, APPROVED),
        (REJECTED, True, True, True, REJECTED),
        (REJECTED, True, True, False, REJECTED),
        (REJECTED, False, True, True, WAITING),
    ],
)
def test_who_waits_for_approval(
    before: Any, had_login: bool, has_login: bool, group_approves: bool, after: Any
) -> None:
    old = {} if before is None else {"approval_state": before, "login_allowed": had_login}
    assert approval(old, {"login_allowed": has_login}, group_approves) == after
