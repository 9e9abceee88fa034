"""A read past its deadline is stopped, and what follows it goes on as if nothing had been."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.deadline import DeadlinePassed, deadline

ENDLESS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)"
    " SELECT count(*) FROM n"
)


def test_a_read_that_takes_too_long_is_stopped(session: Session) -> None:
    with pytest.raises(DeadlinePassed), deadline(session, 20):
        session.scalar(ENDLESS)
    assert session.scalar(text("SELECT 1")) == 1


def test_a_quick_read_is_left_alone_and_so_is_what_comes_after(session: Session) -> None:
    with deadline(session, 10_000):
        assert session.scalar(text("SELECT 1")) == 1
    some = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
                " SELECT count(*) FROM n")  # fmt: skip
    with deadline(session, 10_000):
        pass
    assert session.scalar(some) == 300_000


def test_what_was_read_before_stays_readable(session: Session) -> None:
    session.execute(text("SELECT 1"))
    for _ in range(3):
        with pytest.raises(DeadlinePassed), deadline(session, 5):
            session.scalar(ENDLESS)
    assert session.scalar(text("SELECT count(*) FROM customers")) == 0
