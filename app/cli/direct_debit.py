"""flask direct-debit …: the run from preview to the bank file."""

from datetime import date
from pathlib import Path
from typing import Any

import click
from flask import current_app

from app.cli.output import LinesLater, OutFile, command
from app.core import clock, storage
from app.core.actor import COMMAND_LINE
from app.core.values import ValueProblem, parse_date
from app.extensions import db, transaction
from app.sepa import operations_runs as runs
from app.sepa.archive import write_archive
from app.sepa.candidates import Excluded, Judge
from app.sepa.creating import create_run
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
    totals, left = Totals(), LinesLater()
    for portion in Judge(session, chosen, collection_date, policy).portions():
        for verdict in portion:
            totals.add(verdict)
            if isinstance(verdict, Excluded):
                left.add(_told(verdict))
    return {"run": None} | _figures(totals, left)


@command("create", _DATE, _ACCOUNT)
def create(collection_date: date, account: str) -> dict[str, Any]:
    """Create a run: claim the invoices and freeze what the bank will be told."""
    left = LinesLater()
    with transaction() as session:
        run, totals = create_run(
            session, account_by_label(session, account), collection_date, policy=_policy(),
            actor=COMMAND_LINE, left_out=lambda one: left.add(_told(one)),
        )  # fmt: skip
        number = run.number
    return {"run": number} | _figures(totals, left)


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
    with transaction() as session:
        found = run_by_number(session, run)
        runs.file_run(session, found, policy=_policy(), actor=COMMAND_LINE)
        files = runs.hand_out_files(session, found, actor=COMMAND_LINE)
        told = {"run": found.number, "state": found.state, "files": len(files), "file": str(out)}
        with out.open("wb") as target:
            if len(files) == 1:
                storage.copy_to(files[0], target)
                return told | {"sha256": files[0].sha256}
            write_archive(files, target)
        return told | {"sha256": [stored.sha256 for stored in files]}


def _policy() -> Policy:
    return policy_of(current_app.config["SETTINGS"])


def _told(one: Excluded) -> dict[str, str]:
    return {"invoice": one.invoice, "customer": one.customer, "reason": one.reason.value}


def _figures(totals: Totals, left: LinesLater) -> dict[str, Any]:
    return {
        "collections": totals.collected.count,
        "amount": float(totals.collected.amount),
        "excluded": left,
    }


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("direct-debit", help="Collect open invoices by SEPA direct debit.")
    for one in (preview, create, release, file, hand_in, cancel):
        group.add_command(one)
    return [group]
