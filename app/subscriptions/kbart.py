"""Writes holdings as a KBART Phase II file (NISO RP-9-2014): pure, from rows to text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from anyascii import anyascii

from app.catalogue.coverage import Coverage, natural
from app.core.text import clean, fold

COLUMNS = (
    *("publication_title", "print_identifier", "online_identifier"),
    *("date_first_issue_online", "num_first_vol_online", "num_first_issue_online"),
    *("date_last_issue_online", "num_last_vol_online", "num_last_issue_online"),
    *("title_url", "first_author", "title_id", "embargo_info", "coverage_depth", "notes"),
    *("publisher_name", "publication_type", "date_monograph_published_print"),
    *("date_monograph_published_online", "monograph_volume", "monograph_edition", "first_editor"),
    *("parent_publication_title_id", "preceding_publication_title_id", "access_type"),
)
_GERMAN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
)


@dataclass(frozen=True, slots=True)
class Holding:
    """An unbroken coverage of a journal."""

    title: str
    print_issn: str | None
    online_issn: str | None
    coverage: Coverage
    embargo: str | None = None
    title_url: str | None = None
    title_id: str | None = None
    publisher: str | None = None
    access_type: str | None = None
    note: str | None = None


def kbart_text(holdings: Iterable[Holding]) -> str:
    """The file: the names of the columns, then one line for each holding, sorted by title.

    A blank last date is "to the present"; holdings by volume alone have no dates at all.
    """
    lines = ["\t".join(COLUMNS)]
    for one in sorted(holdings, key=_order):
        cells = _cells(one)
        lines.append("\t".join(cells.get(name, "") for name in COLUMNS))
    return "\n".join(lines) + "\n"


def file_name(provider: str, customer: str, day: date) -> str:
    """Provider_Customer_YYYY-MM-DD.txt, each name in plain letters and digits."""
    return f"{_plain(provider)}_{_plain(customer)}_{day.isoformat()}.txt"


def _order(one: Holding) -> tuple[object, ...]:
    span = one.coverage
    issn = one.print_issn or one.online_issn or ""
    return fold(one.title), issn, span.first, natural(span.first_volume), span.last


def _cells(one: Holding) -> dict[str, str]:
    span = one.coverage
    cells = {
        "publication_title": one.title,
        "print_identifier": one.print_issn,
        "online_identifier": one.online_issn,
        "date_first_issue_online": str(span.start) if span.start else None,
        "num_first_vol_online": span.first_volume,
        "num_first_issue_online": span.first_issue,
        "date_last_issue_online": str(span.end) if span.end else None,
        "num_last_vol_online": span.last_volume,
        "num_last_issue_online": span.last_issue,
        "title_url": one.title_url,
        "title_id": one.title_id,
        "embargo_info": one.embargo,
        "coverage_depth": "fulltext",
        "notes": one.note,
        "publisher_name": one.publisher,
        "publication_type": "serial",
        "access_type": "F" if one.access_type == "F" else "P",
    }
    return {name: clean(value) or "" for name, value in cells.items()}


def _plain(name: str) -> str:
    """A name as part of a file's name: Universität Wien becomes UniversitaetWien."""
    words = re.findall(r"[A-Za-z0-9]+", anyascii(name.translate(_GERMAN)))
    return "".join(word[:1].upper() + word[1:] for word in words)[:60] or "Unnamed"
