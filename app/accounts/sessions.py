"""The sessions of operators in requests: begun by a log-in, asked for each time, shown and ended.

The cookie says who somebody is and holds a random key; a row of the database must know the key as
that of a session which has not ended. Without such a row nobody is logged in, whatever the cookie
says. So a session can be ended from elsewhere and is over at its next request.
"""

import secrets
from datetime import datetime
from functools import partial

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, user_logged_in
from flask_security import auth_required, password_changed
from flask_security.utils import set_request_attr
from sqlalchemy.orm import Session

from app.accounts import operations_sessions as operations
from app.accounts import queries, rules
from app.accounts.identity import actor_for, current_actor
from app.accounts.models import Operator
from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.errors import KontorError
from app.core.filters import identifier
from app.core.text import clean
from app.extensions import db, transaction

KEY = "session_key"

pages = Blueprint("own_sessions", __name__)


def register(app: Flask, login_manager: LoginManager) -> None:
    """Let every request of an operator need a live session."""
    login_manager.user_loader(_load)
    # No other way in than the log-in page: the library would take tokens of its own, too.
    login_manager.request_loader(lambda _request: None)
    user_logged_in.connect(_on_login, app)
    password_changed.connect(_on_password_changed, app)
    app.after_request(_note_seen_afterwards)
    app.register_blueprint(pages)


def begun_after() -> datetime:
    """Sessions that began before this moment have ended by themselves."""
    return clock.now() - current_app.permanent_session_lifetime


def end_this(work: Session, operator: Operator) -> None:
    """End the session of this browser, at the log-out."""
    if key := session.pop(KEY, None):
        operations.end_own(work, str(key), str(operator))


@pages.route("/sessions", methods=["GET", "POST"])
@auth_required("session")
def show() -> ResponseReturnValue:
    """Where one is logged in; ends one of the sessions, or all others."""
    operator_id = current_user.id
    if request.method == "POST":
        _end(request.form.get("end", ""), operator_id)
        return redirect(url_for(".show"), 303)
    found = queries.live_sessions(db.session(), operator_id, begun_after())
    return render_template(
        "security/sessions.html",
        sessions=found,
        own=g.get("operator_session"),
        in_words=rules.browser_in_words,
    )


def _end(which: str, operator_id: int) -> None:
    actor = current_actor()
    try:
        with transaction() as work:
            if which == "others":
                keep = str(session.get(KEY, ""))
                ended = operations.end_all(work, operator_id, keep_key=keep, actor=actor)
                done = f"{ended} other {'session was' if ended == 1 else 'sessions were'} ended."
            else:
                operations.end_one(work, operator_id, identifier(which), actor=actor)
                done = "The session was ended."
    except KontorError as error:
        flash(str(error), "warning")
    except ValueError:
        flash("Choose a session of the list.", "warning")
    else:
        flash(done, "success")


def _load(uniquifier: str) -> Operator | None:
    """The operator of this request, for Flask-Login; None for whoever has no live session."""
    key = session.get(KEY)
    if not key:
        return None
    found = queries.logged_in(db.session(), str(uniquifier), str(key), begun_after())
    if found is None:
        return None
    operator, g.operator_session, seen = found
    if clock.now() - seen > rules.SEEN_EVERY:
        g.session_to_note = g.operator_session
    # What the library's own loader notes, for its questions of freshness.
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return operator


def _on_login(_app: Flask, user: Operator, **_values: object) -> None:
    """Begin the session; the library's view commits it together with the log-in."""
    work = db.session()
    if old := session.pop(KEY, None):
        operations.end_own(work, str(old), str(user))
    session[KEY] = key = secrets.token_urlsafe(32)
    g.operator_session = operations.begin(
        work,
        user,
        key,
        address=request.remote_addr or "",
        user_agent=clean(request.user_agent.string) or "",
    )


def _on_password_changed(_app: Flask, user: Operator, **_values: object) -> None:
    """A new password ends all sessions but the one in which it was changed."""
    work, actor = db.session(), actor_for(user)
    operations.close_all(work, user.id, by=actor.label, keep_key=str(session.get(KEY, "")))
    audit.record(
        work,
        actor=actor,
        action=Action.CHANGED,
        entity="operator",
        entity_id=user.id,
        entity_label=str(user),
        changes={"password": [None, "changed"]},
    )


def _note_seen_afterwards(response: Response) -> Response:
    """Write "last seen" once the answer is on its way: no page waits for it."""
    if (session_id := g.pop("session_to_note", None)) is not None:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        response.call_on_close(partial(_note_seen, app, session_id))
    return response


def _note_seen(app: Flask, session_id: int) -> None:
    with app.app_context(), transaction() as work:
        operations.note_seen(work, session_id)
