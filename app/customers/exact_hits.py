"""Whom a search means exactly: by a number, an email or a phone, found by their indexes."""

from contextlib import suppress
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    bindparam,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.core.values import ValueProblem, parse_phone
from app.customers.models import Customer

MOST_EXACT: Final = 20
_gone = aliased(Customer)


def exact_hits(session: Session, query: str, country: str) -> list[int]:
    """Customers whose number, former number, email or phone is just what was typed."""
    given: dict[str, str] = {"query": query}
    if "@" in query:
        given["email"] = query.casefold()
    with suppress(ValueProblem):
        given["phone"] = parse_phone(query, "Phone", country)
    found = session.scalars(_exactly("email" in given, "phone" in given), given)
    return list(dict.fromkeys(found))


@cache
def _exactly(email: bool, phone: bool) -> Select[Any]:
    """All ways at once: most of them find nothing, and to ask takes longer than to look."""
    query = bindparam("query", type_=String)
    # Alternatives whose indexes hold all customers are one question. Neither database combines
    # them with more: SQLite not with indexes of the live ones only, PostgreSQL with no subquery.
    ways: list[ColumnElement[bool]] = [
        or_(Customer.number == query, Customer.former_number == query),
        # Whoever looks for the number of a merged customer means the one that stayed.
        Customer.id.in_(select(_gone.merged_into_id).where(_gone.number == query)),
    ]
    if email:
        ways.append(Customer.email_key == bindparam("email"))
    if phone:
        typed = bindparam("phone", type_=String)
        private, business = Customer.telephone_private, Customer.business_telephone
        ways += [Customer.mobile_phone == typed, or_(private == typed, business == typed)]
    asked = [
        select(literal_column(str(place)).label("place"), Customer.id)
        .where(way, Customer.deleted_at.is_(None))
        .order_by(Customer.id)
        .limit(MOST_EXACT)
        .subquery()
        for place, way in enumerate(ways)
    ]
    every = union_all(*(select(one) for one in asked)).subquery()
    return select(every.c.id).order_by(every.c.place, every.c.id)
