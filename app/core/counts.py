"""Counting that stays cheap: up to a cap by itself, exactly only when somebody asks."""

from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

CAP = 10_000


def capped_count(session: Session, statement: Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """How many rows the statement finds, and whether the count stopped at the cap."""
    return asked_count(session, counting(statement.order_by(None).limit(cap + 1)), cap)


def asked_count(session: Session, counting: Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """The same of a statement that counts one more at most, made once for every page."""
    found = session.scalar(counting) or 0
    return (cap, True) if found > cap else (found, False)


def exact_count(session: Session, statement: Select[Any]) -> int:
    """How many rows the statement finds, however long that takes."""
    return session.scalar(counting(statement.order_by(None))) or 0


def format_count(total: int, capped: bool) -> str:
    """A count as people read it: 387, 9,412 or 10,000+."""
    return f"{total:,}+" if capped else f"{total:,}"


def counting(statement: Select[Any]) -> Select[Any]:
    """The statement that counts the rows of another."""
    rows = statement.with_only_columns(literal_column("1"), maintain_column_froms=True).subquery()
    # A way through the table that the statement asks for counts for its rows here, too.
    options = statement.get_execution_options()
    return select(func.count()).select_from(rows).execution_options(**options)
