"""The History tab: narrowed by field, person, action and period, paged by number, exported."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action, AuditEntry
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.permissions import Permission
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import lock_customers, update_customers
from app.extensions import transaction
from tests.customers.people import customer

AsRole = Callable[..., FlaskClient]
Stop = Callable[[datetime], None]
DAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = Actor("Ada, the first", frozenset(Permission), Channel.PANEL)
BEN = Actor("Ben", frozenset(Permission), Channel.PANEL)


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


@pytest.fixture
def told(session: Session, clock: Stop) -> Customer:
    """Created on the first; Ada named on the second, Ben named and rated on the third, locked."""
    clock(DAY)
    key = customer(first_name="Ada").id
    for days, actor, values in [
        (1, ADA, {"name": "Byron"}),
        (2, BEN, {"name": "Lovelace", "rebate": 5}),
    ]:
        clock(DAY + timedelta(days=days))
        with transaction() as work:
            update_customers(work, [CustomerUpdate(key, values)], actor=actor)
    clock(DAY + timedelta(days=3))
    with transaction() as work:
        lock_customers(work, [key], text="Owes two", actor=BEN)
    return session.get_one(Customer, key)


def tab(client: FlaskClient, one: Customer, **asked: Any) -> str:
    query = {"id": one.id, "tab": "history", **asked}
    return client.get(f"/admin/{one.kind}/tab/", query_string=query).text


def actions(page: str) -> list[str]:
    """The heads of the entries, newest first."""
    return re.findall(r'k-history-head"><b>([^<]*)</b>', page)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Locked", "Changed", "Changed", "Created"]),
        ({"field": "name"}, ["Changed", "Changed"]),
        ({"field": "rebate"}, ["Changed"]),
        ({"field": "x\" OR 1=1 --'%_$."}, []),
        ({"who": "Ben"}, ["Locked", "Changed"]),
        ({"who": "Ada, the first"}, ["Changed"]),
        ({"action": "changed"}, ["Changed", "Changed"]),
        ({"at_from": "2026-03-02", "at_to": "3.3.2026"}, ["Changed", "Changed"]),
        ({"field": "name", "who": "Ben", "action": "changed", "at_from": "1.3.2026"}, ["Changed"]),
        ({"field": "name", "who": "Nobody"}, []),
    ],
)
def test_the_history_is_narrowed(
    told: Customer, clerk: FlaskClient, asked: dict[str, str], found: list[str]
) -> None:
    page = tab(clerk, told, **asked)
    assert actions(page) == found
    number = len(found)
    if found:
        assert f"{number} {'entry' if number == 1 else 'entries'}" in page
    else:
        assert "No entry fits" in page


@pytest.mark.parametrize(
    "asked",
    [
        {"at_from": "nonsense"}, {"at_from": "2026-03-09", "at_to": "2026-03-01"},
        {"action": "nothing"}, {"before": "x"}, {"before": "9" * 30}, {"after": "-1"},
        {"field": "\0"}, {"who": "\0" * 3}, {"page": "7"},
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_told_or_left_out(
    told: Customer, clerk: FlaskClient, asked: dict[str, str]
) -> None:
    page = tab(clerk, told, **asked)
    assert len(actions(page)) == 4
    if "at_from" in asked or "action" in asked:
        assert "This condition is left out" in page


def test_what_occurs_is_offered_in_words(told: Customer, clerk: FlaskClient) -> None:
    page = tab(clerk, told)
    assert '<option value="rebate">Rebate</option>' in page
    assert '<option value="Ada, the first">Ada, the first</option>' in page
    assert '<option value="locked">Locked</option>' in page
    assert '<option value="restored"' not in page


def many(one: Customer, count: int, **values: Any) -> None:
    row = audit.entry(
        actor=BEN, action=Action.CHANGED, entity="customer", entity_id=one.id,
        customer_id=one.id, changes={"memo": ["a", "b"]},
    )  # fmt: skip
    with transaction() as work:
        work.execute(insert(AuditEntry), [row | values for _ in range(count)])


def test_the_history_tells_gender_and_language_in_words(
    session: Session, clerk: FlaskClient
) -> None:
    told = tab(clerk, customer(gender="female", preferred_language="de"))
    assert ">Female<" in told and ">German<" in told


def test_pages_follow_each_other_without_gaps(told: Customer, clerk: FlaskClient) -> None:
    many(told, 60)
    page, seen, turns = tab(clerk, told, field="memo"), 0, []
    while True:
        seen += len(actions(page))
        turns.append(len(actions(page)))
        older = re.search(r'hx-get="([^"]*before=\d+[^"]*)"', page)
        if older is None:
            break
        assert "field=memo" in older[1]
        page = clerk.get(older[1].replace("&amp;", "&")).text
    assert (seen, turns) == (60, [25, 25, 10])
    newer = re.search(r'hx-get="([^"]*after=\d+[^"]*)"', page)
    assert newer is not None
    back = clerk.get(newer[1].replace("&amp;", "&")).text
    assert len(actions(back)) == 25 and "Older" in back and "Newest" in back


def test_the_count_stops_at_the_cap_and_so_does_that_of_the_tab(
    told: Customer, clerk: FlaskClient
) -> None:
    many(told, 10_050)
    assert "10,000+ entries" in tab(clerk, told)
    record = clerk.get(f"/admin/individual/details/?id={told.id}").text
    assert re.search(r'History <span class="badge k-count">1,000\+</span>', record)


def test_a_person_reads_only_of_what_they_may_see(
    told: Customer, clerk: FlaskClient, as_role: AsRole
) -> None:
    many(told, 1, entity="invoice", entity_label="R-77", changes={"amount": [None, "9.50"]})
    assert "R-77" not in tab(clerk, told) and len(actions(tab(clerk, told))) == 4
    assert "R-77" in tab(as_role("accounting"), told)


def export(client: FlaskClient, page: str) -> list[tuple[Any, ...]]:
    link = re.search(r'href="(/admin/exports/start/[^"]*)"', page)
    assert link is not None
    answer = client.get(link[1].replace("&amp;", "&"))
    assert answer.status_code == 200, answer.text
    return list(openpyxl.load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True))


def test_the_narrowed_history_leaves_with_one_row_for_each_field(
    told: Customer, as_role: AsRole
) -> None:
    manager = as_role("manager")
    head, *rows = export(manager, tab(manager, told, who="Ben"))
    assert head == ("When", "Who", "Way in", "Action", "Record", "Field", "Old", "New", "Reason")
    record = f"Customer {told.number} Ada Lovelace"
    assert [row[1:8] for row in rows if row[3] == "Changed"] == [
        ("Ben", "panel", "Changed", record, "Name", "Byron", "Lovelace"),
        ("Ben", "panel", "Changed", record, "Rebate", None, "5"),
    ]
    assert {row[5] for row in rows if row[3] == "Locked"} == {"Locked customer", "Lock text"}
    [head, row] = export(manager, tab(manager, told, field="rebate"))
    assert row[5:8] == ("Rebate", None, "5")


def test_an_export_of_history_has_its_receipt_and_can_be_downloaded_again(
    told: Customer, as_role: AsRole
) -> None:
    manager = as_role("manager")
    export(manager, tab(manager, told, field="name"))
    downloads = manager.get("/admin/exports/").text
    assert "History of customer" in downloads and f"Customer: {told.number}" in downloads
    assert "Field: name" in downloads
    link = re.search(r'href="/admin/exports/details/\?id=(\d+)', downloads)
    assert link is not None
    assert manager.get(f"/admin/exports/download/?id={link[1]}").status_code == 200


def test_what_one_may_not_see_does_not_leave_either(told: Customer, as_role: AsRole) -> None:
    many(told, 1, entity="invoice", entity_label="R-77", changes={"amount": [None, "9.50"]})
    start = "/admin/exports/start/?list_name=history_"
    for role, there in (("operations", False), ("accounting", True)):
        answer = as_role(role).get(f"{start}customer&customer={told.number}")
        book = openpyxl.load_workbook(BytesIO(answer.data)).active
        rows = [str(row) for row in book.iter_rows(values_only=True)]
        assert any("R-77" in row for row in rows) is there, role
    assert as_role("manager").get(f"{start}operator&record=1").status_code == 403


@pytest.mark.parametrize(
    "query", ["customer", "customer&customer=", "invoice", "invoice&record=x", "nothing&record=1"]
)
def test_a_history_leaves_only_for_a_record_that_is_named(
    session: Session, as_role: AsRole, query: str
) -> None:
    answer = as_role("administrator").get(f"/admin/exports/start/?list_name=history_{query}")
    assert answer.status_code in {400, 404, 422}, answer.status_code


def test_the_history_of_a_deleted_customer_stays_here(told: Customer, as_role: AsRole) -> None:
    from app.customers.operations import delete_customers

    number = told.number
    with transaction() as work:
        delete_customers(work, [told.id], actor=COMMAND_LINE)
    admin = as_role("administrator")
    page = admin.get(f"/admin/deleted_customers/tab/?id={told.id}&tab=history").text
    assert "Deleted" in page and "exports/start" not in page
    answer = admin.get(f"/admin/exports/start/?list_name=history_customer&customer={number}")
    book = openpyxl.load_workbook(BytesIO(answer.data)).active
    assert not [row for row in book.iter_rows(min_row=2, values_only=True) if any(row)]


def test_every_exported_history_asks_for_what_its_records_ask_for(app: Any) -> None:
    from app.transfer.exports.histories import ENTITIES

    with app.test_request_context():
        for admin in app.extensions["admin"]:
            for view in admin._views:
                for one in getattr(view, "tabs", ()):
                    if one.history is not None and one.history.entity in ENTITIES:
                        needed = view.needed("details_view") | {one.permission}
                        assert ENTITIES[one.history.entity] in needed or needed <= {
                            None,
                            Permission.CUSTOMERS_RESTORE,
                        }, view.endpoint
