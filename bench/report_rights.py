"""The report's part on rights to journals: the merge, a form of many, a list of a million rows."""

from collections.abc import Iterator, Mapping

from bench.keeping import Found, rows_of
from bench.rights_data import AUTHORIZATIONS, CUSTOMERS, JOURNALS, OF_ONE, ROWS

RECOMPUTE_SECONDS, SAVE_MS, PAGE_MS, FILTER_MS = 15, 1000, 60, 300
LONGEST = 8


def rights(found: Mapping[str, Found]) -> Iterator[str]:
    """The figures beside their limits; nothing where they were not measured."""
    measured = found["rights"]
    if not measured:
        return
    merged, rows = measured["merged"], rows_of(found, "rights")
    yield from ("## Rights and subscriptions", "")
    yield (
        f"{AUTHORIZATIONS:,} authorizations of {CUSTOMERS:,} customers to {JOURNALS:,} journals,"
        f" and a list of {ROWS:,} subscriptions, on SQLite, in an installation of their own. The"
        " recompute is the command with its start; it merges everything from nothing, with its"
        " history."
    )
    yield ""
    yield "| what | measured | limit |"
    yield "| --- | ---: | ---: |"
    seconds = merged["seconds"]
    beside = f"{seconds:.1f} s ({merged['processor_seconds']:.1f} s of processor time)"
    yield _line(
        f"recompute, {merged['rows']:,} merged rows written", beside,
        f"≤ {RECOMPUTE_SECONDS} s", seconds > RECOMPUTE_SECONDS,
    )  # fmt: skip
    again = f"{merged['again_seconds']:.1f} s"
    yield _line("recompute again, nothing changed", again, "", False)
    yield _line("memory of the recompute at most", f"{merged['peak_mb']:,.0f} MB", "", False)
    for key, label, limit, worst in (
        ("rights-save", f"saving a customer with {OF_ONE} authorizations", SAVE_MS, False),
        ("rights-first", "Subscriptions, first page", PAGE_MS, False),
        ("rights-last", "Subscriptions, last page", PAGE_MS, False),
        ("rights-filters", "Subscriptions, filtered or searched", FILTER_MS, True),
    ):
        row = rows[key]
        median = max(one.median for one in row.details) if worst else row.median
        text = f"{row.median:,.0f} ms ({median:,.0f} the slowest)" if worst else (
            f"{row.median:,.0f} ms ({row.worst:,.0f})"
        )  # fmt: skip
        yield _line(label, text, f"≤ {limit} ms", median > limit)
    yield ""
    ranked = sorted(rows["rights-filters"].details, key=lambda one: -one.median)[:LONGEST]
    yield "The lists that took longest, by their medians: " + ", ".join(
        f"`{one.label}` {one.median:,.0f} ms" for one in ranked
    ) + "."  # fmt: skip
    yield ""


def _line(label: str, measured: str, limit: str, missed: bool) -> str:
    return f"| {label} | {f'**{measured} ✗**' if missed else measured} | {limit} |"
