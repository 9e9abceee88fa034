"""flask bank-report FILE: what it prints and how it refuses; a second time changes nothing."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy.orm import Session

from tests.sepa.making import NOW
from tests.sepa.reports.files import block, camt, entry, status, told
from tests.sepa.reports.reading import collections_of, handed_in, states

Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(runner: FlaskCliRunner, clock: Callable[[datetime], None], tmp_path: Path) -> Read:
    """The command on a file of these bytes; its last line, read."""
    clock(NOW)

    def run(content: bytes, code: int = 0) -> dict[str, Any]:
        file = tmp_path / "answer.xml"
        file.write_bytes(content)
        result = runner.invoke(args=["bank-report", str(file), "--json"])
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run


def test_the_command_tells_what_a_report_did(session: Session, read: Read) -> None:
    number = handed_in("10.00", "20.00", "30.00")
    a, b, c = (one.end_to_end_id for one in collections_of(session, number))
    found = read(
        status(block(f"{number}-1-RCUR", told(a, code="AC04"), told(b, "ACCP"),
                     told("UNKNOWN", code="AC01")))
    )  # fmt: skip
    assert found["kind"] == "pain.002"
    assert (found["matched"], found["rejected"], found["settled"], found["returned"]) == (
        2,
        1,
        0,
        0,
    )
    [unmatched] = found["unmatched"]
    assert (unmatched["end_to_end_id"], unmatched["code"]) == ("UNKNOWN", "AC01")
    assert unmatched["reason"] == "No collection fits"

    booked = camt(entry(amount="20.00", end_to_end_id=b), entry(amount="30.00", end_to_end_id=c))
    found = read(booked)
    assert (found["kind"], found["settled"], found["unmatched"]) == ("camt.053", 2, [])
    again = read(booked)
    assert (again["matched"], again["settled"], len(again["read_before"])) == (0, 0, 1)
    assert "read before" in again["message"]
    assert [state for state, _ in states(session, number)] == ["rejected", "settled", "settled"]


def test_what_is_no_report_ends_in_1_with_the_reason(session: Session, read: Read) -> None:
    assert "This is a PDF" in read(b"%PDF-1.7", code=1)["error"]
    # What only the whole file shows.
    assert "cut off" in read(camt(entry())[:-30], code=1)["error"]
