"""Writes bench/RESULTS.md: the table beside the limits, and what stands behind its figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.keeping import Found, kept, rows_of
from bench.parts import PARTS, Plan
from bench.report_answers import answers
from bench.report_bank_files import bank_files
from bench.report_collecting import collecting
from bench.report_details import details
from bench.report_rights import rights
from bench.report_transfers import transfers
from bench.timing import Row


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: which figures, and the limit in milliseconds for 1,000,000 customers.

    `worst` says that the limit is one for the longest single request, not for the median.
    """

    label: str
    key: str
    limit: float
    worst: bool = False
    part: str = "pages"


TABLE = (
    Line("list, first page, 50 rows", "list-first", 60),
    Line("list, last page", "list-last", 60),
    Line("search by a name", "search-name", 40, part="search"),
    Line("search by two names", "search-two-names", 40, part="search"),
    Line("search by a company", "search-company", 40, part="search"),
    Line("search by a phone or a part of it", "search-phone", 40, part="search"),
    Line("search by a number or a part of it", "search-number", 40, part="search"),
    Line("search by an email or a part of it", "search-email", 40, part="search"),
    Line("search for anything at all", "search-anything", 300, worst=True, part="search"),
    Line("record with 10,000 history entries, 5,000 related rows", "record", 80),
    Line("a tab of that record", "record-tabs", 80),
    Line("saving one customer", "save", 30),
)
PEERS = {"flask-admin": "stock Flask-Admin", "django": "Django admin"}
MISSED = "✗"


def report(plan: Plan) -> str:
    """The report of every part that has been measured in the folder."""
    found: dict[str, Found] = {part: kept(plan.measured(part)) for part in PARTS}
    lines = [
        *_head(found),
        *_table(found),
        *_filters(found),
        *transfers(found),
        *bank_files(found),
        *_duplicates(found),
        *rights(found),
        *answers(found),
        *collecting(found),
    ]
    return "\n".join([*lines, *details(found), *_again(plan)]) + "\n"


