"""The whole loop with an independent bank: collect, hand in, rejected, booked, returned."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mockbank import accounts, direct_debit, outbox
from mockbank.server import Config
from mockbank.state import State
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core import storage
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import Collection, RunState
from app.sepa.reports.models import BankReport, ReportEntry
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY
from tests.sepa.reports import reading
from tests.sepa.reports.files import OURS


class Bank:
    """The bank: takes our file, lets days pass, and answers with its messages."""

    def __init__(self) -> None:
        self._state = State(Config(quiet=True, clock="2026-11-23T09:00"))
        self._open("creditor", OURS)

    def _open(self, name: str, iban: str, **given: Any) -> None:
        accounts.create(self._state.conn, name, {"iban": iban, "currency": "EUR", **given})

    def debtor(self, name: str, iban: str, behaviour: str) -> None:
        """An account at this bank that is closed, or has no money."""
        self._open(name, iban, behaviour=behaviour)

    def take(self, file: bytes) -> str:
        """Hand a file in; the status of the whole."""
        return str(self._state.receive(file, "application/xml")[0]["status"])

    def wait_until(self, day: datetime.date) -> None:
        """Let days pass."""
        self._state.clock.advance(to=day)

    def refuse(self, end_to_end_id: str, reason: str) -> None:
        """The debtor's bank says no."""
        state = self._state
        collection, before = direct_debit.refuse(
            state.conn, state.clock, state.now(), end_to_end_id, {"reason": reason}
        )
        if before:
            outbox.queue_refusal(state.conn, collection, state.now(), 0)
        state.release()

    def answers(self) -> list[tuple[str, bytes]]:
        """What it has sent us since; without messages between banks, and those to others."""
        rows = outbox.collect(self._state.conn, self._state.now())
        return [
            (row["type"], row["body"].encode())
            for row in rows
            if row["type"].startswith("pain.002")
            or (OURS in row["body"] and not row["type"].startswith(("pacs", "camt.052")))
        ]

    def close(self) -> None:
        """The end of the bank."""
        self._state.close()


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = Bank()
    yield bank
    bank.close()


CASES = ("booked", "closed", "no money", "refused before", "objected", "no mandate")
REASONS = {
    "closed": "AC04", "no money": "AM04", "refused before": "MD01",
    "objected": "MD06", "no mandate": "MD01",
}  # fmt: skip


def test_every_invoice_ends_where_the_bank_has_left_it(
    session: Session, clock: Callable[[datetime.datetime], None], bank: Bank
) -> None:
    clock(NOW)
    number, ids = handed_in(bank)
    everything = []

    def read_answers() -> list[BankReport]:
        answers = bank.answers()
        everything.extend(answers)
        return [reading.read(body, f"{kind}.xml") for kind, body in answers]

    [first] = read_answers()
    assert (first.kind, first.accepted, first.rejected) == ("pain.002", 4, 2)
    assert reading.run_of(session, number).files[0].bank_status == "PART"
    assert state_of(session, ids["closed"]) == ("rejected", "AC04", "returned")
    assert state_of(session, ids["no money"]) == ("rejected", "AM04", "returned")
    assert state_of(session, ids["booked"]) == ("live", None, "in collection")
    assert reading.run_of(session, number).state == RunState.ANSWERED

    bank.refuse(ids["refused before"], "MD01")
    [second] = read_answers()
    assert (second.kind, second.rejected) == ("pain.002", 1)

    bank.wait_until(DAY + datetime.timedelta(days=1))
    booked = read_answers()
    assert {one.kind for one in booked} == {"camt.053", "camt.054"}
    assert sum(one.settled for one in booked) == 3
    # Told of by both; the second changes nothing.
    assert sum(one.known for one in booked) == 3
    for name in ("booked", "objected", "no mandate"):
        assert state_of(session, ids[name]) == ("settled", None, "paid")
    assert reading.run_of(session, number).state == RunState.CLOSED

    bank.refuse(ids["objected"], "MD06")
    bank.refuse(ids["no mandate"], "MD01")
    bank.wait_until(DAY + datetime.timedelta(days=4))
    returned = read_answers()
    assert sum(one.returned for one in returned) == 2
    assert all(one.unmatched == 0 for one in (first, second, *booked, *returned))

    ends = {name: state_of(session, ids[name]) for name in CASES}
    assert ends == {
        "booked": ("settled", None, "paid"),
        "closed": ("rejected", "AC04", "returned"),
        "no money": ("rejected", "AM04", "returned"),
        "refused before": ("rejected", "MD01", "returned"),
        "objected": ("returned", "MD06", "returned"),
        "no mandate": ("returned", "MD01", "returned"),
    }

    before = figures(session)
    for kind, body in everything:
        reading.read(body, f"{kind} again.xml")
    # The same news in other bytes.
    for kind, body in reversed(everything):
        reading.read(body + b"\n<!-- downloaded again -->", f"{kind}.xml")
    after = figures(session)
    assert {name: state_of(session, ids[name]) for name in CASES} == ends
    assert set(after - before) <= {"known before", "accepted"}


def handed_in(bank: Bank) -> tuple[str, dict[str, str]]:
    """A run that the bank has; its number, and the end-to-end id of each case."""
    with transaction() as session:
        account = making.account(session)
        cases = {name: making.debtor(session, "10.00") for name in CASES}
        closed, poor = cases["closed"].customer, cases["no money"].customer
        bank.debtor("closed", closed.iban or "", "closed-account")
        bank.debtor("poor", poor.iban or "", "insufficient-funds")
        run = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
        [stored] = runs.hand_out_files(session, run, actor=COMMAND_LINE)
        assert bank.take(storage.read_bytes(stored)) == "PART"
        runs.hand_in_run(session, run, actor=COMMAND_LINE)
        ids = {
            name: session.scalars(
                select(Collection.end_to_end_id).where(Collection.invoice_id == invoice.id)
            ).one()
            for name, invoice in cases.items()
        }
        return run.number, ids


def state_of(session: Session, end_to_end_id: str) -> tuple[str, str | None, str]:
    """State and reason of a collection, and the state of its invoice."""
    session.rollback()
    one = session.scalars(select(Collection).where(Collection.end_to_end_id == end_to_end_id)).one()
    return one.state, one.reason_code, session.get_one(Invoice, one.invoice_id).state


def figures(session: Session) -> Counter[str]:
    """How many entries did what."""
    session.rollback()
    return Counter(session.scalars(select(ReportEntry.outcome)))
