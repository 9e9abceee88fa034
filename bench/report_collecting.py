"""The report's part on direct debit at size: the preview of a million invoices, a run of 50,000."""

from collections.abc import Iterator, Mapping

from bench.collecting import IN_A_RUN, INVOICES
from bench.keeping import Found, rows_of

PAGE_MS = 500


def collecting(found: Mapping[str, Found]) -> Iterator[str]:
    """The table, where the part has been measured."""
    measured = found["direct-debit"]
    if not measured:
        return
    yield from ("", f"## Direct debit: {INVOICES:,} open invoices", "")
    yield from ("| what | limit | Kontor |", "| --- | --- | --- |")
    for one in rows_of(found, "direct-debit").values():
        yield f"| {one.key} | {PAGE_MS} ms | {one.median:,.0f} ms (worst {one.worst:,.0f} ms) |"
    for label, key in (
        ("the preview worked out in the background", "work_out"),
        (f"a run of {IN_A_RUN:,} created, in one transaction", "create"),
    ):
        one = measured[key]
        yield (
            f"| {label} | | {one['seconds']:,.1f} s, {one['processor_seconds']:,.1f} s of "
            f"processor time, {one['peak_mb']:,.0f} MB |"
        )
