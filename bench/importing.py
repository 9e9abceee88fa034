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
from bench.installation import ROOT, Installation
from bench.meanwhile import pages_meanwhile
from bench.timing import say

ROWS = 100_000
FIRST = 5_000_000  # numbers that no seeded customer has
SOME = 1000  # customers that are there before, for a person to save one


def measure_imports(folder: Path, rows: int = ROWS) -> dict[str, Any]:
    """Check, import and what a person notices meanwhile; and the peer's import."""
    folder.mkdir(parents=True, exist_ok=True)
    good = folder / "customers.csv"
    # Imported while a person saves: others than the first, which would be doubles.
    more = folder / "more.csv"
    write_rows(good, FIRST, rows)
    write_rows(more, FIRST + rows, rows)
    peers = folder / "peer.csv"
    _write_for_peer(good, peers)
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


def write_rows(target: Path, first: int, count: int) -> None:
    """Good rows under all headings of the template, as full as a living workbook is."""
    from app.cli.synthetic.people import Inventor, References
    from app.transfer.columns.people import INDIVIDUAL

    columns = [one for one in INDIVIDUAL.sheets[0].columns if one.in_template]
    inventor = Inventor(first, References(None))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([column.label for column in columns])
        for number in range(first, first + count):
            # Place 0 of the series is a person.
            person = inventor.invent(0, number)
            values = person.values | person.addresses[0] | {"number": None} | _words(number)
            if person.mandate:
                values["mandate_reference"] = person.mandate["reference"]
                values["mandate_signed_on"] = person.mandate["signed_on"]
            writer.writerow([_cell(values.get(column.field)) for column in columns])


def _words(number: int) -> dict[str, Any]:
    """What the columns of reference data say, and those that invented people leave empty."""
    return {
        "group_id": ("Retail", "Wholesale", "Library", "Press")[number % 4],
        "price_level_id": "ABC"[number % 3],
        "product_ids": ("Hosting", "Training", "Hosting; Training")[number % 3],
        "store_id": None,
        "alias": f"Alias {number}",
        "care_of": "c/o Huber" if number % 5 == 0 else None,
        "po_box": f"PO {number % 10_000}" if number % 7 == 0 else None,
        "citizenship": "Austria",
        "id_number": f"P{number}",
        "id_number_issued_by": "Wien",
        "memo": "Prefers mail in the morning" if number % 3 == 0 else None,
        "bic": None,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


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
