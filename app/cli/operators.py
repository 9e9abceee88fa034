"""flask operator …: make operators from the command line."""

import sys
from typing import Any

import click
from flask import current_app

from app.accounts import operations, operations_two_factor, queries
from app.cli.output import command
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound
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


@command(
    "invite",
    click.argument("email"),
    click.option("--role", "roles", multiple=True, required=True, help="May be repeated."),
    click.option("--name", default="", help="The person's name."),
)
def invite(email: str, roles: tuple[str, ...], name: str) -> dict[str, Any]:
    """Make an operator who chooses the password by a link, sent by email and good for 7 days.

    Where no mail server is set (MAIL_URL), the link is printed instead: whoever has it can log in.
    """
    with transaction() as session:
        operations.ensure_built_in_roles(session)
        operator, link = operations.invite_operator(
            session, email=email, roles=roles, name=name, actor=COMMAND_LINE
        )
        made = {"operator": operator.email, "roles": [role.name for role in operator.roles]}
    if current_app.config["SETTINGS"].mail_url:
        return made | {"message": f"An invitation to {made['operator']} is on its way."}
    return made | {"link": link, "message": f"Give {made['operator']} this link:\n{link}"}


@command("reset-two-factor", click.argument("email"))
def reset_two_factor(email: str) -> dict[str, Any]:
    """Take back the two-factor log-in of an operator whose phone is lost; ends all sessions."""
    with transaction() as session:
        operator = queries.operator_by_email(session, email)
        if operator is None:
            raise NotFound(f"There is no operator with the email {email}")
        operations_two_factor.reset(session, operator.id, actor=COMMAND_LINE)
        done = {"operator": operator.email}
    return done | {"message": f"{done['operator']} logs in with the password alone now."}


def commands() -> list[click.Command]:
    """The commands of this module."""
    group = click.Group("operator", help="Operators: the people who log in.")
    group.add_command(create)
    group.add_command(invite)
    group.add_command(reset_two_factor)
    return [group]
