"""Walking through what a list finds costs one way along the key, whatever the conditions are."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.listing import Criteria
from app.core.walking import along_key
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.customers.queries import BY_KIND
from app.customers.writing import CUSTOMERS
from tests.customers.people import customer, many

INDIVIDUAL = BY_KIND[CustomerKind.INDIVIDUAL]
CONDITIONS = (
    Criteria(),
    Criteria(search="shared name"),
    Criteria(filters={"name": "shar", "locked": "no", "number": "1", "created_from": "2020-01-01"}),
    Criteria(filters={"rebate_from": "3", "source": "Telephone", "country": "DE"}),
)


@pytest.mark.parametrize("criteria", CONDITIONS)
def test_it_finds_what_the_list_finds(session: Session, criteria: Criteria) -> None:
    address = {"street": "Weg 1", "country": "DE"}
    given = {"name": "Shared", "alias": "name", "rebate": 5, "addresses": [address]}
    many([("individual", given)] * 5)
    customer("business", name="Shared")
    listed = session.scalars(INDIVIDUAL.select(criteria)).all()
    found = session.scalars(along_key(INDIVIDUAL.where(criteria), CUSTOMERS)).all()
    assert found == sorted(one.id for one in listed)
    assert len(found) == 5


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("criteria", CONDITIONS)
def test_sqlite_sorts_nothing_on_the_way(session: Session, criteria: Criteria) -> None:
    portion = along_key(INDIVIDUAL.where(criteria), CUSTOMERS).where(Customer.id > 7).limit(1000)
    compiled = portion.compile(session.connection(), compile_kwargs={"literal_binds": True})
    plan = session.execute(text(f"EXPLAIN QUERY PLAN {compiled}").execution_options()).all()
    told = "; ".join(step.detail for step in plan)
    assert "INTEGER PRIMARY KEY" in told
    assert "TEMP B-TREE FOR ORDER BY" not in told
