"""Runs that are made by several processes at once, or by one that is killed: never half a run."""

import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.billing.models import Invoice, InvoiceState
from app.config import Settings
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.extensions import db, transaction
from app.sepa.calendar import target_day_from
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CreditorAccount
from tests.sepa import making

ROOT = Path(__file__).resolve().parents[2]
INVOICES = 2000


def _process(app: Flask, *arguments: object) -> subprocess.Popen[str]:
    """Another process on the same database."""
    settings: Settings = app.config["SETTINGS"]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sepa.racing", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ
        | {"KONTOR_INSTANCE": settings.instance, "DATABASE_URL": settings.database_url,
           "SECRET_KEY": settings.secret_key},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def _soon() -> date:
    """A day that other processes, whose clock is the real one, can collect on."""
    return target_day_from(clock.today() + timedelta(days=10))


def _due(day: date, how_many: int) -> list[int]:
    """The ids of two accounts, with so many invoices due by the day."""
    with transaction() as session:
        given = {"issued_on": day - timedelta(days=60), "due_on": day}
        making.many_debtors(session, how_many, **given)
        return [making.account(session).id for _ in range(2)]


def test_eight_processes_collect_two_thousand_invoices_once(app: Flask) -> None:
    day = _soon()
    with app.app_context():
        accounts = _due(day, INVOICES)
    told, _ = _process(app, "race", day, *accounts * 4).communicate(timeout=120)
    lines = told.splitlines()
    assert sum(line.startswith("made DD") for line in lines) == 1, lines
    assert sum("nothing to collect" in line for line in lines) == 7, lines
    with app.app_context():
        claimed = Counter(db.session.scalars(select(Collection.invoice_id)))
        assert set(claimed.values()) == {1}
        assert len(claimed) == INVOICES
        run = db.session.scalars(select(CollectionRun)).one()
        assert run.collection_count == INVOICES
        assert _states() == {InvoiceState.IN_COLLECTION: INVOICES}


@pytest.mark.parametrize("where", ["claimed", "between", "told"])
def test_a_process_that_is_killed_leaves_no_invoice_stuck(app: Flask, where: str) -> None:
    day = _soon()
    with app.app_context():
        account_id = _due(day, 25)[0]
    killed = _process(app, "pause", day, where, account_id)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "here\n"
    killed.kill()
    killed.wait(10)
    killed.stdout.close()
    with app.app_context():
        assert _states() == {InvoiceState.OPEN: 25}
        for table in (CollectionRun, Collection):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
        with transaction() as session:
            account = session.get_one(CreditorAccount, account_id)
            run, _ = create_run(session, account, day, policy=making.POLICY, actor=COMMAND_LINE)
            assert run.collection_count == 25
        assert _states() == {InvoiceState.IN_COLLECTION: 25}


def _states() -> dict[str, int]:
    rows = db.session.execute(select(Invoice.state, func.count()).group_by(Invoice.state))
    return {row[0]: row[1] for row in rows}
