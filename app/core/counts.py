"""Counting that stays cheap: up to a cap by itself, exactly only when somebody asks."""

from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

CAP = 10_000


def capped_count(session: Session, statement: Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """How many rows the statement finds, and whether the count stopped at the cap."""
    found = _count(session, statement.order_by(None).limit(cap + 1))
    return (cap, True) if found > cap else (found, False)


def exact_count(session: Session, statement: Select[Any]) -> int:
    """How many rows the statement finds, however long that takes."""
    return _count(session, statement.order_by(None))


def format_count(total: int, capped: bool) -> str:
    """A count as people read it: 387, 9,412 or 10,000+."""
    return f"{total:,}+" if capped else f"{total:,}"


def _count(session: Session, statement: Select[Any]) -> int:
    rows = statement.with_only_columns(literal_column("1"), maintain_column_froms=True).subquery()
    counting = select(func.count()).select_from(rows)
    # A way through the table that the statement asks for counts for its rows here, too.
    return session.scalar(counting.execution_options(**statement.get_execution_options())) or 0
