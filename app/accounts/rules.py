"""Log-in rules: when guessing is stopped, and what a password must be."""

from datetime import datetime, timedelta

from app.core.errors import Problem

# Five wrong passwords within a quarter of an hour close the account for the rest of it; fifty
# from one address close the address, whatever the accounts.
WINDOW = timedelta(minutes=15)
MOST_FAILURES_OF_ACCOUNT = 5
MOST_FAILURES_FROM_ADDRESS = 50
SHORTEST_PASSWORD = 12


def locked_until(failures: list[datetime], most: int, now: datetime) -> datetime | None:
    """When the next attempt is allowed, or None if it is allowed now.

    `failures` are the moments of failed attempts since the last good one, in any order.
    """
    recent = sorted(moment for moment in failures if moment > now - WINDOW)
    return recent[-most] + WINDOW if len(recent) >= most else None


def password_problems(password: str, email: str) -> list[Problem]:
    """What is wrong with a new operator password (NIST SP 800-63B: length, not composition)."""
    if len(password) < SHORTEST_PASSWORD:
        return [
            Problem(
                "password",
                f"Password has only {len(password)} characters",
                f"Use at least {SHORTEST_PASSWORD}; several words are easy to remember",
            )
        ]
    if len(password) > 128:
        return [Problem("password", "Password is longer than 128 characters")]
    if password.casefold() == email.casefold():
        return [Problem("password", "Password is the email address", "Choose another")]
    return []
