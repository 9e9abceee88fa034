"""How operators log in: Flask-Security with Argon2, a lock-out against guessing, and history."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Flask, current_app, request
from flask_login import current_user, user_logged_out
from flask_security import LoginForm, SQLAlchemyUserDatastore
from flask_security.utils import validate_redirect_url
from wtforms import Field

from app.accounts import operations, queries
from app.accounts.identity import actor_for
from app.accounts.models import Operator, Role
from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor, Channel
from app.core.database import immediate_begin
from app.core.text import clean
from app.extensions import csrf, db, limiter, security, transaction

LOGIN_WINDOW = Actor("log-in page", frozenset(), Channel.PANEL)
REFUSED = "Email or password is wrong"


class OperatorLoginForm(LoginForm):
    """The log-in form; every attempt is counted, and too many close the account for a while."""

    remember = None

    def validate(self, **kwargs: Any) -> bool:
        """Check the lock-out first, so that a guess tells nothing while it holds."""
        self.email.data = email = clean(self.email.data) or ""
        address = request.remote_addr or ""
        until = queries.login_locked_until(db.session(), email, address, clock.now())
        if until is not None:
            minutes = max(1, round((until - clock.now()).total_seconds() / 60))
            self.form_errors.append(
                f"Too many wrong attempts. Try again in {minutes} minutes, or ask an administrator."
            )
            return False
        good = bool(super().validate(**kwargs)) and self._may_enter()
        with transaction() as work:
            operations.note_login(
                work, email=email, address=address, succeeded=good, actor=LOGIN_WINDOW
            )
        if not good and not self.form_errors:
            # One sentence for every failure: it must not tell which addresses have an account.
            self.email.errors, self.password.errors = [], []
            self.form_errors.append(REFUSED)
        return good

    def validate_next(self, field: Field) -> None:
        """Forget a way back that leads elsewhere; the library would refuse the log-in over it."""
        if field.data and not validate_redirect_url(field.data):
            field.data = ""

    def _may_enter(self) -> bool:
        user = cast(Operator, self.user)
        if current_app.config["SETTINGS"].production and user.demo:
            self.form_errors.append("Demo log-ins are closed on this installation.")
            return False
        return True


def register(app: Flask) -> None:
    """Bind Flask-Security, CSRF protection and the limits to the application."""
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a scheme
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_LENGTH_MIN=12,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_CHANGE_URL="/password",
        SECURITY_RETURN_GENERIC_RESPONSES=False,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
        SECURITY_API_ENABLED_METHODS=["session"],
        # Holds only while sessions are not permanent: Flask-Login would let those of another
        # browser go on. They end with the browser, or after the hours of the setting.
        SESSION_PROTECTION="strong",
    )
    csrf.init_app(app)
    security.init_app(
        app, SQLAlchemyUserDatastore(db, Operator, Role), login_form=OperatorLoginForm
    )
    for endpoint in ("security.login", "security.change_password"):
        app.view_functions[endpoint] = _writing(app.view_functions[endpoint])
    views: dict[str, Any] = app.view_functions
    limit = limiter.limit("60 per minute", methods=["POST"])
    views["security.login"] = limit(views["security.login"])
    user_logged_out.connect(_on_logout, app)
    app.context_processor(lambda: {"operator": current_user})


def _writing(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a view of the library that writes take SQLite's lock when it begins."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(*args, **kwargs)
        with immediate_begin():
            return view(*args, **kwargs)

    return wrapped


def _on_logout(_app: Flask, user: Operator, **_values: Any) -> None:
    operator_id = user.id
    with transaction() as work:
        operator = work.get(Operator, operator_id)
        if operator is not None:
            audit.record(
                work,
                actor=actor_for(operator),
                action=Action.LOGGED_OUT,
                entity="operator",
                entity_id=operator.id,
                entity_label=str(operator),
            )
