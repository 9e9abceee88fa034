"""Log-in rules: when guessing is stopped, what a password must be, how sessions are named."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from argon2 import PasswordHasher

from app.core.errors import Problem

# Five wrong passwords within a quarter of an hour close the account for the rest of it; fifty
# from one address close the address, whatever the accounts.
WINDOW = timedelta(minutes=15)
MOST_FAILURES_OF_ACCOUNT = 5
MOST_FAILURES_FROM_ADDRESS = 50
SHORTEST_PASSWORD = 12

INVITATION_VALID = timedelta(days=7)
RECOVERY_CODES = 10
# How exact the time of "last seen" is: a session is written at most this often.
SEEN_EVERY = timedelta(minutes=5)

# The first that fits names the browser: each also calls itself by the names below it.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chromium"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
# The same scheme and format that Flask-Security verifies; hashing here needs no request.
_hasher = PasswordHasher()
_RECOVERY_CODE = re.compile(r"[0-9a-f]{12}")


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


def hashed(password: str) -> str:
    """A password as the database keeps it."""
    return _hasher.hash(password)


def must_set_up_two_factor(roles: Iterable[str], required: frozenset[str], has: bool) -> bool:
    """Tell whether somebody with these roles may do nothing before two-factor log-in is set up."""
    return not has and not required.isdisjoint(roles)


def hash_of_key(key: str) -> str:
    """What the database keeps of a session's key. It is long and random: no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def app_code(typed: str) -> str | None:
    """A code of an authenticator app as it was typed, without blanks; None if it is none."""
    digits = re.sub(r"[\s-]", "", typed[:20])
    return digits if re.fullmatch(r"[0-9]{6}", digits) else None


def recovery_code(typed: str) -> str | None:
    """A recovery code as it was made, whatever case, blanks or dashes it was typed with."""
    letters = re.sub(r"[^0-9a-z]", "", typed[:60].lower())
    if not _RECOVERY_CODE.fullmatch(letters):
        return None
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def browser_in_words(user_agent: str) -> str:
    """What a browser says of itself, as people call it: "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"
