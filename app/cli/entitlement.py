"""flask entitlement: whether a customer has a journal's year or volume today, and why."""

from typing import Any

import click
from flask import current_app

from app.cli.output import command
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.extensions import db
from app.subscriptions.entitlements import (
    entitlement,
    find_holding,
    read_question,
    source_as_json,
)


@command(
    "entitlement",
    click.argument("customer"),
    click.argument("issn"),
    click.option("--year", default="", help="The year of publication; 2014-03 and a day do, too."),
    click.option("--volume", default="", help="The volume, alone or beside the year."),
)
def answer(customer: str, issn: str, year: str, volume: str) -> dict[str, Any]:
    """Does this customer have this journal's year or volume today, and why?

    CUSTOMER is a number, an email or an exact company name, ISSN that of print or online.
    `entitled` is true if at least a part may be used; `verdict` is yes, partly, unknown (stated by
    volume while a date was asked for, or the other way round) or no.
    """
    if not year and not volume:
        raise click.UsageError("Give --year, --volume or both.")
    today = clock.today(current_app.config["SETTINGS"].timezone)
    question = read_question(year, volume, today)
    held = find_holding(db.session(), customer, issn, actor=COMMAND_LINE)
    found = entitlement(held, question)
    return {
        "entitled": found.entitled,
        "verdict": str(found.verdict),
        "reason": found.reason,
        "customer": held.customer.number,
        "journal": held.journal.title,
        "sources": [source_as_json(one) for one in found.sources],
        "message": found.reason,
    }


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [answer]
