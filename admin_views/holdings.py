"""The files of what is held: KBART and the rights statement, as downloads of a record."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, current_app, flash, redirect
from flask.typing import ResponseReturnValue
from werkzeug.http import dump_options_header

from admin_views.access import acting
from admin_views.base import KontorView
from app.accounts.identity import current_actor
from app.core import clock
from app.core.errors import KontorError
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.subscriptions.holdings import KbartFile, consortium_kbart, customer_kbart
from app.subscriptions.statements import issue_statement


def may_take_holdings() -> bool:
    """Whether this person may take rights away in a file: see them, and export."""
    actor = acting()
    return actor.may(Permission.SUBSCRIPTIONS_VIEW) and actor.may(Permission.EXPORT)


def _shared(name: str) -> dict[str, Any]:
    settings = current_app.config["SETTINGS"]
    return {name: settings.company, "day": _now().date(), "actor": current_actor()}


def _now() -> datetime:
    return clock.now().astimezone(ZoneInfo(current_app.config["SETTINGS"].timezone))


def _attached(content: bytes, name: str, media_type: str) -> Response:
    return Response(
        content,
        mimetype=media_type,
        headers={
            "Content-Disposition": dump_options_header("attachment", {"filename": name}),
            "Cache-Control": "no-store",
        },
    )


def customer_file(key: int) -> KbartFile:
    """What a customer holds today."""
    return customer_kbart(db.session(), key, **_shared("provider"))


def consortium_file(key: int) -> KbartFile:
    """What the members of a consortium hold today together."""
    return consortium_kbart(db.session(), key, **_shared("provider"))


def kbart_answer(view: KontorView, made_of: Callable[[int], KbartFile]) -> ResponseReturnValue:
    """The record's holdings as a download."""
    model = view.record_or_404()
    if not may_take_holdings():
        abort(403)
    made = made_of(view.get_pk_value(model))
    return _attached(made.text.encode(), made.name, "text/plain")


def statement_answer(view: KontorView) -> ResponseReturnValue:
    """The rights statement as a download; the history keeps its checksums."""
    model = view.record_or_404()
    if not may_take_holdings():
        abort(403)
    try:
        with transaction() as session:
            key = view.get_pk_value(model)
            made = issue_statement(session, key, at=_now(), **_shared("company"))
    except KontorError as error:
        flash(str(error), "danger")
        return redirect(view.back_to_list())
    return _attached(made.pdf, made.name, "application/pdf")
