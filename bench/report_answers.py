"""The report's part on the bank's answers: one camt.053 for a run of 100,000 collections."""

from collections.abc import Iterator, Mapping
from typing import Final

from bench.answers import COLLECTIONS
from bench.keeping import Found

SECONDS: Final = 60
MEGABYTES: Final = 200


def answers(found: Mapping[str, Found]) -> Iterator[str]:
    """The lines, where it was measured."""
    if not found["bank-answers"]:
        return
    one = found["bank-answers"]["answers"]
    yield from ("", "## The bank's answer", "")
    yield (
        f"A camt.053.001.08 of {COLLECTIONS:,} entries ({one['told']['megabytes']:.0f} MB), read"
        f" and matched to a run of {COLLECTIONS:,} collections, with every invoice paid and the run"
        f" closed: {one['seconds']:.1f} s (at most {SECONDS}), {one['peak_mb']:.0f} MB at its peak"
        f" (at most {MEGABYTES}), the program itself included."
    )
