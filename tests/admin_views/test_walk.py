"""From one record to the next, through the list that one came from."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.models import Customer
from app.customers.operations import delete_customers
from app.extensions import transaction
from tests.admin_views.test_customers_form import fields_of
from tests.customers.people import many

AsRole = Callable[..., FlaskClient]
Queries = Callable[[Callable[[], object]], int]
PERSONS = "/admin/individual/"
CLIENTS = "/admin/clients/"


@pytest.fixture
def people(session: Session) -> list[Customer]:
    return many(
        [("individual", {"first_name": "Ada", "name": f"Miller {n}"}) for n in "ABCDE"]
        + [("business", {"company_name": "Miller Mills"})]
    )


def rows(page: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'<tr data-href="([^"]+)"', page)]


def step(page: str, which: str) -> str | None:
    found = re.search(rf'<a[^>]*href="([^"]+)" rel="{which}"', page)
    return unescape(found[1]) if found else None


def place(page: str) -> str | None:
    found = re.search(r'class="k-walk-place"[^>]*>([^<]+)', page)
    return found[1] if found else None


def back(page: str) -> str:
    found = re.search(r'<a class="(?:k-walk-place|btn btn-sm)" href="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def name(page: str) -> str:
    found = re.search(r"<title>([^<]+) · Kontor</title>", page)
    assert found is not None
    return found[1]


def test_one_walks_in_the_order_of_the_list_and_back_to_it(
    as_role: AsRole, people: list[Customer]
) -> None:
    olga = as_role("operations")
    opened = rows(olga.get(f"{PERSONS}?q=miller&sort=-name").text)
    seen = []
    address: str | None = opened[0]
    while address is not None:
        page = olga.get(address).text
        seen.append((name(page), place(page)))
        last, address = page, step(page, "next")
    assert seen == [(f"Ada Miller {n}", f"{k} of 5") for k, n in enumerate("EDCBA", 1)]
    assert back(last) == f"{PERSONS}?q=miller&sort=-name"
    before = step(last, "prev")
    assert before is not None
    assert name(olga.get(before).text) == "Ada Miller B"
    assert step(olga.get(opened[0]).text, "prev") is None


def test_the_way_back_leads_to_the_page_on_which_the_record_stands(
    as_role: AsRole, session: Session
) -> None:
    many([("individual", {"first_name": "Ada", "name": f"M{n:02}"}) for n in range(60)])
    olga = as_role("operations")
    first = rows(olga.get(f"{PERSONS}?size=25&page=2").text)[0]
    page = olga.get(first).text
    assert place(page) == "26 of 60"
    assert parse_qs(urlsplit(back(page)).query) == {"size": ["25"], "page": ["2"]}
    before = step(page, "prev")
    assert before is not None
    assert parse_qs(urlsplit(back(olga.get(before).text)).query) == {"size": ["25"]}


def test_ranked_hits_are_walked_through_in_their_order_whatever_their_kind(
    as_role: AsRole, people: list[Customer]
) -> None:
    olga = as_role("operations")
    opened = rows(olga.get(f"{CLIENTS}?q=miller").text)
    seen = [name(olga.get(address).text) for address in opened]
    walked = []
    address: str | None = opened[0]
    while address is not None:
        page = olga.get(f"{address}&tab=history", follow_redirects=True)
        assert page.request.args["tab"] == "history"
        walked.append(name(page.text))
        assert back(page.text) == f"{CLIENTS}?q=miller"
        address = step(page.text, "next")
    assert walked == seen
    assert len(seen) == 6
    assert "Miller Mills" in seen


def test_saving_keeps_the_list_one_came_from_and_a_record_that_no_longer_fits_leads_back(
    as_role: AsRole, people: list[Customer]
) -> None:
    olga = as_role("operations")
    address = rows(olga.get(f"{PERSONS}?name=miller+c").text)[0]
    record = olga.get(address).text
    assert place(record) == "1 of 1"
    edit = re.search(r'class="btn btn-primary" href="([^"]+edit[^"]+)"', record)
    assert edit is not None
    form = fields_of(olga.get(unescape(edit[1])).text) | {"name": "Smith"}
    saved = olga.post(unescape(edit[1]), data=form)
    assert saved.status_code == 302, saved.text
    assert unquote(saved.headers["Location"]) == unquote(address)
    page = olga.get(address).text
    assert place(page) is None
    assert step(page, "next") is None
    assert "Back to the list</a>" in page
    assert back(page) == f"{PERSONS}?name=miller+c"


def test_a_neighbour_that_is_gone_is_passed_over(as_role: AsRole, people: list[Customer]) -> None:
    olga = as_role("operations")
    opened = rows(olga.get(PERSONS).text)
    with transaction() as work:
        delete_customers(work, [people[1].id], actor=COMMAND_LINE)
    page = olga.get(opened[0]).text
    assert place(page) == "1 of 4"
    following = step(page, "next")
    assert following is not None
    assert name(olga.get(following).text) == "Ada Miller C"


@pytest.mark.parametrize(
    "raw",
    [
        "https://evil.example/", "//evil.example", "/admin/individual/", "operators", "groups?q=x",
        "individual?" + "x" * 5000, "nothing?q=x", "?", "\0", "individual\0?q=x",
        "individual?" + "&".join("q=x" for _ in range(300)), "clients.index_view", "static",
    ],
)  # fmt: skip
def test_nothing_but_a_list_of_the_same_records_is_led_back_to(
    as_role: AsRole, people: list[Customer], raw: str
) -> None:
    olga = as_role("operations")
    page = olga.get(f"{PERSONS}details/?id={people[0].id}&from={quote(raw)}")
    assert page.status_code == 200
    assert "k-walk" not in page.text
    assert "evil" not in page.text
    address = f"{PERSONS}edit/?id={people[0].id}&from={quote(raw)}"
    form = fields_of(olga.get(address).text) | {"name": "Saved"}
    location = olga.post(address, data=form).headers["Location"]
    assert location == f"{PERSONS}details/?id={people[0].id}"


@pytest.mark.parametrize(
    "raw",
    ["individual?created_from=soon&sort=shoe_size", "individual?group=x&page=-3&size=7",
     "individual?%00=%00&q=%00", "individual?;&&==", "individual?view=9&columns=<b>"],
)  # fmt: skip
def test_conditions_that_cannot_be_followed_are_left_out_on_the_way(
    as_role: AsRole, people: list[Customer], raw: str
) -> None:
    page = as_role("operations").get(
        f"{PERSONS}details/?id={people[0].id}&from={quote(raw, safe='')}"
    )
    assert page.status_code == 200
    assert place(page.text) == "1 of 5"
    assert "<b>" not in page.text.partition("k-walk")[2].partition("</nav>")[0]


def test_the_record_costs_two_queries_more_than_without_a_list(
    as_role: AsRole, people: list[Customer], queries: Queries
) -> None:
    olga = as_role("operations")
    plain = f"{PERSONS}details/?id={people[2].id}"
    alone = queries(lambda: olga.get(plain))
    assert queries(lambda: olga.get(f"{plain}&from=individual")) == alone + 2
    assert queries(lambda: olga.get(f"{plain}&from=individual%3Fname%3Dmiller")) == alone + 2


def test_other_lists_are_walked_through_as_well(as_role: AsRole, session: Session) -> None:
    from app.customers.operations_reference import save_store

    with transaction() as work:
        for one in ("North", "South"):
            save_store(work, None, name=one, actor=COMMAND_LINE)
    admin = as_role("administrator")
    first = rows(admin.get("/admin/stores/").text)[0]
    following = step(admin.get(first).text, "next")
    assert following is not None
    assert place(admin.get(following).text) == "2 of 2"
