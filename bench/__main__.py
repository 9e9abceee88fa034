"""`make bench`: Kontor beside stock Flask-Admin and Django admin; writes bench/RESULTS.md.

    python -m bench [--customers N] [--data FOLDER] [--part PART …]

All run on the same customers, one after the other, each part in a process of its own; what is
measured is the product, not the network. With --data the customers and the figures stay: the next
run goes on with them, and --part measures single parts anew and writes the report of all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.installation import ROOT
from bench.parts import PARTS, Plan, run_part
from bench.report import report
from bench.timing import say

RESULTS = ROOT / "bench" / "RESULTS.md"


def main() -> None:
    """Run the parts that are asked for, and write the report of all that have been measured."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--data", type=Path, help="folder that keeps customers and figures")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument(
        "--postgres", default="", metavar="URL", help="an empty PostgreSQL; else an embedded one"
    )
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="the most for each sweep of filters (30)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="the report (bench/RESULTS.md)")
    # How this program calls itself for one part.
    parser.add_argument("--alone", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.data is None:
        with tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder:
            _run(Plan(given.customers, Path(folder), given.postgres, given.minutes), given)
    else:
        given.data.mkdir(parents=True, exist_ok=True)
        _run(Plan(given.customers, given.data.resolve(), given.postgres, given.minutes), given)


def _run(plan: Plan, given: argparse.Namespace) -> None:
    if given.alone:
        run_part(plan, given.alone)
        return
    failed = [part for part in given.part or PARTS if not _alone(plan, part)]
    given.out.write_text(report(plan), encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))
    if failed:
        say(f"not measured: {', '.join(failed)}")
        sys.exit(1)


def _alone(plan: Plan, part: str) -> bool:
    """Run a part in a process of its own; whether it came to its end. The others go on."""
    say(f"part {part}")
    wanted: Sequence[str] = (
        *("--alone", part, "--customers", str(plan.customers), "--data", str(plan.data)),
        *("--postgres", plan.postgres, "--minutes", str(plan.minutes)),
    )
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run([sys.executable, "-m", "bench", *wanted], cwd=ROOT, env=environment)
    return done.returncode == 0


if __name__ == "__main__":
    main()
