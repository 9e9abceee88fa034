"""A postcode tells its place from the addresses that are stored, and never overwrites anything."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.operations import delete_customers
from app.customers.queries_places import places_of_postcode
from app.extensions import transaction
from tests.customers.people import customer, many

AsRole = Callable[..., FlaskClient]


def living(*places: tuple[str, str, str]) -> None:
    """Customers at these addresses: postcode, place, country."""
    many(
        [
            ("individual", {"addresses": [{"postcode": code, "place": place, "country": country}]})
            for code, place, country in places
        ]
    )


@pytest.fixture
def checked(as_role: AsRole) -> Callable[..., Any]:
    client = as_role("operations")

    def check(value: str, country: str = "", row: str = "addresses-3") -> Any:
        data = {"check": "postcode", "value": value, "field": f"{row}-postcode"}
        data[f"{row}-country"] = country
        return client.post("/admin/individual/check/", data=data).json

    return check


def test_the_most_frequent_place_comes_first_in_its_usual_spelling(session: Session) -> None:
    living(
        ("1010", "Wien", "AT"), ("1010", "Wien", "AT"), ("1010", "WIEN", "AT"),
        ("1010", "Innere Stadt", "AT"), ("1010", "Ecublens", "CH"), ("1011", "Graz", "AT"),
    )  # fmt: skip
    assert places_of_postcode(session, "AT", "1010") == ["Wien", "Innere Stadt"]
    assert places_of_postcode(session, "CH", "1010") == ["Ecublens"]
    assert places_of_postcode(session, "DE", "1010") == []


def test_what_a_deleted_customer_left_is_no_source(session: Session) -> None:
    gone = customer(addresses=[{"postcode": "8010", "place": "Graz", "country": "AT"}]).id
    with transaction() as work:
        delete_customers(work, [gone], actor=COMMAND_LINE)
    assert places_of_postcode(session, "AT", "8010") == []


def test_the_check_fills_the_place_of_its_own_row(
    session: Session, checked: Callable[..., Any]
) -> None:
    living(("1010", "Wien", "AT"), ("1010", "Wien", "AT"), ("1010", "Innere Stadt", "AT"))
    answer = checked(" 1010 ", "Österreich")
    assert answer["fill_row"] == {"place": "Wien"} and answer["fill"] == {}
    assert answer["note"] == "Other places with this postcode: Innere Stadt"


def test_without_a_country_the_installation_s_own_is_meant(
    session: Session, checked: Callable[..., Any]
) -> None:
    living(("10115", "Berlin", "DE"), ("10115", "Elsewhere", "AT"))
    assert checked("10115")["fill_row"] == {"place": "Berlin"}


@pytest.mark.parametrize("value", ["", "99999", "\0", "x" * 5000, "' OR 1=1", "%", "٤"])
def test_an_unknown_postcode_fills_nothing_and_is_no_fault(
    session: Session, checked: Callable[..., Any], value: str
) -> None:
    answer = checked(value, "DE")
    assert (answer["problems"], answer["fill_row"]) == ([], {})


@pytest.mark.parametrize("country", ["Atlantis", "\0", "x" * 5000])
def test_an_unknown_country_is_told_at_its_own_field(
    session: Session, checked: Callable[..., Any], country: str
) -> None:
    assert checked("1010", country)["problems"] == []
