"""The seventeen traps of Flask-Admin, each closed once in the base view, each with its test."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin_views.base import KontorView
from admin_views.lookups import Lookup
from admin_views.stores import StoresView
from app.audit.models import AuditEntry
from app.catalogue.models import PriceLevel, Product
from app.catalogue.operations_products import ProductDraft, save_price_level, save_products
from app.core import clock
from app.core.actor import COMMAND_LINE, Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.customers.models import Customer, Store
from app.customers.operations_reference import save_store
from app.extensions import db, transaction

AsRole = Callable[..., FlaskClient]


@pytest.fixture
def admin(as_role: AsRole) -> FlaskClient:
    return as_role("administrator")


@pytest.fixture
def stores(session: Session) -> list[int]:
    """Three stores; the first is the default."""
    with transaction() as work:
        return [
            save_store(work, None, name=name, is_default=name == "North", actor=COMMAND_LINE).id
            for name in ("North", "South", "West")
        ]


@pytest.fixture
def make_products(session: Session) -> Callable[[int], None]:
    """Make products with two prices each, in one go."""

    def make(count: int) -> None:
        with transaction() as work:
            levels = [
                level or save_price_level(work, None, name=name, actor=COMMAND_LINE)
                for name in "AB"
                for level in [work.scalar(select(PriceLevel).where(PriceLevel.name == name))]
            ]
            have = work.scalar(select(func.count(Product.id))) or 0
            prices = {level.id: Decimal("19.90") for level in levels}
            save_products(
                work,
                [
                    ProductDraft(number=f"P{n:04}", name=f"Product {n:04}", prices=prices)
                    for n in range(have, have + count)
                ],
                actor=COMMAND_LINE,
            )

    return make


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every SQL statement that is run."""
    seen: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(" ".join(statement.split()))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield seen
    event.remove(engine, "before_cursor_execute", listen)


def names(session: Session) -> set[str]:
    session.rollback()
    return set(session.scalars(select(Store.name)))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/admin/stores/new/", {"name": "Forged"}),
        ("/admin/stores/edit/?id={0}", {"name": "Forged", "_version": "1"}),
        ("/admin/stores/delete/", {"id": "{1}", "_confirmed": "yes"}),
        ("/admin/stores/action/", {"action": "delete", "rowid": "{1}", "_confirmed": "yes"}),
        ("/admin/stores/check/", {"check": "name"}),
    ],
)
def test_trap_01_no_post_is_taken_without_the_token(
    app: Flask,
    admin: FlaskClient,
    stores: list[int],
    session: Session,
    path: str,
    values: dict[str, str],
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        sent = {name: value.format(*stores) for name, value in values.items()}
        answer = admin.post(path.format(*stores), data=sent)
        assert answer.status_code == 400
        assert names(session) == {"North", "South", "West"}
        found = re.search(r'name="csrf-token" content="([^"]+)"', admin.get("/admin/stores/").text)
        assert found is not None
        answer = admin.post(path.format(*stores), data={**sent, "csrf_token": found[1]})
        assert answer.status_code != 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_trap_02_there_is_no_way_to_change_a_single_field_past_the_form(
    admin: FlaskClient, stores: list[int]
) -> None:
    answer = admin.post(
        "/admin/stores/ajax/update/", data={"list_form_pk": stores[0], "name": "Changed"}
    )
    assert answer.status_code == 404


def test_trap_03_what_is_out_of_the_list_is_out_of_reach(app: Flask, session: Session) -> None:
    class CustomersView(KontorView):
        model_class = Customer
        label, singular, menu_group, endpoint_name = "Customers", "customer", "Customers", "c"

    def customer(number: str, **values: Any) -> Customer:
        return Customer(
            number=number, kind="individual", first_name="Ada", search_text="", sort_name="",
            name_key="", created_at=clock.now(), changed_at=clock.now(), **values,
        )  # fmt: skip

    with transaction() as work:
        live, gone = customer("1"), customer("2", deleted_at=clock.now())
        work.add_all([live, gone])
        work.flush()
        live_id, gone_id = live.id, gone.id
    view = CustomersView()
    assert view.get_one(live_id).number == "1"
    assert view.get_one(gone_id) is None
    assert [row.number for row in view.get_query()] == ["1"]


def test_trap_04_a_lookup_gives_few_rows_and_only_to_those_who_may_edit(
    as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Lookup(
        search=lambda session, text, limit: [(n, f"Store {n}") for n in range(5000)],
        label=lambda session, key: None,
    )
    secret = Lookup(endless.search, endless.label, permission=Permission.DIRECT_DEBIT_FILE)
    monkeypatch.setattr(StoresView, "lookups", {"store": endless, "secret": secret})
    admin = as_role("administrator")
    found = admin.get("/admin/stores/ajax/lookup/?name=store&query=&limit=100000&offset=0")
    assert len(found.get_json()) == 20
    assert admin.get("/admin/stores/ajax/lookup/?name=secret").status_code == 200
    assert admin.get("/admin/stores/ajax/lookup/?name=nothing").status_code == 404
    manager = as_role("manager")
    assert manager.get("/admin/stores/ajax/lookup/?name=store").status_code == 403


def test_trap_05_pages_carry_nothing_inline_and_the_server_asks_where_no_script_did(
    admin: FlaskClient, stores: list[int], session: Session
) -> None:
    for path in ("", "new/", f"edit/?id={stores[0]}", f"details/?id={stores[0]}"):
        page = admin.get(f"/admin/stores/{path}").text
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)\s*=", page), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), path
        assert "<style" not in page
    assert "data-confirm" in admin.get("/admin/stores/").text
    asked = admin.post("/admin/stores/action/", data={"action": "delete", "rowid": stores[1]})
    assert "Delete this store?" in asked.text
    assert names(session) == {"North", "South", "West"}
    admin.post(
        "/admin/stores/action/",
        data={"action": "delete", "rowid": stores[1], "_confirmed": "yes"},
    )
    assert names(session) == {"North", "West"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("details/?id=1,2", 404),
        ("details/?id=" + "9" * 40, 404),
        ("details/?id=-1", 404),
        ("details/?id=one", 404),
        ("details/", 404),
        ("?kind=", 200),
        ("?kind=nonsense", 200),
        ("?kind=product&kind=service", 200),
        ("?page=" + "9" * 5000, 200),
        ("?page=-99999999999999999999", 200),
        ("?page=one&size=1000000&sort=name%27", 200),
        ("?vat_from=1e999&price_from=nan&price_to=" + "9" * 90, 200),
        ("?q=%00%25&unknown=1", 200),
    ],
)
def test_trap_06_odd_addresses_are_answered_calmly(
    admin: FlaskClient, make_products: Callable[[int], None], path: str, status: int
) -> None:
    make_products(3)
    assert admin.get(f"/admin/products/{path}").status_code == status


