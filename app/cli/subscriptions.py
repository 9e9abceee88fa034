"""flask subscriptions …: the merge of all perpetual rights, checked and mended."""

from typing import Any

import click

from app.cli.output import command, progress
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.subscriptions.merging import Recomputed, customers_with_rights, recompute_customers

# Small enough that other people's saves wait for a moment only.
CUSTOMERS_AT_ONCE = 100


@command("recompute")
def recompute() -> dict[str, Any]:
    """Merge the perpetual rights of all customers again.

    Rows is how many merged rows there are, changed how many of them were not as they had to be;
    it must be 0, since every change of an authorization merges what it touches.
    """
    total = Recomputed(0, 0)
    after = 0
    while True:
        with transaction() as session:
            ids = customers_with_rights(session, after, CUSTOMERS_AT_ONCE)
            total += recompute_customers(session, ids, actor=COMMAND_LINE)
        if not ids:
            break
        after = ids[-1]
        progress(f"{total.rows} rows merged")
    message = f"{total.rows} merged rows, {total.changed} of them changed."
    return {"rows": total.rows, "changed": total.changed, "message": message}


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("subscriptions", help="Rights to journals.")
    group.add_command(recompute)
    return [group]
