"""Numbers given out once and never again."""

from functools import cache
from typing import Any, cast

from sqlalchemy import BigInteger, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core.models import NumberSeries

# The first number of each series. Seven digits keep customer numbers in order as text up to
# nine million customers.
FIRST = {"customer": 1_000_001, "collection run": 1}


def next_numbers(session: Session, series: str, count: int) -> range:
    """Take the next `count` numbers of a series.

    The series' row stays locked until the transaction ends, so that no number is given twice;
    a rolled-back transaction gives its numbers back.
    """
    taken = session.execute(
        _taking(session.get_bind().dialect.name),
        {"series": series, "first": FIRST[series] - 1 + count, "count": count},
    ).scalar_one()
    return range(taken - count + 1, taken + 1)


@cache
def _taking(dialect: str) -> Any:
    """The statement that takes numbers: made once, a long write takes some for every few rows."""
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    series = cast(Table, NumberSeries.__table__)
    statement = insert(series).values(name=bindparam("series"), last=bindparam("first"))
    return statement.on_conflict_do_update(
        index_elements=[series.c.name],
        set_={"last": series.c.last + bindparam("count", type_=BigInteger)},
    ).returning(series.c.last)
