"""A connection that PostgreSQL has ended is replaced before a request could fail by it."""

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from app.core import server_connections
from app.extensions import db
from tests.databases import TestDatabase


def _own_process() -> int:
    return int(db.session().scalar(text("SELECT pg_backend_pid()")))


@pytest.mark.parametrize("trusted", [30, 0])
def test_a_connection_that_the_server_has_ended_is_replaced(
    app: Flask, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, trusted: int
) -> None:
    if database.name == "sqlite":
        pytest.skip("a file has no server")
    monkeypatch.setattr(server_connections, "TRUSTED_SECONDS", trusted)
    with app.app_context():
        db.engine.dispose()  # else an earlier test may have left several
        first = _own_process()
        db.session.remove()
        assert _own_process() == first, "it is used again as long as it is there"
        db.session.remove()
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
        assert _own_process() != first


def test_a_plan_counts_on_tables_in_memory_unless_an_administrator_has_said_otherwise(
    app: Flask, database: TestDatabase
) -> None:
    if database.name == "sqlite":
        pytest.skip("SQLite has no such setting")
    told = text("SELECT current_setting('random_page_cost')")
    with app.app_context(), psycopg.connect(database.url, autocommit=True) as other:
        db.engine.dispose()
        assert db.session.scalar(told) == "1.1"
        db.session.remove()
        name = db.engine.url.database
        other.execute(f'ALTER DATABASE "{name}" SET random_page_cost = 3')
        try:
            db.engine.dispose()
            assert db.session.scalar(told) == "3"
        finally:
            other.execute(f'ALTER DATABASE "{name}" RESET random_page_cost')
            db.session.remove()
            db.engine.dispose()
