"""What a run's page says once the bank has it: the steps that follow, what is left, and where."""

import re
from collections.abc import Callable
from datetime import datetime
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.sepa.making import DAY, NOW
from tests.sepa.reports.files import block as payment_block
from tests.sepa.reports.files import camt, entry, status, told
from tests.sepa.reports.reading import collections_of, handed_in, read, run_of

AsRole = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def page_of(client: FlaskClient, session: Session, number: str) -> str:
    run = run_of(session, number)
    return unescape(client.get(f"/admin/direct_debit/details/?id={run.id}").text)


def steps_in(page: str) -> list[tuple[str, str]]:
    """Each step and how far it is."""
    return [
        (label, kind)
        for kind, label in re.findall(r'k-step k-step-(\w+)".*?<b>([^<]+)</b>', page, re.DOTALL)
    ]


def test_a_run_tells_what_is_left_until_the_bank_has_answered_for_all(
    as_role: AsRole, session: Session
) -> None:
    number = handed_in("10.00", "20.00")
    client = as_role("accounting")
    page = page_of(client, session, number)
    assert steps_in(page)[-3:] == [("Handed in", "done"), ("Answered", "next"), ("Closed", "later")]
    assert "Read in its answer when it comes" in page
    assert "To be collected on" in page
    assert "Read in a bank report" in page

    first, second = collections_of(session, number)
    message = run_of(session, number).files[0].message_id
    refused = told(first.end_to_end_id, code="AC04")
    read(status(payment_block(f"{message}-RCUR", refused), original=message, group="PART"))
    page = page_of(client, session, number)
    assert steps_in(page)[-2:] == [("Answered", "done"), ("Closed", "next")]
    assert "1 return waits to be worked off. 1 collection is still open" in page
    [work_list] = re.findall(r'href="(/admin/returns/\?run=[^"]+)"', page)
    assert first.invoice.number in client.get(work_list).text
    assert second.invoice.number not in client.get(work_list).text

    read(camt(entry(amount="20.00", end_to_end_id=second.end_to_end_id, day=str(DAY))))
    page = page_of(client, session, number)
    assert steps_in(page)[-1] == ("Closed", "done")
    assert "The bank has answered for every collection" in page
    assert "returned for 8 weeks, and for 13 months" in page
    assert "Read in a bank report" not in page
    assert "Asked for on" in page and "o be collected" not in page
