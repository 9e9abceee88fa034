"""What every list, form and record of the panel does, tried on stores, groups and products."""

import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import FieldList, FormField

from admin_views.forms import (
    KontorForm,
    Longest,
    Required,
    TextField,
    blank_row,
    in_words_of,
)
from app.audit.models import AuditEntry
from app.catalogue.models import Product
from app.catalogue.operations_products import ProductDraft, save_price_level, save_products
from app.core.actor import COMMAND_LINE
from app.core.errors import Problem
from app.customers.models import Group
from app.customers.operations_reference import save_group, save_store
from app.extensions import transaction
from tests import factories

AsRole = Callable[..., FlaskClient]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def admin(as_role: AsRole) -> FlaskClient:
    return as_role("administrator")


@pytest.fixture
def group(session: Session) -> int:
    with transaction() as work:
        return save_group(work, None, name="Library", actor=COMMAND_LINE).id


def test_a_group_is_made_changed_and_deleted_and_the_history_tells_who_did_it(
    as_role: AsRole, session: Session
) -> None:
    admin = as_role("administrator", name="Ada Admin")
    made = admin.post("/admin/groups/new/", data={"name": " Press ", "approval_required": "y"})
    group = session.scalars(select(Group)).one()
    assert (group.name, group.approval_required) == ("Press", True)
    assert made.status_code == 302
    assert made.headers["Location"].endswith(f"/admin/groups/details/?id={group.id}")
    assert "The group was created." in admin.get(made.headers["Location"]).text
    admin.post(f"/admin/groups/edit/?id={group.id}", data={"name": "Media", "_version": "1"})
    tab = admin.get(f"/admin/groups/tab/?id={group.id}&tab=history").text
    assert tab.count("by Ada Admin") == 2
    assert re.search(r"Press</span>.*Media", tab, re.S)
    admin.post("/admin/groups/delete/", data={"id": group.id, "_confirmed": "yes"})
    session.rollback()
    assert session.scalars(select(Group)).all() == []
    of_group = select(AuditEntry.action).where(AuditEntry.entity == "group")
    told = list(session.scalars(of_group.order_by(AuditEntry.id)))
    assert told == ["created", "changed", "deleted"]


def test_a_new_record_takes_neither_number_nor_history_of_a_deleted_one(
    admin: FlaskClient, group: int, session: Session
) -> None:
    admin.post("/admin/groups/delete/", data={"id": group, "_confirmed": "yes"})
    admin.post("/admin/groups/new/", data={"name": "Another"})
    new = session.scalars(select(Group.id).where(Group.name == "Another")).one()
    assert new != group
    told = admin.get(f"/admin/groups/tab/?id={new}&tab=history").text
    assert "Another" in told
    assert "Library" not in told


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    admin: FlaskClient, group: int, session: Session
) -> None:
    answer = admin.post("/admin/groups/new/", data={"name": "library", "description": "Ours"}).text
    assert answer.count("Name library is already in use") == 2
    assert '<a href="#name">Name</a>' in answer
    assert 'value="library"' in answer
    assert "Ours</textarea>" in answer
    assert "Name is missing" in admin.post("/admin/groups/new/", data={"name": "  "}).text
    assert "Name is missing" in admin.post("/admin/groups/new/", data={"name": "\0\x1b"}).text
    long = admin.post("/admin/groups/new/", data={"name": "x", "description": "a\r\n" * 201}).text
    assert "Description has 402 characters; at most 400 are allowed" in long
    assert len(session.scalars(select(Group)).all()) == 1


def compared(page: str) -> dict[str, list[str]]:
    """The comparison of a conflict: label -> when opened, ours, theirs."""
    table = page.split("k-compare")[1].split("</table>")[0]
    lines = {}
    for row in re.findall(r"<tr.*?</tr>", table.split("<tbody>")[1], re.S):
        cells = re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
        said = [re.sub(r"<[^>]+>", "", re.sub(r"<div.*?</div>", "", c, flags=re.S)) for c in cells]
        label = re.sub(r"(Changed|Added|Removed) by \w+", "", said[0])
        lines[label.strip()] = [one.strip() for one in said[1:4]]
    return lines


