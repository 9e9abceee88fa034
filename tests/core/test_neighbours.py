"""What stands before and behind a row: in the list's own order, on both databases, at any end."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import filters
from app.core import neighbours as module
from app.core.listing import Criteria, Listing
from app.core.neighbours import neighbours
from app.core.paging import fetch_page
from app.customers.models import Customer
from tests.customers.people import many

PEOPLE = Listing(
    statement=select(Customer),
    filters=(filters.text("name", "Name", Customer.sort_name, begins=True, folded=True),),
    sorts={
        "name": Customer.sort_name,
        "number": Customer.number,
        "created": Customer.created_at,
        "memo": Customer.memo,
        "rebate": (Customer.rebate, Customer.memo),
        "lower": func.lower(Customer.first_name),
        "id": (),
    },
    default_sort="-created",
)


@pytest.fixture
def people(session: Session) -> None:
    """Equal names, equal moments, and much that is not known."""
    many(
        [
            ("individual", {"first_name": name, "memo": memo, "rebate": rebate})
            for name, memo, rebate in (
                ("Ada", None, 5), ("ada", "b", None), ("Berta", "a", 5), ("Ada", None, None),
                ("Çelik", "b", 0), ("Zoë", "B", 5), ("Öz", None, 0), ("Berta", "a", None),
            )
        ]
    )  # fmt: skip


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["", *PEOPLE.sorts])
def test_one_walks_through_a_list_in_its_order_forth_and_back(
    people: None, session: Session, sort: str, descending: bool
) -> None:
    criteria = Criteria(sort=sort, descending=descending)
    order = [row.id for row in fetch_page(session, PEOPLE, criteria).rows]
    assert len(order) == 8
    for place, key in enumerate(order):
        found = neighbours(session, PEOPLE, criteria, key)
        assert found is not None
        assert found.previous == (order[place - 1] if place else None)
        assert found.next == (order[place + 1] if place < 7 else None)
        assert (found.position, found.total, found.capped) == (place + 1, 8, False)


def test_only_what_fits_the_conditions_is_walked_through(people: None, session: Session) -> None:
    criteria = Criteria(filters={"name": "b"}, sort="name")
    first, second = (row.id for row in fetch_page(session, PEOPLE, criteria).rows)
    found = neighbours(session, PEOPLE, criteria, first)
    assert found is not None
    assert (found.previous, found.next, found.total) == (None, second, 2)
    other = session.scalars(select(Customer.id).where(Customer.first_name == "Öz")).one()
    assert neighbours(session, PEOPLE, criteria, other) is None
    assert neighbours(session, PEOPLE, criteria, 2**62) is None


def test_it_takes_two_statements_however_long_the_list_is(
    people: None, session: Session, queries: Callable[[Callable[[], object]], int]
) -> None:
    key = session.scalars(select(Customer.id).limit(1)).one()
    assert queries(lambda: neighbours(session, PEOPLE, Criteria(sort="memo"), key)) == 2


def test_beyond_the_cap_neither_place_nor_length_is_counted(
    people: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CAP", 5)
    order: list[Any] = [row.id for row in fetch_page(session, PEOPLE, Criteria(sort="id")).rows]
    early = neighbours(session, PEOPLE, Criteria(sort="id"), order[4])
    late = neighbours(session, PEOPLE, Criteria(sort="id"), order[5])
    assert early is not None
    assert late is not None
    assert (early.position, early.total, early.capped) == (5, 5, True)
    assert (late.position, late.previous, late.next) == (None, order[4], order[6])
