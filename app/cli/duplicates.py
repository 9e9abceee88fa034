"""flask duplicates find: look for customers that may be one, in the foreground."""

from time import perf_counter
from typing import Any

import click

from app.cli.output import command
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.extensions import transaction
from app.jobs import duplicates
from app.jobs.models import JobState
from app.jobs.operations import run_now

_TOLD = ("customers", "pairs", "new", "gone", "changed", "too_common", "left_out")


@command("find")
def find() -> dict[str, Any]:
    """Look for duplicates over all customers and bring the worklist up to date.

    Pairs is how many are alike now, new and gone how many came and went since the last time; too
    common counts phones, accounts and places that so many share that they say nothing.
    """
    began = perf_counter()
    with transaction() as session:
        job_id = duplicates.start_search(session, actor=COMMAND_LINE, foreground=True).id
    job = run_now(job_id)
    if job.state != JobState.DONE or job.result is None:
        raise Refused.because(job.error or f"The search was {job.state}")
    found = {name: job.result[name] for name in _TOLD}
    message = (
        f"{found['pairs']:,} pairs among {found['customers']:,} customers: "
        f"{found['new']:,} new, {found['gone']:,} gone."
    )
    return {**found, "ms": round((perf_counter() - began) * 1000), "message": message}


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("duplicates", help="Customers that may be one.")
    group.add_command(find)
    return [group]