def test_two_who_save_the_same_record_see_both_values_and_nothing_is_lost(
    admin: FlaskClient, group: int, session: Session
) -> None:
    page = admin.get(f"/admin/groups/edit/?id={group}").text
    version = re.search(r'name="_version" value="(\d+)"', page)
    assert version is not None
    theirs = {"name": "Libraries", "_version": version[1]}
    assert admin.post(f"/admin/groups/edit/?id={group}", data=theirs).status_code == 302
    ours = {"name": "Archive", "description": "Old things", "_version": version[1]}
    answer = admin.post(f"/admin/groups/edit/?id={group}", data=ours).text
    assert "Somebody else has saved this group" in answer
    assert compared(answer)["Name"] == ["not known", "Archive", "Libraries"]
    assert 'value="Archive"' in answer
    assert "Old things</textarea>" in answer
    session.rollback()
    assert session.get_one(Group, group).name == "Libraries"
    again = re.search(r'name="_version" value="(\d+)"', answer)
    assert again is not None
    admin.post(f"/admin/groups/edit/?id={group}", data={**ours, "_version": again[1]})
    session.rollback()
    assert session.get_one(Group, group).name == "Archive"


def test_a_record_that_is_gone_keeps_what_was_typed_for_it(
    admin: FlaskClient, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.get("/admin/groups/edit/?id=999").status_code == 404
    from admin_views.groups import GroupsView

    found = GroupsView.find

    def gone_when_saving(view: GroupsView, session: Session, key: object) -> object:
        return None if session.info.get("second") else found(view, session, key)

    def look(view: GroupsView, key: object) -> object:
        from app.extensions import db

        model = found(view, db.session(), key)
        db.session().info["second"] = True
        return model

    monkeypatch.setattr(GroupsView, "find", gone_when_saving)
    monkeypatch.setattr(GroupsView, "get_one", look)
    answer = admin.post(f"/admin/groups/edit/?id={group}", data={"name": "Kept", "_version": "1"})
    assert "This group is no longer there." in answer.text
    assert 'value="Kept"' in answer.text


def test_the_menu_shows_what_one_may_see_and_the_pages_only_what_one_may_do(
    as_role: AsRole, session: Session
) -> None:
    with transaction() as work:
        save_products(work, [ProductDraft(number="1", name="Atlas")], actor=COMMAND_LINE)
        key = work.scalars(select(Product.id)).one()
    manager = as_role("manager")
    page = manager.get("/admin/products/").text
    assert "/admin/stores/" not in page
    assert "/admin/products/new/" not in page
    assert "data-check-row" not in page
    assert f"/admin/products/edit/?id={key}" not in page
    assert manager.get(f"/admin/products/edit/?id={key}").status_code == 403
    assert manager.post("/admin/products/new/", data={"name": "No"}).status_code == 403
    admin = as_role("administrator").get("/admin/products/").text
    assert "/admin/stores/" in admin
    assert "/admin/products/new/" in admin
    assert "data-check-row" in admin


def test_a_stranger_is_led_to_the_log_in_and_back_and_a_fragment_takes_the_page_along(
    client: FlaskClient,
) -> None:
    answer = client.get("/admin/products/?kind=service&page=2")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/admin/products/?kind%3Dservice%26page%3D2"
    part = client.get("/admin/products/tab/?id=1&tab=history", headers={"HX-Request": "true"})
    assert part.status_code == 401
    assert part.headers["HX-Redirect"].startswith("/login")


def test_a_form_whose_log_in_has_ended_leads_to_the_log_in_and_back(
    app: Flask, client: FlaskClient
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post("/admin/groups/new/?url=%2Fadmin%2Fgroups%2F", data={"name": "Lost"})
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/login?next=/admin/groups/new/")
        assert "what you had typed is put back" in client.get(answer.headers["Location"]).text
        action = client.post("/admin/groups/delete/", data={"id": "1"})
        assert action.headers["Location"] == "/login"
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_address_of_a_list_keeps_its_conditions_and_shows_them_to_be_taken_away(
    admin: FlaskClient, session: Session
) -> None:
    with transaction() as work:
        for name, active in (("North", True), ("South", False), ("Norway", False)):
            save_store(work, None, name=name, active=active, actor=COMMAND_LINE)
    page = admin.get("/admin/stores/?q=nor&active=no&sort=-name&size=25").text
    assert "Norway" in page
    assert "North" not in page
    assert "<b>Search:</b> nor" in page
    assert "<b>Active:</b> no" in page
    assert 'href="/admin/stores/?active=no&amp;sort=-name&amp;size=25"' in page
    assert 'href="/admin/stores/?q=nor&amp;sort=-name&amp;size=25"' in page
    assert 'aria-sort="descending"' in page
    assert ">Empty</a>" in page
    assert ">Search</button>" in page
    bad = admin.get("/admin/stores/?active=perhaps").text
    assert "Active: perhaps is neither yes nor no. This condition is left out." in bad
    assert bad.count("data-check-row") == 3


def test_an_empty_list_says_what_to_do_next(admin: FlaskClient, as_role: AsRole) -> None:
    assert "There are no stores yet" in admin.get("/admin/stores/").text
    assert 'class="btn btn-primary" href="/admin/stores/new/"' in admin.get("/admin/stores/").text
    assert "Nothing fits these conditions" in admin.get("/admin/stores/?q=zzz").text
    manager = as_role("manager").get("/admin/products/").text
    assert "There are no products yet" in manager
    assert "/admin/products/new/" not in manager


def test_an_exact_count_is_given_on_demand(admin: FlaskClient, group: int) -> None:
    assert admin.get("/admin/groups/count/?q=lib").text == "1"
    assert admin.get("/admin/groups/count/?q=zzz").text == "0"


def test_a_product_has_a_price_for_each_level_and_keeps_faults_as_typed(
    admin: FlaskClient, session: Session
) -> None:
    with transaction() as work:
        levels = [save_price_level(work, None, name=n, actor=COMMAND_LINE).id for n in "AB"]
    given = {
        "number": "P-1", "name": "Atlas", "kind": "product", "vat_rate": "7,0", "active": "y",
        f"price_{levels[0]}": "19,90", f"price_{levels[1]}": "1.234",
    }  # fmt: skip
    answer = admin.post("/admin/products/new/", data=given).text
    assert "Price is ambiguous" in answer
    assert 'value="1.234"' in answer
    assert 'value="7,0"' in answer
    admin.post("/admin/products/new/", data={**given, f"price_{levels[1]}": ""})
    product = session.scalars(select(Product)).one()
    assert {p.price_level_id: p.price for p in product.prices} == {levels[0]: Decimal("19.90")}
    assert (product.vat_rate, product.discountable) == (Decimal("7.0"), False)
    data = {**given, f"price_{levels[1]}": "15", "_version": "1"}
    admin.post(f"/admin/products/edit/?id={product.id}", data=data)
    session.expire_all()
    assert {p.price_level_id: p.price for p in product.prices} == {
        levels[0]: Decimal("19.90"),
        levels[1]: Decimal("15.00"),
    }
    assert product.version == 2
    shown = admin.get(f"/admin/products/tab/?id={product.id}&tab=history").text
    assert re.search(r"Price B</dt>.*15\.00", shown, re.S)


def test_a_conflict_compares_choices_prices_and_ticks_as_people_read_them(
    admin: FlaskClient, session: Session
) -> None:
    with transaction() as work:
        level = save_price_level(work, None, name="A", actor=COMMAND_LINE).id
        (key,) = (
            one.id for one in save_products(work, [ProductDraft("1", "Atlas")], actor=COMMAND_LINE)
        )
    ours = {
        "number": "1", "name": "Atlas", "kind": "service", "vat_rate": "7",
        f"price_{level}": "9,5", "active": "y", "_version": "0",
    }  # fmt: skip
    answer = admin.post(f"/admin/products/edit/?id={key}", data=ours).text
    lines = compared(answer)
    assert lines["Kind"] == ["not known", "Service", "Product"]
    assert lines["Price A"] == ["not known", "9,5", "–"]
    assert lines["Discountable"] == ["not known", "No", "Yes"]


class _Row(KontorForm):
    place = TextField("Place", [Required(), Longest(5)])


class _Parent(KontorForm):
    rows = FieldList(FormField(_Row), "Rows", render_kw={"add": "Add row", "row": "Row"})


def test_problems_find_their_field_also_in_repeated_rows() -> None:
    form = _Parent(MultiDict({"rows-3-place": "Here", "rows-7-place": "Far away"}))
    assert not form.validate()
    assert form.faults() == [
        ("rows-1-place", "Place (2)", "Place has 8 characters; at most 5 are allowed")
    ]
    problem = Problem("rows-0-place", "Nobody lives here", link=("Map", "/map"))
    nowhere = Problem("street", "Too long")
    assert form.place([problem, nowhere]) == [nowhere]
    assert ("rows-0-place", "Place (1)", "Nobody lives here") in form.faults()


def test_rows_are_compared_line_by_line() -> None:
    form = _Parent(MultiDict({"rows-0-place": "Here", "rows-1-place": "There"}))
    assert in_words_of(form.rows, None) == ["Here", "There"]


def test_new_rows_come_from_an_empty_one_with_a_place_for_its_number() -> None:
    row = blank_row(_Parent().rows)
    assert [(field.name, field.data) for field in row] == [("rows-__index__-place", None)]


def test_every_icon_that_a_page_names_is_in_the_sprite(app: Flask) -> None:
    sprite = (ROOT / "app/static/vendor/tabler-icons/sprite.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {view.menu_icon_value for view in app.extensions["admin"][0]._views} - {None}
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'icon\("([a-z0-9-]+)"', path.read_text(encoding="utf-8")))
    pattern = r'(?:icon=|icon\()"([a-z0-9-]+)"'
    for path in (ROOT / "admin_views").glob("*.py"):
        named |= set(re.findall(pattern, path.read_text(encoding="utf-8")))
    assert named - known == set()


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)\s*=\s*[\"']", text), path
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path


