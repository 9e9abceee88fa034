"""The lists and records of customers, the Clients search, restoring, and who sees what."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers import operations
from app.customers.models import Customer
from app.extensions import transaction
from tests.customers.people import customer, history, many

AsRole = Callable[..., FlaskClient]
IBAN = "DE89370400440532013000"


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


@pytest.fixture
def administrator(as_role: AsRole) -> FlaskClient:
    return as_role("administrator")


def delete(*ids: int) -> None:
    with transaction() as session:
        operations.delete_customers(session, ids, actor=COMMAND_LINE)


def record(client: FlaskClient, one: Customer, tab: str = "") -> str:
    kind, key = one.kind, one.id
    page = f"tab/?id={key}&tab={tab}" if tab else f"details/?id={key}"
    return client.get(f"/admin/{kind}/{page}").text


def act(client: FlaskClient, one: Customer, action: str, **answers: str) -> str:
    data = {"action": action, "rowid": str(one.id), "_confirmed": "yes", **answers}
    url = f"/admin/{one.kind}/action/"
    return client.post(url, data=data, follow_redirects=True).text


def test_each_kind_has_its_list_and_clients_has_all(session: Session, clerk: FlaskClient) -> None:
    many(
        [
            ("individual", {"first_name": "Ada", "name": "Lovelace"}),
            ("business", {"company_name": "Muster GmbH"}),
            ("perpetual", {"company_name": "Universität Wien"}),
        ]
    )
    names = ["Ada Lovelace", "Muster GmbH", "Universität Wien"]
    for kind, own in zip(("individual", "business", "perpetual"), names, strict=True):
        page = clerk.get(f"/admin/{kind}/").text
        assert [name for name in names if name in page] == [own]
    assert all(name in clerk.get("/admin/clients/").text for name in names)


def test_filters_narrow_a_list_and_empty_leads_back(session: Session, clerk: FlaskClient) -> None:
    customer(first_name="Ada", addresses=[{"place": "Köln", "country": "DE"}], locked=False)
    customer(first_name="Bea", addresses=[{"place": "Wien", "country": "AT"}])
    page = clerk.get("/admin/individual/?place=koeln").text
    assert "Ada" in page and "Bea" not in page
    assert 'href="/admin/individual/">Empty</a>' in page


@pytest.mark.parametrize("name", ["group", "store", "price_level", "operator", "product"])
def test_an_id_that_can_be_none_is_told_at_the_filter(clerk: FlaskClient, name: str) -> None:
    answer = clerk.get("/admin/clients/", query_string={name: "9" * 20})
    assert answer.status_code == 200
    assert "is not among the choices" in answer.text


def test_phones_are_shown_internationally(session: Session, clerk: FlaskClient) -> None:
    customer(first_name="Ada", mobile_phone="+491701234567")
    assert "+49 170 1234567" in clerk.get("/admin/individual/").text


@pytest.mark.parametrize("url", ["/admin/individual/", "/admin/clients/", "/admin/clients/?q=a"])
def test_a_list_asks_the_database_as_often_for_200_rows_as_for_20(
    session: Session, clerk: FlaskClient, queries: Callable[..., int], url: str
) -> None:
    address = {"addresses": [{"place": "Wien", "country": "AT"}]}
    many([("individual", {"first_name": f"Anna {n}", **address}) for n in range(20)])
    url += ("&" if "?" in url else "?") + "size=200"
    assert clerk.get(url).status_code == 200
    few = queries(lambda: clerk.get(url))
    many([("individual", {"first_name": f"Anna {n}", **address}) for n in range(20, 200)])
    assert queries(lambda: clerk.get(url)) == few


def test_a_text_alone_in_clients_gives_the_ranked_hits(
    session: Session, clerk: FlaskClient
) -> None:
    customer(first_name="Jürgen", name="Müller")
    customer(first_name="Mull", name="Windeln")
    page = clerk.get("/admin/clients/?q=mull").text
    assert page.index("Mull Windeln") < page.index("Jürgen Müller")
    assert "Nothing fits" in clerk.get("/admin/clients/?q=nobody").text
    assert "Type what you know" in clerk.get("/admin/clients/").text


def test_the_header_suggests_whom_one_may_mean(session: Session, clerk: FlaskClient) -> None:
    one = customer(first_name="Ada", name="Lovelace", mobile_phone="+491701234567")
    act(clerk, one, "lock", lock_text="Owes us")
    fragment = clerk.get("/admin/clients/suggest/?q=lovelace+ada").text
    assert f'href="/customers/{one.number}"' in fragment and 'role="option"' in fragment
    assert "Locked" in fragment and "+49 170 1234567" in fragment
    assert "Nobody found" in clerk.get("/admin/clients/suggest/?q=zzz").text


def test_the_number_is_a_stable_address(session: Session, clerk: FlaskClient) -> None:
    one = customer("business", company_name="Muster GmbH")
    answer = clerk.get(f"/customers/{one.number}")
    assert answer.location == f"/admin/business/details/?id={one.id}"
    by_id = clerk.get(f"/customers/details/?id={one.id}")
    assert by_id.location == answer.location
    for number in ("999", "999%00"):
        missing = clerk.get(f"/customers/{number}")
        assert missing.status_code == 404 and "no customer 999" in missing.text


def test_the_record_shows_who_it_is_and_its_tabs_with_counts(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(
        first_name="Ada", name="Lovelace", favourite=True, memo="Calls on Fridays",
        addresses=[{"place": "London", "country": "GB"}, {"place": "Bath"}],
    )  # fmt: skip
    page = record(clerk, one)
    assert "Ada Lovelace" in page and f"Customer {one.number}" in page and "Favourite" in page
    tabs = ("Addresses", "Companies", "Payment", "Subscriptions", "Memos", "History")
    assert all(f">{tab}" in page for tab in tabs)
    assert 'Addresses <span class="badge k-count">2</span>' in page
    assert "United Kingdom" in record(clerk, one, "addresses")
    assert "Calls on Fridays" in record(clerk, one, "memos")


def test_locking_shows_the_text_on_the_record_and_stands_in_the_history(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(first_name="Ada")
    for nothing in ("", "\0\x1b"):
        assert "Lock text is missing" in act(clerk, one, "lock", lock_text=nothing)
    act(clerk, one, "lock", lock_text="Owes\0 two invoices")
    page = record(clerk, one)
    assert "Owes two invoices" in page and "Unlock" in page
    told = record(clerk, one, "history")
    assert "Lock text" in told and "Locked customer" in told and ">lock_text<" not in told
    act(clerk, one, "unlock")
    assert "Owes two invoices" not in record(clerk, one)


def test_the_history_is_paged(session: Session, clerk: FlaskClient) -> None:
    one = customer(first_name="Ada")
    for turn in range(15):
        act(clerk, one, "lock", lock_text=f"Reason {turn}")
        act(clerk, one, "unlock")
    assert len(history(session, one.id)) == 31
    first = record(clerk, one, "history")
    assert "31 entries" in first and "Reason 14" in first and "Newer" not in first
    older = re.search(r"before=(\d+)", first)
    assert older is not None
    url = f"/admin/individual/tab/?id={one.id}&tab=history"
    last = clerk.get(f"{url}&before={older[1]}").text
    assert "Created" in last and "Reason 14" not in last and "Older" not in last
    newer = re.search(r"after=(\d+)", last)
    assert newer is not None
    assert clerk.get(f"{url}&after={newer[1]}").text.count("<li>") == 25


def test_deleting_asks_first_and_takes_the_customer_out_of_every_list(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Lovelace")
    key = one.id
    asked = clerk.post("/admin/individual/delete/", data={"id": str(key)})
    assert "an administrator can restore" in asked.text
    act(clerk, one, "delete")
    assert "Lovelace" not in clerk.get("/admin/individual/").text
    assert "Lovelace" not in clerk.get("/admin/clients/?q=lovelace").text.split("<main")[1].replace(
        'value="lovelace"', ""
    )
    assert clerk.get(f"/admin/individual/details/?id={key}").status_code == 404
    assert clerk.get(f"/admin/individual/edit/?id={key}").status_code == 404


def test_a_record_of_another_kind_is_not_opened_by_its_id(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer("business", company_name="Muster GmbH")
    assert clerk.get(f"/admin/individual/edit/?id={one.id}").status_code == 404


def test_an_administrator_restores_and_a_taken_email_is_refused_with_a_link(
    session: Session, administrator: FlaskClient, clerk: FlaskClient
) -> None:
    old = customer(first_name="Ada", email="ada@example.com")
    key, number = old.id, old.number
    delete(key)
    assert "ada@example.com" in administrator.get("/admin/deleted_customers/").text
    record_url = administrator.get(f"/customers/{number}").location
    assert record_url == f"/admin/deleted_customers/details/?id={key}"
    assert "was deleted" in administrator.get(record_url).text
    new = customer(first_name="Eve", email="ada@example.com")
    restore = {"action": "restore", "rowid": str(key), "_confirmed": "yes"}

    def post() -> Any:
        return administrator.post(
            "/admin/deleted_customers/action/", data=restore, follow_redirects=True
        )

    refused = post().text
    assert "already used" in refused and f'href="/customers/{new.number}"' in refused
    delete(new.id)
    assert "The customer was restored." in post().text
    assert "ada@example.com" in clerk.get("/admin/individual/").text
    assert clerk.get("/admin/deleted_customers/").status_code == 403


def test_only_a_link_in_words_meets_who_opens_a_deleted_customer(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(first_name="Ada")
    number = one.number
    delete(one.id)
    answer = clerk.get(f"/customers/{number}")
    assert answer.status_code == 404 and "was deleted" in answer.text


@pytest.mark.parametrize(
    ("role", "shown"), [("operations", False), ("accounting", True), ("manager", False)]
)
def test_the_iban_is_masked_for_whoever_may_not_see_bank_details(
    session: Session, as_role: AsRole, role: str, shown: bool
) -> None:
    one = customer(first_name="Ada", iban=IBAN)
    pages = record(as_role(role), one, "payment") + record(as_role(role), one)
    assert ("DE89 3704 0044 0532 0130 00" in pages) == shown
    assert "3000" in pages or shown
    assert "Commerzbank" in pages


def test_a_manager_finds_everybody_and_is_offered_no_change(
    session: Session, as_role: AsRole
) -> None:
    one = customer(first_name="Ada")
    manager = as_role("manager")
    page = manager.get("/admin/individual/").text + record(manager, one)
    for word in ("Edit", "Lock", "Delete", "New individual customer"):
        assert f"> {word}" not in page
    assert "New client" not in manager.get("/admin/clients/").text
    assert manager.post("/admin/individual/action/", data={"action": "lock"}).status_code == 403


def test_customers_are_locked_in_bulk(session: Session, clerk: FlaskClient) -> None:
    some = many([("individual", {"first_name": name}) for name in ("Ada", "Bea", "Cleo")])
    ids = [str(one.id) for one in some]
    answer = clerk.post(
        "/admin/clients/action/",
        data={"action": "lock", "rowid": ids, "_confirmed": "yes", "lock_text": "Fraud"},
        follow_redirects=True,
    )
    assert "3 customers were locked." in answer.text
    session.expire_all()
    assert all(session.get_one(Customer, int(id_)).lock_text == "Fraud" for id_ in ids)
