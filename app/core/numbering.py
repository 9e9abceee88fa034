"""Numbers given out once and never again."""

from typing import Any

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
    insert: Any = (
        postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    )
    statement = insert(NumberSeries).values(name=series, last=FIRST[series] - 1 + count)
    taken = session.scalars(
        statement.on_conflict_do_update(
            index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + count}
        ).returning(NumberSeries.last)
    ).one()
    return range(taken - count + 1, taken + 1)
