"""flask kbart …: what a customer or a consortium holds. flask rights-statement …: the PDF of it."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from sqlalchemy.orm import Session

from app.cli.output import OutFile, command
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.core.errors import Problem, Refused
from app.customers.queries import find_customers
from app.extensions import db, transaction
from app.institutions.queries import find_consortium
from app.subscriptions.holdings import consortium_kbart, customer_kbart
from app.subscriptions.statements import issue_statement

OUT = click.option("--out", required=True, type=OutFile(), help="Where to put the file.")


@command(
    "kbart",
    click.argument("customer", required=False),
    click.option("--consortium", metavar="NAME", help="All members of a consortium together."),
    OUT,
)
def kbart(customer: str | None, consortium: str | None, out: Path) -> dict[str, Any]:
    """What CUSTOMER holds today, as a KBART Phase II file.

    CUSTOMER is a number, an email or an exact company name. `suggested_name` is the name that the
    standard gives the file.
    """
    if (customer is None) == (consortium is None):
        raise click.UsageError("Name a customer, or a consortium with --consortium")
    session, settings = db.session(), current_app.config["SETTINGS"]
    day = clock.now().astimezone(ZoneInfo(settings.timezone)).date()
    shared: dict[str, Any] = {"provider": settings.company, "day": day, "actor": COMMAND_LINE}
    if customer is not None:
        made = customer_kbart(session, _customer(session, customer), **shared)
    else:
        found = find_consortium(session, consortium or "")
        if found is None:
            raise Refused.because(f"There is no consortium {consortium}")
        made = consortium_kbart(session, found.id, **shared)
    out.write_bytes(made.text.encode())
    return {
        "rows": made.rows,
        "file": str(out),
        "suggested_name": made.name,
        "message": f"{made.rows} rows written to {out}.",
    }


@command("rights-statement", click.argument("customer"), OUT)
def rights_statement(customer: str, out: Path) -> dict[str, Any]:
    """CUSTOMER's perpetual rights as a PDF, with its date and a fingerprint.

    The history keeps the fingerprint of what is stated and the checksum of the file.
    """
    settings = current_app.config["SETTINGS"]
    now = clock.now()
    key = _customer(db.session(), customer)
    with transaction() as session:
        made = issue_statement(
            session, key, company=settings.company, at=now, actor=COMMAND_LINE,
            day=now.astimezone(ZoneInfo(settings.timezone)).date(),
        )  # fmt: skip
        out.write_bytes(made.pdf)
    return {
        "rights": made.rights,
        "file": str(out),
        "fingerprint": made.fingerprint,
        "sha256": made.sha256,
        "message": f"{made.rights} rights written to {out}.",
    }


def _customer(session: Session, text: str) -> int:
    found = find_customers(session, [text])[0]
    if isinstance(found, Problem):
        raise Refused([found])
    return found.id


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [kbart, rights_statement]
