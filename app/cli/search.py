"""flask search: the Clients search from the command line."""

from typing import Any

import click
from flask import current_app

from app.cli.output import command
from app.customers.search import search_clients
from app.extensions import db


@command(
    "search",
    click.argument("text"),
    click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200)),
)
def search(text: str, limit: int) -> dict[str, Any]:
    """Find customers of every kind by names, email, phone, number or company."""
    country = current_app.config["SETTINGS"].country
    found = search_clients(db.session(), text, country=country, limit=limit)
    hits = [
        {
            "number": hit.number,
            "kind": hit.kind,
            "name": hit.name,
            "email": hit.email,
            "phone": hit.phone,
        }
        for hit in found.hits
    ]
    return {"total": found.total, "capped": found.capped, "ms": found.ms, "hits": hits}


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [search]
