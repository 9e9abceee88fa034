"""Two-factor log-in in requests: codes judged, the pages to set it up, and roles that need it.

The state of a log-in between password and code, the encrypted secrets and the recovery codes are
Flask-Security's. Setting up is ours: the library's page forgets the QR code after a wrong code.
"""

import base64
import hashlib
from datetime import timedelta
from typing import Any, cast

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import Totp, UserMixin, auth_required
from flask_wtf import FlaskForm
from passlib.exc import TokenError, UsedTokenError
from passlib.totp import TOTP, TotpMatch
from wtforms import StringField

from app.accounts import operations_two_factor as operations
from app.accounts import rules
from app.accounts.identity import current_actor
from app.accounts.models import Operator
from app.core import clock
from app.core.errors import KontorError
from app.extensions import db, transaction

ISSUER = "Kontor"
# One code before and one after the present one: clocks differ, and people type slowly.
WINDOW = 30
# Sensitive steps ask for the password again after this time.
FRESH = timedelta(minutes=15)
SECRET = "two_factor_secret"  # noqa: S105 - a name in the cookie, where it stands encrypted

WRONG_CODE = (
    "This code does not fit. Type the six digits that the app shows now; the clock of the phone "
    "must be right."
)

# All that an operator may open who has to set up two-factor log-in first.
OPEN_BEFORE_SET_UP = {
    "static",
    "two_factor.set_up",
    "security.verify",
    "security.login",
    "security.logout",
}
# The library's own pages for what is done here otherwise; its rescue sends mail to administrators.
CLOSED = (
    "two_factor_setup",
    "two_factor_setup_validate",
    "two_factor_rescue",
    "tf_select",
    "mf_recovery_codes",
)

pages = Blueprint("two_factor", __name__, url_prefix="/two-factor")
fresh = auth_required("session", within=lambda: FRESH, grace=lambda: timedelta(0))


class OperatorTotp(Totp):
    """Codes by the product's clock, each taken once."""

    def __init__(self, secrets: dict[int, str], issuer: str) -> None:
        super().__init__(secrets, issuer)
        self._totp = TOTP.using(issuer=issuer, secrets=secrets, now=lambda: clock.now().timestamp())

    def get_last_counter(self, user: UserMixin) -> int | None:
        """The counter of the last code that was taken."""
        return cast(Operator, user).tf_last_counter

    def set_last_counter(self, user: UserMixin, tmatch: TotpMatch) -> None:
        """Use the code up; raises UsedTokenError if another log-in was faster."""
        if not operations.take_counter(db.session(), cast(Operator, user).id, tmatch.counter):
            raise UsedTokenError()

    def generate_qrcode(self, username: str, totp: str) -> str:
        """The picture as one path; the library's has a thousand rectangles, ten times the size."""
        # Loaded here: a picture is drawn once for each person.
        import qrcode
        from qrcode.image.svg import SvgPathImage

        picture = qrcode.make(self.get_totp_uri(username, totp), image_factory=SvgPathImage)
        return f"data:image/svg+xml;base64,{base64.b64encode(picture.to_string()).decode()}"

    def counter_of(self, code: str, secret: str) -> int | None:
        """The counter of a code that fits a secret now; None if it does not fit."""
        try:
            return int(self._totp.verify(code, secret, window=WINDOW).counter)
        except TokenError:
            return None


class SetUpForm(FlaskForm):  # type: ignore[misc]
    """The code that proves that the app knows the secret."""

    code = StringField("Code")


def configure(app: Flask, key: str) -> None:
    """The library's settings; `key` encrypts secrets and recovery codes."""
    app.config.update(
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY=WINDOW,
        SECURITY_TWO_FACTOR_RESCUE_EMAIL=False,
        SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL="/login/code",  # noqa: S106 - an address
        SECURITY_TOTP_SECRETS={1: key},
        SECURITY_TOTP_ISSUER=ISSUER,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_N=rules.RECOVERY_CODES,
        SECURITY_MULTI_FACTOR_RECOVERY_URL="/login/recovery-code",
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[
            base64.urlsafe_b64encode(hashlib.sha256(f"recovery codes {key}".encode()).digest())
        ],
        SECURITY_FRESHNESS=FRESH,
        SECURITY_FRESHNESS_GRACE_PERIOD=timedelta(0),
    )


def register(app: Flask) -> None:
    """Add the pages, close those of the library, and hold back who has to set up first."""
    for name in CLOSED:
        app.view_functions[f"security.{name}"] = _closed
    app.register_blueprint(pages)
    app.before_request(_set_up_first)


