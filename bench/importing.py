"""Imports by Kontor's own commands, beside django-import-export, on rows made for both."""

import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.children import in_a_child
from bench.data import prepare
from bench.filled import write_filled
from bench.installation import ROOT, Installation
from bench.meanwhile import pages_meanwhile
from bench.timing import say

ROWS = 100_000
FIRST = 5_000_000  # numbers that no seeded customer has
SOME = 1000  # customers that are there before, for a person to save one


def measure_imports(folder: Path, rows: int = ROWS) -> dict[str, Any]:
    """Check, import and what a person notices meanwhile; and the peer's import."""
    folder.mkdir(parents=True, exist_ok=True)
    good = folder / "customers.xlsx"
    # Imported while a person saves: others than the first, which would be doubles.
    more = folder / "more.csv"
    write_filled(good, rows)
    write_filled(more, rows, first=rows)
    peers = folder / "peer.csv"
    _write_for_peer(more, peers)
    installation = Installation(folder / "kontor")
    installation.folder.mkdir(exist_ok=True)
    prepare(installation, SOME)
    checked = _command(installation, "import", "individual", str(good), "--dry-run")
    both = _command(installation, "import", "individual", str(good))
    assert both["said"]["created"] == rows, both["said"]
    return {
        "count": rows,
        "kontor": {"check": checked, "check and import": both},
        "django": in_a_child("django-import", str(folder / "peer.db"), str(peers)),
        "meanwhile": pages_meanwhile(installation, "import", "individual", str(more)),
    }


def _write_for_peer(source: Path, target: Path) -> None:
    """The same people in the columns that the peer's table has."""
    taken = {
        "first_name": "First name", "name": "Name", "email": "Email", "phone": "Mobile phone",
        "street": "Street/No.", "postcode": "Postcode", "place": "Place", "country": "Country",
        "payment_method": "Method of payment",
    }  # fmt: skip
    fixed = {
        "kind": "individual", "source": "Import", "locked": "0", "newsletter": "1",
        "created_at": "2026-01-01 12:00:00", "changed_at": "2026-01-01 12:00:00",
    }  # fmt: skip
    with (
        source.open(encoding="utf-8", newline="") as given,
        target.open("w", encoding="utf-8", newline="") as made,
    ):
        writer = csv.writer(made)
        writer.writerow(["number", *taken, *fixed])
        for number, row in enumerate(csv.DictReader(given, delimiter=";"), FIRST):
            # To the peer, two blank emails are one that is taken.
            row["Email"] = row["Email"] or f"{number}@example.com"
            writer.writerow([number, *(row[label] for label in taken.values()), *fixed.values()])


def _command(installation: Installation, *command: str) -> dict[str, Any]:
    """One of Kontor's commands, with its start: seconds, the peak of memory, and what it said."""
    environment = {"KONTOR_INSTANCE": str(installation.folder), "DATABASE_URL": ""}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command, "--json"],
        cwd=ROOT,
        env=os.environ | environment,
        text=True,
        check=True,
        stdout=subprocess.PIPE,
    )
    seconds = time.perf_counter() - began
    # Kilobytes on Linux; of the largest process that this one has started, so it comes first.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    said = json.loads(done.stdout.strip().splitlines()[-1])
    said["refused"] = len(said.get("refused", ()))
    say(f"{' '.join(command[:2])}: {seconds:,.1f} s, {peak:,.0f} MB, {said.get('message')}")
    return {"seconds": seconds, "peak_mb": peak, "said": said}
