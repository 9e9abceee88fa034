"""flask direct-debit …: the run from preview to the bank file."""

from datetime import date
from pathlib import Path
from typing import Any

import click
from flask import current_app

from app.cli.output import Lines, OutFile, command
from app.core import clock, storage
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.values import ValueProblem, parse_date
from app.extensions import db, transaction
from app.jobs import filing
from app.jobs.models import JobState
from app.jobs.operations import run_now
from app.jobs.run_notices import start_notices
from app.sepa import operations_runs as runs
from app.sepa.archive import write_archive
from app.sepa.candidates import Excluded, Judge
from app.sepa.creating import create_run
from app.sepa.letters import hand_out_letters
from app.sepa.letters import letters as letters_of
from app.sepa.notices import summary_of
from app.sepa.previews.totals import Totals
from app.sepa.queries import account_by_label, policy_of, run_by_number
from app.sepa.rules import Policy


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            return parse_date(value, "Collection date")
        except ValueProblem as error:
            self.fail(f"{error.reason}. {error.hint}", param, ctx)


_DATE = click.option("--collection-date", type=_Day(), required=True, help="A TARGET day.")
_ACCOUNT = click.option("--account", default="", help="Label of the creditor account.")
_RUN = click.argument("run")


@command("preview", _DATE, _ACCOUNT)
def preview(collection_date: date, account: str) -> dict[str, Any]:
    """Tell what a run for this date would collect, and what is left out and why."""
    session, chosen = db.session(), account_by_label(db.session(), account)
    policy = _policy()
    policy.of_account(chosen).check_collection_date(collection_date, clock.now())
    totals, left = Totals(), Lines()
    for portion in Judge(session, chosen, collection_date, policy).portions():
        for verdict in portion:
            totals.add(verdict)
            if isinstance(verdict, Excluded):
                left.add(_told(verdict))
    return {"run": None} | _figures(totals, left)


@command("create", _DATE, _ACCOUNT)
def create(collection_date: date, account: str) -> dict[str, Any]:
    """Create a run: claim the invoices and freeze what the bank will be told."""
    left = Lines()
    with transaction() as session:
        run, totals = create_run(
            session, account_by_label(session, account), collection_date, policy=_policy(),
            actor=COMMAND_LINE, left_out=lambda one: left.add(_told(one)),
        )  # fmt: skip
        number = run.number
    return {"run": number} | _figures(totals, left)


@command(
    "notify",
    _RUN,
    click.option("--letters", type=OutFile(), help="Where to write the letters: PDF, or ZIP."),
)
def notify(run: str, letters: Path | None) -> dict[str, Any]:
    """Tell the customers of a run what will be collected: by mail, or else by letter.

    Whoever has been told is not told again; the letters are written each time.
    """
    with transaction() as session:
        found = run_by_number(session, run)
        run = found.number
        job_id = start_notices(session, found, actor=COMMAND_LINE, foreground=True).id
    job = run_now(job_id)
    if job.state != JobState.DONE:
        raise Refused.because(job.error or f"The job is {job.state}")
    result = job.result or {}
    told = {"run": run, "mails": result["by_email"], "letters": result["by_letter"]}
    return told if letters is None else told | _print(run, letters)


@command("release", _RUN)
def release(run: str) -> dict[str, Any]:
    """Release a run for filing."""
    with transaction() as session:
        found = run_by_number(session, run)
        runs.release_run(session, found, policy=_policy(), actor=COMMAND_LINE)
        return {"run": found.number, "state": found.state}


@command("hand-in", _RUN)
def hand_in(run: str) -> dict[str, Any]:
    """Note that the bank has the file."""
    with transaction() as session:
        found = run_by_number(session, run)
        runs.hand_in_run(session, found, actor=COMMAND_LINE)
        return {"run": found.number, "state": found.state}


@command("cancel", _RUN)
def cancel(run: str) -> dict[str, Any]:
    """Cancel a run that was not handed in: its invoices are open again."""
    with transaction() as session:
        found = run_by_number(session, run)
        runs.cancel_run(session, found, actor=COMMAND_LINE)
        return {"run": found.number, "state": found.state}


@command(
    "file",
    _RUN,
    click.option("--out", type=OutFile(), required=True),
)
def file(run: str, out: Path) -> dict[str, Any]:
    """Write the stored bytes of a run: one pain.008, or a ZIP where the limits split it.

    The first call makes them; every later one gives the same bytes.
    """
    run_id = run_by_number(db.session(), run).id
    filing.file_now(run_id, policy=_policy(), actor=COMMAND_LINE)
    with transaction() as session:
        found = run_by_number(session, run)
        files = runs.hand_out_files(session, found, actor=COMMAND_LINE)
        told = {"run": found.number, "state": found.state, "files": len(files), "file": str(out)}
    files = [one.file for one in run_by_number(db.session(), run).files]
    with out.open("wb") as target:
        if len(files) == 1:
            storage.copy_to(files[0], target)
            return told | {"sha256": files[0].sha256}
        write_archive(files, target)
    return told | {"sha256": [stored.sha256 for stored in files]}


def _print(number: str, out: Path) -> dict[str, Any]:
    """Write all letters of a run, where it has any."""
    with transaction() as session:
        run = run_by_number(session, number)
        if not summary_of(session, run).to_print:
            return {"printed": 0}
        name, count = hand_out_letters(session, run, actor=COMMAND_LINE)
        # Several PDFs come in a ZIP, and are not to be taken for one.
        out = out.with_suffix(Path(name).suffix)
        with out.open("wb") as target:
            for piece in letters_of(session, run, count):
                target.write(piece)
    return {"printed": count, "file": str(out)}


def _policy() -> Policy:
    return policy_of(current_app.config["SETTINGS"])


def _told(one: Excluded) -> dict[str, str]:
    return {"invoice": one.invoice, "customer": one.customer, "reason": one.reason.value}


def _figures(totals: Totals, left: Lines) -> dict[str, Any]:
    return {
        "collections": totals.collected.count,
        "amount": float(totals.collected.amount),
        "excluded": left.later(),
    }


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("direct-debit", help="Collect open invoices by SEPA direct debit.")
    for one in (preview, create, notify, release, file, hand_in, cancel):
        group.add_command(one)
    return [group]
