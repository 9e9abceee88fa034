"""Whatever stands in the address of a list: it answers, and with a page that says what is wrong."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from admin_views.list_page import ListPage

AsRole = Callable[..., FlaskClient]
VALUES = [
    "%", "'", '"AND', "*", "9" * 30, "NaN", "١٢", "\x00\x1f", "\U0010ffff", "x" * 5000, ",,,",
]  # fmt: skip
BESIDE_FILTERS = ("sort", "page", "size", "columns", "view", "from")


def names_of_lists(app: Flask) -> dict[str, list[str]]:
    """Every list of the panel by its address, with the names of its filters."""
    with app.test_request_context():
        return {
            f"/admin/{view.endpoint}/": [n for one in view.listing().filters for n in one.names]
            for view in app.extensions["admin"][0]._views
            if isinstance(view, ListPage)
        }


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:20])
def test_every_list_answers_calmly_to_any_value(app: Flask, as_role: AsRole, value: str) -> None:
    browser = as_role("administrator")
    lists = names_of_lists(app)
    assert len(lists) > 20
    wrong = []
    for address, names in lists.items():
        every = dict.fromkeys(("q", *names, *BESIDE_FILTERS), value)
        for place, asked in (
            (address, every),
            (address, {"q": value}),
            (f"{address}count/", every),
        ):
            answer = browser.get(place, query_string=asked)
            if answer.status_code not in {200, 404}:
                wrong.append(f"{place}: {answer.status}")
    assert not wrong, "\n".join(wrong)
