"""The report's second half: each search term, each tab and each list of the peers by itself."""

from collections.abc import Iterator, Mapping

from bench.keeping import Found, rows_of
from bench.timing import Row

KINDS = {
    "search-name": "a name",
    "search-two-names": "two names",
    "search-company": "a company",
    "search-phone": "a phone or a part of it",
    "search-number": "a number or a part of it",
    "search-email": "an email or a part of it",
    "search-anything": "anything at all",
}
WAYS = {"": "page", "-alone": "search", "-suggest": "suggestions"}
MOST = 12


def details(found: Mapping[str, Found]) -> Iterator[str]:
    """The lines of the details that have been measured."""
    yield from _search(found)
    yield from _tabs(found)
    yield from _peers(found)


def _search(found: Mapping[str, Found]) -> Iterator[str]:
    databases = {"SQLite": "search", "PostgreSQL": "postgresql-search"}
    measured = {name: rows_of(found, part) for name, part in databases.items() if found[part]}
    if not measured:
        return
    yield from ("## Search", "")
    yield (
        "The page of hits, the search by itself without the page, and the suggestions while"
        " typing: the median of the terms' medians, and the longest single request."
    )
    yield ""
    columns = [f"{way}, {name}" for name in measured for way in WAYS.values()]
    yield f"| searched for | terms | {' | '.join(columns)} |"
    yield f"| --- | ---: |{' ---: |' * len(columns)}"
    for kind, label in KINDS.items():
        cells = [_cell(rows.get(f"{kind}{way}")) for rows in measured.values() for way in WAYS]
        terms = max(len(rows[kind].details) for rows in measured.values() if kind in rows)
        yield f"| {label} | {terms} | {' | '.join(cells)} |"
    beside = [rows.get("search-beside") for rows in measured.values()]
    cells = [text for row in beside for text in (_cell(row), *[""] * (len(WAYS) - 1))]
    terms = max(len(row.details) for row in beside if row)
    yield f"| beside a filter or an order | {terms} | {' | '.join(cells)} |"
    yield ""
    for name, rows in measured.items():
        yield from _longest(name, rows)


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{row.median:,.1f} ({row.worst:,.0f})"


def _longest(name: str, rows: Mapping[str, Row]) -> Iterator[str]:
    wanted = [*KINDS, "search-beside"]
    timings = [one for key in wanted if key in rows for one in rows[key].details]
    ranked = sorted(timings, key=lambda one: -one.median)[:MOST]
    yield f"The pages of hits that took longest on {name}, by their medians:"
    yield ""
    yield from (f"- {one.median:,.0f} ms: {code(one.label)}" for one in ranked)
    yield ""


def code(text: str) -> str:
    """A text as it is, whatever it holds."""
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if text.strip("`") != text else f"{fence}{text}{fence}"


def _tabs(found: Mapping[str, Found]) -> Iterator[str]:
    databases = {"SQLite": "pages", "PostgreSQL": "postgresql-pages"}
    tabs = {
        name: rows["record-tabs"].details
        for name, part in databases.items()
        if "record-tabs" in (rows := rows_of(found, part))
    }
    if not tabs:
        return
    yield from ("## Tabs of the long record", "")
    for name, timings in tabs.items():
        listed = ", ".join(f"{one.label} {one.median:,.0f} ({one.worst:,.0f})" for one in timings)
        yield from (f"{name}: {listed}.", "")


def _peers(found: Mapping[str, Found]) -> Iterator[str]:
    both = [rows_of(found, part).get("filters") for part in ("flask-admin", "django")]
    flask_admin, django = both
    if flask_admin is None or django is None:
        return
    yield from ("## Filters of the peers", "")
    yield "| list | stock Flask-Admin | Django admin |"
    yield "| --- | ---: | ---: |"
    for one, other in zip(flask_admin.details, django.details, strict=True):
        yield f"| {one.label} | {one.median:,.0f} | {other.median:,.0f} |"
    yield ""
