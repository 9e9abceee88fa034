"""How operators log in: Flask-Security with Argon2, a lock-out against guessing, and history."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, cast

from flask import Flask, current_app, flash, redirect, request, url_for
from flask_login import current_user, user_logged_out
from flask_security import (
    LoginForm,
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    TwoFactorVerifyCodeForm,
    UserMixin,
    VerifyForm,
)
from flask_security.recovery_codes import MfRecoveryCodesUtil, MfRecoveryForm
from flask_security.utils import validate_redirect_url
from sqlalchemy.orm import Session
from wtforms import Field

from app.accounts import operations, operations_two_factor, queries, rules, sessions, two_factor
from app.accounts.identity import actor_for
from app.accounts.models import Operator, Role
from app.audit import operations as audit
from app.audit.models import Action
from app.config import kept_secret
from app.core import clock
from app.core.actor import Actor, Channel
from app.core.database import immediate_begin
from app.core.text import clean
from app.extensions import csrf, db, limiter, transaction

LOGIN_WINDOW = Actor("log-in page", frozenset(), Channel.PANEL)
REFUSED = "Email or password is wrong"

# What Flask-Security asks of the two tables. Given to them here, and not by the models, because it
# loads all of the library and a library of ciphers, 11 MB, into processes where nobody logs in.
Role.__bases__ += (RoleMixin,)
Operator.__bases__ += (UserMixin,)


def locked_sentence(email: str) -> str | None:
    """Why nobody may try this account, or from this address, just now; None if one may."""
    now = clock.now()
    until = queries.login_locked_until(db.session(), email, request.remote_addr or "", now)
    if until is None:
        return None
    minutes = max(1, round((until - now).total_seconds() / 60))
    return f"Too many wrong attempts. Try again in {minutes} minutes, or ask an administrator."


def note_attempt(work: Session, email: str, *, succeeded: bool) -> None:
    """Count an attempt from this address."""
    operations.note_login(
        work,
        email=email,
        address=request.remote_addr or "",
        succeeded=succeeded,
        actor=LOGIN_WINDOW,
    )


class OperatorLoginForm(LoginForm):
    """The log-in form; every attempt is counted, and too many close the account for a while."""

    remember = None

    def validate(self, **kwargs: Any) -> bool:
        """Check the lock-out first, so that a guess tells nothing while it holds."""
        self.email.data = email = clean(self.email.data) or ""
        if locked := locked_sentence(email):
            self.form_errors.append(locked)
            return False
        good = bool(super().validate(**kwargs)) and self._may_enter()
        # The right password alone is no log-in where a code is asked for next. Were it counted
        # as one, it would wipe out the wrong codes before it.
        if not good or not cast(Operator, self.user).has_two_factor:
            with transaction() as work:
                note_attempt(work, email, succeeded=good)
        if not good and not self.form_errors:
            # One sentence for every failure: it must not tell which addresses have an account.
            self.email.errors, self.password.errors = [], []
            self.form_errors.append(REFUSED)
        return good

    def validate_next(self, field: Field) -> None:
        """Forget a way back that leads elsewhere; the library would refuse the log-in over it."""
        if not field.data or not validate_redirect_url(field.data):
            # Said, not left out: after the code the library would come back to this page.
            field.data = url_for("home")

    def _may_enter(self) -> bool:
        user = cast(Operator, self.user)
        if current_app.config["SETTINGS"].production and user.demo:
            self.form_errors.append("Demo log-ins are closed on this installation.")
            return False
        return True


def _second_step(form: Any, is_good: Callable[[Session, str], bool]) -> bool:
    """Judge a code in one transaction with what it uses up and with the count of attempts."""
    email, typed = form.user.email, str(form.code.data or "")
    if locked := locked_sentence(email):
        form.form_errors.append(locked)
        return False
    with transaction() as work:
        good = bool(form.user.active) and is_good(work, typed)
        note_attempt(work, email, succeeded=good)
    return good


class CodeForm(TwoFactorVerifyCodeForm):
    """The code of the app, after the password."""

    def validate(self, **kwargs: Any) -> bool:
        """A code that fits, and that was not used before."""

        def fits(_work: Session, typed: str) -> bool:
            self.code.data = rules.app_code(typed)
            return bool(super(CodeForm, self).validate(**kwargs))

        good = _second_step(self, fits)
        if not good and not self.form_errors:
            self.code.errors = ["This code does not fit, or was used before. Wait for the next."]
        return good


class RecoveryForm(MfRecoveryForm):
    """A recovery code in the place of the app's code."""

    def validate(self, **kwargs: Any) -> bool:
        """A code that is still there; it is used up here."""
        operator = cast(Operator, self.user)

        def fits(work: Session, typed: str) -> bool:
            code = rules.recovery_code(typed)
            return code is not None and operations_two_factor.take_recovery_code(
                work,
                operator.id,
                lambda encrypted: two_factor.is_recovery_code(encrypted, code),
                actor=actor_for(operator),
            )

        good = _second_step(self, fits)
        if good:
            left = len(operator.mf_recovery_codes or [])
            flash(f"You have {left} recovery codes left.", "warning" if left < 4 else "info")
        elif not self.form_errors:
            self.code.errors = ["This is none of your recovery codes, or it was used before."]
        return good


