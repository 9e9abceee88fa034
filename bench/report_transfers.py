"""The part of the report that tells of exports and imports."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.keeping import Found

MISSED = "✗"


def transfers(found: Mapping[str, Found]) -> Iterator[str]:
    """The table of exports and imports, as far as they were measured."""
    exports, imports = found["exports"], found["imports"]
    if not exports and not imports:
        return
    yield from ("## Exports and imports", "")
    yield (
        "Each in a process of its own; in brackets the most memory that the process held, and for"
        " exports how much of it was added once the program was there. Exports are timed from there"
        " on, Kontor's imports with the start of the command. The peers write and read the columns"
        " that they have (18), Kontor 31 and 37."
    )
    yield ""
    yield "| what | stock Flask-Admin | django-import-export | Kontor | limit |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    if exports:
        yield from _exports(exports)
    if imports:
        yield from _imports(imports)
    yield ""


def _exports(found: Found) -> Iterator[str]:
    own, peer = found["kontor"], found["flask-admin"]
    rows = own["workbook"]["told"]["rows"]
    # A limit is one for its number of rows; fewer rows, as in a small run, do not miss it.
    yield _line(f"export of {rows:,} as XLSX", peer["workbook"], None, own["workbook"], 6, 100)
    whole = own["whole"]["told"]
    yield _line(
        f"export of {whole['rows']:,} as {whole['format'].upper()}", None, None, own["whole"],
        40, 100,
    )  # fmt: skip
    yield _line(f"export of {peer['csv']['told']['rows']:,} as CSV", peer["csv"], None, None)
    first = found["first_byte_ms"]
    yield _times("an export without a job, whole, in ms", first[len(first) // 2], first[-1], 300)
    yield from _meanwhile("export", found["meanwhile"])


def _imports(found: Found) -> Iterator[str]:
    own, rows = found["kontor"], found["count"]
    check, both = own["check"], own["check and import"]
    yield _line(f"check of {rows:,} rows", None, None, check, 45, 400)
    more = {"seconds": both["seconds"] - check["seconds"], "peak_mb": both["peak_mb"]}
    yield _line(f"import of {rows:,} rows, after the check", None, found["django"], more, 40)
    yield from _meanwhile("import", found["meanwhile"])


def _meanwhile(what: str, found: Found) -> Iterator[str]:
    for key, label, limit in (("pages", "other pages", 200), ("saves", "a person's save", 300)):
        one = found[key]
        yield _times(f"{label} while the {what} runs, in ms", one["median"], one["worst"], limit)


def _line(
    label: str,
    flask_admin: Any,
    django: Any,
    own: Any,
    seconds: float = 0,
    megabytes: float = 0,
) -> str:
    limit = f"≤ {seconds} s" if seconds else ""
    limit += f", ≤ {megabytes} MB" if megabytes else ""
    missed = bool(own and seconds and own["seconds"] > seconds) or bool(
        own and megabytes and own.get("own_mb", own["peak_mb"]) > megabytes
    )
    cells = [label, _cell(flask_admin), _cell(django), _marked(_cell(own), missed), limit]
    return f"| {' | '.join(cells)} |"


def _times(label: str, median: float, worst: float, limit: float) -> str:
    figures = _marked(f"{median:,.0f} ({worst:,.0f})", worst > limit)
    return f"| {label} |  |  | {figures} | ≤ {limit} always |"


def _cell(one: Any) -> str:
    if not one:
        return ""
    added = f", {one['own_mb']:,.0f} added" if "own_mb" in one else ""
    return f"{one['seconds']:,.1f} s ({one['peak_mb']:,.0f} MB{added})"


def _marked(figures: str, missed: bool) -> str:
    return f"**{figures} {MISSED}**" if missed else figures
