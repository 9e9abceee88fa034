"""The commands: one module for each feature, listed here."""

import importlib

from flask import Flask

MODULES = (
    "operators",
    "search",
    "seed",
    "start",
    "worker",
    "subscriptions",
    "holdings",
    "entitlement",
    "imports",
    "exports",
    "direct_debit",
    "duplicates",
)


def register(app: Flask) -> None:
    """Add the commands of every feature to the application."""
    for name in MODULES:
        for command in importlib.import_module(f"app.cli.{name}").commands():
            app.cli.add_command(command)
