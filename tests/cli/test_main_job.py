"""The main job by commands alone: an empty installation, the sample files, the bank file."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from lxml import etree
from mockbank.validate import validate

from app.sepa.schema_check import check_file
from tests.transfer.conftest import DATA

Flasked = Callable[..., dict[str, Any]]
SAMPLES = (
    ("individual", "individual_customers.xlsx", 387, 13),
    ("business", "business_customers.xlsx", 130, 3),
    ("journals", "journals_kbart.tsv", None, 0),
    ("perpetual", "perpetual_customers.xlsx", 663, 3),
    ("invoices", "open_invoices.xlsx", 334, 7),
)
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def flask(app: Flask, runner: FlaskCliRunner) -> Flasked:
    """A command with --json; its last line, read."""

    def run(*arguments: str, code: int = 0) -> dict[str, Any]:
        result = runner.invoke(args=[*arguments, "--json"])
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run


def test_the_samples_become_one_valid_bank_file_that_stays_the_same(
    flask: Flasked, clock: Callable[[datetime], None], tmp_path: Path
) -> None:
    clock(NOW)
    flask("seed", "basics")
    for kind, file, created, refused in SAMPLES:
        result = flask("import", kind, str(DATA / file))
        assert created is None or result["created"] == created
        assert len({(one["sheet"], one["row"]) for one in result["refused"]}) == refused

    preview = flask("direct-debit", "preview", "--collection-date", "2026-12-01")
    assert (preview["run"], preview["collections"], preview["amount"]) == (None, 334, 142035.84)
    assert preview["excluded"] == []
    created = flask("direct-debit", "create", "--collection-date", "2026-12-01")
    assert (created["collections"], created["amount"]) == (334, 142035.84)
    file = tmp_path / "bank.xml"
    flask("direct-debit", "file", created["run"], "--out", str(file))
    _is_what_the_bank_wants(file)

    clock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    again = tmp_path / "again.xml"
    flask("direct-debit", "file", created["run"], "--out", str(again))
    assert again.read_bytes() == file.read_bytes()
    nothing = flask("direct-debit", "create", "--collection-date", "2026-12-02", code=1)
    assert "nothing to collect" in nothing["error"]
    preview = flask("direct-debit", "preview", "--collection-date", "2026-12-02")
    assert {one["reason"] for one in preview["excluded"]} == {"Already in collection"}
    assert flask("subscriptions", "recompute")["changed"] == 0


def _is_what_the_bank_wants(file: Path) -> None:
    with file.open("rb") as content:
        head = check_file(content)
    assert validate(file.read_bytes(), today=NOW.date()) == []
    assert (head.count, head.total) == (334, Decimal("142035.84"))
    message = etree.parse(file)
    amounts = [Decimal(one.text) for one in message.findall(".//p:InstdAmt", NS)]
    assert (len(amounts), sum(amounts)) == (334, Decimal("142035.84"))
    ids = [one.text for one in message.findall(".//p:EndToEndId", NS)]
    assert len(set(ids)) == 334
    assert message.findtext(".//p:ReqdColltnDt", None, NS) == date(2026, 12, 1).isoformat()
    assert not message.findall(".//p:AdrLine", NS), "unstructured addresses ended in 2026"


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-11-29", "not a day on which banks work"),
        ("2026-12-25", "not a day on which banks work"),
        ("2026-11-23", "too early"),
        ("2020-01-02", "too early"),
    ],
)
def test_no_run_is_created_for_a_day_on_which_no_bank_would_collect(
    flask: Flasked, clock: Callable[[datetime], None], day: str, reason: str
) -> None:
    clock(NOW)
    flask("seed", "basics")
    refused = flask("direct-debit", "create", "--collection-date", day, code=1)
    assert reason in refused["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("direct-debit", "create", "--collection-date", "tomorrow"),
        ("direct-debit", "create"),
        ("import", "everything", "x.xlsx"),
        ("operator", "create", "a@example.com"),
        ("search",),
    ],
)
def test_wrong_usage_ends_in_exit_code_2(
    runner: FlaskCliRunner, arguments: tuple[str, ...]
) -> None:
    assert runner.invoke(args=list(arguments)).exit_code == 2


def test_reference_data_is_made_once(flask: Flasked) -> None:
    assert flask("seed", "basics")["made"] > 0
    assert flask("seed", "basics")["made"] == 0


def test_the_demo_goes_into_an_empty_database_only(flask: Flasked) -> None:
    made = flask("seed", "demo")
    assert made["operators"] == 4
    assert made["customers"] > 100
    assert "already" in flask("seed", "demo", code=1)["error"]
    assert flask("search", "demo.example")["hits"] == []


def test_a_run_that_is_unknown_is_refused_in_words(flask: Flasked, tmp_path: Path) -> None:
    refused = flask("direct-debit", "file", "DD-1", "--out", str(tmp_path / "x"), code=1)
    assert refused["error"] == "There is no collection run DD-1"
    assert not (tmp_path / "x").exists()
