"""A command loads what it needs: it starts sooner, and leaves the memory to its work."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from app.cli import MODULE_OF
from tests.databases import TestDatabase

ROOT = Path(__file__).resolve().parents[2]
# Each takes megabytes, and none has a part in an export.
HEAVY = {
    "admin_views",
    "alembic",
    "cryptography",
    "flask_admin",
    "flask_security",
    "huey",
    "lxml",
    "obstore",
    "openpyxl",
    "psycopg",
    "pygments",
    "qrcode",
    "rapidfuzz",
    "redis",
    "typst",
}
RUNS_AND_TELLS = """
import json, sys
from flask.cli import main
try:
    main()
finally:
    open(TOLD, "w").write(json.dumps(sorted(sys.modules)))
"""


def loaded_by(command: list[str], told: Path, **settings: str) -> set[str]:
    """The modules that a process has loaded when it has run a command."""
    program = f"TOLD = {str(told)!r}\n{RUNS_AND_TELLS}"
    subprocess.run(
        [sys.executable, "-c", program, "--app", "wsgi", *command],
        cwd=ROOT,
        env=os.environ | settings,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return set(json.loads(told.read_text()))


def test_an_export_loads_no_library_that_it_does_not_use(
    app: Flask, database: TestDatabase, instance: Path, tmp_path: Path
) -> None:
    heavy = HEAVY - {"psycopg"} if database.url else HEAVY
    loaded = loaded_by(
        ["export", "customers", "--out", str(tmp_path / "customers.xlsx")],
        tmp_path / "loaded",
        KONTOR_INSTANCE=str(instance),
        DATABASE_URL=database.url,
    )
    assert (tmp_path / "customers.xlsx").is_file()
    assert not loaded & heavy


def test_flask_s_own_commands_load_the_pages(tmp_path: Path) -> None:
    loaded = loaded_by(["routes"], tmp_path / "loaded", KONTOR_INSTANCE=str(tmp_path))
    assert {"admin_views.customers", "app.public.set_password", "flask_security"} <= loaded


def test_every_command_is_found_under_the_name_it_is_listed_by(app: Flask) -> None:
    with app.app_context():
        made = {
            command.name: name
            for name in set(MODULE_OF.values())
            for command in importlib.import_module(f"app.cli.{name}").commands()
        }
    assert made == MODULE_OF
    listed = app.test_cli_runner().invoke(args=["--help"]).stdout
    assert all(f"  {name} " in listed for name in MODULE_OF)
