"""Kontor's search: the page of hits, the search without its page, and suggestions while typing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

from flask import Flask

from bench.installation import Panel
from bench.kontor import LIST
from bench.timing import Row, row, timed

# So often for each term: there are many of them.
TIMES_A_TERM, TIMES_ANYTHING = 7, 3
ANYTHING = "search-anything"
# A search that narrows a filtered or ordered list does not rank; it is another way through.
BESIDE = (
    "kind=business",
    "sort=name",
    "sort=-created",
    "newsletter=no",
    "kind=perpetual&sort=number",
)
BESIDE_TERMS = 4

Ask = Callable[[str], object]


def measure_search(app: Flask, panel: Panel, terms: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """Each kind of search by page, alone and as suggestions; then beside filters and orders."""
    ways: dict[str, Ask] = {
        "": lambda term: panel.get(f"{LIST}?q={quote(term)}"),
        "-alone": _search(app),
        "-suggest": lambda term: panel.get(f"{LIST}suggest/?q={quote(term)}"),
    }
    for kind, words in terms.items():
        times = TIMES_ANYTHING if kind == ANYTHING else TIMES_A_TERM
        for way, ask in ways.items():
            yield row(f"{kind}{way}", [_timed(ask, word, times) for word in words])
    several = dict.fromkeys(
        f"q={quote(word)}&{beside}"
        for kind, words in terms.items()
        if kind != ANYTHING
        for word in words[:BESIDE_TERMS]
        for beside in BESIDE
    ) | dict.fromkeys(f"q={word}&{beside}" for word in ("example", "a") for beside in BESIDE)
    timings = [
        _timed(lambda url: panel.get(f"{LIST}?{url}"), one, TIMES_ANYTHING) for one in several
    ]
    yield row("search-beside", timings)


def _timed(ask: Ask, term: str, times: int) -> object:
    return timed(_shown(term), lambda: ask(term), times=times)


def _search(app: Flask) -> Ask:
    """The search itself, on a session of its own each time, without the page around it."""
    from app.customers.search import search_clients
    from app.extensions import db

    def ask(term: str) -> None:
        with app.app_context():
            search_clients(db.session(), term, country=app.config["SETTINGS"].country)

    return ask


def _shown(term: str) -> str:
    """A term for people to read: without control characters, and not at full length."""
    plain = term.encode("unicode_escape").decode() if not term.isprintable() else term
    return plain if len(plain) <= 40 else f"{plain[:20]} … ({len(term):,} characters)"
