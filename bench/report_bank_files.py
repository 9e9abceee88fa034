"""The report's part on direct debits: the bank file of a large run, beside sepaxml."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.bank_files import MEGABYTES, SECONDS
from bench.keeping import Found


def bank_files(found: Mapping[str, Found]) -> Iterator[str]:
    """The figures beside their limits; nothing where they were not measured."""
    measured = found["bank-files"]
    if not measured:
        return
    own, peer = measured["kontor"], measured["sepaxml"]
    missed = own["seconds"] > SECONDS or own["peak_mb"] > MEGABYTES
    yield from ("## Bank files", "")
    yield (
        f"A pain.008.001.08 of {measured['count']:,} collections, on SQLite, each in a process of"
        " its own; in brackets the most memory that the process held, and how much of it was added"
        " once the program was there. Kontor reads the run, writes the file, checks it by the ISO"
        " schema and by the banks' rules, and stores it with its checksum; sepaxml reads the same"
        " run, and builds and checks by the schema. Its check stops at some 41,660 collections:"
        " the limit of the library below it is raised here."
    )
    yield ""
    yield "| what | sepaxml | Kontor | limit |"
    yield "| --- | ---: | ---: | ---: |"
    cell = f"**{_cell(own)} ✗**" if missed else _cell(own)
    yield f"| build and check | {_cell(peer)} | {cell} | ≤ {SECONDS} s, ≤ {MEGABYTES} MB |"
    yield ""


def _cell(one: Any) -> str:
    return f"{one['seconds']:,.1f} s ({one['peak_mb']:,.0f} MB, {one['own_mb']:,.0f} added)"
