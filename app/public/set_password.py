"""The page behind a one-time link: choose a password. One page for every purpose of a link.

A room hangs its purpose on when the application is made:

    register_purpose(PasswordPage(LinkPurpose.OPERATOR_INVITATION, name="panel", ...))

The token stands in the address, so the address must get into no log, cache or Referer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.accounts import links
from app.accounts.models import LinkPurpose, OneTimeLink
from app.core.errors import KontorError, NotFound, Problem, Refused
from app.extensions import db, limiter, transaction

# Beyond any token of ours; hashing more would only cost time.
LONGEST_TOKEN = 200
LONGEST_FIELD = 1000


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """What the page says and does for one purpose of links.

    `name` stands in the address of the closing page. `check` raises Refused where the link leads
    nowhere any more, and `apply` sets the password; it raises Refused with Problem.field
    "password" for one that is not good enough. Both run in the transaction that uses the link up.
    """

    purpose: LinkPurpose
    name: str
    title: str
    intro: str
    done: str
    shortest: Callable[[], int]
    check: Callable[[Session, OneTimeLink], None]
    apply: Callable[[Session, OneTimeLink, str], None]
    # Where to go on, as an endpoint and what its button says; none for customers of the shop.
    next_endpoint: str = ""
    next_label: str = ""


blueprint = Blueprint("account", __name__, url_prefix="/account")
_pages: dict[str, PasswordPage] = {}


def register_purpose(page: PasswordPage) -> None:
    """Let links of this purpose open the page."""
    _pages[page.purpose.value] = page


@blueprint.after_request
def discreet(response: Response) -> Response:
    """Keep the address, which holds the token, from spreading."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.route("/set-password/<token>", methods=["GET"])
@limiter.limit("60 per minute")
def show(token: str) -> ResponseReturnValue:
    """The form. Looking uses nothing up: programs that check mails open links, too."""
    try:
        page = _open(db.session(), token)[0]
    except KontorError as error:
        return _shut(error)
    return _form(page, [])


@blueprint.route("/set-password/<token>", methods=["POST"])
@limiter.limit("20 per minute")
def save(token: str) -> ResponseReturnValue:
    """Set the password and use the link up, in one transaction."""
    try:
        page = _open(db.session(), token)[0]
    except KontorError as error:
        return _shut(error)
    password, again = (request.form.get(name, "") for name in ("password", "password_again"))
    problems = _typed_wrong(password, again)
    if not problems:
        try:
            with transaction() as session:
                page, link = _open(session, token)
                links.use_link(session, link)
                page.apply(session, link, password)
        except Refused as refused:
            problems = [one for one in refused.problems if one.field == "password"]
            if not problems:
                return _shut(refused)
        except KontorError as error:
            return _shut(error)
    if problems:
        return _form(page, problems), 422
    return redirect(url_for("account.done", name=page.name), 303)


@blueprint.route("/password-set/<name>")
def done(name: str) -> ResponseReturnValue:
    """What stands at the end; it knows no token, and may be loaded again."""
    page = next((one for one in _pages.values() if one.name == name), None)
    if page is None:
        return _shut(NotFound(links.UNKNOWN))
    return render_template("public/password_set.html", page=page)


def _open(session: Session, token: str) -> tuple[PasswordPage, OneTimeLink]:
    """The page and the link of a token. Raises in words what is wrong with it."""
    link = links.find_link(session, token[:LONGEST_TOKEN], [LinkPurpose(one) for one in _pages])
    page = _pages[link.purpose]
    page.check(session, link)
    return page, link


def _typed_wrong(password: str, again: str) -> list[Problem]:
    if not password:
        return [Problem("password", "The password is missing")]
    if max(len(password), len(again)) > LONGEST_FIELD:
        return [Problem("password", "The password is too long")]
    if password != again:
        return [Problem("password_again", "The two passwords differ", "Type both once more")]
    return []


def _form(page: PasswordPage, problems: list[Problem]) -> str:
    # The session may have read; nothing is to stay open while a page is drawn and sent.
    db.session.rollback()
    faults = {one.field: one for one in problems}
    return render_template("public/set_password.html", page=page, faults=faults)


def _shut(error: KontorError) -> ResponseReturnValue:
    db.session.rollback()
    code = 404 if isinstance(error, NotFound) else 410
    used = str(error) == links.USED
    return render_template("public/link_shut.html", reason=str(error), used=used), code
