"""flask seed …: reference data, the demo company, and synthetic customers."""

from typing import Any

import click

from app.accounts.operations import ensure_built_in_roles
from app.cli.demo_company import LOGINS, is_empty, seed_company
from app.cli.output import command
from app.cli.seed_customers import customers_command
from app.cli.seed_reference import seed_reference
from app.core.errors import Refused
from app.extensions import transaction


@command("basics")
def basics() -> dict[str, Any]:
    """Make the reference data that is missing: roles, store, groups, price levels, products,
    security questions and one creditor account with a test identifier. Changes nothing there is."""
    with transaction() as session:
        ensure_built_in_roles(session)
        made = seed_reference(session)
    return {"made": made, "message": f"{made} records of reference data made."}


@command("demo")
def demo() -> dict[str, Any]:
    """Make the demo company with one log-in for each role. Refused where customers are."""
    with transaction() as session:
        ensure_built_in_roles(session)
        seed_reference(session)
    if not is_empty():
        raise Refused.because(
            "The database holds customers already", hint="The demo goes into an empty one only"
        )
    made = seed_company()
    return {**made, "message": "The demo company is there. Its log-ins stand in the README."}


def demo_if_empty() -> list[tuple[str, str, str]]:
    """Make the demo company in an empty database; role, email and password of each log-in."""
    with transaction() as session:
        ensure_built_in_roles(session)
        seed_reference(session)
    if is_empty():
        seed_company()
    return LOGINS


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("seed", help="Data to begin with.")
    for one in (basics, demo, customers_command):
        group.add_command(one)
    return [group]
