"""kill -9 of the real web server around check, run and undo: the worker goes on without it."""

import http.cookiejar
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.jobs.models import Job
from app.transfer.models import Import, ImportState
from tests import factories
from tests.transfer.conftest import DATA

ROOT = Path(__file__).resolve().parents[2]
RunJobs = Callable[[], int]
FILE = "individual_customers.xlsx"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Web:
    """A web server in a process of its own, and a browser that stays logged in over its deaths."""

    def __init__(self, app: Flask) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = app.config["SETTINGS"]
        self._environment = os.environ | {
            "KONTOR_INSTANCE": settings.instance,
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
        }
        jar = http.cookiejar.CookieJar()
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "run", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the web server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def get(self, path: str) -> str:
        return self._open(path, None)

    def post(self, path: str, page: str, **values: str) -> str:
        found = _TOKEN.search(page)
        assert found, "the page has no form"
        form = urllib.parse.urlencode({"csrf_token": found[1], **values}).encode()
        return self._open(path, form)

    def body(self, page: str, content: bytes) -> tuple[bytes, dict[str, str]]:
        """A form with a file, and its headings."""
        token = _TOKEN.search(page)
        assert token
        mark = uuid.uuid4().hex
        parts = (
            f'--{mark}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token[1]}\r\n'
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{FILE}"\r\n\r\n'
        )
        headings = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return parts.encode() + content + f"\r\n--{mark}--\r\n".encode(), headings

    def upload(self, path: str, page: str, content: bytes) -> str:
        body, headings = self.body(page, content)
        return self._open(path, body, headings)

    def cookies(self) -> str:
        handlers = [one for one in self._browser.handlers if hasattr(one, "cookiejar")]
        return "; ".join(f"{one.name}={one.value}" for one in handlers[0].cookiejar)

    def _open(self, path: str, data: bytes | None, headings: dict[str, str] | None = None) -> str:
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data, {"Referer": url, **(headings or {})})
        with self._browser.open(request, timeout=60) as answer:
            return str(answer.read().decode())


@pytest.fixture
def web(app: Flask, session: Session, basics: None) -> Iterator[Web]:
    """A web server that somebody of operations is logged in at."""
    email = factories.operator("operations").email
    # Reading the email began a transaction of the test's own, blind to what others write now.
    session.rollback()
    one = Web(app)
    one.start()
    login = one.get("/login")
    one.post("/login", login, email=email, password=factories.PASSWORD)
    yield one
    one.kill()


def count(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(Customer)) or 0


def test_a_web_server_killed_after_each_step_loses_nothing(
    session: Session, web: Web, run_jobs: RunJobs
) -> None:
    address = "/admin/imports/upload/?kind=individual"
    web.upload(address, web.get(address), (DATA / FILE).read_bytes())
    web.kill()
    run_jobs()
    found = session.scalars(select(Import)).one()
    page = f"/admin/imports/details/?id={found.id}"
    assert (found.state, count(session)) == (ImportState.CHECKED, 0)

    web.start()
    web.post(f"/admin/imports/run/?id={found.id}", web.get(page), choice="good")
    web.kill()
    run_jobs()
    assert count(session) == 387

    web.start()
    form = {"action": "undo", "rowid": str(found.id), "_confirmed": "yes"}
    web.post("/admin/imports/action/", web.get(page), **form)
    web.kill()
    run_jobs()
    assert count(session) == 0
    assert session.scalars(select(Import.state)).one() == ImportState.TAKEN_BACK

    web.start()
    assert "This import was taken back: 387 records." in web.get(page)


def test_a_web_server_killed_in_the_middle_of_an_upload_leaves_no_half_import(
    session: Session, web: Web
) -> None:
    address = "/admin/imports/upload/?kind=individual"
    body, headings = web.body(web.get(address), (DATA / FILE).read_bytes())
    lines = [
        f"POST {address} HTTP/1.1", f"Host: 127.0.0.1:{web.port}", f"Cookie: {web.cookies()}",
        f"Content-Type: {headings['Content-Type']}", f"Content-Length: {len(body)}", "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", web.port), 5) as half:
        half.sendall("\r\n".join(lines).encode() + body[: len(body) // 2])
        time.sleep(0.5)
        web.kill()
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Import)) == 0
    assert session.scalar(select(func.count()).select_from(Job)) == 0

    web.start()
    web.upload(address, web.get(address), (DATA / FILE).read_bytes())
    session.rollback()
    assert session.scalars(select(Import.state)).one() == ImportState.CHECKING
