"""Runs the migrations on the database that Kontor's settings name."""

import importlib
import logging
from typing import Any

from alembic import context
from flask import current_app

from app.core.database import Base, immediate_begin

# Every room with tables, so that a new migration sees them all.
for room in (
    "core", "audit", "outbox", "accounts", "catalogue", "customers",
    "subscriptions", "billing", "sepa", "sepa.reports", "sepa.previews", "jobs", "transfer",
):  # fmt: skip
    importlib.import_module(f"app.{room}.models")

logging.getLogger("alembic").setLevel(logging.WARNING)
# Tables that the search keeps by itself: they belong to no model.
SEARCH_TABLES = "customer_search"


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out the tables of the full-text search."""
    return not (kind == "table" and (name or "").startswith(SEARCH_TABLES))


def render_type(kind: str, column: Any, _autogen: Any) -> str | bool:
    """Write a column type of our own as what stands in the database: migrations never change."""
    implementation = getattr(column, "impl", None)
    if kind == "type" and type(column).__module__.startswith("app."):
        return f"sa.{implementation!r}"
    return False


with immediate_begin(), current_app.extensions["migrate"].db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        render_item=render_type,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
