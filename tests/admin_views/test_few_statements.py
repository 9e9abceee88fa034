"""Pages that everybody opens all day ask the database only a few times."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.admin_views.test_customers_form import fields_of
from tests.customers.people import customer

AsRole = Callable[..., FlaskClient]
Queries = Callable[[Callable[[], object]], int]


def test_a_search_asks_nine_times(session: Session, as_role: AsRole, queries: Queries) -> None:
    customer(name="Meyer")
    olga = as_role("operations")
    olga.get("/admin/clients/?q=meyer")
    # Two of them look words up, where SQLite finds the keys first.
    assert queries(lambda: olga.get("/admin/clients/?q=meyer")) <= 12


def test_saving_a_customer_asks_fifteen_times(
    session: Session, as_role: AsRole, queries: Queries
) -> None:
    id_ = customer(name="Meyer", email="meyer@example.com").id
    olga, url = as_role("operations"), f"/admin/individual/edit/?id={id_}"
    form = fields_of(olga.get(url).text)

    def save() -> None:
        assert olga.post(url, data=form | {"memo": "Calls back"}).status_code == 302

    assert queries(save) <= 15
    session.rollback()