def test_trap_07_a_failure_in_a_view_is_not_called_twice_and_not_shown(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail(view: StoresView) -> None:
        calls.append(view)
        raise TypeError("a secret of the code")

    monkeypatch.setattr(StoresView, "listing", fail)
    answer = admin.get("/admin/stores/")
    assert answer.status_code == 500
    assert len(calls) == 1
    assert "secret" not in answer.text
    assert "unexpected keyword" not in answer.text


def test_trap_08_what_the_database_refuses_is_said_in_words_and_nothing_typed_is_lost(
    admin: FlaskClient, stores: list[int], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(view: StoresView, work: Session, form: Any, actor: Actor) -> Store:
        store = Store(name=form.name.data)
        work.add(store)
        work.flush()
        return store

    monkeypatch.setattr(StoresView, "perform_create", create)
    answer = admin.post("/admin/stores/new/", data={"name": "north"})
    assert "already in use" in answer.text
    assert 'value="north"' in answer.text
    for word in ("INSERT", "UNIQUE", "constraint", "Integrity", "psycopg", "sqlite"):
        assert word not in answer.text
    assert names(session) == {"North", "South", "West"}


def test_trap_09_and_17_a_filter_over_many_rows_or_money_counts_each_record_once(
    admin: FlaskClient, make_products: Callable[[int], None]
) -> None:
    make_products(7)  # each has two prices of 19.90
    page = admin.get("/admin/products/?price_from=19,90&price_to=20").text
    assert page.count("data-check-row") == 7
    assert "1 to 7 of 7" in page
    assert "Nothing fits" in admin.get("/admin/products/?price_from=19,91").text


@pytest.mark.parametrize("path", ["/admin/products/?size=200", "/admin/stores/?size=200"])
def test_trap_10_a_list_runs_no_more_queries_when_it_is_longer(
    admin: FlaskClient,
    session: Session,
    make_products: Callable[[int], None],
    queries: Callable[[Callable[[], object]], int],
    path: str,
) -> None:
    def make(count: int) -> None:
        make_products(count)
        with transaction() as work:
            have = work.scalar(select(func.count(Store.id))) or 0
            work.add_all([Store(name=f"Store {have + n}") for n in range(count)])

    make(20)
    few = queries(lambda: admin.get(path))
    make(180)
    assert queries(lambda: admin.get(path)) == few
    assert admin.get(path).text.count("data-check-row") == 200


def test_trap_11_the_librarys_export_does_not_exist(admin: FlaskClient, stores: list[int]) -> None:
    for kind in ("csv", "xlsx", "json"):
        assert admin.get(f"/admin/stores/export/{kind}/").status_code == 404


def test_trap_12_a_form_has_its_declared_fields_and_takes_no_others(
    admin: FlaskClient, stores: list[int], session: Session
) -> None:
    fields = set(re.findall(r'name="(\w+)"', admin.get("/admin/stores/new/").text))
    assert {"name", "active", "is_default"} <= fields
    assert not fields & {"id", "version", "customers"}
    data = {"name": "South 2", "active": "y", "_version": "1", "id": "999", "version": "77"}
    admin.post(f"/admin/stores/edit/?id={stores[1]}", data=data)
    session.rollback()
    store = session.get_one(Store, stores[1])
    assert (store.name, store.version) == ("South 2", 2)
    assert session.get(Store, 999) is None


def test_trap_13_a_field_that_is_not_for_this_person_cannot_be_posted(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(view: StoresView, form: Any, model: Any) -> None:
        del form.is_default

    monkeypatch.setattr(StoresView, "prepare_form", prepare)
    posted = MultiDict({"name": "East", "is_default": "y", "active": "y"})
    form = StoresView().make_form(posted=posted)
    assert form.data == {"name": "East", "active": True}


def test_trap_14_a_list_counts_to_a_cap_sorts_with_a_tie_break_and_casts_nothing(
    admin: FlaskClient, make_products: Callable[[int], None], statements: list[str]
) -> None:
    make_products(3)
    statements.clear()
    admin.get("/admin/products/?sort=-name&page=2&size=25")
    ours = [text for text in statements if "products" in text]
    assert ours
    (counting,) = [text for text in ours if "count(" in text.lower()]
    assert "LIMIT" in counting
    (ids,) = [text for text in ours if text.startswith("SELECT products.id FROM")]
    assert re.search(r"ORDER BY lower\(products\.name\) (DESC|ASC), products\.id \1", ids)
    statements.clear()
    admin.get("/admin/products/?q=Product&sort=-name&page=2&size=25")
    found, ids = [text for text in statements if text.startswith("SELECT products.id FROM")]
    assert "LIMIT" in found and "ORDER BY" not in found
    assert re.search(r"ORDER BY lower\(products\.name\) (DESC|ASC), products\.id \1", ids)
    assert not any("count(" in text.lower() for text in statements if "products" in text)
    assert not any("CAST(" in text for text in [*ours, *statements] if "products" in text)
    before = len(statements)
    admin.get("/admin/products/?sort=vat_rate")
    assert not any("ORDER BY products.vat_rate" in text for text in statements[before:])


def test_trap_15_large_relations_are_tabs_that_load_when_they_are_opened(
    admin: FlaskClient, stores: list[int]
) -> None:
    record = admin.get(f"/admin/stores/details/?id={stores[0]}").text
    assert f'hx-get="/admin/stores/tab/?id={stores[0]}&amp;tab=history"' in record
    assert "by command line" not in record
    fragment = admin.get(f"/admin/stores/tab/?id={stores[0]}&tab=history").text
    assert "by command line" in fragment
    assert "<html" not in fragment
    assert admin.get(f"/admin/stores/tab/?id={stores[0]}&tab=nothing").status_code == 404
    assert admin.get("/admin/stores/tab/?id=999&tab=history").status_code == 404


def test_trap_16_a_bulk_action_is_one_operation_in_scope_with_its_history(
    as_role: AsRole, stores: list[int], session: Session
) -> None:
    sent = {"action": "delete", "rowid": [*map(str, stores[1:]), "999"], "_confirmed": "yes"}
    assert as_role("manager").post("/admin/stores/action/", data=sent).status_code == 403
    admin = as_role("administrator")
    answer = admin.post("/admin/stores/action/", data=sent, follow_redirects=True)
    assert "2 stores were deleted" in answer.text
    assert "1 chosen records were no longer there" in answer.text
    assert names(session) == {"North"}
    told = select(AuditEntry.entity_label).where(AuditEntry.action == "deleted")
    assert set(session.scalars(told)) == {"South", "West"}
    # The default store cannot go, so nothing of a selection with it goes.
    both = {"action": "delete", "rowid": [str(stores[0])], "_confirmed": "yes"}
    answer = admin.post("/admin/stores/action/", data=both, follow_redirects=True)
    assert "North is the default store" in answer.text
    assert names(session) == {"North"}
    nothing = admin.post("/admin/stores/action/", data={"action": "delete"}, follow_redirects=True)
    assert "Nothing was chosen" in nothing.text


def test_trap_17_a_refusal_after_a_change_leaves_nothing_behind(
    admin: FlaskClient, stores: list[int], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(view: StoresView, work: Session, model: Store, form: Any, actor: Actor) -> None:
        model.name = form.name.data
        work.flush()
        raise Refused.because("Not today", field="name", hint="Try tomorrow")

    monkeypatch.setattr(StoresView, "perform_update", update)
    answer = admin.post(
        f"/admin/stores/edit/?id={stores[0]}", data={"name": "Norden", "_version": "1"}
    )
    assert answer.text.count("Not today. Try tomorrow") == 2  # in the summary and at the field
    assert 'value="Norden"' in answer.text
    assert names(session) == {"North", "South", "West"}
