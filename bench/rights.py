"""The merge of 100,000 authorizations, a form with 500 of them, and a list of a million rows."""

import json
import resource
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from flask import Flask

from bench.installation import Installation, Panel, opened, rows_shown
from bench.rights_data import (
    customer_with_rights,
    forget_merged,
    prepare_list,
    prepare_rights,
)
from bench.timing import Row, row, say, timed

LIST = "/admin/subscriptions/"
RECOMPUTE = ("subscriptions", "recompute", "--json")
# What people ask the list for: each alone, then together.
ASKED = (
    "source=perpetual", "source=ordinary", "status=active", "status=draft", "status=cancelled",
    "journal=9000-0024", "journal=chemistry", "journal=bulletin+zoology", "customer=univ",
    "customer=University+Library+0007", "expiring=30", "expiring=365",
    "term_to_from=2025-01-01&term_to_to=2025-01-31",
    "coverage_from=2014-01-01&coverage_to=2014-12-31", "coverage_to=1951-12-31",
    "volume_only=yes", "q=9000-0024", "q=chemistry", "q=annals+law",
    "source=perpetual&status=active", "source=perpetual&status=draft",
    "source=ordinary&journal=9000-0024", "source=perpetual&journal=chemistry",
    "status=draft&journal=chemistry", "status=cancelled&customer=univ", "expiring=30&status=active",
    "expiring=365&journal=chemistry", "expiring=90&customer=univ",
    "source=perpetual&coverage_to=1951-12-31", "status=draft&coverage_to=2019-02-01",
    "volume_only=yes&journal=chemistry", "q=chemistry&source=perpetual", "q=law&status=draft",
)  # fmt: skip


def measure_rights(installation: Installation) -> dict[str, Any]:
    """The recompute with its peak of memory, and the rows of the table."""
    prepare_rights(installation)
    merged = _recomputed(installation)
    with opened(installation) as (app, panel):
        rows = [_saving(app, panel)]
        with app.app_context():
            from app.extensions import db

            prepare_list(db.session())
        rows += _list(panel)
    return {"merged": merged, "rows": [one.as_json() for one in rows]}


def _recomputed(installation: Installation) -> dict[str, Any]:
    """Merge everything from nothing, then once more: the second time changes nothing."""
    forget_merged(installation)
    seconds, processor, said = _run(installation)
    # Kilobytes on Linux; of the largest process that this one has started.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    again, _, unchanged = _run(installation)
    assert unchanged["changed"] == 0, unchanged
    say(f"recompute: {seconds:.1f} s, {processor:.1f} s of processor time, {peak:,.0f} MB")
    return {
        "seconds": seconds, "processor_seconds": processor, "again_seconds": again,
        "peak_mb": peak, "rows": said["rows"], "changed": said["changed"],
    }  # fmt: skip


def _run(installation: Installation) -> tuple[float, float, dict[str, Any]]:
    """The seconds that the command takes, those of a processor, and what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    said = json.loads(installation.command(*RECOMPUTE).splitlines()[-1])
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used, said


def _saving(app: Flask, panel: Panel) -> Row:
    """The form of a customer with 500 authorizations, of which one is changed each time."""
    with app.app_context():
        from app.extensions import db

        id_ = customer_with_rights(db.session())
    url = f"/admin/perpetual/edit/?id={id_}"
    numbers = count(1990)
    form: dict[str, Any] = {}

    def fill() -> None:
        form.clear()
        form.update(panel.form(url))
        year = str(next(numbers))
        form["authorizations-7-coverage_from"] = form["authorizations-7-coverage_to"] = year

    def save() -> None:
        answer = panel.client.post(url, data=form)
        assert answer.status_code == 302, f"the customer was not saved: {answer.status}"

    return row("rights-save", [timed("saving", save, before=fill, times=7)])


def _list(panel: Panel) -> Iterator[Row]:
    shown = rows_shown(panel.get(f"{LIST}?size=50"))
    assert shown == 50, f"the list shows {shown} rows, not 50"
    yield row("rights-first", [timed("first page", lambda: panel.get(f"{LIST}?size=50"))])
    yield row("rights-last", [timed("last page", lambda: panel.get(f"{LIST}?size=50&page=-1"))])
    yield row("rights-filters", [_asked(panel, asked) for asked in ASKED])


def _asked(panel: Panel, asked: str) -> Any:
    return timed(asked.replace("+", " "), lambda: panel.get(f"{LIST}?{asked}"), times=5)
