"""Error pages in calm words: what happened, that nothing is lost, and where to go on."""

import logging
import secrets
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from flask import Flask, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import url_for_security
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.core.errors import KontorError, NotAllowed, NotFound
from app.extensions import db

log = logging.getLogger(__name__)

WORDS: dict[int, tuple[str, str]] = {
    400: ("This request could not be read", "Go back, reload the page and try once more."),
    403: (
        "You are not allowed to do this",
        "Your role does not include it. An administrator can change that.",
    ),
    404: (
        "There is nothing here",
        "The address may be mistyped, or the record may have been deleted in the meantime.",
    ),
    405: ("This cannot be opened like that", "Start from the menu and go on from there."),
    413: ("This file is too large", "Nothing was uploaded. Split the file, or upload it as CSV."),
    429: ("That was too often", "Wait a minute, then try again."),
    500: (
        "Something went wrong on our side",
        "Nothing was changed by this request. The failure has been noted.",
    ),
}


def register(app: Flask) -> None:
    """Answer every error with a page, a fragment or JSON, whatever was asked for."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(KontorError, _kontor_error)
    app.register_error_handler(Exception, _failure)


def answer(code: int, title: str = "", text: str = "", reference: str = "") -> ResponseReturnValue:
    """One error as the asker can show it."""
    known = WORDS.get(code, (HTTPStatus(code).phrase, "Start from the menu and go on from there."))
    title, text = title or known[0], text or known[1]
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return {"error": title, "detail": text, "reference": reference}, code
    said = {"code": code, "title": title, "text": text, "reference": reference}
    if request.headers.get("HX-Request"):
        return render_template("errors/fragment.html", **said), code
    return _page(said | {"retry": code in {429, 500}}), code


def _page(said: dict[str, Any]) -> str:
    """With the menu for who is logged in; alone for others, and where the menu itself fails."""
    try:
        if current_user.is_authenticated and request.blueprint != "account":
            admin = current_app.extensions["admin"][0]
            # The menu marks the entry that one is in; an address of no view is in none.
            view = next(
                (one for one in admin._views if one.endpoint == request.blueprint),
                SimpleNamespace(admin=admin),
            )
            return render_template("errors/inside.html", admin_view=view, **said)
    except Exception:
        log.exception("The menu of an error page failed")
    return render_template("errors/error.html", **said)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:  # a redirect, or an answer that is complete already
        return error.response
    code = error.code or 500
    if isinstance(error, RequestEntityTooLarge) and request.mimetype != "multipart/form-data":
        return answer(code, "This is too much at once", "Send less in one go.")
    return answer(code)


def _csrf_error(error: CSRFError) -> ResponseReturnValue:
    """A form without its token: mostly one whose log-in has ended while it was open."""
    if current_user.is_authenticated or request.blueprint == "account":
        return answer(
            400, "This form is no longer valid", "Go back, reload the page and try again."
        )
    log_in = url_for_security("login", next=request.args.get("next") or _page_of_request())
    if request.headers.get("HX-Request") or request.accept_mimetypes.best == "application/json":
        return "", 401, {"HX-Redirect": log_in}
    flash("Your log-in has ended. Log in again: what you had typed is put back.", "info")
    return redirect(log_in, 303)


def _page_of_request() -> str | None:
    """The page that a form was sent from, to come back to after the log-in."""
    if (request.endpoint or "").startswith("security."):
        return None
    opens = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return request.full_path.rstrip("?") if opens else None


def _kontor_error(error: KontorError) -> ResponseReturnValue:
    db.session.rollback()
    if isinstance(error, NotFound):
        return answer(404, text=str(error))
    if isinstance(error, NotAllowed):
        return answer(403, text=str(error))
    return answer(400, "This was refused", str(error))


def _failure(error: Exception) -> ResponseReturnValue:
    """A fault of ours: noted in the log under a reference, never shown."""
    db.session.rollback()
    reference = secrets.token_hex(4)
    # The rule, not the path: that of a one-time link holds its token.
    log.exception("Failure %s at %s %s", reference, request.method, request.url_rule)
    return answer(500, reference=reference)
