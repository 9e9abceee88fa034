"""The way through a list on its records: which list one came from, the previous and the next one.

The address of a record carries the list it was opened from as `from=individual?q=mull&sort=-name`:
the endpoint of a view and the arguments of its list. Nothing else is taken from it, so that it
can lead nowhere but to a list of this panel.
"""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from admin_views.filters import Request, read_request

LONGEST = 4000
MOST_ARGUMENTS = 200


@dataclass(frozen=True, slots=True)
class Walk:
    """Where one stands in a list. `place` is empty where the record is in it no longer."""

    label: str
    back: str
    origin: str
    previous: str | None = None
    next: str | None = None
    place: str = ""


def origin(endpoint: str, asked: Request) -> str:
    """A list as the addresses of its rows name it."""
    arguments = urlencode(asked.arguments())
    return f"{endpoint}?{arguments}" if arguments else endpoint


def came_from(view: Any) -> dict[str, str]:
    """The argument that keeps the list one came from, for the next address; or nothing."""
    raw = request.values.get("from", "")
    return {"from": raw} if _list_of(view, raw) is not None else {}


def walk_from(view: Any, model: Any) -> Walk | None:
    """The way on from a record through the list that its address names."""
    raw = request.args.get("from", "")
    there = _list_of(view, raw)
    if there is None:
        return None
    arguments = parse_qsl(raw.partition("?")[2], max_num_fields=MOST_ARGUMENTS)
    listing = there.listing()
    asked = read_request(listing, MultiDict(arguments))
    found = there.neighbours_of(listing, asked, view.get_pk_value(model))
    if found is None:
        return Walk(there.name, _list_url(there, asked), raw)
    page = asked.page if found.position is None else (found.position - 1) // asked.size + 1
    tab = {"tab": request.args["tab"]} if request.args.get("tab") else {}

    def address(key: Any) -> str | None:
        return None if key is None else there.neighbour_url(key, **{"from": raw}, **tab)

    return Walk(
        there.name,
        _list_url(there, replace(asked, page=page)),
        raw,
        address(found.previous),
        address(found.next),
        _place(found.position, found.total, found.capped),
    )


def _list_url(view: Any, asked: Request) -> str:
    return url_for(f"{view.endpoint}.index_view", **asked.arguments())


def _place(position: int | None, total: int, capped: bool) -> str:
    whole = f"{total:,}{'+' if capped else ''}"
    return f"in {whole}" if position is None else f"{position:,} of {whole}"


def _list_of(view: Any, raw: str) -> Any:
    """The view whose list is named: one of the same records, which this person may open."""
    if not raw or len(raw) > LONGEST or raw.count("&") >= MOST_ARGUMENTS:
        return None
    name = raw.partition("?")[0]
    return next(
        (
            one
            for one in view.admin._views
            if one.endpoint == name
            and getattr(one, "model_class", None) is view.model_class
            and one.may_open("index_view")
        ),
        None,
    )
