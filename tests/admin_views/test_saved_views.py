"""Views of lists kept under a name: whose they are, what they remember, who may change them."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import Operator, SavedView
from app.accounts.operations_views import MOST_VIEWS, save_view
from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE
from app.core.errors import NotAllowed
from app.customers.operations_reference import save_store
from app.extensions import transaction
from tests import factories

AsRole = Callable[..., FlaskClient]
STORES = "/admin/stores/"
CLIENTS = "/admin/clients/"


@pytest.fixture
def stores(session: Session) -> None:
    with transaction() as work:
        for name, active in (("North", True), ("South", False), ("Norway", False)):
            save_store(work, None, name=name, active=active, actor=COMMAND_LINE)


def keep(
    client: FlaskClient, base: str, query: str, name: str = "Mine", **more: str
) -> tuple[int, str]:
    """Save a view as the form does it; its number and its address."""
    answer = client.post(f"{base}views/form/?{query}", data={"name": name, **more})
    assert answer.status_code == 302, answer.text
    address = answer.headers["Location"]
    return int(parse_qs(urlsplit(address).query)["view"][0]), address


def names(client: FlaskClient, base: str) -> list[str]:
    """The views that the menu of a list offers."""
    return re.findall(r'<span class="k-view-name">([^<]*)', client.get(base).text)


def test_a_view_keeps_conditions_order_size_and_columns_under_an_ordinary_address(
    as_role: AsRole, stores: None, session: Session
) -> None:
    admin = as_role("administrator")
    query = "q=nor&active=no&sort=-name&size=25&columns=active,name&page=3"
    number, address = keep(admin, STORES, query, "Closed in the north")
    asked = parse_qs(urlsplit(address).query)
    assert asked == {
        "q": ["nor"], "active": ["no"], "sort": ["-name"], "size": ["25"],
        "columns": ["active,name"], "view": [str(number)],
    }  # fmt: skip
    page = admin.get(address).text
    assert "Norway" in page
    assert "North" not in page
    assert page.index('data-label="Active"') < page.index('data-label="Name"')
    assert 'data-label="Default"' not in page
    assert "k-changed" not in page
    # Anybody may open the address; the name is shown to whoever may see the view.
    other = as_role("administrator").get(address).text
    assert "Norway" in other
    assert "Closed in the north" not in other
    told = session.scalars(select(AuditEntry).where(AuditEntry.entity == "saved view")).one()
    assert told.entity_label == "Closed in the north"
    assert "nor" not in str(told.changes["arguments"])


def test_the_open_view_is_marked_as_changed_and_takes_the_new_conditions(
    as_role: AsRole, stores: None, session: Session
) -> None:
    admin = as_role("administrator")
    number, address = keep(admin, STORES, "active=no")
    changed = address.replace("active=no", "active=yes")
    page = admin.get(changed).text
    assert "k-changed" in page
    assert "Update “Mine”" in page
    posted = re.search(r'id="view-action" method="post" action="([^"]+)"', page)
    assert posted is not None
    target = posted[1].replace("&amp;", "&")
    data = {"id": number, "_version": "1", "action": "update"}
    answer = admin.post(target, data=data)
    assert answer.headers["Location"] == changed
    assert "k-changed" not in admin.get(changed).text
    assert session.get_one(SavedView, number).arguments["active"] == "yes"


def test_two_who_update_one_view_do_not_overwrite_each_other(
    as_role: AsRole, stores: None, session: Session
) -> None:
    owner = as_role("administrator")
    number, _ = keep(owner, STORES, "active=no", shared="y")
    other = as_role("administrator")
    theirs = {"id": number, "_version": "1", "action": "update"}
    assert other.post(f"{STORES}views/action/?active=yes", data=theirs).status_code == 302
    answer = owner.post(f"{STORES}views/action/?q=x", data=theirs, follow_redirects=True)
    assert "Somebody else has changed this view meanwhile" in answer.text
    renamed = {"name": "Ours", "_version": "1"}
    form = owner.post(f"{STORES}views/form/?id={number}", data=renamed)
    assert "Somebody else has changed this view meanwhile" in form.text
    assert 'value="Ours"' in form.text
    view = session.get_one(SavedView, number)
    assert (view.name, view.arguments["active"], view.version) == ("Mine", "yes", 2)


def test_a_shared_view_is_everybodys_to_open_and_its_owners_to_change(
    as_role: AsRole, app: Flask, session: Session
) -> None:
    olga = as_role("operations", name="Olga")
    private, _ = keep(olga, CLIENTS, "country=DE", "Private")
    shared, address = keep(olga, CLIENTS, "country=AT", "Austria", shared="y")
    manager = as_role("manager")
    assert names(manager, CLIENTS) == ["Austria"]
    assert "Olga" in manager.get(CLIENTS).text
    page = manager.get(address).text
    assert "Rename or share" not in page
    for number, status in ((shared, 403), (private, 404)):
        for action in ("update", "delete"):
            data = {"id": number, "_version": "1", "action": action, "_confirmed": "yes"}
            answer = manager.post(f"{CLIENTS}views/action/", data=data)
            assert answer.status_code == status, (number, action)
        assert manager.get(f"{CLIENTS}views/form/?id={number}").status_code == status
        answer = manager.post(f"{CLIENTS}views/form/?id={number}", data={"name": "x"})
        assert answer.status_code == status
    # An administrator puts shared ones in order, and no private ones.
    admin = as_role("administrator")
    data = {"name": "Österreich", "_version": "1", "shared": "y"}
    assert admin.post(f"{CLIENTS}views/form/?id={shared}", data=data).status_code == 302
    assert admin.post(f"{CLIENTS}views/form/?id={private}", data=data).status_code == 404
    # The owner leaves; the view stays.
    with transaction() as work:
        work.execute(update(Operator).where(Operator.name == "Olga").values(active=False))
    assert names(manager, CLIENTS) == ["Österreich"]
    assert "Olga (has left)" in manager.get(f"{CLIENTS}views/").text


def test_a_view_of_a_list_that_one_may_not_see_opens_nothing(as_role: AsRole) -> None:
    number, address = keep(as_role("administrator"), "/admin/operators/", "active=no", shared="y")
    manager = as_role("manager")
    assert manager.get(address).status_code == 403
    assert manager.get("/admin/operators/views/").status_code == 403
    assert manager.get("/admin/operators/columns/").status_code == 403
    # Nor does the door of another list lead to it.
    data = {"id": number, "action": "delete", "_confirmed": "yes", "_version": "1"}
    assert manager.post(f"{CLIENTS}views/action/", data=data).status_code == 404
    assert as_role("administrator").post(f"{CLIENTS}views/action/", data=data).status_code == 404


def test_a_list_opens_with_the_view_of_ones_choice_and_empty_leads_to_the_plain_list(
    as_role: AsRole, stores: None
) -> None:
    admin = as_role("administrator")
    number, address = keep(admin, STORES, "active=no", is_default="y")
    assert admin.get(STORES).headers["Location"] == address
    page = admin.get(address).text
    assert f'href="{STORES}?view=none">Empty</a>' in page
    plain = admin.get(f"{STORES}?view=none")
    assert plain.status_code == 200
    assert "North" in plain.text
    # With a condition of its own the list opens as asked for; for others nothing has changed.
    assert admin.get(f"{STORES}?q=south").status_code == 200
    assert as_role("administrator").get(STORES).status_code == 200
    admin.post(f"{STORES}views/action/", data={"id": number, "action": "plain"})
    assert admin.get(STORES).status_code == 200
    admin.post(f"{STORES}views/action/", data={"id": number, "action": "default"})
    assert admin.get(STORES).status_code == 302
    asked = admin.post(f"{STORES}views/action/", data={"id": number, "action": "delete"})
    assert "Delete the view Mine?" in asked.text
    data = {"id": number, "action": "delete", "_confirmed": "yes"}
    admin.post(f"{STORES}views/action/", data=data)
    assert admin.get(STORES).status_code == 200


def test_a_view_that_asks_for_what_is_no_more_opens_and_says_what_it_left_out(
    as_role: AsRole, stores: None, session: Session
) -> None:
    admin = as_role("administrator")
    number, _ = keep(admin, STORES, "active=no")
    old = {"active": "no", "opening_day": "monday", "sort": "-size", "columns": "name,floor"}
    with transaction() as work:
        work.execute(update(SavedView).values(arguments=old))
    address = re.search(rf'href="([^"]+view={number})"', admin.get(STORES).text)
    assert address is not None
    page = admin.get(address[1].replace("&amp;", "&"))
    assert page.status_code == 200
    assert "Norway" in page.text
    assert "North" not in page.text
    left = "Left out: opening day: monday; the order by size; the column floor."
    assert left in page.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Name is missing"),
        ("\0\x1b ", "Name is missing"),
        ("x" * 5000, "Name has 5000 characters; at most 80 are allowed"),
        ("MINE", "There is a view named MINE already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_at_its_field(
    as_role: AsRole, session: Session, name: str, said: str
) -> None:
    admin = as_role("administrator")
    keep(admin, STORES, "")
    answer = admin.post(f"{STORES}views/form/?active=no", data={"name": name, "shared": "y"})
    assert answer.status_code == 200
    assert said in answer.text
    assert 'action="/admin/stores/views/form/?active=no"' in answer.text
    assert len(session.scalars(select(SavedView)).all()) == 1


def test_hostile_names_and_values_are_text_and_nothing_else(
    as_role: AsRole, stores: None, session: Session
) -> None:
    admin = as_role("administrator")
    name = "<script>alert(1)</script>{{ 7*7 }}\0"
    _, address = keep(admin, STORES, "q=%3Cb%3E%00&active=no", name)
    for page in (admin.get(address).text, admin.get(f"{STORES}views/").text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert session.scalars(select(SavedView)).one().arguments["q"] == "<b>"


@pytest.mark.parametrize("raw", ["", "0", "-1", "1,2", "9" * 30, "x", "\0", "²"])
def test_forged_numbers_of_views_do_no_harm(as_role: AsRole, stores: None, raw: str) -> None:
    admin = as_role("administrator")
    assert admin.get(STORES, query_string={"view": raw}).status_code == 200
    assert admin.get(f"{STORES}views/form/", query_string={"id": raw}).status_code == 404
    data = {"id": raw, "action": "default", "_version": raw}
    assert admin.post(f"{STORES}views/action/", data=data).status_code == 404
    assert admin.post(f"{STORES}views/action/", data={"action": raw}).status_code == 404


def test_too_much_for_one_view_and_too_many_views_are_refused_in_words(
    as_role: AsRole, session: Session
) -> None:
    admin = as_role("administrator")
    groups = "&".join(f"group={number}" for number in range(2000))
    answer = admin.post(f"{CLIENTS}views/form/?{groups}", data={"name": "All"})
    assert "These are too many conditions for one view" in answer.text
    operator = factories.operator("operations")
    from app.accounts.identity import actor_for

    with transaction() as work:
        actor = actor_for(operator)
        for number in range(MOST_VIEWS):
            save_view(work, list_name="clients", name=str(number), arguments={}, actor=actor)
    client = factories.logged_in(admin.application, operator.fs_uniquifier)
    answer = client.post(f"{CLIENTS}views/form/", data={"name": "One more"})
    assert f"You keep {MOST_VIEWS} views of this list already" in answer.text
    with pytest.raises(NotAllowed):
        save_view(session, list_name="clients", name="x", arguments={}, actor=COMMAND_LINE)


def test_the_menu_costs_one_query_however_many_views_there_are(
    as_role: AsRole, queries: Callable[[Callable[[], object]], int], session: Session
) -> None:
    admin = as_role("administrator")
    keep(admin, STORES, "active=no", shared="y")
    few = queries(lambda: admin.get(STORES))
    for number in range(20):
        keep(admin, STORES, "active=no", str(number), shared="y")
    assert queries(lambda: admin.get(STORES)) == few
