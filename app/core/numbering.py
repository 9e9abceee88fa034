"""Numbers given out once and never again."""

from sqlalchemy import select, update
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
    taken = session.scalar(
        update(NumberSeries)
        .where(NumberSeries.name == series)
        .values(last=NumberSeries.last + count)
        .returning(NumberSeries.last)
    )
    if taken is None:
        session.add(NumberSeries(name=series, last=FIRST[series] - 1 + count))
        session.flush()
        taken = session.scalar(select(NumberSeries.last).where(NumberSeries.name == series)) or 0
    return range(taken - count + 1, taken + 1)
