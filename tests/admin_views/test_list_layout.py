"""Columns of one's choice and the filters under the headings."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from admin_views.customer_columns import CLIENT_COLUMNS, MORE_CLIENT_COLUMNS
from app.accounts.models import Operator
from app.catalogue.models import PriceLevel, Product
from app.catalogue.operations_products import ProductDraft, save_price_level, save_products
from app.core.actor import COMMAND_LINE
from app.customers.models import Group, Store
from app.customers.operations import lock_customers
from app.customers.operations_reference import save_group, save_store
from app.extensions import transaction
from tests import factories
from tests.customers.people import customer, many

pytestmark = pytest.mark.usefixtures("session")

AsRole = Callable[..., FlaskClient]
Queries = Callable[[Callable[[], object]], int]
PERSONS = "/admin/individual/"
CLIENTS = "/admin/clients/"
ALL = [column.name for column in (*CLIENT_COLUMNS, *MORE_CLIENT_COLUMNS)]
IBAN = "DE89370400440532013000"


def headings(page: str) -> list[str]:
    head = page.partition("<thead>")[2].partition("</tr>")[0]
    cells = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", head, re.S)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]


def choose(client: FlaskClient, base: str, *columns: str, query: str = "", **more: str) -> str:
    """Send the dialog; the address that it leads to."""
    data = {"order": list(columns), "column": list(columns), "heading_filters": "yes", **more}
    return client.post(f"{base}columns/?{query}", data=data).headers["Location"]


def test_everybody_chooses_columns_and_their_order_for_themselves(
    as_role: AsRole, session: Session
) -> None:
    customer(first_name="Ada", memo="Rings twice", email="ada@example.com")
    olga = as_role("operations")
    delivered = headings(olga.get(PERSONS).text)
    assert delivered == ["Number", "Name", "Email and phone", "Place", "Group", "Created"]
    assert choose(olga, PERSONS, "memo", "name", "email") == PERSONS
    page = olga.get(PERSONS).text
    assert headings(page) == ["Memo", "Name", "Email"]
    assert "Rings twice" in page
    assert headings(as_role("operations").get(PERSONS).text) == delivered
    assert headings(olga.get("/admin/business/").text) == delivered[:0]
    choose(olga, PERSONS, "memo", "name", reset="yes")
    assert headings(olga.get(PERSONS).text) == delivered
    # Keeping them is no change of the operator's record.
    assert {one.version for one in session.scalars(select(Operator))} == {1}


def test_the_column_with_the_name_cannot_be_dropped(as_role: AsRole) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    choose(olga, PERSONS, "memo")
    assert headings(olga.get(PERSONS).text) == ["Memo", "Name"]
    assert headings(olga.get(f"{PERSONS}?columns=memo,email").text) == ["Name", "Memo", "Email"]
    data = {"order": ["memo"], "column": []}
    olga.post(f"{PERSONS}columns/", data=data)
    assert headings(olga.get(PERSONS).text) == ["Name"]


def test_without_scripts_columns_are_moved_by_the_server_and_nothing_is_kept_yet(
    as_role: AsRole, session: Session
) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    data = {"order": ["number", "name", "memo"], "column": ["memo"], "move": "up:memo"}
    page = olga.post(f"{PERSONS}columns/", data=data).text
    order = re.findall(r'name="order" value="([^"]+)"', page)
    assert order[:3] == ["number", "memo", "name"]
    assert sorted(order) == sorted(set(order))
    assert re.search(r'name="column" value="memo" checked', page)
    assert not re.search(r'name="column" value="number" checked', page)
    assert headings(olga.get(PERSONS).text)[0] == "Number"
    for move in ("up:number", "down:nothing", "sideways:name", ":", "up:\0"):
        assert olga.post(f"{PERSONS}columns/", data={**data, "move": move}).status_code == 200
    part = olga.get(f"{PERSONS}columns/", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "As delivered" in part


def test_columns_of_an_address_are_changed_there_and_not_for_the_person(as_role: AsRole) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    address = choose(olga, PERSONS, "name", "memo", query="columns=name,email&q=ada")
    assert address == f"{PERSONS}?q=ada&columns=name,memo"
    assert headings(olga.get(address).text) == ["Name", "Memo"]
    assert headings(olga.get(PERSONS).text)[0] == "Number"


@pytest.mark.parametrize(
    "stored",
    [
        {"columns": ["shoe_size", "memo", "name"]},
        {"columns": ["shoe_size"]},
        {"columns": []},
        {"columns": "memo"},
        {"columns": [1, None]},
        {"view": "x", "heading_filters": "perhaps"},
    ],
)
def test_columns_that_are_no_more_in_somebodys_preferences_are_passed_over(
    as_role: AsRole, session: Session, stored: dict[str, object]
) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    with transaction() as work:
        work.execute(update(Operator).values(preferences={"lists": {"individual": stored}}))
    page = olga.get(PERSONS)
    assert page.status_code == 200
    assert "Name" in headings(page.text)
    assert choose(olga, PERSONS, "name", "shoe_size", "<b>", "x" * 5000) == PERSONS
    assert headings(olga.get(PERSONS).text) == ["Name"]
    hostile = urlencode({"columns": "name,<b>,\0," + "x" * 5000 + ",memo"})
    assert olga.get(f"{PERSONS}?{hostile}").status_code == 200


@pytest.fixture
def crowd(session: Session) -> Callable[[int], None]:
    """Customers who have something in every column."""
    operator = factories.operator("operations", name="Dora").id
    with transaction() as work:
        save_group(work, None, name="Library", actor=COMMAND_LINE)
        save_store(work, None, name="Main", actor=COMMAND_LINE)
        save_price_level(work, None, name="A", actor=COMMAND_LINE)
        save_products(
            work, [ProductDraft(str(n), f"Atlas {n}") for n in range(5)], actor=COMMAND_LINE
        )
    group, store, level = (session.scalars(select(m.id)).one() for m in (Group, Store, PriceLevel))
    products = frozenset(session.scalars(select(Product.id)))

    def make(count: int) -> None:
        already = len(make.made)  # type: ignore[attr-defined]
        made = many(
            [
                (
                    "individual",
                    {
                        "first_name": "Ada", "name": f"Miller {number}", "rebate": 5,
                        "email": f"ada{number}@example.com", "group_id": group, "iban": IBAN,
                        "store_id": store, "price_level_id": level, "source": "Web",
                        "dedicated_operator_id": operator, "memo": "Rings twice",
                        "product_ids": products, "term_of_payment": 14, "favourite": True,
                        "addresses": [{"kind": "main", "is_default": True, "street": "Road 7",
                                       "postcode": "10115", "place": "Berlin", "country": "DE"}],
                    },
                )
                for number in range(already, already + count)
            ]
        )  # fmt: skip
        make.made += made  # type: ignore[attr-defined]

    make.made = []  # type: ignore[attr-defined]
    return make


def test_no_column_asks_the_database_for_each_row(
    as_role: AsRole, crowd: Callable[[int], None], queries: Queries, session: Session
) -> None:
    admin = as_role("administrator")
    address = f"{CLIENTS}?columns={','.join(ALL)}&size=200"
    crowd(20)
    few = queries(lambda: admin.get(address))
    crowd(180)
    assert queries(lambda: admin.get(address)) == few
    assert admin.get(address).text.count("<tr data-href") == 200
    # What is not shown is not loaded: neither the addresses nor the products.
    plain = queries(lambda: admin.get(f"{CLIENTS}?columns=name,email&size=200"))
    assert plain == few - 2


def test_every_column_shows_what_it_is_called(
    as_role: AsRole, crowd: Callable[[int], None], session: Session
) -> None:
    crowd(1)
    with transaction() as work:
        key = make_locked(work)
    page = as_role("administrator").get(f"{CLIENTS}?columns={','.join(ALL)}").text
    shown = dict(re.findall(r'<td data-label="([^"]+)"[^>]*>(.*?)</td>', page, re.S))
    text = {label: re.sub(r"<[^>]+>", " ", value).split() for label, value in shown.items()}
    assert " ".join(text["Products/Services in use"]) == "Atlas 0 Atlas 1 and 3 more"
    assert " ".join(text["Dedicated operator"]) == "Dora"
    assert " ".join(text["Postcode"] + text["Country"]) == "10115 Germany"
    assert " ".join(text["Rebate"] + text["Term of payment"]) == "5 % 14 days"
    assert " ".join(text["Locked"]) == "Locked Owes us"
    assert " ".join(text["IBAN"]) == "DE89 3704 0044 0532 0130 00"
    assert len(text) == len(ALL)
    masked = as_role("manager").get(f"{CLIENTS}?columns=name,iban").text
    assert "0532" not in masked
    assert "DE•• •••• 3000" in masked
    assert key


def make_locked(session: Session) -> int:
    from app.customers.models import Customer

    key = session.scalars(select(Customer.id)).one()
    lock_customers(session, [key], text="Owes us", actor=COMMAND_LINE)
    return key


def test_a_heading_filters_by_the_same_name_as_the_panel_and_keeps_what_it_says(
    as_role: AsRole,
) -> None:
    customer(first_name="Ada", email="ada@example.com")
    customer(first_name="Bob", email="bob@example.com")
    olga = as_role("operations")
    page = olga.get(f"{PERSONS}?email=ada&sort=-name").text
    assert page.count("<tr data-href") == 1
    fields = re.findall(r'<input class="form-control[^>]*name="email"[^>]*>', page)
    assert len(fields) == 2
    assert all('value="ada"' in field for field in fields)
    assert 'form="heads"' in fields[1]
    # The form of the headings sends everything else along.
    form = re.search(r'<form id="heads".*?</form>', page, re.S)
    assert form is not None
    assert 'name="sort" value="-name"' in form[0]
    assert 'name="email"' not in form[0]
    heads = page.partition('class="k-heads"')[2].partition("</tr>")[0]
    named = re.findall(r'name="([a-z_]+)"', heads)
    assert named == ["number", "name", "email", "place", "group", "created_from", "created_to"]


def test_headings_stay_where_nothing_fits_and_say_what_is_wrong(as_role: AsRole) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    nothing = olga.get(f"{PERSONS}?email=zzz").text
    assert "Nothing fits these conditions" in nothing
    assert 'class="k-heads"' in nothing
    bad = olga.get(f"{PERSONS}?created_from=soon").text
    heads = bad.partition('class="k-heads"')[2].partition("</tr>")[0]
    assert re.search(r'is-invalid"[^>]*name="created_from" value="soon"', heads)
    several = olga.get(f"{CLIENTS}?kind=individual,business").text
    heads = several.partition('class="k-heads"')[2].partition("</tr>")[0]
    assert '<option value="individual,business" selected>2 chosen</option>' in heads
    for value in ("\0", "x" * 5000, '"><script>'):
        page = olga.get(PERSONS, query_string={"email": value})
        assert page.status_code == 200
        assert "<script>" not in page.text.partition("<tbody>")[2]


def test_the_headings_row_is_hidden_and_shown_per_person(as_role: AsRole) -> None:
    customer(first_name="Ada")
    olga = as_role("operations")
    assert 'class="k-heads"' in olga.get(PERSONS).text
    olga.post(f"{PERSONS}columns/", data={"order": ["name"], "column": ["name"]})
    assert 'class="k-heads"' not in olga.get(PERSONS).text
    assert 'class="k-heads"' in as_role("operations").get(PERSONS).text
    # Elsewhere it is there for whoever asks for it.
    admin = as_role("administrator")
    with transaction() as work:
        save_group(work, None, name="Library", actor=COMMAND_LINE)
    assert 'class="k-heads"' not in admin.get("/admin/groups/").text
    choose(admin, "/admin/groups/", "name", "approval_required")
    heads = admin.get("/admin/groups/").text.partition('class="k-heads"')[2].partition("</tr>")[0]
    assert re.findall(r'name="([a-z_]+)"', heads) == ["approval"]


def test_columns_as_delivered_name_only_filters_that_their_list_has(as_role: AsRole) -> None:
    application = as_role("administrator").application
    with application.test_request_context():
        views = [v for v in application.extensions["admin"][0]._views if hasattr(v, "columns")]
        bound = {
            (view.endpoint, column.filter)
            for view in views
            for column in view.columns
            if column.filter
        }
        offered = {(view.endpoint, one.name) for view in views for one in view.listing().filters}
    # Whose jobs they are asks only who sees those of others.
    assert {name for _, name in bound - offered} == {"by"}
    assert {("individual", "email"), ("journals", "title"), ("invoices", "due")} <= bound
