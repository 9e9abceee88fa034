"""The mark that a form for a new record carries, by which the same request is known again.

Where it carries none, its CSRF token takes the place: whoever sends a form has read a page first.

The key of a form is made of its mark, of who sent it where, and of what stood in it: a click too
many, a reload and a proxy's second try are the same; a form that somebody went back to and
changed is another one, and makes another record.
"""

import hashlib
import secrets

from flask import request
from flask_login import current_user

FIELD = "_once"
_NO_CONTENT = frozenset({FIELD, "csrf_token", "url"})
LONGEST = 64


def mark() -> str:
    """A mark that nobody can guess."""
    return secrets.token_urlsafe(24)


def key_of_request() -> str | None:
    """The key of the form that this request sends; None for one that carries neither."""
    given = request.form.get(FIELD, "")
    if not 16 <= len(given) <= LONGEST:
        # A program that sends no more than the fields: the token it read stands for the form.
        given = request.form.get("csrf_token") or request.headers.get("X-CSRFToken", "")
    if not given:
        return None
    found = hashlib.sha256()
    content = sorted(
        (name, value) for name, value in request.form.items(multi=True) if name not in _NO_CONTENT
    )
    files = sorted(
        (name, file.filename or "", hashlib.file_digest(file.stream, "sha256").hexdigest())  # type: ignore[arg-type]
        for name, file in request.files.items(multi=True)
    )
    for file in request.files.values():
        file.stream.seek(0)
    told = (given, current_user.get_id(), request.endpoint, content, files)
    found.update(repr(told).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
