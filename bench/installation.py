"""An installation of Kontor to be measured: where it is, its commands, and a client logged in."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

ROOT = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "bench@example.com", "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder, and the address of the database if it is not the SQLite file in the folder."""

    folder: Path
    database_url: str = ""

    def application(self, *, pages: bool = True) -> Flask:
        """The application, as the web server makes it; without `pages` as commands and workers."""
        from app import create_app
        from app.config import Settings

        settings = Settings(instance=str(self.folder), database_url=self.database_url)
        app = create_app(settings, pages=pages)
        gc.freeze()  # as wsgi.py does it
        return app

    def command(self, *arguments: str, given: str = "") -> str:
        """Run one of Kontor's commands; what it prints. Its progress goes on to standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=os.environ | self._environment(),
            input=given,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {"KONTOR_INSTANCE": str(self.folder), "DATABASE_URL": self.database_url}


class Panel:
    """The panel as an administrator's browser asks it, without a network between."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        given = self.form("/login") | {"email": EMAIL, "password": PASSWORD}
        answer = self.client.post("/login", data=given)
        assert answer.status_code == 302, "the log-in was refused"

    def get(self, url: str) -> str:
        """The page at an address; anything but a page ends the measurement."""
        answer = self.client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status}"
        return answer.get_data(as_text=True)

    def form(self, url: str) -> dict[str, Any]:
        """What a browser would send of the form on a page, as it stands."""
        from lxml import html  # a process that is measured for its memory does not load it

        page = html.fromstring(self.get(url))
        for blank_row in page.xpath("//template"):
            blank_row.drop_tree()
        found = next(one for one in page.forms if "csrf_token" in one.fields and one.xpath(_TYPED))
        sent: dict[str, Any] = {}
        for name, value in found.form_values():
            sent.setdefault(name, []).append(value)
        return sent


def rows_shown(page: str) -> int:
    """How many rows the largest table of a page shows, its head not counted."""
    from lxml import html

    tables = html.fromstring(page).xpath("//table")
    return max((len(table.xpath(".//tr[td][not(parent::thead)]")) for table in tables), default=0)


# The form that one fills in, and not the button that logs out.
_TYPED = ".//input[@name='email' or @name='_version']"


@contextmanager
def opened(installation: Installation) -> Iterator[tuple[Flask, Panel]]:
    """The application with a client that is logged in."""
    app = installation.application()
    yield app, Panel(app)
    with app.app_context():
        from app.extensions import db

        db.engine.dispose()
