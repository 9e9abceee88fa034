"""Runs that the bank has, and its reports read as the panel and the command read them."""

import io
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core.actor import COMMAND_LINE, Actor
from app.core.errors import Refused
from app.extensions import db, transaction
from app.jobs import bank_reports
from app.jobs.models import JobState
from app.jobs.operations import run_now
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CreditorAccount
from app.sepa.reports.models import BankReport, ReportEntry
from tests.sepa import making
from tests.sepa.making import DAY, POLICY


def handed_in(*amounts: str, filed_only: bool = False, **account: object) -> str:
    """A run over new invoices of these amounts that the bank has; its number."""
    with transaction() as session:
        into = session.scalar(select(CreditorAccount)) or making.account(session, **account)
        for amount in amounts:
            making.debtor(session, amount)
        run = create_run(session, into, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
        if not filed_only:
            runs.hand_in_run(session, run, actor=COMMAND_LINE)
        return run.number


def read(content: bytes, name: str = "report.xml", actor: Actor = COMMAND_LINE) -> BankReport:
    """Read a file with one report. Raises Refused as the pages say it."""
    return read_all(content, name, actor)[0]


def read_all(content: bytes, name: str, actor: Actor = COMMAND_LINE) -> list[BankReport]:
    """Read a file; the reports that are in it."""
    kept = bank_reports.keep(io.BytesIO(content))
    with transaction() as session:
        job_id = bank_reports.start_reading(session, kept, name, actor=actor, foreground=True).id
    job = run_now(job_id)
    if job.state != JobState.DONE:
        raise Refused.because(job.error or "")
    return [db.session.get_one(BankReport, one["report"]) for one in job.result["reports"]]


def run_of(session: Session, number: str) -> CollectionRun:
    """A run as it is now."""
    session.rollback()
    return session.scalars(select(CollectionRun).where(CollectionRun.number == number)).one()


def collections_of(session: Session, number: str) -> list[Collection]:
    """The collections of a run as they are now, in the order of its file."""
    run = run_of(session, number)
    wanted = select(Collection).where(Collection.run_id == run.id).order_by(Collection.id)
    return list(session.scalars(wanted))


def states(session: Session, number: str) -> list[tuple[str, str]]:
    """The state of each collection of a run, and of its invoice."""
    return [
        (one.state, session.get_one(Invoice, one.invoice_id).state)
        for one in collections_of(session, number)
    ]


def entries(session: Session, report: BankReport) -> Sequence[ReportEntry]:
    """The entries of a report in their order."""
    return session.scalars(
        select(ReportEntry).where(ReportEntry.report_id == report.id).order_by(ReportEntry.position)
    ).all()


def outcomes(session: Session, report: BankReport) -> list[str]:
    """What each entry of a report did."""
    return [one.outcome for one in entries(session, report)]
