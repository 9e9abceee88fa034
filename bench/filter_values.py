"""For each filter of a list, a value that many rows have and one that few have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.timing import say

# The commonest and the rarest choice of a filter are found by counting so many choices among so
# many customers: to count all of a million for every choice would take minutes.
MOST_CHOICES, COUNTED = 50, 50_000


@dataclass(frozen=True, slots=True)
class Value:
    """What a filter is given: the texts under its names."""

    label: str
    given: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.label} {' to '.join(self.given.values())}"


def values_of(session: Session, listing: Any) -> tuple[list[list[Value]], list[str]]:
    """The values of each filter, and the labels of filters for which the data has none."""
    sample = _sample(session)
    offered, without = [], []
    for one in listing.filters:
        found = list(_values(session, listing, one, sample))
        say(f"filter {one.label}: {', '.join(map(str, found)) or 'no value in this data'}")
        if found:
            offered.append(found)
        else:
            without.append(one.label)
    session.rollback()
    return offered, without


def _values(session: Session, listing: Any, one: Any, sample: dict[str, Any]) -> list[Value]:
    kind = str(one.kind)
    if kind == "choice":
        return _common_and_rare(session, listing, one)
    if kind in {"yes_no", "present"}:
        return [Value(one.label, {one.name: answer}) for answer in ("yes", "no")]
    if len(one.names) == 2:
        spans = _SPANS.get(kind, _as_texts)(one.name, sample)
        return [Value(one.label, dict(zip(one.names, span, strict=True))) for span in spans]
    texts = sample["texts"].get(one.name, ("a", "example"))
    return [Value(one.label, {name: text}) for name in one.names for text in texts]


def _common_and_rare(session: Session, listing: Any, one: Any) -> list[Value]:
    """Of the choices that some of the customers have: the commonest and the rarest."""
    from app.core.counts import exact_count
    from app.core.listing import Criteria
    from app.customers.models import Customer

    middle = (session.scalar(select(func.max(Customer.id))) or 0) // 2
    some = Customer.id.between(middle - COUNTED // 2, middle + COUNTED // 2)
    counted = []
    for value, _ in one.offered(session)[:MOST_CHOICES]:
        wanted = listing.where(Criteria(filters={one.name: value})).where(some)
        if rows := exact_count(session, wanted):
            counted.append((rows, value))
    if not counted:
        return []
    names = dict.fromkeys((max(counted)[1], min(counted)[1]))
    return [Value(one.label, {one.name: value}) for value in names]


def _sample(session: Session) -> dict[str, Any]:
    """One customer and one address from the middle of the data, and the days it spans."""
    from app.core.text import fold
    from app.customers.models import Address, Customer

    first, last, most = session.execute(
        select(func.min(Customer.created_at), func.max(Customer.created_at), func.max(Customer.id))
    ).one()
    someone = session.execute(
        select(Customer.number, Customer.sort_name, Customer.email_key)
        .where(Customer.id >= most // 2, Customer.email_key.is_not(None))
        .where(Customer.deleted_at.is_(None))
        .order_by(Customer.id)
        .limit(1)
    ).one()
    postcode, place = session.execute(
        select(Address.postcode, Address.place)
        .where(Address.postcode.is_not(None), Address.place.is_not(None), Address.id >= most // 2)
        .order_by(Address.id)
        .limit(1)
    ).one()
    number, name, email = someone
    return {
        "first": first.date(),
        "last": last.date(),
        "texts": {
            "number": (number[:3], number),
            "name": (name[:1], name),
            "email": (email[:2], email),
            "place": (fold(place)[:1], place),
            "postcode": (postcode[:1], postcode),
            "ip": ("192.0.2.7", "2001:db8::1"),
        },
        "postcode": postcode,
    }


def _days(_: str, sample: dict[str, Any]) -> list[tuple[str, str]]:
    """Nearly all of the time, and one week of it."""
    first, last = sample["first"], sample["last"]
    middle = first + (last - first) / 2
    return [
        (str(first + timedelta(days=30)), str(last)),
        (str(middle), str(middle + timedelta(days=6))),
    ]


def _numbers(_: str, sample: dict[str, Any]) -> list[tuple[str, str]]:
    return [("0", "10"), ("5", "5")]


def _as_texts(name: str, sample: dict[str, Any]) -> list[tuple[str, str]]:
    """A span of texts, such as of postcodes."""
    code = sample["postcode"]
    return [("1", "9"), (code, code)]


_SPANS: Mapping[str, Callable[[str, dict[str, Any]], list[tuple[str, str]]]] = {
    "date": _days,
    "moment": _days,
    "number": _numbers,
}
