"""What is searched for: real names, phones, numbers and emails of the data, and hostile input."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

# Searches that may be anything at all; those of the issue first.
ANYTHING = (
    "example", "example qx", "a",
    # Words of two letters and less, alone and together, and what nobody or everybody has.
    "e", "1", "qx", "an", "a b", "a e i o u 1 2 3", "49", "0", "00", "+", "+49", "com", "gmbh",
    "de de", "exampel", "xampl", "exa amp mpl ple", "ann mar", "example com org net",
    "muller schmidt schneider", "zzz", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
    # What means something to a database or to a full-text index.
    "%", "_", "%%%", "a%b", "'", "''", '"', '"AND', "* OR *", "muller*", "NOT muller", "muller NOT",
    "NEAR(muller schmidt)", "(", "muller' --", "' OR 1=1 --", "; DROP TABLE customers", "^muller",
    "search_text:muller", "\\", "\\%", "{}", "-1", "1e9", "NULL",
    # What means something to Python, a terminal or a reader from right to left.
    "\x00", "\x01\x02\x1b[31m", "mu\x00ller", "\u202emuller", "שלום עולם", "مرحبا", "山田太郎",
    "😀", "\ud7ff\ufffe", "ﬀ", "İ", "ẞ",
    # Too much of it.
    "x" * 5000, "example " * 600, "a " * 2500, "%" * 5000, "ü" * 5000, "1" * 5000,
)  # fmt: skip
MOST_TERMS = 8


def draw_terms(session: Session) -> dict[str, list[str]]:
    """For each kind of search what to search for, drawn from the customers that are there."""
    people = _people(session)
    names = _names(session)
    return {
        "search-name": _few([*names, people[0].first_name, names[0].lower()]),
        "search-two-names": _few(
            word
            for one in people
            for word in (f"{one.first_name} {one.name}", f"{one.name} {one.first_name}")
        ),
        "search-company": _few(_companies(session)),
        "search-phone": _few(
            spelling for one in people[:2] for spelling in _phones(one.mobile_phone)
        ),
        "search-number": _few(
            part for one in people[:3] for part in (one.number, one.number[:-2], one.number[2:])
        ),
        "search-email": _few(
            part for one in people[:3] for part in (one.email, one.email.split("@")[0])
        ),
        "search-anything": list(ANYTHING),
    }


def _few(words: Any) -> list[str]:
    return list(dict.fromkeys(words))[:MOST_TERMS]


def _people(session: Session) -> Sequence[Any]:
    """Persons from all over the data who have an email and a mobile phone."""
    from app.customers.models import Customer

    last = session.scalar(select(func.max(Customer.id))) or 0
    wanted = (
        select(
            Customer.first_name,
            Customer.name,
            Customer.mobile_phone,
            Customer.number,
            Customer.email,
        )
        .where(
            Customer.kind == "individual",
            Customer.deleted_at.is_(None),
            Customer.email.is_not(None),
            Customer.mobile_phone.is_not(None),
        )
        .order_by(Customer.id)
        .limit(1)
    )
    places = [last * part // 9 for part in (1, 3, 5, 7)]
    return [session.execute(wanted.where(Customer.id >= place)).one() for place in places]


def _names(session: Session) -> list[str]:
    """The two commonest family names, the two rarest, and one that is written with an accent."""
    from app.customers.models import Customer

    counted = (
        select(Customer.name)
        .where(Customer.deleted_at.is_(None), Customer.name.is_not(None))
        .group_by(Customer.name)
        .order_by(func.count().desc(), Customer.name)
    )
    found = [name for name in session.scalars(counted) if name]
    accented = [name for name in found if not name.isascii()]
    return [*found[:2], *found[-2:], *accented[:1]]


def _companies(session: Session) -> list[str]:
    from app.customers.models import Customer

    wanted = (
        select(Customer.company_name)
        .where(Customer.company_name.is_not(None), Customer.deleted_at.is_(None))
        .order_by(Customer.id.desc())
        .limit(4)
    )
    found = [name for name in session.scalars(wanted) if name]
    return [*found, *(name.split()[0] for name in found)]


def _phones(stored: str) -> list[str]:
    """A phone number as people type it, whole and in part; `stored` begins with + and 49."""
    own = stored[3:]
    return [
        stored,
        f"0{own[:3]} {own[3:7]}",
        f"0{own}",
        f"+{stored[1:3]} (0) {own[:3]} / {own[3:]}",
        own[3:],
    ]