class RecoveryCodes(MfRecoveryCodesUtil):
    """The library's encryption. RecoveryForm has used the code up when the view would."""

    def delete_recovery_code(self, user: UserMixin, code: str) -> bool:
        """Nothing is left to delete."""
        return True


class OperatorVerifyForm(VerifyForm):
    """The password once more before a sensitive step; wrong ones count as at the log-in."""

    def validate(self, **kwargs: Any) -> bool:
        """The password of whoever is logged in."""
        email = self.user.email
        if locked := locked_sentence(email):
            self.form_errors.append(locked)
            return False
        good = bool(super().validate(**kwargs))
        if not good:
            with transaction() as work:
                note_attempt(work, email, succeeded=False)
            self.password.errors = ["This is not your password."]
        return good


def register(app: Flask) -> None:
    """Bind Flask-Security, CSRF protection and the limits to the application."""
    settings = app.config["SETTINGS"]
    two_factor.configure(
        app, settings.two_factor_key or kept_secret(Path(app.instance_path), "two_factor_key")
    )
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
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, Operator, Role),  # type: ignore[arg-type] # see above
        login_form=OperatorLoginForm,
        verify_form=OperatorVerifyForm,
        two_factor_verify_code_form=CodeForm,
        mf_recovery_form=RecoveryForm,
        totp_cls=two_factor.OperatorTotp,
        mf_recovery_codes_util_cls=RecoveryCodes,
    )
    views: dict[str, Any] = app.view_functions
    for name in ("two_factor_token_validation", "mf_recovery"):
        views[f"security.{name}"] = _for_strangers(views[f"security.{name}"])
    limit = limiter.limit("60 per minute", methods=["POST"])
    for name in ("login", "two_factor_token_validation", "mf_recovery", "verify"):
        views[f"security.{name}"] = limit(_writing(views[f"security.{name}"]))
    views["security.change_password"] = _writing(views["security.change_password"])
    sessions.register(app, security.login_manager)
    two_factor.register(app)
    user_logged_out.connect(_on_logout, app)
    app.context_processor(lambda: {"operator": current_user})


def _writing(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a view of the library that writes take SQLite's lock when it begins."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(*args, **kwargs)
        # Who is logged in may have been read already, in a transaction that could not write.
        db.session().rollback()
        with immediate_begin():
            return view(*args, **kwargs)

    return wrapped


def _for_strangers(view: Callable[..., Any]) -> Callable[..., Any]:
    """Lead who is logged in to the start page; the library would log them out instead."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if current_user.is_authenticated:
            return redirect(url_for("home"))
        return view(*args, **kwargs)

    return wrapped


def _on_logout(_app: Flask, user: Operator, **_values: Any) -> None:
    operator_id = user.id
    with transaction() as work:
        operator = work.get(Operator, operator_id)
        if operator is not None:
            sessions.end_this(work, operator)
            audit.record(
                work,
                actor=actor_for(operator),
                action=Action.LOGGED_OUT,
                entity="operator",
                entity_id=operator.id,
                entity_label=str(operator),
            )
