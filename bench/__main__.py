"""`make bench`: how fast the panel and the search are on a crowd; writes bench/RESULTS.md.

    python -m bench [--customers N]

A fresh SQLite installation is filled by `seed customers`, then each page is asked for again and
again by one client in one process: what is measured is Kontor, not the network.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote_plus

from flask.testing import FlaskClient

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
TIMES = 15
EMAIL, PASSWORD = "bench@example.com", "correct horse battery staple"
LIST = "/admin/clients/"
# Limits of the issues, in milliseconds, for a million customers.
LIST_LIMIT, SEARCH_LIMIT, RECORD_LIMIT = 60, 40, 80

Row = tuple[str, float, float, int]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    count = parser.parse_args().customers
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("DATABASE_URL", None)
        os.environ["KONTOR_INSTANCE"] = folder
        seconds = seed(count)
        rows = list(measure(log_in()))
    RESULTS.write_text(report(count, seconds, rows), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def seed(count: int) -> float:
    """Make the schema, one operator and the crowd; the seconds that the crowd took."""
    flask("db", "upgrade")
    flask("seed", "basics")
    flask(
        "operator", "create", EMAIL, "--role", "administrator", "--password-stdin", given=PASSWORD
    )
    begin = time.perf_counter()
    flask("seed", "customers", "--count", str(count), "--seed", "1")
    return time.perf_counter() - begin


def flask(*arguments: str, given: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        input=given,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def log_in() -> FlaskClient:
    from app import create_app

    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post("/login", data={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 302, "the log-in was refused"
    return client


def measure(client: FlaskClient) -> Iterator[Row]:
    first = client.get(f"{LIST}?size=50").get_data(as_text=True)
    found = re.search(r"/admin/[a-z]+/details/\?id=(\d+)", first)
    assert found, "the list shows no customer"
    record = client.get(found.group(0)).get_data(as_text=True)
    heading = re.search(r'class="page-title">\s*([^<]+?)\s*<', record)
    name = heading.group(1) if heading else "Miller"
    yield timed("list, first page, 50 rows", LIST_LIMIT, lambda: client.get(f"{LIST}?size=50"))
    yield timed(
        "list, last page, 50 rows", LIST_LIMIT, lambda: client.get(f"{LIST}?size=50&page=-1")
    )
    for label, words in (
        ("search by a full name", name),
        ("search by a last name", name.split()[-1]),
        ("search by a part of a phone number", "0170 12"),
        ("search by a word that everybody has", "example"),
        ("search by one letter", "a"),
    ):
        url = f"{LIST}?q={quote_plus(words)}"
        yield timed(label, SEARCH_LIMIT, lambda url=url: client.get(url))
    yield timed("open a record", RECORD_LIMIT, lambda: client.get(found.group(0)))


def timed(label: str, limit: int, ask: Callable[[], object]) -> Row:
    """Median and worst of some requests after a first one, in milliseconds."""
    ask()
    took = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        answer = ask()
        took.append((time.perf_counter() - begin) * 1000)
        assert answer.status_code == 200, f"{label}: {answer.status}"  # type: ignore[attr-defined]
    return label, statistics.median(took), max(took), limit


def report(count: int, seconds: float, rows: list[Row]) -> str:
    told = (
        f"By `make bench`: {count:,} customers on SQLite, one process, Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}."
        f" Seeding took {seconds:.0f} s. Each figure is the median and the worst of {TIMES}"
        " requests in milliseconds; the limit is that of the issue for 1,000,000 customers."
    )
    lines = ["# Measured", "", told, "", "| what | median | worst | limit |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    lines += [f"| {label} | {m:.0f} | {worst:.0f} | {limit} |" for label, m, worst, limit in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
