"""Two people who create a run over the same invoices at the same moment: nobody pays twice."""

import contextvars
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app.billing.models import Invoice
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.extensions import db, transaction
from app.sepa.candidates import Judge
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CreditorAccount
from app.sepa.operations_runs import file_run
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY

INVOICES = 30


def _at_once(app: Flask, work: list[Callable[[], str]]) -> list[str]:
    """Run each in a thread of its own, started together; what they return, or the refusal."""
    barrier = Barrier(len(work))

    def run(one: Callable[[], str]) -> str:
        with app.app_context():
            barrier.wait(10)
            try:
                return one()
            except Refused as refused:
                return str(refused)

    with ThreadPoolExecutor(len(work)) as pool:
        # The stopped clock lives in the context, which threads do not inherit.
        waiting = [pool.submit(contextvars.copy_context().run, run, one) for one in work]
        return [one.result(60) for one in waiting]


def _creating(account_id: int) -> Callable[[], str]:
    def create() -> str:
        with transaction() as session:
            account = session.get_one(CreditorAccount, account_id)
            return create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0].number

    return create


def test_two_runs_into_one_account_collect_every_invoice_once(
    app: Flask, clock: Callable[[datetime], None]
) -> None:
    clock(NOW)
    with app.app_context(), transaction() as session:
        account_id = making.account(session).id
        for _ in range(INVOICES):
            making.debtor(session)
    told = _at_once(app, [_creating(account_id), _creating(account_id)])
    assert sum("nothing to collect" in one for one in told) == 1
    _each_invoice_once(app, runs=1)


def test_runs_into_two_accounts_collect_every_invoice_once(
    app: Flask, clock: Callable[[datetime], None]
) -> None:
    clock(NOW)
    with app.app_context(), transaction() as session:
        accounts = [making.account(session).id for _ in range(2)]
        for _ in range(INVOICES):
            making.debtor(session)
    told = _at_once(app, [_creating(one) for one in accounts])
    assert sum(one.startswith("DD2026-") for one in told) == 1, told
    assert sum("nothing to collect" in one or "by another run" in one for one in told) == 1, told
    _each_invoice_once(app, runs=1)


def test_a_file_made_by_two_at_once_is_made_once(
    app: Flask, clock: Callable[[datetime], None]
) -> None:
    clock(NOW)
    with app.app_context(), transaction() as session:
        making.debtor(session)
        run_id = create_run(
            session, making.account(session), DAY, policy=POLICY, actor=COMMAND_LINE
        )[0].id

    def make() -> str:
        with transaction() as session:
            run = session.get_one(CollectionRun, run_id)
            file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
            return run.files[0].file.sha256

    first, second = _at_once(app, [make, make])
    assert first == second
    assert len(first) == 64


def _each_invoice_once(app: Flask, runs: int) -> None:
    with app.app_context():
        claimed = Counter(db.session.scalars(select(Collection.invoice_id)))
        assert set(claimed.values()) == {1}
        assert len(claimed) == INVOICES
        assert len(db.session.scalars(select(CollectionRun)).all()) == runs


def test_nobody_corrects_an_invoice_while_it_is_being_claimed(
    app: Flask, clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(NOW)
    monkeypatch.setattr("app.core.database.PATIENCE_SECONDS", 0.1)
    with app.app_context(), transaction() as session:
        account_id = making.account(session).id
        making.debtor(session)
    with app.app_context(), transaction() as session:
        account = session.get_one(CreditorAccount, account_id)
        judge = Judge(session, account, DAY, POLICY, claiming=True)
        assert [len(portion) for portion in judge.portions()] == [1]
        with (
            pytest.raises((sqlite3.OperationalError, OperationalError), match="lock"),
            db.engine.connect() as other,
        ):
            if other.dialect.name == "postgresql":
                other.exec_driver_sql("SET lock_timeout = 100")
            other.execute(update(Invoice).values(amount=Decimal("1.00")))
