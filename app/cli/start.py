"""`start`: the whole of Kontor by one command, the web server and a worker together."""

import http.client
import socket
import sys
import threading
import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from app.accounts import queries
from app.accounts.models import Operator
from app.cli.schema import bring_up_to_date
from app.cli.seed import demo_if_empty
from app.cli.supervisor import Program, Supervisor
from app.config import ROOT, Settings
from app.extensions import db

WEB_THREADS = 4
READY_SECONDS = 60


@click.command("start")
@click.option("--demo", is_flag=True, help="Fill an empty database with the demo company first.")
@with_appcontext
def start(demo: bool) -> None:
    """Bring the schema up to date, then run the web server and one worker until INT or TERM.

    With --demo an empty database gets the demo company and one log-in for each role; a database
    that holds anything is left as it is.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if demo and settings.production:
        raise click.UsageError("--demo makes log-ins that everybody knows; not in production.")
    if not _is_free(settings.host, settings.port):
        click.echo(
            f"Port {settings.port} is in use by another program, perhaps by a Kontor that already "
            "runs. Set KONTOR_PORT to another number, or end that program.",
            err=True,
        )
        raise SystemExit(1)
    bring_up_to_date()
    _check_roles(settings)
    logins = _demo_logins() if demo else []
    # A read left open here would last as long as Kontor runs, and SQLite could bring nothing that
    # is written from its log into the database.
    db.session.remove()
    web = [sys.executable, "-m", "gunicorn", *web_arguments(settings), "wsgi:app"]
    worker = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    supervisor = Supervisor(
        [Program("web server", web, essential=True), Program("worker", worker)], folder=ROOT
    )
    code = supervisor.run(on_start=lambda: _say_when_ready(settings, logins))
    raise SystemExit(code)


def _check_roles(settings: Settings) -> None:
    """Refuse to start where a misspelt role would let its holders in without a second factor."""
    if unknown := queries.unknown_roles(db.session(), settings.roles_with_two_factor):
        click.echo(
            f"KONTOR_TWO_FACTOR_ROLES names {', '.join(unknown)}, but there is no such role.",
            err=True,
        )
        raise SystemExit(1)


def _demo_logins() -> list[tuple[str, str, str]]:
    """Fill an empty database with the demo; the role, email and password of what is still there."""
    logins = demo_if_empty()
    there = set(db.session.scalars(select(Operator.email).where(Operator.demo, Operator.active)))
    return [login for login in logins if login[1] in there]


def web_arguments(settings: Settings) -> list[str]:
    """What gunicorn is told. Threads, so that a slow download holds up nobody else."""
    return [
        f"--bind={settings.host}:{settings.port}",
        f"--workers={settings.web_processes}",
        f"--threads={WEB_THREADS}",
        "--timeout=120",
        "--graceful-timeout=5",
        "--log-level=warning",
        # Long searches are answered by us, in words, and not by a bare page of the server.
        "--limit-request-line=8190",
        # The heartbeat files of gunicorn must not stand on a slow disk.
        *(["--worker-tmp-dir=/dev/shm"] if Path("/dev/shm").is_dir() else []),  # noqa: S108
    ]


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _say_when_ready(settings: Settings, logins: list[tuple[str, str, str]]) -> None:
    threading.Thread(target=_announce, args=(settings, logins), daemon=True).start()


def _announce(settings: Settings, logins: list[tuple[str, str, str]]) -> None:
    """Print the address once the web server answers."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _answers(host, settings.port):
            break
        time.sleep(0.1)
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"\nKontor is running at http://{shown}:{settings.port}/   (Ctrl+C ends it)")
    if logins:
        click.echo("\nDemo log-ins:")
        for role, email, password in logins:
            click.echo(f"  {role:<15} {email:<28} {password}")
    click.echo("")


def _answers(host: str, port: int) -> bool:
    """Ask for a page. That a connection is taken says little: a port can be connected to itself."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("HEAD", "/login")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [start]
