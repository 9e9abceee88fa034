"""The finder of duplicates over all customers: how long it takes, and how much memory."""

import resource
import time
from typing import Any

from flask import Flask

from bench.installation import Installation
from bench.timing import say

COMMAND = ("duplicates", "find", "--json")


def measure_duplicates(installation: Installation) -> dict[str, Any] | None:
    """Seconds, the peak of memory in MB and what it said; None where there is no such command."""
    if not _has_command(installation.application()):
        say("there is no command `duplicates find`")
        return None
    began = time.perf_counter()
    said = installation.command(*COMMAND)
    seconds = time.perf_counter() - began
    # Kilobytes on Linux; of the largest process that this one has started.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say(f"duplicates find: {seconds:,.0f} s, {peak:,.0f} MB")
    return {"seconds": seconds, "peak_mb": peak, "said": said.strip().splitlines()[-1]}


def _has_command(app: Flask) -> bool:
    group = app.cli.commands.get("duplicates")
    return "find" in getattr(group, "commands", {})
