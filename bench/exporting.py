"""Exports: Kontor's workbook and ZIP beside stock Flask-Admin's, and other pages meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask

from bench.children import Found, in_a_child
from bench.installation import Installation, Panel, opened
from bench.meanwhile import pages_meanwhile
from bench.timing import once

# One row less than what leaves as a ZIP; the peer's CSV is counted by the same number.
WORKBOOK_ROWS = 99_999
DIRECT_ROWS = 2_000
TIMES = 5


def measure_exports(installation: Installation, peer: Path) -> dict[str, Any]:
    """What stands under a key of the report, each with its seconds and megabytes."""
    with opened(installation) as (app, panel):
        total = _count(app)
        # The last day up to which the customers fit into a workbook, or so few as fit at once.
        until = _day_of(app, WORKBOOK_ROWS) if total > WORKBOOK_ROWS else ""
        few = _day_of(app, DIRECT_ROWS) if total > DIRECT_ROWS else ""
        first_byte = _direct(panel, few)
    narrowed = [f"created_to={until}"] if until else []
    workbook = in_a_child("kontor-export", str(installation.folder), *narrowed)
    whole = in_a_child("kontor-export", str(installation.folder))
    rows = str(min(total, WORKBOOK_ROWS))
    return {
        "customers": total,
        "first_byte_ms": first_byte,
        "kontor": {"workbook": workbook, "whole": whole},
        "flask-admin": dict(_peer(peer, rows)),
        "meanwhile": pages_meanwhile(installation, "export", "customers"),
    }


def _peer(database: Path, rows: str) -> Iterator[tuple[str, Found]]:
    yield "workbook", in_a_child("flask-admin-export", str(database), "xlsx", rows)
    yield "csv", in_a_child("flask-admin-export", str(database), "csv", rows)


def _direct(panel: Panel, until: str) -> list[float]:
    """Milliseconds until the whole file of an export that needs no job is there."""
    address = f"/admin/exports/start/?list_name=customers&created_to={until}"

    def ask() -> None:
        answer = panel.client.get(address)
        assert answer.headers["Content-Disposition"].startswith("attachment"), answer.status
        assert answer.data

    ask()
    return sorted(once(ask) for _ in range(TIMES))


def _count(app: Flask) -> int:
    from app.core.counts import exact_count
    from app.customers.queries import CLIENTS
    from app.extensions import db

    with app.app_context():
        return exact_count(db.session(), CLIENTS.statement)


def _day_of(app: Flask, rows: int) -> str:
    """The last day up to whose end no more than so many customers were created."""
    from datetime import timedelta

    from app.core.listing import Criteria
    from app.customers.queries import CLIENTS
    from app.extensions import db

    with app.app_context():
        # One more is the first that does not fit; the day before it ends in time.
        found = CLIENTS.select(Criteria(sort="created")).offset(rows).limit(1)
        first_outside = db.session.scalars(found).one().created_at
        return str((first_outside - timedelta(days=1)).date())
