"""The lists of customers find the same rows whichever way they look for them, in every order."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import Product
from app.core import paging, ways
from app.core.deadline import DeadlinePassed
from app.core.listing import Criteria, Listing
from app.core.paging import fetch_page
from app.customers.models import Customer, Group
from app.customers.queries import BY_KIND, CLIENTS
from app.extensions import transaction
from tests.customers.people import many

PLACES = (("DE", "20095", "Hamburg"), ("AT", "1010", "Wien"), ("CH", "8001", "Zürich"))
ASKED: tuple[dict[str, str], ...] = (
    {"kind": "business"}, {"source": "Web,POS"}, {"payment": "Cash"}, {"locked": "yes"},
    {"newsletter": "no"}, {"country": "AT"}, {"place": "ham"}, {"postcode": "20"},
    {"postcodes_from": "10", "postcodes_to": "20"}, {"rebate_from": "5", "rebate_to": "9"},
    {"has_email": "yes"}, {"has_mobile_phone": "no"}, {"phone": "0170"}, {"name": "a"},
    {"created_from": "2020-01-01"}, {"has_mandate": "no"}, {"q": "anna"}, {"q": "an li"},
)  # fmt: skip
SORTS = ("", "name", "-name", "number", "-number", "created", "-changed")


@pytest.fixture
def crowd(session: Session) -> None:
    """Eighty customers who agree in some things and differ in others; always the same ones."""
    rnd = random.Random(3)
    with transaction() as work:
        work.add_all([Group(name="Retail"), Product(number="P1", name="Hosting")])
    product = session.scalars(select(Product.id)).one()
    wanted: list[tuple[str, dict[str, Any]]] = []
    for place in range(80):
        country, postcode, town = rnd.choice(PLACES)
        kind = rnd.choice(("individual", "individual", "business", "perpetual"))
        wanted.append(
            (
                kind,
                {
                    "first_name": rnd.choice(("Anna", "Li", "Berta", "Ánna")),
                    "name": rnd.choice(("Adler", "Ölmann", "Zett", "Lindt")),
                    "company_name": rnd.choice(("Alpha AG", "Linden KG")),
                    "source": rnd.choice(("Web", "POS", "Telephone")),
                    "payment_method": rnd.choice(("Cash", "Invoice", None)),
                    "rebate": rnd.choice((None, 3, 5, 9, 10)),
                    "newsletter": rnd.random() < 0.5,
                    "locked": (locked := rnd.random() < 0.3),
                    "lock_text": "Owes" if locked else None,
                    "email": f"p{place}@example.com" if rnd.random() < 0.6 else None,
                    "mobile_phone": f"+49170{place:07}" if rnd.random() < 0.4 else None,
                    "addresses": [
                        {"country": country, "postcode": postcode, "place": town},
                        {"country": "DE", "place": "Bremen"},
                    ][: rnd.choice((1, 1, 2))],
                    "product_ids": frozenset({product} if rnd.random() < 0.3 else ()),
                },
            )
        )
    many(wanted)


def criteria(asked: dict[str, str], sort: str) -> Criteria:
    given = dict(asked)
    search = given.pop("q", "")
    return Criteria(search, given, sort.removeprefix("-"), sort.startswith("-"))


def expected(session: Session, listing: Listing, asked: Criteria) -> list[int]:
    return [one.id for one in session.scalars(listing.select(asked))]


def ids_of_all_pages(session: Session, listing: Listing, asked: Criteria) -> list[int]:
    ids, number = [], 1
    while True:
        page = fetch_page(session, listing, asked, number, 7)
        ids += [row.id for row in page.rows]
        if not page.has_next:
            return ids
        number += 1


def combined() -> Iterator[dict[str, str]]:
    for one, other in combinations(ASKED, 2):
        if not one.keys() & other.keys():
            yield one | other


@contextmanager
def _never_in_time(session: Session, milliseconds: float) -> Iterator[None]:
    if milliseconds == paging.TRY_MS:
        raise DeadlinePassed
    yield


@pytest.mark.parametrize("way", ["first", "last", "without keys", "many"])
def test_every_way_gives_every_pair_of_conditions_the_same_rows_in_order(
    session: Session, crowd: None, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "last":
        monkeypatch.setattr(paging, "deadline", _never_in_time)
    if way == "without keys":
        monkeypatch.setattr(ways, "MOST_KEYS", -1)
    if way == "many":
        monkeypatch.setattr(paging, "CAP", 3)
    for place, asked in enumerate(combined()):
        one = criteria(asked, SORTS[place % len(SORTS)])
        assert ids_of_all_pages(session, CLIENTS, one) == expected(session, CLIENTS, one), asked


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_condition_alone_narrows_in_every_order(
    session: Session, crowd: None, asked: dict[str, str]
) -> None:
    listing = BY_KIND["individual"] if "kind" not in asked else CLIENTS
    for sort in SORTS:
        one = criteria(asked, sort)
        wanted = expected(session, listing, one)
        page = fetch_page(session, listing, one, size=100)
        assert [row.id for row in page.rows] == wanted
        assert page.total == len(wanted) > 0
        backwards = fetch_page(session, listing, one, -1, 5)
        assert [row.id for row in backwards.rows] == wanted[-len(backwards.rows) :]


def test_a_postcode_range_takes_in_all_that_begin_with_its_ends(
    session: Session, crowd: None
) -> None:
    asked = criteria({"postcodes_from": "20", "postcodes_to": "20"}, "")
    found = fetch_page(session, CLIENTS, asked, size=100)
    assert found.total
    assert all(any(a.postcode == "20095" for a in row.addresses) for row in found.rows)


def test_a_search_of_a_list_that_takes_too_long_asks_for_more_words(
    session: Session, crowd: None, as_role: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def passed(session: Session, milliseconds: float) -> Iterator[None]:
        raise DeadlinePassed
        yield

    monkeypatch.setattr(paging, "deadline", passed)
    client: FlaskClient = as_role("operations")
    answer = client.get("/admin/individual/?q=anna")
    assert answer.status_code == 200
    assert "Too many to look through" in answer.text and "Add another word" in answer.text


def test_thousands_of_rows_are_handed_over_as_one_value(session: Session) -> None:
    many([("individual", {"first_name": f"Anna {n:04}"}) for n in range(450)])
    asked = Criteria(filters={"name": "anna"}, sort="name", descending=True)
    page = fetch_page(session, CLIENTS, asked, page=2, size=200)
    names = [row.first_name for row in page.rows]
    assert page.total == 450 and names == [f"Anna {n:04}" for n in range(249, 49, -1)]
    keys = session.scalars(select(Customer.number)).all()
    assert len(keys) == 450