def test_every_answer_carries_the_strict_headers(admin: FlaskClient, client: FlaskClient) -> None:
    for answer in (admin.get("/admin/"), client.get("/login"), client.get("/nothing")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"


def test_errors_are_told_calmly_in_the_form_that_was_asked_for(admin: FlaskClient) -> None:
    page = admin.get("/admin/nothing/")
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    part = admin.get("/admin/nothing/", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    data = admin.get("/admin/nothing/", headers={"Accept": "application/json"})
    assert data.get_json()["error"] == "There is nothing here"


def test_the_dashboard_shows_each_role_its_own_figures(as_role: AsRole, session: Session) -> None:
    accounting = as_role("accounting").get("/admin/").text
    assert "Open in 0 invoices" in accounting
    operations = as_role("operations").get("/admin/").text
    assert "Individual customers" in operations
    assert "invoices" not in operations
    assert factories.PASSWORD not in operations


def test_too_large_an_upload_is_refused_in_one_sentence(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    body = {"file": (io.BytesIO(b"x" * 5000), "customers.xlsx")}
    answer = admin.post("/admin/groups/new/", data=body, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert "This file is too large" in answer.text


def test_every_figure_of_the_dashboard_leads_to_the_list_of_what_it_counts(
    admin: FlaskClient,
) -> None:
    page = admin.get("/admin/").text
    found = re.findall(r'<a class="card k-card k-figure" href="([^"]+)">', page)
    assert len(found) >= 6
    for address in found:
        answer = admin.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, address
        assert "This condition is left out" not in answer.text, address
        given = [name for name, _ in parse_qsl(urlsplit(address.replace("&amp;", "&")).query)]
        assert answer.text.count('class="k-chip"') == len(given), address
