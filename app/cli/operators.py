"""flask operator …: make operators from the command line."""

import sys
from typing import Any

import click

from app.accounts import operations
from app.cli.output import command
from app.core.actor import COMMAND_LINE
from app.extensions import transaction


@command(
    "create",
    click.argument("email"),
    click.option("--role", "roles", multiple=True, required=True, help="May be repeated."),
    click.option("--name", default="", help="The person's name."),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
)
def create(email: str, roles: tuple[str, ...], name: str, password_stdin: bool) -> dict[str, Any]:
    """Make an operator with a role: operations, accounting, manager, administrator or another."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with transaction() as session:
        operations.ensure_built_in_roles(session)
        operator = operations.create_operator(
            session, email=email, password=password, roles=roles, name=name, actor=COMMAND_LINE
        )
        made = {"operator": operator.email, "roles": [role.name for role in operator.roles]}
    return made | {"message": f"Operator {made['operator']} can log in now."}


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("operator", help="Operators: the people who log in.")
    group.add_command(create)
    return [group]
