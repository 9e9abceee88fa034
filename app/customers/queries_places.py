"""Which places a postcode has, as the stored addresses say."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.models import Address, Customer

# So many addresses with a postcode are looked at: enough to know its place, and always quick.
LOOKED_AT = 2_000
MOST = 5


def places_of_postcode(session: Session, country: str, postcode: str) -> list[str]:
    """The places of a country's postcode, the most frequent first, each in its usual spelling.

    Addresses of deleted customers do not count.
    """
    some = (
        select(Address.country, Address.place, Address.place_key, Address.customer_id)
        .where(Address.postcode == postcode)
        .limit(LOOKED_AT)
        .subquery()
    )
    live = select(Customer.id).where(
        Customer.id == some.c.customer_id, Customer.deleted_at.is_(None)
    )
    rows = session.execute(
        select(some.c.place_key, some.c.place, func.count().label("found"))
        .where(some.c.country == country, some.c.place_key.is_not(None), live.exists())
        .group_by(some.c.place_key, some.c.place)
        .order_by(func.count().desc(), some.c.place)
    )
    spelled: dict[str, str] = {}
    found: dict[str, int] = {}
    for key, place, count in rows:
        spelled.setdefault(key, place)
        found[key] = found.get(key, 0) + count
    return [spelled[key] for key in sorted(found, key=lambda key: (-found[key], key))[:MOST]]
