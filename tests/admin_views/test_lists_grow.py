"""No list and no tab of the direct debits asks more of the database for 200 rows than for 20."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import CreditorAccount, Mandate
from app.sepa.notices import customers_of, send_notices
from app.sepa.queries_mandates import Waiting
from app.sepa.reports.models import BankReport, EntryOutcome, ReportEntry
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY
from tests.sepa.returning import end

AsRole = Callable[..., FlaskClient]
FEW, MANY = 20, 200
LISTS = ("returns", "returns_done", "bank_reports", "bank_entries", "mandates", "invoices")


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def _collected(session: Session, how_many: int) -> int:
    """A run of so many that its customers were told of and the bank has answered."""
    account = session.scalar(select(CreditorAccount)) or making.account(session)
    making.many_debtors(session, how_many)
    run = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    send_notices(session, run, customers_of(session, run.id), actor=COMMAND_LINE)
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    runs.hand_in_run(session, run, actor=COMMAND_LINE)
    collections = making.collections(session, run.id)
    end(session, collections, "MD01")
    for one in collections[: how_many // 2]:
        one.worked_off_at, one.worked_off_by_label = NOW, "Ari"
    return run.id


def _reported(session: Session, run_id: int) -> int:
    """A report about each collection, and one that has an entry for each; the last one's id."""
    collections = making.collections(session, run_id)
    reports = [_report(f"{run_id}-{number}") for number in range(len(collections))]
    session.add_all(reports)
    session.flush()
    for position, one in enumerate(collections):
        of_ours = position % 2 == 0
        session.add(
            ReportEntry(
                report_id=reports[-1].id, position=position, told="returned",
                outcome=EntryOutcome.RETURNED if of_ours else EntryOutcome.UNMATCHED,
                collection_id=one.id if of_ours else None, amount=-one.amount,
                booked_on=DAY, reason_code="MD01", party_iban=one.iban,
            )
        )  # fmt: skip
    return reports[-1].id


def _report(name: str) -> BankReport:
    return BankReport(
        kind="camt.053", variant="001.08", message_id=name, sha256=name, received_at=NOW,
        received_by_label="Ari", finished_at=NOW, unmatched=1, entries=1,
    )  # fmt: skip


def _waiting(session: Session, how_many: int) -> None:
    """So many mandates of each kind that the work list knows, beside the suspended ones."""

    def spoil(**values: Any) -> None:
        session.execute(update(Mandate).where(_of(session, how_many)).values(**values))

    spoil(state="draft", signed_on=None)
    spoil(signed_on=date(2023, 12, 20))
    spoil(iban="AT611904300234573201")
    spoil(scheme="B2B")
    session.execute(delete(Mandate).where(_of(session, how_many)))


def _of(session: Session, how_many: int) -> Any:
    """The mandates of so many new debtors."""
    last = session.scalar(select(Mandate.id).order_by(Mandate.id.desc()).limit(1)) or 0
    making.many_debtors(session, how_many)
    return Mandate.id > last


def _addresses(run_id: int, report_id: int) -> list[str]:
    return [
        *(f"/admin/{name}/?size=200" for name in LISTS),
        *(f"/admin/mandate_attention/rows/?reason={one.value}" for one in Waiting),
        *(
            f"/admin/direct_debit/tab/?id={run_id}&tab={tab}"
            for tab in ("collections", "notices", "answer")
        ),
        *(f"/admin/bank_reports/tab/?id={report_id}&tab={tab}" for tab in ("entries", "waiting")),
    ]


def test_lists_ask_no_more_of_the_database_as_they_grow(
    app: Flask, as_role: AsRole, queries: Callable[[Callable[[], object]], int]
) -> None:
    client, counts = as_role("accounting"), []
    for how_many in (FEW, MANY - FEW):
        # Nothing of it stays open: the requests write beside it.
        with app.app_context(), transaction() as session:
            run_id = _collected(session, how_many)
            report_id = _reported(session, run_id)
            _waiting(session, how_many)
        asked: dict[str, int] = {}
        for name, address in zip(_addresses(0, 0), _addresses(run_id, report_id), strict=True):
            assert client.get(address).status_code == 200, address
            asked[name] = queries(lambda address=address: client.get(address))
        counts.append(asked)
    few, many = counts
    assert {name: number for name, number in many.items() if number > few[name]} == {}


def test_what_is_counted_is_there(app: Flask, as_role: AsRole) -> None:
    with app.app_context(), transaction() as session:
        run_id = _collected(session, FEW)
        report_id = _reported(session, run_id)
        _waiting(session, FEW)
    client = as_role("accounting")
    for address in _addresses(run_id, report_id):
        if address.endswith("tab=answer"):  # sums alone
            continue
        assert client.get(address).text.count("<tr") > FEW // 4, address
