"""What a person at the panel notices while a big export or import runs in another process."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.installation import ROOT, Installation, Panel, opened
from bench.timing import once, say

PAGES = (
    "/admin/clients/?size=50",
    "/admin/clients/?q=Meyer",
    "/admin/jobs/",
    "/admin/",
)
PAUSE = 0.2


def pages_meanwhile(installation: Installation, *command: str) -> dict[str, Any]:
    """The times of pages and saves, in milliseconds, while one of Kontor's commands runs."""
    pages: list[float] = []
    saves: list[float] = []
    with opened(installation) as (app, panel), tempfile.TemporaryDirectory() as folder:
        url = _record(app)
        for page in PAGES:
            panel.get(page)
        # The first of each reads what the program needs for it, and does not count.
        _save(panel, url, panel.form(url) | {"memo": "Saved before"})
        with _running(installation, command, Path(folder)) as process:
            number = 0
            while process.poll() is None:
                number += 1
                pages.append(once(lambda: panel.get(PAGES[number % len(PAGES)])))  # noqa: B023
                form = panel.form(url) | {"memo": f"Saved {number} times"}
                saves.append(once(lambda: _save(panel, url, form)))  # noqa: B023
                time.sleep(PAUSE)
        assert process.returncode == 0, f"{' '.join(command)} ended with {process.returncode}"
    found = {"pages": _told(pages), "saves": _told(saves)}
    say(f"meanwhile {' '.join(command[:2])}: {found}")
    return found


@contextmanager
def _running(
    installation: Installation, command: tuple[str, ...], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    out = ("--out", str(folder / "export")) if command[0] == "export" else ()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command, *out],
        cwd=ROOT,
        env=os.environ | {"KONTOR_INSTANCE": str(installation.folder), "DATABASE_URL": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _record(app: Any) -> str:
    """The form of some person among the customers."""
    from app.customers.models import Customer
    from app.extensions import db

    with app.app_context():
        wanted = select(func.min(Customer.id)).where(
            Customer.kind == "individual", Customer.deleted_at.is_(None)
        )
        return f"/admin/individual/edit/?id={db.session.scalar(wanted)}"


def _save(panel: Panel, url: str, form: dict[str, Any]) -> None:
    answer = panel.client.post(url, data=form)
    assert answer.status_code == 302, f"the customer was not saved: {answer.status}"


def _told(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {"median": ordered[len(ordered) // 2], "worst": ordered[-1], "times": len(ordered)}
