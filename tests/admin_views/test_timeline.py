"""The timeline: everything that happened to a customer, merged, paged, by kind and permission."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from admin_views import records, timeline
from admin_views.actions import Action as ButtonAction
from admin_views.records import register_action
from admin_views.timeline import Event, TimelineSource, register_timeline
from app.audit import operations as audit
from app.audit.models import Action, AuditEntry
from app.billing.models import InvoiceState
from app.billing.operations import change_states, mark_paid
from app.core.actor import COMMAND_LINE
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import transaction
from app.sepa.creating import create_run
from app.subscriptions.models import Subscription
from tests.customers.people import customer
from tests.sepa import making
from tests.subscriptions.records import journal

AsRole = Callable[..., FlaskClient]
Stop = Callable[[datetime], None]
NOW = making.NOW


@pytest.fixture
def admin(as_role: AsRole) -> FlaskClient:
    return as_role("administrator")


@pytest.fixture
def registered() -> Iterator[None]:
    """What a test registers goes again."""
    kept, actions = dict(timeline._sources["customers"]), dict(records._actions["customers"])
    yield
    timeline._sources["customers"] = kept
    records._actions["customers"] = actions


def tab(client: FlaskClient, one: Customer, **asked: str) -> str:
    return client.get(
        f"/admin/{one.kind}/tab/", query_string={"id": one.id, "tab": "timeline", **asked}
    ).text


def titles(page: str) -> list[str]:
    return re.findall(r'class="k-event-title"[^>]*>([^<]*)<', page)


def pages(client: FlaskClient, one: Customer, **asked: str) -> Iterator[str]:
    page = tab(client, one, **asked)
    while True:
        yield page
        older = re.search(r'hx-get="([^"]*at_[^"]*)"', page)
        if older is None:
            return
        page = client.get(older[1].replace("&amp;", "&")).text


@pytest.fixture
def payer(session: Session, clock: Stop) -> Customer:
    """A customer with a mandate, two invoices, of which one is collected, and a subscription."""
    clock(NOW - timedelta(days=9))
    with transaction() as work:
        one = making.payer(work)
        key = one.id
        making.mandate(work, one, reference="M-1")
        account = making.account(work)
        collected = making.invoice(work, one, number="R-1").id
        paid = making.invoice(work, one, number="R-2").id
        title = journal(work, "Acta Timeline").id
        work.add(
            Subscription(
                customer_id=key, journal_id=title, source="ordinary", status="active",
                term_from=date(2025, 1, 1), term_to=date(2025, 12, 31), created_at=NOW,
            )
        )  # fmt: skip
    clock(NOW)
    with transaction() as work:
        account = work.merge(account)
        mark_paid(work, [paid], actor=COMMAND_LINE, reason="In cash")
        create_run(work, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
    clock(NOW + timedelta(days=20))
    with transaction() as work:
        change_states(work, [collected], InvoiceState.RETURNED, actor=COMMAND_LINE)
    return session.get_one(Customer, key)


def test_everything_stands_in_one_stream_the_newest_first(
    payer: Customer, admin: FlaskClient
) -> None:
    page = tab(admin, payer)
    assert titles(page)[0] == "Invoice R-1 was returned by the bank"
    assert set(titles(page)) == {
        "Invoice R-1 was returned by the bank", "Direct debit of 12.34 €: live",
        "Invoice R-1 goes into a direct-debit run", "Invoice R-2 is paid", "Invoice R-1 noted",
        "Invoice R-2 noted", "Mandate M-1 noted", "Customer created",
        "Subscription term begins", "Subscription term ends",
    }  # fmt: skip
    assert titles(page)[-2:] == ["Subscription term ends", "Subscription term begins"]
    days = re.findall(r'<h2 class="k-day-title"><time datetime="([^"]+)"', page)
    assert days == sorted(days, reverse=True) and len(days) == 5
    assert "In cash" in page and 'href="/admin/invoices/details/?id=' in page
    assert payer.iban is not None and payer.iban not in page


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("changes", ["Customer created"]),
        ("mandates", ["Mandate M-1 noted"]),
        ("collections", ["Direct debit of 12.34 €: live"]),
        ("rights", ["Subscription term ends", "Subscription term begins"]),
    ],
)
def test_one_kind_is_picked_out(
    payer: Customer, admin: FlaskClient, kind: str, found: list[str]
) -> None:
    assert titles(tab(admin, payer, kind=kind)) == found


def test_a_person_sees_the_kinds_that_they_may_see(payer: Customer, as_role: AsRole) -> None:
    operations = as_role("operations")
    page = tab(operations, payer)
    assert "Invoice" not in page and "Direct debit" not in page
    assert "Mandate M-1 noted" in page
    assert titles(tab(operations, payer, kind="invoices")) == titles(page)  # not theirs to ask
    assert "R-1" not in tab(operations, payer, kind="collections")


def history(one: Customer, start: datetime, count: int) -> None:
    row = audit.entry(
        actor=COMMAND_LINE, action=Action.CHANGED, entity="customer", entity_id=one.id,
        customer_id=one.id, changes={"memo": ["a", "b"]},
    )  # fmt: skip
    with transaction() as work:
        work.execute(
            insert(AuditEntry), [row | {"at": start + timedelta(hours=n)} for n in range(count)]
        )


def test_pages_of_many_sources_follow_each_other_without_gaps_or_repeats(
    session: Session, admin: FlaskClient, registered: None, clock: Stop
) -> None:
    clock(NOW - timedelta(days=401))
    one = customer(first_name="Ada")
    calls = [NOW - timedelta(days=400) + timedelta(hours=7 * n) for n in range(100)][::-1]
    history(one, NOW - timedelta(days=400), 75)

    def read(session: Session, model: Any, position: str, limit: int) -> Sequence[Event]:
        start = int(position or 0)
        some = calls[start : start + limit]
        return [
            Event(at, "phone", f"Call {start + n}", position=str(start + n + 1))
            for n, at in enumerate(some)
        ]

    register_timeline("customers", TimelineSource("calls", "Calls", read))
    seen, moments = [], []
    for page in pages(admin, one):
        seen += titles(page)
        moments += re.findall(r'<h2 class="k-day-title[^"]*"><time datetime="([^"]+)"', page)
    assert len(seen) == 1 + 75 + 100
    told = [title for title in seen if title.startswith("Call")]
    assert told == [f"Call {n}" for n in range(100)]
    assert moments == sorted(moments, reverse=True)
    only = [title for page in pages(admin, one, kind="calls") for title in titles(page)]
    assert only == told


@pytest.mark.parametrize(
    "mark", ["x", "-1", "9" * 60, "\0", "2026-01-01_x", "_1", "2026-01-01_" + "9" * 30, "é" * 900]
)
def test_a_forged_position_does_no_harm(payer: Customer, admin: FlaskClient, mark: str) -> None:
    asked = {f"at_{name}": mark for name in ("history", "collections", "rights", "nothing")}
    answer = admin.get(
        "/admin/individual/tab/",
        query_string={"id": payer.id, "tab": "timeline", "day": mark, **asked},
    )
    assert answer.status_code == 200


def test_the_queries_of_a_page_do_not_grow_with_what_happened(
    payer: Customer, admin: FlaskClient, queries: Callable[..., int]
) -> None:
    url = f"/admin/individual/tab/?id={payer.id}&tab=timeline"
    few = queries(lambda: admin.get(url))
    with transaction() as work:
        one = work.get_one(Customer, payer.id)
        for _ in range(40):
            making.invoice(work, one)
    history(payer, NOW, 200)
    assert queries(lambda: admin.get(url)) == few


def test_the_record_asks_as_often_for_many_related_rows_as_for_few(
    payer: Customer, admin: FlaskClient, queries: Callable[..., int]
) -> None:
    url = f"/admin/individual/details/?id={payer.id}"
    few = queries(lambda: admin.get(url))
    with transaction() as work:
        one = work.get_one(Customer, payer.id)
        for _ in range(30):
            making.invoice(work, one)
            making.mandate(work, one)
    history(payer, NOW, 1_200)
    assert queries(lambda: admin.get(url)) == few
    assert "1,000+" in admin.get(url).text


def test_a_feature_hangs_an_action_onto_the_record_for_whoever_may(
    session: Session, as_role: AsRole, registered: None
) -> None:
    one, done = customer(first_name="Ada"), []

    def order(session: Session, ids: list[int], answers: Any, actor: Any) -> str:
        done.extend(ids)
        return "Ordered."

    for label in ("Order", "Add order"):  # the same name again: the second stands
        register_action(
            "customers",
            ButtonAction("order", label, Permission.CUSTOMERS_EDIT, order, icon="package",
                         places=frozenset({"record", "row"})),
        )  # fmt: skip
    clerk, manager = as_role("operations"), as_role("manager")
    url = f"/admin/individual/details/?id={one.id}"
    assert clerk.get(url).text.count("Add order") == 1
    assert "Add order" in clerk.get("/admin/individual/").text
    assert "Add order" not in manager.get(url).text
    data = {"action": "order", "rowid": one.id}
    assert manager.post("/admin/individual/action/", data=data).status_code == 403
    assert "Ordered." in clerk.post(
        "/admin/individual/action/", data=data, follow_redirects=True
    ).text  # fmt: skip
    assert done == [one.id]


def test_moments_are_told_in_the_company_s_zone(session: Session, admin: FlaskClient) -> None:
    one = customer(first_name="Ada")
    history(one, datetime(2026, 6, 30, 22, 30, tzinfo=UTC), 1)
    page = tab(admin, one)
    assert 'datetime="2026-07-01"' in page and "00:30" in page
