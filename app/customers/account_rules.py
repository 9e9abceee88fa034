"""The rules of shop accounts: passwords, answers, approval, and why a log-in is refused."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from app.core.errors import Problem
from app.core.text import clean, fold
from app.customers.choices import ApprovalState

# The manuals ask for more than four letters; an installation may ask for more.
SHORTEST_PASSWORD = 5
LONGEST_PASSWORD = 128
LONGEST_ANSWER = 200

PASSED = frozenset({ApprovalState.NOT_NEEDED, ApprovalState.APPROVED})


def password_problem(password: str, shortest: int, *known: str | None) -> Problem | None:
    """What is wrong with a new password; `known` is what everybody could guess, like the email."""
    length = len(password)
    if length < shortest:
        return Problem(
            "password",
            f"The password has only {length} character{'' if length == 1 else 's'}",
            f"Use at least {shortest}; several words are easy to remember",
        )
    if length > LONGEST_PASSWORD:
        return Problem("password", f"The password is longer than {LONGEST_PASSWORD} characters")
    if any(unicodedata.category(sign) == "Cs" for sign in password):
        return Problem("password", "The password holds signs that are none")
    if password.casefold() in {one.casefold() for one in known if one}:
        return Problem("password", "The password is the email or the number", "Choose another")
    return None


def normal_password(password: str) -> str:
    """The password as it is hashed: an ä typed on one machine is the ä of another."""
    return unicodedata.normalize("NFC", password)


def normal_answer(answer: str | None) -> str:
    """The answer as it is hashed: without case, accents and needless blanks."""
    return fold(clean(answer))


def credential_problems(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    password: str | None,
    answer: str | None,
    shortest: int,
) -> list[Problem]:
    """What is wrong with the password and the answer that come along with the other fields."""
    found = []
    if password:
        found.append(password_problem(password, shortest, new.get("email"), new.get("number")))
        if new.get("suppress_registration_email") and not old.get("password_hash"):
            found.append(
                Problem(
                    "password",
                    "Without a registration email the account opens only after its recovery",
                    "Leave the password blank, or let the email be sent",
                )
            )
    question = new.get("security_question_id")
    if answer and not question:
        found.append(Problem("security_question_id", "The answer has no security question"))
    if answer and (len(answer) > LONGEST_ANSWER or not normal_answer(answer)):
        found.append(
            Problem(
                "security_answer",
                "The security answer cannot be read"
                if len(answer) <= LONGEST_ANSWER
                else f"The security answer is longer than {LONGEST_ANSWER} characters",
            )
        )
    kept = old.get("security_answer_hash") and question == old.get("security_question_id")
    if question and not answer and not kept:
        found.append(
            Problem(
                "security_answer",
                "The security answer is missing",
                "Ask the customer for it, or choose no question",
            )
        )
    return [one for one in found if one]


def approval(old: Mapping[str, Any], new: Mapping[str, Any], group_approves: bool) -> str:
    """The approval state that a customer has after a change; `old` is empty for a new one.

    Only a new shop account waits: who may log in already goes on when the group changes.
    """
    state = ApprovalState(old.get("approval_state") or ApprovalState.NOT_NEEDED)
    if not new.get("login_allowed"):
        return ApprovalState.NOT_NEEDED if state is ApprovalState.WAITING else state
    if state is ApprovalState.WAITING:
        return ApprovalState.WAITING if group_approves else ApprovalState.NOT_NEEDED
    if old.get("login_allowed") or state is ApprovalState.APPROVED:
        return state
    return ApprovalState.WAITING if group_approves else ApprovalState.NOT_NEEDED


def is_open(row: Mapping[str, Any]) -> bool:
    """Tell whether this is a shop account that waits for nobody's decision."""
    return bool(row.get("login_allowed")) and row.get("approval_state") in PASSED


def registration_due(row: Mapping[str, Any]) -> bool:
    """Tell whether an account that nobody has entered yet is to get the registration email."""
    return is_open(row) and bool(row.get("email")) and not row.get("suppress_registration_email")


def account_problem(row: Mapping[str, Any]) -> str | None:
    """Why the account is shut, whatever the password; None when it is not."""
    reasons = (
        (row.get("deleted_at") is not None, "The customer was deleted"),
        (not row.get("active"), "The customer is inactive"),
        (row.get("locked"), "The customer is locked"),
        (not row.get("login_allowed"), "Shop login is not allowed"),
        (row.get("restricted"), "The account is restricted"),
        (
            row.get("approval_state") == ApprovalState.REJECTED,
            "The account was not approved",
        ),
        (
            row.get("approval_state") == ApprovalState.WAITING,
            "The account waits for approval",
        ),
    )
    return next((reason for holds, reason in reasons if holds), None)


def login_problem(row: Mapping[str, Any]) -> str | None:
    """Why a log-in to the shop would be refused, in words; None when a right password opens."""
    shut = account_problem(row)
    if shut or row.get("password_hash"):
        return shut
    if row.get("suppress_registration_email"):
        return "The account opens only after its recovery: no registration email was sent"
    return "The customer has set no password yet"
