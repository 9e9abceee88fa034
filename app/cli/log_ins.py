"""`users …`, `roles …`: Flask-Security's own commands, for log-ins in need of first aid."""

import click
from flask import current_app
from flask_security.cli import roles, users

from app.accounts import login


def commands() -> list[click.Command]:
    """The commands of this module; they need the library bound as for the pages."""
    if "security" not in current_app.extensions:
        login.register(current_app._get_current_object())  # type: ignore[attr-defined]
    return [roles, users]
