"""The choices of a list that stand in the database come at once, each in the order of its words."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.core.stored_choices import all_offered
from app.customers.models import Group, Store
from app.customers.queries import CLIENTS
from app.extensions import transaction
from tests.customers.people import customer

Queries = Callable[[Callable[[], object]], int]


def test_a_list_reads_all_it_offers_in_one_statement(session: Session, queries: Queries) -> None:
    with transaction() as work:
        work.add_all([Group(name="Retail"), Group(name="Agents"), Store(name="Annexe")])
    for country in ("CH", "DE", "AT", "DE"):
        customer(addresses=[{"country": country, "is_default": True}])
    assert queries(lambda: all_offered(session, CLIENTS.filters)) == 1
    names = [one.name for one in CLIENTS.filters]
    offered = dict(zip(names, all_offered(session, CLIENTS.filters), strict=True))
    for one in CLIENTS.filters:  # as when it is asked for alone
        assert list(offered[one.name]) == list(one.offered(session)), one.name
    assert [label for _, label in offered["group"]] == ["Agents", "Retail"]
    assert offered["country"] == [("AT", "Austria"), ("DE", "Germany"), ("CH", "Switzerland")]


def test_what_was_added_meanwhile_is_offered_at_once(session: Session) -> None:
    (groups,) = (one for one in CLIENTS.filters if one.name == "group")
    assert groups.offered(session) == []
    with transaction() as work:
        work.add(Group(name="New"))
    assert [label for _, label in groups.offered(session)] == ["New"]