def _head(found: Mapping[str, Found]) -> Iterator[str]:
    data, postgres = found["data"], found["postgresql-data"]
    facts = data["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    loads = [one["load"] for part, one in found.items() if one and part != "data"]
    yield from ("# Measured", "")
    yield (
        f"{data['customers']:,} customers, by `make bench` on {data['ended'][:10]}."
        f" {facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB,"
        f" {facts['system']}; Python {facts['python']}, SQLite {facts['sqlite']}"
        + (f", {_postgresql(postgres['postgresql'])}" if postgres else "")
        + f"; {libraries}. Load of the machine while it was measured:"
        f" {min(loads, default=0):.1f} to {max(loads, default=0):.1f}."
    )
    yield ""
    yield (
        "Milliseconds. Everything ran on one machine, one part after the other, each in one process"
        " with one client that asks by the page and waits for it; no network is between. A figure"
        " is the median, after a first request that does not count; in brackets stands the longest"
        " single request. Where several terms or tabs were asked for, it is the median of their"
        " medians. Behind a peer's figure stands how many times as long as Kontor on SQLite it"
        f" took. A search is the page with its hits; the search alone stands further below."
        f" {MISSED} marks a limit that was missed."
    )
    yield ""


def _postgresql(facts: Found) -> str:
    return (
        f"PostgreSQL {facts['server_version']} with {facts['shared_buffers']} of shared buffers and"
        f" {facts['work_mem']} for a sort"
    )


def _table(found: Mapping[str, Found]) -> Iterator[str]:
    rows = {part: rows_of(found, part) for part in PARTS}
    yield f"| what | {' | '.join(PEERS.values())} | Kontor, SQLite | Kontor, PostgreSQL | limit |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for line in TABLE:
        own = rows[line.part].get(line.key)
        peers = [_beside(rows[peer].get(line.key), own and own.median) for peer in PEERS]
        kontor = [
            _own(rows[f"{database}{line.part}"].get(line.key), line)
            for database in ("", "postgresql-")
        ]
        cells = [line.label, *peers, *kontor, f"≤ {line.limit:.0f}{' always' * line.worst}"]
        yield f"| {' | '.join(cells)} |"
    shares = {
        part: _share(found, part, "filters-two") for part in ("filters", "postgresql-filters")
    }
    own_median = shares["filters"] and shares["filters"]["median"]
    cells = [
        "one filter or two, in any order",
        *(_beside(rows[peer].get("filters"), own_median) for peer in PEERS),
        *(_swept(share) for share in shares.values()),
        "≤ 300 always, most ≤ 60",
    ]
    yield f"| {' | '.join(cells)} |"
    yield ""


def _beside(peer: Row | None, own: float | None) -> str:
    if peer is None:
        return ""
    ratio = f" · {peer.median / own:,.1f} ×" if own else ""
    return f"{peer.median:,.0f} ({peer.worst:,.0f}){ratio}"


def _own(row: Row | None, line: Line) -> str:
    if row is None:
        return ""
    figures = f"{row.median:,.0f} ({row.worst:,.0f})"
    return _marked(figures, (row.worst if line.worst else row.median) > line.limit)


def _swept(share: Found | None) -> str:
    if not share or not share["ran"]:
        return ""
    worst = share["worst"][0][1] if share["worst"] else 0
    missed = bool(share["failed"]) or worst > 300 or share["within_fast"] < 0.5
    return _marked(f"{share['median']:,.0f} ({worst:,.0f})", missed)


def _marked(figures: str, missed: bool) -> str:
    return f"**{figures} {MISSED}**" if missed else figures


def _share(found: Mapping[str, Found], part: str, key: str) -> Found | None:
    shares: Sequence[Found] = found[part].get("shares", ())
    return next((one for one in shares if one["key"] == key), None)


LISTS = {
    "filters-one": "every filter alone",
    "filters-two": "every pair of filters",
    "filters-pages": "some of both as whole pages",
}


def _filters(found: Mapping[str, Found]) -> Iterator[str]:
    databases = {"SQLite": "filters", "PostgreSQL": "postgresql-filters"}
    measured = {name: part for name, part in databases.items() if found[part]}
    if not measured:
        return
    yield from ("## Filters and orders", "")
    yield (
        "Each filter of the customers' list with a value that many rows have and one that few have"
        " (yes and no, a long and a short span), alone and with each other filter, in every order"
        " that the list offers, upwards and downwards. The first two lines read the rows, all that"
        " the list shows of them, and the count; the third asks for the page. What took more than"
        " 60 ms was asked twice more, and its median counts."
    )
    yield ""
    yield "| lists | database | asked for | of | median | ≤ 60 ms | ≤ 300 ms | longest | failed |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for key, label in LISTS.items():
        for name, part in measured.items():
            one = _share(found, part, key)
            if one:
                longest = one["worst"][0][1] if one["worst"] else 0
                yield (
                    f"| {label} | {name} | {one['ran']:,} | {one['of']:,} | {one['median']:,.0f}"
                    f" | {_percent(one['within_fast'])} | {_percent(one['within_slow'])}"
                    f" | {_marked(f'{longest:,.0f}', longest > 300)} | {len(one['failed'])} |"
                )
    yield ""
    for name, part in measured.items():
        yield from _slowest(found, name, part)


def _percent(share: float) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{int(share * 1000) / 10:.1f} %"


def _slowest(found: Mapping[str, Found], name: str, part: str) -> Iterator[str]:
    shares = [_share(found, part, key) for key in ("filters-one", "filters-two")]
    ranked = sorted((one for share in shares if share for one in share["worst"]), key=_longest)
    yield f"The ten that took longest on {name}:"
    yield ""
    yield from (f"- {took:,.0f} ms: {label}" for label, took in ranked[:10])
    failed = [one for share in shares if share for one in share["failed"]]
    if failed:
        yield from ("", f"Failed on {name}:", "")
        yield from (f"- {label}: {why}" for label, why in failed[:10])
    if found[part]["without"]:
        yield from ("", f"No customer here has a value for: {', '.join(found[part]['without'])}.")
    yield ""


def _longest(one: Sequence[Any]) -> float:
    return -float(one[1])


def _duplicates(found: Mapping[str, Found]) -> Iterator[str]:
    one = found["duplicates"].get("duplicates")
    if one is None:
        return
    yield from ("## The finder of duplicates", "")
    yield (
        "`duplicates find` went through all customers on SQLite, with its start, in"
        f" {one['seconds'] / 60:,.1f} minutes; at most it held {one['peak_mb']:,.0f} MB of memory."
        f" It said: `{one['said']}`"
    )
    yield ""


def _again(plan: Plan) -> Iterator[str]:
    yield from ("## How to repeat it", "", "```sh")
    yield "make bench                      # 100,000 customers, made anew and thrown away"
    yield f"python -m bench --customers {plan.customers} --data FOLDER"
    yield "python -m bench --customers N --data FOLDER --part search   # one part again"
    yield from ("```", "")
    yield (
        "`FOLDER/sqlite` is an instance folder of Kontor; one that holds customers already is used"
        " as it is. The customers are those of `seed customers`; beside them stand operators to"
        " whom some are dedicated, and the customer with the long record. Both databases have"
        " counted their tables (`ANALYZE`) once all was there; PostgreSQL runs with the settings it"
        " comes with. The peers read copies of the customers in SQLite files of their own, the main"
        " address in the customer's own row, with indexes on primary key, foreign key, number and"
        " email; their lists show, search and filter what Kontor's list does, as their"
        " documentation shows it (`bench/peers/`), in the order of the primary key unless"
        " another is asked for."
    )
