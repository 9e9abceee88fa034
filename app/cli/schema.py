"""`db …`: makes and upgrades the schema. Loaded for these commands only: Alembic is large."""

from typing import Any

import click
from flask import current_app
from flask_migrate import Migrate, upgrade
from flask_migrate.cli import db as group

from app.config import ROOT
from app.extensions import db


def bring_up_to_date() -> None:
    """Upgrade the schema of the application at work."""
    _prepare()
    upgrade()


def commands() -> list[click.Command]:
    """The commands of this module, which are Flask-Migrate's."""
    _prepare()
    return [group]


def _prepare() -> None:
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
