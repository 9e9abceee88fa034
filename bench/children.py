"""Work that is measured in a process of its own: how long it takes, how much memory it peaks at.

    python -m bench.children kontor-export FOLDER NAME=VALUE …

The clock starts when the program is there and its data are open. `peak_mb` is the most that the
process ever held, `own_mb` how much of it came after that moment.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.installation import ROOT, Installation
from bench.timing import say

Found = dict[str, Any]


def in_a_child(work: str, *arguments: str) -> Found:
    """Run some work in a process of its own; its seconds, its memory and what it told."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.children", work, *arguments],
        cwd=ROOT,
        text=True,
        check=True,
        stdout=subprocess.PIPE,
    )
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    say(f"{work}: {found['seconds']:,.1f} s, {found['peak_mb']:,.0f} MB, {found['told']}")
    return found


def _kontor_export(folder: str, *conditions: str) -> Callable[[], Found]:
    app = Installation(Path(folder)).application(pages=False)

    def run() -> Found:
        from app.core.actor import COMMAND_LINE
        from app.transfer.exports import operations
        from app.transfer.exports.lists import find_list

        wanted = dict(one.split("=", 1) for one in conditions)
        with app.app_context(), tempfile.TemporaryFile() as file:
            written = operations.write(
                find_list("customers"),
                operations.criteria_of("", wanted),
                file,
                actor=COMMAND_LINE,
            )
        return {"rows": written.rows, "format": written.format, "megabytes": written.size / 1e6}

    return run


def _flask_admin_export(database: str, kind: str, rows: str) -> Callable[[], Found]:
    from bench.peers.flask_admin_app import CustomerView, FlaskAdminPeer

    CustomerView.can_export, CustomerView.export_types = True, ["csv", "xlsx"]
    CustomerView.export_max_rows = int(rows)
    peer = FlaskAdminPeer(Path(database))

    def run() -> Found:
        answer = peer.client.get(f"/admin/customer/export/{kind}/")
        assert answer.status_code == 200, answer.status
        size = sum(len(piece) for piece in answer.iter_encoded())
        return {"rows": int(rows), "format": kind, "megabytes": size / 1e6}

    return run


def _django_import(database: str, file: str) -> Callable[[], Found]:
    from bench.peers.django_admin.importing import prepared

    return prepared(Path(database), Path(file))


def _bank_file(work: str) -> Callable[[str], Callable[[], Found]]:
    def prepared(folder: str) -> Callable[[], Found]:
        from bench import bank_files

        made: Callable[[], Found] = getattr(bank_files, work)(Path(folder))
        return made

    return prepared


def _bank_answers(folder: str, file: str) -> Callable[[], Found]:
    from bench.answers import reading

    return reading(folder, file)


WORK: dict[str, Callable[..., Callable[[], Found]]] = {
    "kontor-export": _kontor_export,
    "flask-admin-export": _flask_admin_export,
    "django-import": _django_import,
    "kontor-bank-file": _bank_file("kontor_bank_file"),
    "sepaxml-bank-file": _bank_file("sepaxml_bank_file"),
    "bank-answers": _bank_answers,
}


def _memory(name: str) -> float:
    """A line of this process's own account of its memory, in MB; Linux only."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def main() -> None:
    """Do what is named, and print one line of JSON."""
    run = WORK[sys.argv[1]](*sys.argv[2:])
    before, began = _memory("VmRSS"), time.perf_counter()
    told = run()
    seconds, peak = time.perf_counter() - began, _memory("VmHWM")
    found = {"seconds": seconds, "peak_mb": peak, "own_mb": max(0.0, peak - before), "told": told}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
