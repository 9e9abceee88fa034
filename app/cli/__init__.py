"""The commands: one module for each feature, listed here and loaded when it is asked for."""

import importlib

import click
from flask import Flask
from flask.cli import AppGroup, FlaskGroup

MODULE_OF = {
    "bank-report": "bank_reports",
    "db": "schema",
    "direct-debit": "direct_debit",
    "duplicates": "duplicates",
    "entitlement": "entitlement",
    "export": "exports",
    "import": "imports",
    "kbart": "holdings",
    "operator": "operators",
    "rights-statement": "holdings",
    "roles": "log_ins",
    "search": "search",
    "seed": "seed",
    "start": "start",
    "subscriptions": "subscriptions",
    "template": "exports",
    "users": "log_ins",
    "worker": "worker",
}


class Commands(AppGroup):
    """The commands of one application.

    A command starts sooner, and in less memory, without what only the others need.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(name=app.cli.name, commands=app.cli.commands)
        self._app = app

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, loaded or not."""
        return sorted({*super().list_commands(ctx), *MODULE_OF})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded now if it was not before."""
        if cmd_name in MODULE_OF and cmd_name not in self.commands:
            module = importlib.import_module(f"app.cli.{MODULE_OF[cmd_name]}")
            with self._app.app_context():
                for command in module.commands():
                    self.add_command(command)
        return super().get_command(ctx, cmd_name)


def is_own_command() -> bool:
    """Tell whether this process is here for one of our commands, none of which shows a page.

    Flask loads the application to look our commands up, before any of them begins; its own (`run`,
    `routes`, `shell`) have begun when they load it. A web server has nothing to do with commands.
    """
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


def register(app: Flask) -> None:
    """Add the commands of every feature to the application."""
    app.cli = Commands(app)
