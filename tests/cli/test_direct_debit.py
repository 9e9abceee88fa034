"""flask direct-debit …: every step by command, what it prints, and how it refuses."""

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.extensions import transaction
from app.sepa.schema_check import check_file
from tests.sepa import making

Flasked = Callable[..., dict[str, Any]]
DATE = ("--collection-date", "2026-12-01")


@pytest.fixture
def flask(runner: FlaskCliRunner, clock: Callable[[datetime], None]) -> Flasked:
    """A direct-debit command with --json; its last line, read."""
    clock(making.NOW)

    def run(*arguments: str, code: int = 0) -> dict[str, Any]:
        result = runner.invoke(args=["direct-debit", *arguments, "--json"])
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run


@pytest.fixture
def left_out(app: Flask) -> str:
    """Three invoices of 10, 20 and 30 euros; the last is on hold, and its number is given."""
    with app.app_context(), transaction() as session:
        making.account(session, label="Main", max_transactions=1)
        making.debtor(session, "10.00")
        making.debtor(session, "20.00")
        held = making.debtor(session, "30.00")
        held.customer.collection_hold = True
        return f"{held.number} {held.customer.number}"


def test_from_the_preview_to_the_bank(flask: Flasked, left_out: str, tmp_path: Path) -> None:
    invoice, customer = left_out.split()
    excluded = [{"invoice": invoice, "customer": customer, "reason": "Collection hold"}]
    figures = {"collections": 2, "amount": 30.0, "excluded": excluded}
    assert flask("preview", *DATE) == {"run": None} | figures
    created = flask("create", *DATE, "--account", "main")
    run = created["run"]
    assert created == {"run": run} | figures
    assert flask("release", run) == {"run": run, "state": "released"}

    out = tmp_path / "bank.zip"
    told = flask("file", run, "--out", str(out))
    assert (told["state"], told["files"], told["file"]) == ("filed", 2, str(out))
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == [f"{run}-1.xml", f"{run}-2.xml"]
        for name, checksum in zip(archive.namelist(), told["sha256"], strict=True):
            assert sha256(archive.read(name)).hexdigest() == checksum
            with archive.open(name) as content:
                assert check_file(content).count == 1

    assert flask("hand-in", run)["state"] == "handed in"
    assert "cannot become void" in flask("cancel", run, code=1)["error"]


def test_the_archive_is_the_same_a_day_later(
    flask: Flasked, left_out: str, tmp_path: Path, clock: Callable[[datetime], None]
) -> None:
    run = flask("create", *DATE)["run"]
    flask("file", run, "--out", str(tmp_path / "one.zip"))
    clock(datetime(2026, 11, 24, 16, tzinfo=UTC))
    flask("file", run, "--out", str(tmp_path / "two.zip"))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_cancelled_run_opens_its_invoices(flask: Flasked, left_out: str, tmp_path: Path) -> None:
    run = flask("create", *DATE)["run"]
    assert flask("cancel", run) == {"run": run, "state": "void"}
    told = flask("file", run, "--out", str(tmp_path / "no.xml"), code=1)
    assert "was cancelled" in told["error"]
    assert not (tmp_path / "no.xml").exists()
    assert flask("preview", *DATE)["collections"] == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("preview", "--collection-date", "2026-11-28"), "not a day on which banks work"),
        (("create", "--collection-date", "2026-11-23"), "too early"),
        (("create", *DATE, "--account", "Other"), "no active creditor account Other"),
        (("release", "DD2026-99999"), "no collection run DD2026-99999"),
    ],
)
def test_what_cannot_be_is_refused_with_code_1(
    flask: Flasked, left_out: str, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in flask(*arguments, code=1)["error"]


def test_wrong_usage_is_code_2(runner: FlaskCliRunner) -> None:
    for arguments in (["preview"], ["create", "--collection-date", "soon"], ["file", "DD1"]):
        assert runner.invoke(args=["direct-debit", *arguments]).exit_code == 2
