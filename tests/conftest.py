"""What every test stands on: both databases, the application, log-ins, a stopped clock, no network.

Tests that ask for `app`, `session`, `client` or anything built on them run twice, on SQLite and on
PostgreSQL, each time on an empty database that the real migrations made. Those of pages, of bank
reports and of reading workbooks, the most, run on one of the two, half of them on each, and on both
with --everywhere.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests import factories
from tests.databases import (
    POSTGRES_FOLDER,
    PostgresDatabase,
    SqliteDatabase,
    TestDatabase,
    make_postgres_folder,
)

LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", ""}


# What shows pages, and what reads files before anything is stored.
HALVED = {
    Path(__file__).parent / name
    for name in (
        "admin_views", "accounts", "public", "sepa/reports", "transfer/test_bad_uploads.py",
        "transfer/test_exports_panel.py", "transfer/test_exports_told.py",
        "transfer/test_headings.py", "transfer/test_many_refused.py",
        "transfer/test_odd_cells.py", "transfer/test_other_workbook.py",
        "transfer/test_panel.py", "transfer/test_reading.py", "transfer/test_templates.py",
    )
}  # fmt: skip
DATABASES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer all tests on both databases."""
    parser.addoption("--everywhere", action="store_true", help="every test on both databases")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave each test of pages and reports on one database, which follows from its name."""
    if config.getoption("--everywhere"):
        return
    elsewhere = [
        item
        for item in items
        if not HALVED.isdisjoint([item.path, *item.path.parents]) and _elsewhere(item)
    ]
    config.hook.pytest_deselected(items=elsewhere)
    gone = set(elsewhere)
    items[:] = [item for item in items if item not in gone]


def _elsewhere(item: pytest.Item) -> bool:
    """Tell whether the other database has this test; all its cases stay together."""
    given = getattr(getattr(item, "callspec", None), "params", {}).get("database")
    name = item.nodeid.partition("[")[0]
    return given not in (None, DATABASES[crc32(name.encode()) % 2])


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the PostgreSQL server in the first process; the others inherit it."""
    if not hasattr(config, "workerinput"):
        config.kontor_postgres = make_postgres_folder()  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder when all tests are over."""
    folder = getattr(config, "kontor_postgres", None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop(POSTGRES_FOLDER, None)


@pytest.fixture(scope="session", params=DATABASES)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[TestDatabase]:
    """One of the two databases; its schema is made once."""
    folder = tmp_path_factory.mktemp(request.param)
    database: TestDatabase = (
        SqliteDatabase(folder) if request.param == "sqlite" else PostgresDatabase(worker_id)
    )
    yield database
    database.close()


@pytest.fixture(scope="session")
def instance(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instance folder of the application under test."""
    if isinstance(database, SqliteDatabase):
        return database.file.parent
    return tmp_path_factory.mktemp("instance")


@pytest.fixture(scope="session")
def migrated_app(database: TestDatabase, instance: Path) -> Iterator[Flask]:
    """The application, made once for each database. Tests use `app`."""
    from app import create_app
    from app.config import Settings
    from app.extensions import db

    app = create_app(
        Settings(
            instance=str(instance),
            database_url=database.url,
            secret_key="only for tests",
            chunk_pause_ms=0,
        )
    )
    app.testing = True
    # Forms in tests carry no token; the tests of the protection itself switch it on.
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = FreshContextClient
    database.migrate(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(migrated_app: Flask, database: TestDatabase, instance: Path) -> Iterator[Flask]:
    """The application on an empty database, with an empty queue and an empty file store."""
    from app.core.storage import storage
    from app.extensions import db
    from app.jobs.queue import EXTENSION

    database.empty(migrated_app)
    storage.open("", instance)
    migrated_app.extensions[EXTENSION].huey.flush()
    yield migrated_app
    with migrated_app.app_context():
        db.session.remove()
    shutil.rmtree(instance / "files", ignore_errors=True)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session within an application context, for arranging and for looking.

    What is to be seen by requests, commands or jobs must be committed: `session.commit()` here, or
    `app.extensions.transaction()` as the product does it.
    """
    from app.extensions import db

    with app.app_context():
        yield db.session()
        db.session.rollback()


class FreshContextClient(FlaskClient):
    """A browser whose every request gets an application context of its own, as on a server.

    Without that, a test that holds a session would lend it, and who is logged in, to requests.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        from flask import current_app

        from app.extensions import db

        if current_app:
            # Ends the test's own read, so that it sees afterwards what the request wrote.
            db.session.rollback()
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who is not logged in."""
    return app.test_client()


@pytest.fixture
def as_role(app: Flask) -> Callable[..., FlaskClient]:
    """Make a browser of an operator with a role: `as_role("manager").get("/admin/")`."""

    def log_in(role: str, **values: Any) -> FlaskClient:
        with app.app_context():
            uniquifier = factories.operator(role, **values).fs_uniquifier
        return factories.logged_in(app, uniquifier)

    return log_in


@pytest.fixture
def run_jobs(app: Flask) -> Callable[[], int]:
    """Run every queued job here and now, oldest first; returns how many there were."""
    from app.extensions import db
    from app.jobs.models import Job, JobState
    from app.jobs.operations import run_now

    def run() -> int:
        count = 0
        with app.app_context():
            queued = select(Job.id).where(Job.state == JobState.QUEUED).order_by(Job.id).limit(1)
            while (job_id := db.session.scalar(queued)) is not None:
                db.session.rollback()
                run_now(job_id)
                db.session.rollback()
                count += 1
        return count

    return run


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """The command line: `runner.invoke(args=["search", "Miller", "--json"])`."""
    return app.test_cli_runner()


@pytest.fixture
def queries(app: Flask) -> Callable[[Callable[[], object]], int]:
    """Count the statements that something runs: `queries(lambda: client.get("/admin/jobs/"))`."""
    from app.extensions import db

    def count(action: Callable[[], object]) -> int:
        statements: list[str] = []

        def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", listen)
        try:
            action()
        finally:
            event.remove(engine, "before_cursor_execute", listen)
        # Savepoints and time limits are the bookkeeping of a transaction, no queries.
        apart = ("BEGIN", "SAVEPOINT", "RELEASE", "SET LOCAL")
        return sum(not statement.startswith(apart) for statement in statements)

    return count


@pytest.fixture
def clock() -> Iterator[Callable[[datetime], None]]:
    """Stop the clock: `clock(datetime(2026, 3, 31, tzinfo=UTC))`, again to move it."""
    from app.core import clock as product_clock

    with ExitStack() as stack:

        def stop_at(moment: datetime) -> None:
            stack.enter_context(product_clock.frozen(moment))

        stop_at(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
        yield stop_at


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever tries to reach another machine, mail included."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address[0] not in LOCAL:
            pytest.fail(f"a test tried to reach {address[0]}")
        return connect(self, address)

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name not in LOCAL:
            pytest.fail(f"a test tried to look up {name}")
        return getaddrinfo(host, *args, **kwargs)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
