"""The commit boundary: all or nothing, and two processes that write wait for one another."""

import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.core.database import after_commit
from app.core.models import NumberSeries
from app.core.numbering import next_numbers
from app.customers.models import Store
from app.extensions import transaction

ROUNDS = 25


def test_what_fails_inside_leaves_nothing_and_calls_nobody(session: Session) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError), transaction() as work:
        work.add(Store(name="Half", is_default=False, active=True))
        work.flush()
        after_commit(work, lambda: called.append("too early"))
        1 / 0  # noqa: B018
    with transaction() as work:
        after_commit(work, lambda: called.append("committed"))
    assert session.scalar(select(Store).where(Store.name == "Half")) is None
    assert called == ["committed"]


def _take_numbers(settings: Settings, start: Barrier, taken: "multiprocessing.Queue[int]") -> None:
    from app import create_app

    app = create_app(settings)
    with app.app_context():
        start.wait(60)
        for _ in range(ROUNDS):
            with transaction() as session:
                # Reads first, as an operation does: on a stale read the write must not build.
                session.scalar(select(NumberSeries.last))
                taken.put(next_numbers(session, "collection run", 1)[0])


def test_two_processes_never_take_the_same_number(app: Flask) -> None:
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2), context.Queue()
    both = [
        context.Process(target=_take_numbers, args=(app.config["SETTINGS"], start, taken))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    numbers = [taken.get(timeout=120) for _ in range(2 * ROUNDS)]
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    assert sorted(numbers) == list(range(1, 1 + 2 * ROUNDS))
