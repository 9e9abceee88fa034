"""The Clients search: one box for names in either order, email, phone, number and company.

Exact hits come first, by index. Then at most 200 customers whose text holds every word, found by
trigrams: whole words stand before beginnings of words before parts of words, then the name decides.
Where there are too many to rank them all, those with whole words and with beginnings are asked for
by themselves, so that no limit can lose them. All hits of a common word are never sorted: that
alone takes longer than a person notices (docs/decisions.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Row,
    Select,
    and_,
    column,
    false,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.core.among import one_of
from app.core.database import map_file
from app.core.deadline import DeadlinePassed, deadline
from app.core.filters import begins_with, clean
from app.core.text import digits, words
from app.customers.exact_hits import exact_hits
from app.customers.models import Customer

MOST_CANDIDATES = 200
# So many are ranked as they are; of more, whole words and beginnings are asked for by themselves.
MOST_RANKED = 400
# Room for the deleted ones and for short words that only filter.
MOST_LOOKED_AT = 2000
LONGEST_QUERY = 200
MOST_WORDS = 8
# With the page around it a person waits 300 ms at most; past it the page says "refine".
DEADLINE_MS = 200
# A trigram index knows nothing shorter; of an email it need not compare every letter.
SHORTEST_INDEXED = 3
LONGEST_PHRASE = 14
# So much of a word PostgreSQL looks up: the beginning, or the end of a number, whose beginning
# (the country's and the area's code) many share.
MOST_LOOKED_UP = 8
_PIECE = re.compile(r"[^\W_]+")
_TRUNK_ZERO = re.compile(r"^((?:\+|00)[\d\s]{1,5})\(0\)")
_LOOKS_LIKE_PHONE = re.compile(r"[+0(][\d\s()/+.-]{3,}")
# The same among other words: begun as a number is dialled, ended by a digit.
_PHONE_INSIDE = re.compile(r"(?<!\S)(?:\+|\(?0)[\d\s()/.-]{3,}\d(?!\S)")
_NUMBER = re.compile(r"\+?\d+")
_INDEX = table("customer_search", column("rowid"))  # kept by triggers, on SQLite only
# What a candidate is judged by; what is shown of it is read of those that are shown.
_JUDGED = (Customer.id, Customer.search_text, Customer.sort_name)
_SHOWN = (
    Customer.id, Customer.number, Customer.kind, Customer.first_name, Customer.name,
    Customer.company_name, Customer.email, Customer.mobile_phone, Customer.telephone_private,
    Customer.business_telephone, Customer.locked,
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
    """Whom a search gave, the best first. `capped`: there are more, and it should be refined.

    `late`: it was stopped at the deadline; what it had found by then is here. `hits` are as many
    of them as were asked for.
    """

    ids: list[int]
    capped: bool
    ms: float
    late: bool = False
    hits: Sequence[Hit] = ()

    @property
    def total(self) -> int:
        """How many were found."""
        return len(self.ids)


def search_clients(session: Session, query: str, *, country: str, limit: int = 50) -> Found:
    """Find live customers of every kind. `country` reads phones written without theirs.

    `limit`: of how many `hits` tell more than the id.
    """
    began = perf_counter()
    query = clean(query)[:LONGEST_QUERY]
    terms = search_terms(query)
    if not terms:
        return Found([], False, _ms(began))
    map_file(session)
    exact = exact_hits(session, query, country)
    ranked, capped, late = _candidates(session, terms, began, set(exact))
    ids = [*exact, *ranked]
    hits = _hits(session, ids[:limit]) if limit else ()
    return Found(ids, capped, _ms(began), late, hits)


def _hits(session: Session, ids: Sequence[int]) -> list[Hit]:
    rows: Any = session.execute(select(*_SHOWN).where(Customer.id.in_(ids)))
    found = {row.id: _hit(row) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


def _candidates(
    session: Session, terms: Sequence[str], began: float, taken: set[int]
) -> tuple[list[int], bool, bool]:
    """The other hits in their order, whether there are more, and whether time ran out."""
    rows: dict[int, Row[Any]] = {}
    rest: dict[int, Row[Any]] = {}
    more = late = False
    # A single name may fill the page by itself; several words together are seldom too many, nor
    # do many share a long one, and a number typed in part is no word of its own.
    by_itself = len(terms) == 1 and not terms[0].isdigit() and len(terms[0]) <= LONGEST_PHRASE
    try:
        if by_itself:
            rows, more = _holding(session, _whole(terms), began, MOST_CANDIDATES)
        if not more:
            rest, more = _holding(session, _indexable(terms), began, MOST_RANKED)
            if more:
                begun, many = _holding(session, _beginnings(terms), began, MOST_CANDIDATES)
                rest = begun | rest
                # Whole words are beginnings, too: they could be lost only among too many of them.
                if many and not by_itself:
                    rows, _ = _holding(session, _whole(terms), began, MOST_CANDIDATES)
    except DeadlinePassed:
        more = late = True
    rows |= rest
    others = [row for id_, row in rows.items() if id_ not in taken]
    kept = others[:MOST_CANDIDATES] if more else others
    kept.sort(key=lambda row: (_rank(row.search_text, terms), row.sort_name, row.id))
    ids = [row.id for row in kept[:MOST_CANDIDATES]]
    return ids, more or len(kept) > MOST_CANDIDATES, late


def _whole(terms: Sequence[str]) -> list[str]:
    return [f" {term} " for term in terms]


def _beginnings(terms: Sequence[str]) -> list[str]:
    return [f" {term}" for term in terms]


def _holding(
    session: Session, patterns: Sequence[str], began: float, most: int
) -> tuple[dict[int, Row[Any]], bool]:
    """Live customers whose text holds every pattern, by id, and whether there may be more.

    Raises DeadlinePassed.
    """
    statement = select(*_JUDGED).where(Customer.deleted_at.is_(None)).limit(most + 1)
    keys = _keys(patterns) if session.get_bind().dialect.name == "sqlite" else None
    with deadline(session, max(1, DEADLINE_MS - _ms(began))):
        cut = False
        if keys is None:
            condition = _condition(patterns)
        else:
            found = session.scalars(keys.limit(MOST_LOOKED_AT)).all()
            cut = len(found) == MOST_LOOKED_AT
            condition = and_(one_of(Customer.id, found), *(_contains(one) for one in patterns))
        rows: dict[int, Any] = {row.id: row for row in session.execute(statement.where(condition))}
    return rows, cut or len(rows) > most


def search_terms(query: str) -> list[str]:
    """The folded words of a query; a phone number in any spelling is one word of digits."""
    if _LOOKS_LIKE_PHONE.fullmatch(query.strip()):
        number = _phone_digits(query)
        return [number] if number else []
    if phone := _PHONE_INSIDE.search(query):
        rest = f"{query[: phone.start()]} {query[phone.end() :]}"
        return [*search_terms(rest), *search_terms(phone[0])][:MOST_WORDS]
    found = (_as_stored(word) for word in words(query))
    # Marks alone are no word; PostgreSQL would go through all of its index for them.
    told = (word for word in found if any(sign.isalnum() for sign in word))
    return list(dict.fromkeys(told))[:MOST_WORDS]


def _as_stored(word: str) -> str:
    """A word as it can stand in a customer's text: 0170 and +49 are there without zero and plus."""
    return word.lstrip("+0") if _NUMBER.fullmatch(word) else word


