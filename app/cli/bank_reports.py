"""flask bank-report FILE: read what the bank has answered, in the foreground, without a worker."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from app.cli.output import command, progress
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.extensions import db, transaction
from app.jobs import bank_reports
from app.jobs import operations as jobs
from app.sepa.reports.models import BankReport, EntryOutcome, ReportEntry

_MATCHED = ("accepted", "settled", "rejected", "returned", "known")


@command("bank-report", click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
))  # fmt: skip
def bank_report(file: Path) -> dict[str, Any]:
    """Read a pain.002, camt.053 or camt.054, or a ZIP of several, and match it.

    The same file, or another one that says the same, changes nothing."""
    progress(f"Reading {file.name} …")
    with file.open("rb") as content:
        kept = bank_reports.keep(content)
    with transaction() as session:
        job_id = bank_reports.start_reading(
            session, kept, file.name, actor=COMMAND_LINE, foreground=True
        ).id
    done = jobs.run_now(job_id)
    if done.result is None:
        raise Refused.because(done.error or "The reading did not come to its end")
    told = done.result["reports"]
    ids = [one["report"] for one in told]
    wanted = select(BankReport).where(BankReport.id.in_(ids)).order_by(BankReport.id)
    return _result(
        db.session.scalars(wanted).all(), {one["report"] for one in told if one["again"]}
    )


def _result(reports: Sequence[BankReport], again: set[int]) -> dict[str, Any]:
    """What the reports came to together. Of one that was read before: nothing new."""
    new = [one for one in reports if one.id not in again]
    figures = {name: sum(getattr(one, name) for one in new) for name in _MATCHED}
    return {
        "kind": ", ".join(sorted({one.kind for one in reports})),
        "matched": sum(figures.values()),
        **figures,
        "unmatched": [_entry(one) for report in new for one in _unmatched(report)],
        "read_before": [one.received_at.isoformat() for one in reports if one.id in again],
        "remarks": [line for one in new for line in (one.remarks or "").splitlines()],
        "message": "\n".join(_said(one, one.id in again) for one in reports),
    }


def _unmatched(report: BankReport) -> Sequence[ReportEntry]:
    return db.session.scalars(
        select(ReportEntry)
        .where(
            ReportEntry.report_id == report.id,
            ReportEntry.outcome == EntryOutcome.UNMATCHED.value,
        )
        .order_by(ReportEntry.position)
    ).all()


def _entry(one: ReportEntry) -> dict[str, Any]:
    return {
        "end_to_end_id": one.end_to_end_id,
        "mandate": one.mandate_reference,
        "amount": None if one.amount is None else float(one.amount),
        "booked_on": one.booked_on.isoformat() if one.booked_on else None,
        "told": one.told,
        "code": one.reason_code,
        "reason": one.problem,
    }


def _said(report: BankReport, again: bool) -> str:
    if again:
        return f"{report}: read before, on {report.received_at:%d.%m.%Y %H:%M} UTC; nothing changed"
    return (
        f"{report}: {report.settled:,} settled, {report.rejected:,} rejected,"
        f" {report.returned:,} returned, {report.known:,} known before, {report.unmatched:,}"
        f" unmatched, {report.other:,} no direct debits of ours"
    )


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [bank_report]
