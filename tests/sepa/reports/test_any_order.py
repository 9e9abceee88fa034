"""Whatever order reports come in, and however often, collections end in the same states."""

import random
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from tests.sepa.making import NOW
from tests.sepa.reports.files import block, camt, entry, status, told, total
from tests.sepa.reports.reading import collections_of, handed_in, read, run_of, states

AMOUNTS = ("10.00", "20.00", "30.00", "40.00")


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def answers(session: Session, number: str) -> list[bytes]:
    """What a bank says of four collections: the first is rejected, the second returned.

    Told by transaction and as a sum, by camt.054 and by camt.053.
    """
    a, b, c, d = (one.end_to_end_id for one in collections_of(session, number))
    rcur = f"{number}-1-RCUR"
    returned = {"end_to_end_id": b, "debit": True, "code": "MD06", "day": "2026-12-03"}
    return [
        status(block(rcur, told(a, code="AC04"), *(told(one, "ACCP") for one in (b, c, d))),
               original=f"{number}-1", group="PART"),
        status(original=f"{number}-1", group="ACTC"),
        camt(entry(amount=total(*AMOUNTS[1:]), block=rcur, transactions=3), kind="054"),
        camt(*(entry(amount=amount, end_to_end_id=one)
               for amount, one in zip(AMOUNTS[1:3], (b, c), strict=True))),
        camt(entry(amount="23.00", instructed="20.00", **returned), kind="054"),
        camt(entry(amount="23.00", fee="3.00", **returned)),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_reports_ends_in_the_same_states(session: Session, seed: int) -> None:
    number = handed_in(*AMOUNTS)
    reports = answers(session, number)
    chosen = random.Random(seed)
    order = [*reports, *chosen.choices(reports, k=3)]
    chosen.shuffle(order)
    for place, one in enumerate(order):
        # Downloaded at another moment, the same news are other bytes.
        read(one + b"<!-- %d -->\n" % place)
    assert states(session, number) == [
        ("rejected", "returned"), ("returned", "returned"), ("settled", "paid"),
        ("settled", "paid"),
    ]  # fmt: skip
    run = run_of(session, number)
    assert (run.state, run.files[0].bank_status) == ("closed", "PART")
    assert [(one.reason_code, str(one.fee)) for one in collections_of(session, number)][:2] == [
        ("AC04", "None"), ("MD06", "3.00"),
    ]  # fmt: skip
