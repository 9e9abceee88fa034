"""The running application and a real Chromium for the browser tests."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "tests" / "artifacts"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: the tests may run as root. The rest keeps the browser from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# Icons that the set of icons does not have are blank; the browser says nothing about them.
MISSING_ICONS = """
() => [...document.querySelectorAll('svg > use')]
    .filter((use) => use.getBoundingClientRect().width === 0 && use.parentElement.checkVisibility())
    .map((use) => use.getAttribute('href').split('#')[1])
"""
START_SECONDS = 60
# The page reports a breach of its Content-Security-Policy as an event; make it an error we see.
REPORT_CSP = """
document.addEventListener('securitypolicyviolation', (breach) => console.error(
    'CSP: ' + breach.violatedDirective + ' blocked ' + breach.blockedURI
    + ' in ' + breach.sourceFile + ':' + breach.lineNumber));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All browser tests in one process: they share one running application."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass(frozen=True)
class Site:
    """The application as `make run` starts it, on data of its own."""

    url: str
    log: Path

    def login(self, role: str) -> tuple[str, str]:
        """Email and password of the demo log-in of a role, as the start printed them."""
        found = re.search(rf"^ +{role} +(\S+@\S+) +(\S+)$", self.log.read_text(), re.MULTILINE)
        assert found, f"the start printed no log-in for {role}"
        return found[1], found[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Web server and worker, started by the command of `make run` with the demo data."""
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ARTIFACTS.mkdir(exist_ok=True)
    # One for each process: the start of another would wipe what this one has printed.
    log = ARTIFACTS / f"site-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KONTOR_TEST")}
    environment |= {
        "KONTOR_INSTANCE": str(folder / "instance"),
        "KONTOR_HOST": "127.0.0.1",
        "KONTOR_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
        environment.pop(name, None)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "start", "--demo"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_it_runs(process, log)
            yield Site(url, log)
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_it_runs(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if "Kontor is running at" in log.read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"The application did not start:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A system Chromium; without one the tests are skipped, or fail where one is required."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        if os.environ.get("KONTOR_REQUIRE_BROWSER") == "1":
            pytest.fail("KONTOR_REQUIRE_BROWSER is set, but no Chromium was found")
        pytest.skip("no Chromium was found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page whose console is watched, and which keeps screenshots."""

    page: Page
    folder: Path
    log: Path
    errors: list[str] = field(default_factory=list)
    # Console messages that a test expects, as regular expressions: a refused log-in answers 401.
    expected: list[str] = field(default_factory=list)
    _count: int = 0

    def listen(self) -> None:
        """Collect what the browser complains about."""
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def shot(self, name: str) -> None:
        """Keep a screenshot under tests/artifacts, and look for what it would lack."""
        self._count += 1
        self.errors += [f"no icon {name}" for name in self.page.evaluate(MISSING_ICONS)]
        self.page.screenshot(path=self.folder / f"{self._count:02}-{name}.png", full_page=True)

    def check(self) -> None:
        """Fail when the browser complained about anything that was not expected."""
        unexpected = [
            error
            for error in self.errors
            if not any(re.search(pattern, error) for pattern in self.expected)
        ]
        said = "\n".join([*unexpected, "the server said:", self.log.read_text()[-3000:]])
        assert not unexpected, f"the browser complained:\n{said}"


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh browser profile at 1440 pixels, as wide as an office screen."""
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": 1440, "height": 900},
        locale="en-GB",
        timezone_id="Europe/Berlin",
        accept_downloads=True,
    )
    context.set_default_timeout(15_000)
    context.add_init_script(REPORT_CSP)
    yield context
    context.close()


@pytest.fixture
def watched(
    context: BrowserContext, site: Site, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    """A page to drive; console errors and CSP reports fail the test at its end."""
    folder = ARTIFACTS / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    watched = Watched(context.new_page(), folder, site.log)
    watched.listen()
    yield watched
    watched.shot("end")
    watched.check()