def _condition(patterns: Sequence[str]) -> ColumnElement[bool]:
    """That a customer's text holds every pattern, by an index."""
    long, short = _by_length(patterns)
    if long:
        return and_(_HoldsAll(long), *(_contains(one) for one in short))
    first, *others = short
    # Too short for the trigrams: names that begin so are found by their own index.
    return and_(begins_with(Customer.sort_name, first.strip()), *(_contains(one) for one in others))


def _by_length(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    long = [one for one in patterns if len(one) >= SHORTEST_INDEXED]
    return long, [one for one in patterns if len(one) < SHORTEST_INDEXED]


def _contains(term: str) -> ColumnElement[bool]:
    return _like(Customer.search_text, term)


def _like(searched: Any, term: str) -> ColumnElement[bool]:
    escaped = re.sub(r"([%_/])", r"/\1", term)
    return searched.like(f"%{escaped}%", escape="/")  # type: ignore[no-any-return]


def _rank(searched: str, terms: Sequence[str]) -> int:
    """How well the text fits, summed over the terms: whole word 0, beginning 1, inside 2."""
    return sum(0 if f" {t} " in searched else 1 if f" {t}" in searched else 2 for t in terms)


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
    if not terms:
        return false()
    return _condition(_indexable(terms))


def list_keys(query: str) -> Select[Any] | None:
    """The ids that SQLite's index finds for the words of a list's search; None without any."""
    return _keys(_indexable(search_terms(query[:LONGEST_QUERY])))


def list_scan(query: str) -> ColumnElement[bool]:
    """The same condition as `list_condition`, judged customer by customer without the index."""
    patterns = _indexable(search_terms(query[:LONGEST_QUERY]))
    return and_(*(_contains(one) for one in patterns)) if patterns else false()


def phone_condition(typed: str) -> ColumnElement[bool]:
    """That one of the phones, or another number, holds the digits typed, in any spelling."""
    number = _phone_digits(typed)
    return _contains(number) if number else false()


def phone_keys(typed: str) -> Select[Any] | None:
    """The ids that SQLite's index finds for them; None for fewer than three digits."""
    number = _phone_digits(typed)
    return _keys([number]) if number else None


def _phone_digits(typed: str) -> str:
    """The digits that a stored number ends with, whether typed as 0170, +49170 or 0049170.

    The (0) of +49 (0) 170 is dialled only inside the country.
    """
    return digits(_TRUNK_ZERO.sub(r"\1", typed.strip())).lstrip("0")


def _indexable(terms: Sequence[str]) -> list[str]:
    """The terms as parts of words, where the index knows one so; else as beginnings."""
    return list(terms) if _by_length(terms)[0] else _beginnings(terms)


def _keys(patterns: Sequence[str]) -> Select[Any] | None:
    long, _ = _by_length(patterns)
    if not long:
        return None
    return select(_INDEX.c.rowid).where(_matches(long))


def _matches(patterns: Sequence[str]) -> ColumnElement[bool]:
    match = column("customer_search", is_literal=True).op("MATCH", is_comparison=True)
    return match(_phrase(patterns))


def _phrase(patterns: Sequence[str]) -> str:
    """What the index looks for: the beginnings of long words are rare enough, and quicker."""
    parts = (one[:LONGEST_PHRASE].replace('"', '""') for one in patterns)
    return " AND ".join(f'"{part}"' for part in parts)


def _begun(pattern: str) -> ColumnElement[bool]:
    """That the text holds the pattern: looked up by a part of its letters, then compared whole.

    PostgreSQL's index would else read the endless lists of how words begin and end, and of what
    many emails have behind the @, and bring together the lists of more letters than it takes to
    make the rows few: those of any eight do.
    """
    pieces = _PIECE.findall(pattern.partition("@")[0])
    if not pieces or min(len(one) for one in pieces) < SHORTEST_INDEXED:
        return _contains(pattern)
    parts = [one[-MOST_LOOKED_UP:] if one.isdigit() else one[:MOST_LOOKED_UP] for one in pieces]
    looked_up = (_contains(one) for one in dict.fromkeys(parts))
    if parts == [pattern]:
        return and_(*looked_up)
    # Joined with nothing the column has no index, nor statistics that take this for no condition.
    return and_(*looked_up, _like(Customer.search_text + literal_column("''"), pattern))


class _HoldsAll(FunctionElement[bool]):
    """That a customer's text holds every pattern (of three characters and more)."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: on SQLite it would become (…) = 1, for which no index can be used."""
        return self

    def __init__(self, patterns: Sequence[str]) -> None:
        likes = and_(*(_contains(one) for one in patterns))
        begun = and_(*(_begun(one) for one in patterns))
        super().__init__(Customer.id, literal(_phrase(patterns)), likes, begun)


@compiles(_HoldsAll)
def _by_trigram_operator(element: _HoldsAll, compiler: SQLCompiler, **kw: Any) -> str:
    begun = list(element.clauses)[-1]
    return f"({compiler.process(begun, **kw)})"


@compiles(_HoldsAll, "sqlite")
def _by_full_text(element: _HoldsAll, compiler: SQLCompiler, **kw: Any) -> str:
    id_, phrase, likes = (compiler.process(part, **kw) for part in list(element.clauses)[:3])
    hits = f"SELECT rowid FROM customer_search WHERE customer_search MATCH {phrase}"  # noqa: S608
    return f"({id_} IN ({hits}) AND {likes})"
