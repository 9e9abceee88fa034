"""The Clients search: one box for names in either order, email, phone, number and company.

Exact hits come first, by index. Then at most 200 candidates that hold every word are ranked:
whole words before beginnings of words before parts of words, then by name. All hits are never
sorted: for a common word that alone takes longer than a person notices (docs/decisions.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Row, and_, false, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.core.filters import begins_with
from app.core.text import digits, words
from app.core.values import ValueProblem, parse_phone
from app.customers.models import Customer

MOST_CANDIDATES = 200
# Room for the deleted ones and for short words that only filter.
MOST_LOOKED_AT = 2000
LONGEST_QUERY = 200
MOST_WORDS = 8
# A trigram index knows nothing shorter.
SHORTEST_INDEXED = 3
_TRUNK_ZERO = re.compile(r"^((?:\+|00)[\d\s]{1,5})\(0\)")
_LOOKS_LIKE_PHONE = re.compile(r"[+0(][\d\s()/+.-]{3,}")
_gone = aliased(Customer)
_FIELDS = (
    Customer.id, Customer.number, Customer.kind, Customer.first_name, Customer.name,
    Customer.company_name, Customer.email, Customer.mobile_phone, Customer.telephone_private,
    Customer.business_telephone, Customer.locked, Customer.search_text, Customer.sort_name,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A customer found, with what tells it from others."""

    id: int
    number: str
    kind: str
    name: str
    email: str | None
    phone: str | None
    locked: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave. `capped`: there are more, and the person should refine it."""

    hits: list[Hit]
    total: int
    capped: bool
    ms: float


def search_clients(session: Session, query: str, *, country: str, limit: int = 50) -> Found:
    """Find live customers of every kind. `country` reads phones written without theirs."""
    began = perf_counter()
    query = query[:LONGEST_QUERY].strip()
    terms = search_terms(query)
    if not terms:
        return Found([], 0, False, _ms(began))
    exact = _exact(session, query, country)
    taken = {row.id for row in exact}
    condition = candidates(terms, most=MOST_LOOKED_AT)
    rows = session.execute(
        select(*_FIELDS).where(Customer.deleted_at.is_(None), condition).limit(MOST_CANDIDATES + 1)
    ).all()
    capped = len(rows) > MOST_CANDIDATES
    ranked = sorted(
        (row for row in rows[:MOST_CANDIDATES] if row.id not in taken),
        key=lambda row: (_rank(row.search_text, terms), row.sort_name, row.id),
    )
    found = [*exact, *ranked]
    return Found([_hit(row) for row in found[:limit]], len(found), capped, _ms(began))


def search_terms(query: str) -> list[str]:
    """The folded words of a query; a phone number in any spelling is one word of digits."""
    if _LOOKS_LIKE_PHONE.fullmatch(query.strip()):
        # 0170 and +49170 and 0049170 all hold the digits that a stored number ends with; the (0)
        # of +49 (0) 170 is dialled only inside the country.
        number = digits(_TRUNK_ZERO.sub(r"\1", query.strip())).lstrip("0")
        return [number] if number else []
    return list(dict.fromkeys(words(query)))[:MOST_WORDS]


def candidates(terms: Sequence[str], most: int | None = None) -> ColumnElement[bool]:
    """The condition that a customer's text holds every term, by an index where there is one.

    `most` bounds how many hits SQLite's index hands over, for terms that nearly everybody has.
    """
    long = [term for term in terms if len(term) >= SHORTEST_INDEXED]
    short = [term for term in terms if len(term) < SHORTEST_INDEXED]
    if not long:
        # No trigram to look up: the beginning of the name, by its index, finds at least those.
        first, *others = short
        return and_(
            or_(begins_with(Customer.sort_name, first), Customer.number == first),
            *(_contains(term) for term in others),
        )
    return and_(_HoldsAll(long, most), *(_contains(term) for term in short))


def _contains(term: str) -> ColumnElement[bool]:
    escaped = re.sub(r"([%_/])", r"/\1", term)
    return Customer.search_text.like(f"%{escaped}%", escape="/")


def _exact(session: Session, query: str, country: str) -> Sequence[Row[Any]]:
    """Customers whose number, former number, email or phone is just what was typed."""
    ways: list[ColumnElement[bool]] = [
        Customer.number == query,
        Customer.former_number == query,
        # Whoever looks for the number of a merged customer means the one that stayed.
        Customer.id.in_(select(_gone.merged_into_id).where(_gone.number == query)),
    ]
    if "@" in query:
        ways.append(Customer.email_key == query.casefold())
    try:
        phone = parse_phone(query, "Phone", country)
    except ValueProblem:
        pass
    else:
        ways += [
            Customer.mobile_phone == phone,
            Customer.telephone_private == phone,
            Customer.business_telephone == phone,
        ]
    found: dict[int, Row[Any]] = {}
    for way in ways:
        rows = session.execute(
            select(*_FIELDS)
            .where(way, Customer.deleted_at.is_(None))
            .order_by(Customer.id)
            .limit(20)
        )
        found |= {row.id: row for row in rows}
    return list(found.values())


def _rank(searched: str, terms: Sequence[str]) -> int:
    """How well the text fits, summed over the terms: whole word 0, beginning 1, inside 2."""
    padded = f" {searched} "
    return sum(0 if f" {t} " in padded else 1 if f" {t}" in padded else 2 for t in terms)


def _hit(row: Row[Any]) -> Hit:
    person = " ".join(part for part in (row.first_name, row.name) if part)
    name = row.company_name if row.kind != "individual" and row.company_name else person
    phone = row.mobile_phone or row.telephone_private or row.business_telephone
    return Hit(row.id, row.number, row.kind, name, row.email, phone, row.locked)


def _ms(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def list_condition(query: str) -> ColumnElement[bool]:
    """The search as a condition of the lists, beside their filters; nothing for no words."""
    terms = search_terms(query[:LONGEST_QUERY])
    return candidates(terms) if terms else false()


class _HoldsAll(FunctionElement[bool]):
    """That a customer's text holds every term (of three characters and more)."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: on SQLite it would become (…) = 1, for which no index can be used."""
        return self

    def __init__(self, terms: Sequence[str], most: int | None) -> None:
        quoted = " AND ".join('"{}"'.format(term.replace('"', '""')) for term in terms)
        likes = and_(*(_contains(term) for term in terms))
        # A negative limit is none in SQLite.
        super().__init__(Customer.id, literal(quoted), literal(-1 if most is None else most), likes)


@compiles(_HoldsAll)
def _by_trigram_operator(element: _HoldsAll, compiler: SQLCompiler, **kw: Any) -> str:
    likes = list(element.clauses)[-1]
    return f"({compiler.process(likes, **kw)})"


@compiles(_HoldsAll, "sqlite")
def _by_full_text(element: _HoldsAll, compiler: SQLCompiler, **kw: Any) -> str:
    # The last clause is left alone: processing it would add values that nothing asks for.
    id_, phrase, most = (compiler.process(part, **kw) for part in list(element.clauses)[:3])
    hits = f"SELECT rowid FROM customer_search WHERE customer_search MATCH {phrase}"  # noqa: S608
    return f"({id_} IN ({hits} LIMIT {most}))"
