"""Counting that stays cheap: up to a cap by itself, exactly only when somebody asks."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

CAP = 10_000


def capped_count(session: Session, statement: Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """How many rows the statement finds, and whether the count stopped at the cap."""
    found = session.scalar(_counting_to(cap, statement)) or 0
    return (cap, True) if found > cap else (found, False)


def counting_each(statements: Iterable[Select[Any]], cap: int = CAP) -> Select[Any]:
    """One statement with a column for each of the others: its rows, to one more than the cap."""
    counted = [_counting_to(cap, one) for one in statements]
    options = [one.get_execution_options() for one in counted]
    together = select(*(one.scalar_subquery() for one in counted))
    return together.execution_options(**reduce(or_, options, {}))


def exact_count(session: Session, statement: Select[Any]) -> int:
    """How many rows the statement finds, however long that takes."""
    return session.scalar(_counting(statement.order_by(None))) or 0


def format_count(total: int, capped: bool) -> str:
    """A count as people read it: 387, 9,412 or 10,000+."""
    return f"{total:,}+" if capped else f"{total:,}"


def format_to_cap(total: int, cap: int = CAP) -> str:
    """The same of a count that went to one more than the cap."""
    return format_count(min(total, cap), total > cap)


def _counting_to(cap: int, statement: Select[Any]) -> Select[Any]:
    return _counting(statement.order_by(None).limit(cap + 1))


def _counting(statement: Select[Any]) -> Select[Any]:
    rows = statement.with_only_columns(
        literal_column("1").label("one"), maintain_column_froms=True
    ).subquery()
    # A way through the table that the statement asks for counts for its rows here, too.
    options = statement.get_execution_options()
    return select(func.count()).select_from(rows).execution_options(**options)
