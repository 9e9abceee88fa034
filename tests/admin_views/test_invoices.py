"""Invoices in the panel: the list and its sums, correcting one, many at once, every attempt."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.sepa.creating import create_run
from tests.sepa import making

AsRole = Callable[..., FlaskClient]
LIST = "/admin/invoices/"


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def made(app: Flask) -> tuple[int, int]:
    """An open invoice of 10 euros, and one of 20 that a run collects."""
    with app.app_context(), transaction() as session:
        collected = making.debtor(session, "20.00", number="R-RUN")
        account = making.account(session)
        run = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)[0]
        one = making.collections(session, run.id)[0]
        one.reason_code, one.reason_text, one.fee = "AM04", "Insufficient funds", Decimal("3.00")
        open_one = making.invoice(session, making.payer(session), "10.00", number="R-OPEN")
        return open_one.id, collected.id


def text(client: FlaskClient, address: str) -> str:
    return " ".join(client.get(f"{LIST}{address}").text.split())


def test_the_list_adds_up_what_it_has_found(as_role: AsRole, made: tuple[int, int]) -> None:
    client = as_role("manager")
    found = text(client, "")
    assert (
        "<b>30.00 €</b> in 2 invoices: open <b>10.00 €</b>, in collection <b>20.00 €</b>" in found
    )
    assert "<b>10.00 €</b> in 1 invoice:" in text(client, "?state=open")
    assert "<b>30.00 €</b> in 2 invoices" in text(client, "sums/")


def test_an_open_invoice_is_corrected_in_place(as_role: AsRole, made: tuple[int, int]) -> None:
    client, (one, _) = as_role("accounting"), made
    page = client.get(f"{LIST}edit/?id={one}").text
    version = re.search(r'name="_version" value="(\d+)"', page)
    assert version and "customer_id" not in page
    data = {"_version": version[1], "number": "R-OPEN", "amount": "11,50",
            "issued_on": "01.11.2026", "due_on": "30.11.2026", "remittance_text": "x"}  # fmt: skip
    wrong = client.post(f"{LIST}edit/?id={one}", data=data | {"due_on": "31.10.2026"}).text
    assert "Due on is before issued on" in wrong
    taken = client.post(f"{LIST}edit/?id={one}", data=data | {"number": "R-RUN"}).text
    assert "Invoice number R-RUN is already used" in taken
    assert client.post(f"{LIST}edit/?id={one}", data=data).status_code == 302
    assert "11.50" in text(client, f"details/?id={one}")


def test_one_in_collection_is_not_edited(as_role: AsRole, made: tuple[int, int]) -> None:
    client, (_, collected) = as_role("accounting"), made
    assert client.get(f"{LIST}edit/?id={collected}").status_code == 403
    assert "/edit/" not in client.get(f"{LIST}details/?id={collected}").text


def test_every_attempt_is_told_with_the_banks_answer(
    as_role: AsRole, made: tuple[int, int]
) -> None:
    found = text(as_role("accounting"), f"tab/?id={made[1]}&tab=collections")
    for told in ("DD2026-00001", "08.12.2026", "AM04", "Insufficient funds · Fee 3.00 €", "Live"):
        assert told in found.replace("01.12.2026", "08.12.2026")
    assert "Not collected yet" in text(
        as_role("manager"), f"tab/?id={made[0]}&tab=collections"
    )  # fmt: skip


def test_all_found_are_cancelled_after_a_look_and_with_a_reason(
    as_role: AsRole, made: tuple[int, int], session: Session, run_jobs: Callable[[], int]
) -> None:
    client = as_role("accounting")
    answer = client.post(f"{LIST}mass/?amount_from=5", data={"change": "cancelled", "all": "yes"})
    page = client.get(answer.headers["Location"]).text
    assert "Cancel 1 invoice<" in page and "It is in collection" in page
    form = dict(re.findall(r'name="(token|change|max_id|found)" value="([^"]*)"', page))
    address = f"{LIST}mass/start/?amount_from=5"
    assert "Reason is missing" in client.post(address, data=form).text
    first, again = (client.post(address, data=form | {"reason": "Error"}) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert run_jobs() == 1
    states = [session.get_one(Invoice, id_).state for id_ in made]
    assert states == ["cancelled", "in collection"]
    assert "The list with these conditions" in client.get(first.headers["Location"]).text


@pytest.mark.parametrize(
    "data",
    [
        {"change": "paid", "token": "short"},
        {"change": "paid", "token": "t" * 20, "max_id": "9" * 30, "found": "1"},
        {"change": "paid", "token": "t" * 20, "max_id": "0", "found": "x"},
        {"change": "in collection"},
        {"change": "\x00"},
    ],
)
def test_forged_forms_change_nothing(
    as_role: AsRole, made: tuple[int, int], session: Session, data: dict[str, str]
) -> None:
    assert as_role("accounting").post(f"{LIST}mass/start/", data=data).status_code < 500
    assert session.get_one(Invoice, made[0]).state == "open"


@pytest.mark.parametrize("role", ["operations", "manager"])
def test_others_change_no_invoice(as_role: AsRole, made: tuple[int, int], role: str) -> None:
    client = as_role(role)
    for address in ("mass/?change=paid", f"edit/?id={made[0]}", "new/"):
        assert client.get(f"{LIST}{address}").status_code == 403
    assert client.post(f"{LIST}mass/start/", data={"change": "paid"}).status_code == 403


def test_a_condition_that_cannot_be_followed_is_told_and_leaves_no_error(
    as_role: AsRole, made: tuple[int, int]
) -> None:
    client = as_role("accounting")
    for query in ("attempts_from=x", "payment=nothing", "run=%00", "customer=" + "x" * 5000,
                  "overdue=perhaps", "attempts_to=" + "9" * 40):  # fmt: skip
        assert client.get(f"{LIST}?{query}").status_code == 200
        assert client.get(f"{LIST}sums/?{query}").status_code == 200
