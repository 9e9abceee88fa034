"""What both peers are asked for: the same lists, searches and filters, by its own addresses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from bench.installation import rows_shown
from bench.timing import Row, Timing, row, timed

# A peer reads the whole table for each search: fewer terms, and each of them less often.
TIMES_A_TERM, MOST_TERMS = 3, 3
SEARCHES = (
    "search-name", "search-two-names", "search-company", "search-phone", "search-number",
    "search-email",
)  # fmt: skip
ROWS = 50


class Peer(Protocol):
    """How a peer is asked: each method gives an address."""

    def get(self, url: str) -> str:
        """The page at an address; anything but a page ends the measurement."""

    def last_page(self, customers: int) -> str:
        """The last page of the list."""

    def search(self, term: str) -> str:
        """The list searched for a term."""

    def filtered(self, given: Mapping[str, str], sort: str, descending: bool) -> str:
        """The list narrowed by values of columns and sorted by a column."""

    first_page: str


# The filters of one column and of two that a stock list offers, with an order.
FILTERED: Sequence[tuple[Mapping[str, str], str, bool]] = (
    ({"kind": "business"}, "name", False),
    ({"newsletter": "1"}, "created_at", True),
    ({"locked": "1"}, "name", False),
    ({"source": "Web"}, "number", False),
    ({"kind": "individual", "source": "Web"}, "name", False),
    ({"kind": "perpetual", "newsletter": "0"}, "created_at", False),
    ({"payment_method": "Invoice", "locked": "0"}, "changed_at", True),
)


def measure_peer(
    peer: Peer, customers: int, terms: Mapping[str, Sequence[str]], anything: Sequence[str]
) -> Iterator[Row]:
    """The lines of the table that the peers have."""
    last = peer.last_page(customers)
    for key, url in (("list-first", peer.first_page), ("list-last", last)):
        shown = rows_shown(peer.get(url))
        assert 0 < shown <= ROWS and (key != "list-first" or shown == ROWS), f"{shown} rows"
        yield row(key, [timed(key, _asking(peer, url))])
    for kind in SEARCHES:
        yield row(kind, [_search(peer, term) for term in _spread(terms[kind])])
    yield row("search-anything", [_search(peer, term) for term in anything])
    yield row("filters", [_filtered(peer, *one) for one in FILTERED])


def _spread(terms: Sequence[str]) -> list[str]:
    """Some of the terms, from the first to the last."""
    step = max(1, (len(terms) - 1) // (MOST_TERMS - 1))
    return list(terms[::step][:MOST_TERMS])


def _search(peer: Peer, term: str) -> Timing:
    return timed(term, _asking(peer, peer.search(quote(term))), times=TIMES_A_TERM)


def _filtered(peer: Peer, given: Mapping[str, str], sort: str, descending: bool) -> Timing:
    url = peer.filtered(given, sort, descending)
    assert rows_shown(peer.get(url)), f"{url} shows no rows"
    wanted = " and ".join(f"{name} {value}" for name, value in given.items())
    label = f"{wanted}, by {sort}{' descending' if descending else ''}"
    return timed(label, _asking(peer, url), times=TIMES_A_TERM)


def _asking(peer: Peer, url: str) -> Callable[[], Any]:
    return lambda: peer.get(url)