def required_roles() -> frozenset[str]:
    """The names of the roles that must use two-factor log-in."""
    roles: frozenset[str] = current_app.config["SETTINGS"].roles_with_two_factor
    return roles


def is_required_of(operator: Operator) -> bool:
    """Tell whether one of the operator's roles requires two-factor log-in."""
    return not required_roles().isdisjoint(role.name for role in operator.roles)


def _closed(**_values: Any) -> ResponseReturnValue:
    abort(404)


def _set_up_first() -> ResponseReturnValue | None:
    """Lead to the set-up whoever needs it, from wherever they come; nothing else opens."""
    if not required_roles() or request.endpoint in OPEN_BEFORE_SET_UP:
        return None
    if (
        not current_user.is_authenticated
        or current_user.has_two_factor
        or not is_required_of(current_user)
    ):
        return None
    target = url_for("two_factor.set_up")
    if (
        request.headers.get("HX-Request")
        or request.is_json
        or request.accept_mimetypes.best == "application/json"
    ):
        return "", 403, {"HX-Redirect": target}
    return redirect(target, 303)


@pages.get("")
@auth_required("session")
def show() -> ResponseReturnValue:
    """How one logs in: with a second factor or not, and what can be done about it."""
    return render_template(
        "security/two_factor.html",
        required=is_required_of(current_user),
        codes_left=len(current_user.mf_recovery_codes or []),
    )


@pages.route("/set-up", methods=["GET", "POST"])
@fresh
def set_up() -> ResponseReturnValue:
    """The secret as a QR code and as text, a first code as its proof, then the recovery codes."""
    factory: OperatorTotp = _library().totp_factory
    secret = session.get(SECRET)
    form = SetUpForm()
    if secret is None:
        session[SECRET] = secret = factory.generate_totp_secret()
        if request.method == "POST":
            flash("This page had grown old. Scan the new picture.", "warning")
    elif form.validate_on_submit():
        code = rules.app_code(form.code.data or "")
        counter = factory.counter_of(code, secret) if code else None
        if counter is not None:
            return _set_up(secret, counter)
        form.code.errors = [WRONG_CODE]
    return render_template(
        "security/two_factor_set_up.html",
        form=form,
        values=factory.fetch_setup_values(secret, current_user),
        required=is_required_of(current_user),
    )


def _set_up(secret: str, counter: int) -> ResponseReturnValue:
    codes = _new_codes()
    with transaction() as work:
        operations.set_up(
            work,
            current_user.id,
            secret=secret,
            counter=counter,
            codes=_encrypted(codes),
            actor=current_actor(),
        )
    session.pop(SECRET, None)
    return render_template("security/recovery_codes.html", codes=codes, just_set_up=True)


@pages.route("/recovery-codes", methods=["GET", "POST"])
@fresh
def recovery_codes() -> ResponseReturnValue:
    """New recovery codes, shown this once; the old ones are worth nothing then."""
    if not current_user.has_two_factor:
        return redirect(url_for(".show"))
    if request.method == "GET":
        return render_template("security/recovery_codes.html", codes=[], just_set_up=False)
    codes = _new_codes()
    with transaction() as work:
        operations.renew_recovery_codes(
            work, current_user.id, codes=_encrypted(codes), actor=current_actor()
        )
    return render_template("security/recovery_codes.html", codes=codes, just_set_up=False)


@pages.route("/remove", methods=["GET", "POST"])
@fresh
def remove() -> ResponseReturnValue:
    """Log in with the password alone again."""
    if not current_user.has_two_factor:
        return redirect(url_for(".show"))
    if request.method == "GET":
        return render_template(
            "security/two_factor_remove.html", required=is_required_of(current_user)
        )
    try:
        with transaction() as work:
            operations.remove(
                work, current_user.id, required=required_roles(), actor=current_actor()
            )
    except KontorError as error:
        flash(str(error), "danger")
    else:
        flash("Two-factor log-in was removed. Your password alone opens Kontor now.", "success")
    return redirect(url_for(".show"), 303)


def _library() -> Any:
    return current_app.extensions["security"]


def _new_codes() -> list[str]:
    codes: list[str] = _library().totp_factory.generate_recovery_codes(rules.RECOVERY_CODES)
    return codes


def _encrypted(codes: list[str]) -> list[str]:
    """As the library's log-in page reads them."""
    encrypted: list[str] = _library().mf_recovery_codes_util._encrypt_codes(codes)
    return encrypted


def is_recovery_code(encrypted: str, code: str) -> bool:
    """Tell whether a stored recovery code is the one that was typed."""
    return bool(_library().mf_recovery_codes_util._decrypt_codes([encrypted]) == [code])
