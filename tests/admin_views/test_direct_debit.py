"""Accounting in the panel: the run from preview to hand-in, and who sees what of it."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core.models import FileDownload
from app.extensions import db, transaction
from app.sepa.models import CollectionRun, CreditorAccount, Mandate
from app.sepa.schema_check import check_file
from tests.sepa import making

RUNS = "/admin/direct_debit/"
STEPS = ("release", "file", "hand_in", "cancel")
AsRole = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def iban(app: Flask) -> str:
    """Three invoices, one of them without a mandate; the IBAN of the first customer."""
    with app.app_context(), transaction() as session:
        making.account(session, label="Main")
        first = making.debtor(session, "10.00")
        making.debtor(session, "20.50")
        without = making.payer(session, name="Mandateless")
        making.invoice(session, without, "99.00")
        return str(first.customer.iban)


def preview(client: FlaskClient) -> str:
    return client.get(f"{RUNS}collect/", query_string={"date": "01.12.2026"}).text


def agreed(page: str) -> dict[str, str]:
    """What the preview's Create button would post, once asked."""
    form = page[page.index("collect/create/") :]
    names = re.findall(r'name="(account|date|count|amount|digest)" value="([^"]*)"', form)
    return dict(names) | {"_confirmed": "yes"}


def create(client: FlaskClient) -> int:
    answer = client.post(f"{RUNS}collect/create/", data=agreed(preview(client)))
    assert answer.status_code == 302, answer.text
    return int(answer.headers["Location"].rsplit("=", 1)[1])


def act(client: FlaskClient, run: int, action: str, **answers: str) -> str:
    data = {"action": action, "rowid": run, "_confirmed": "yes"} | answers
    return client.post(f"{RUNS}action/", data=data, follow_redirects=True).text


def state(session: Session, run: int) -> str:
    session.rollback()
    return session.get_one(CollectionRun, run).state


def test_the_preview_shows_totals_and_each_reason_with_the_way_to_mend_it(
    as_role: AsRole, iban: str
) -> None:
    page = preview(as_role("accounting"))
    assert "30.50" in page
    assert re.search(r"Recurrent \(RCUR\)</td>.*>2</td>.*30\.50", page)
    assert "No mandate" in page
    assert "Mandateless" in page
    assert re.search(r'href="/customers/\d+"', page)
    assert making.DAY.isoformat() in page


@pytest.mark.parametrize("day", ["28.11.2026", "23.11.2026", "nonsense"])
def test_an_impossible_day_is_told_at_the_field_and_stays_typed(
    as_role: AsRole, iban: str, day: str
) -> None:
    page = as_role("accounting").get(f"{RUNS}collect/", query_string={"date": day}).text
    assert f'value="{day}"' in page
    assert "is-invalid" in page
    assert "Create run" not in page


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1E+18", "30.501", ""])
def test_what_no_preview_can_have_shown_leads_back_to_it(
    as_role: AsRole, session: Session, iban: str, amount: str
) -> None:
    client = as_role("accounting")
    data = agreed(preview(client)) | {"amount": amount}
    answer = client.post(f"{RUNS}collect/create/", data=data)
    assert answer.status_code == 302
    assert "/collect/" in answer.headers["Location"]
    assert session.scalar(select(func.count(CollectionRun.id))) == 0


def test_a_run_goes_from_creation_to_the_bank(as_role: AsRole, session: Session, iban: str) -> None:
    client = as_role("accounting")
    run = create(client)
    assert "was released" in act(client, run, "release")
    assert "made and checked" in act(client, run, "file")
    file = client.get(f"{RUNS}download/?id={run}")
    assert file.mimetype == "application/xml"
    assert check_file(io.BytesIO(file.data)).total == Decimal("30.50")
    assert client.get(f"{RUNS}download/?id={run}").data == file.data
    assert session.scalar(select(func.count(FileDownload.id))) == 2
    assert "was handed in" in act(client, run, "hand_in")
    assert state(session, run) == "handed in"
    page = client.get(f"{RUNS}details/?id={run}").text
    assert "Cancel run" not in page
    history = client.get(f"{RUNS}tab/?id={run}&tab=history").text
    assert "handed in" in history


def test_create_asks_first_and_pressing_twice_makes_one_run(
    as_role: AsRole, session: Session, iban: str
) -> None:
    client = as_role("accounting")
    form = agreed(preview(client))
    asked = client.post(f"{RUNS}collect/create/", data=form | {"_confirmed": ""})
    assert "Create run?" in asked.text
    assert session.scalar(select(func.count(CollectionRun.id))) == 0
    first = client.post(f"{RUNS}collect/create/", data=form)
    second = client.post(f"{RUNS}collect/create/", data=form)
    assert first.headers["Location"] == second.headers["Location"]
    session.rollback()
    assert session.scalar(select(func.count(CollectionRun.id))) == 1


def test_a_preview_that_is_out_of_date_makes_no_run(
    as_role: AsRole, session: Session, iban: str
) -> None:
    client = as_role("accounting")
    form = agreed(preview(client))
    with transaction() as fresh:
        making.debtor(fresh, "5.00")
    page = client.post(f"{RUNS}collect/create/", data=form, follow_redirects=True).text
    assert "changed since this preview" in page
    assert "35.50" in page


def test_a_manager_sees_runs_masked_but_no_file_and_no_button(
    as_role: AsRole, session: Session, iban: str
) -> None:
    accounting = as_role("accounting")
    run = create(accounting)
    act(accounting, run, "file")
    manager = as_role("manager")
    page = manager.get(f"{RUNS}details/?id={run}").text
    for word in (*(f'value="{step}"' for step in STEPS), "Download bank file"):
        assert word not in page
    assert manager.get(f"{RUNS}download/?id={run}").status_code == 403
    assert manager.get(f"{RUNS}collect/").status_code == 403
    assert manager.post(f"{RUNS}collect/create/").status_code == 403
    refused = manager.post(f"{RUNS}action/", data={"action": "hand_in", "rowid": run})
    assert refused.status_code == 403
    spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    tab = f"{RUNS}tab/?id={run}&tab=collections"
    assert spaced in accounting.get(tab).text
    masked = manager.get(tab).text
    assert spaced not in masked
    assert iban not in masked
    assert iban[-4:] in masked


@pytest.mark.parametrize("path", ["", "details/?id=1", "collect/", "download/?id=1"])
def test_operations_see_nothing_of_it(as_role: AsRole, path: str) -> None:
    assert as_role("operations").get(RUNS + path).status_code == 403


def test_the_creator_is_told_that_a_second_person_releases(
    app: Flask, as_role: AsRole, session: Session, iban: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    strict = replace(app.config["SETTINGS"], two_person_rule=True)
    monkeypatch.setitem(app.config, "SETTINGS", strict)
    creator, other = as_role("accounting"), as_role("accounting")
    run = create(creator)
    page = creator.get(f"{RUNS}details/?id={run}").text
    assert "A second person has to release it" in page
    assert "may not release" in act(creator, run, "release")
    assert "was released" in act(other, run, "release")


def test_several_files_come_as_an_archive_and_a_cancelled_run_gives_none(
    as_role: AsRole, session: Session, iban: str
) -> None:
    with transaction() as fresh:
        fresh.scalars(select(CreditorAccount)).one().max_transactions = 1
    client = as_role("accounting")
    run = create(client)
    act(client, run, "file")
    answer = client.get(f"{RUNS}download/?id={run}")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert len(archive.namelist()) == 2
    assert "Its invoices are open again" in act(client, run, "cancel", reason="Wrong day")
    assert client.get(f"{RUNS}download/?id={run}").status_code == 302
    assert "Void" in client.get(f"{RUNS}details/?id={run}").text


def test_pages_run_no_more_queries_for_more_collections(
    as_role: AsRole, session: Session, iban: str, queries: Callable[..., int]
) -> None:
    client = as_role("accounting")
    run = create(client)
    tab, page = f"{RUNS}tab/?id={run}&tab=collections", f"{RUNS}collect/?date=01.12.2026"
    client.get(tab)
    few = queries(lambda: client.get(tab))
    shown = queries(lambda: client.get(page))
    with transaction() as fresh:
        for _ in range(40):
            making.debtor(fresh)
    more = create(client)
    client.get(f"{RUNS}tab/?id={more}&tab=collections")
    assert queries(lambda: client.get(f"{RUNS}tab/?id={more}&tab=collections")) == few
    assert queries(lambda: client.get(page)) == shown


def test_an_invoice_is_entered_paid_and_shown_with_the_balance(
    as_role: AsRole, session: Session, iban: str
) -> None:
    client = as_role("accounting")
    owner = session.scalars(select(Invoice)).first()
    assert owner is not None
    customer_id, kind = owner.customer_id, owner.customer.kind
    form = {"number": "H-1", "customer_id": customer_id, "amount": "12,5", "due_on": "2026-11-01",
            "issued_on": "2026-10-01"}  # fmt: skip
    assert client.post("/admin/invoices/new/", data=form).status_code == 302
    again = client.post("/admin/invoices/new/", data=form)
    assert "H-1 is already used" in again.text
    record = f"/admin/{kind}/details/?id={customer_id}"
    assert "Open balance 22.50" in client.get(record).text
    assert "Open balance" not in as_role("operations").get(record).text
    tab = client.get(f"/admin/{kind}/tab/?id={customer_id}&tab=payment").text
    assert "H-1" in tab
    session.rollback()
    made = session.scalars(select(Invoice).where(Invoice.number == "H-1")).one()
    data: dict[str, Any] = {"action": "paid", "rowid": made.id, "_confirmed": "yes"}
    client.post("/admin/invoices/action/", data=data)
    session.rollback()
    assert session.scalars(select(Invoice.state).where(Invoice.number == "H-1")).one() == "paid"


def test_a_mandate_is_edited_without_its_iban_being_seen(
    as_role: AsRole, session: Session, iban: str
) -> None:
    client = as_role("operations")
    mandate = session.scalars(select(Mandate).where(Mandate.iban == iban)).one()
    key, version = mandate.id, mandate.version
    page = client.get(f"/admin/mandates/edit/?id={key}").text
    assert iban not in page.replace(" ", "")
    shown = re.search(r'name="iban"[^>]*value="([^"]*)"', page) or re.search(
        r'value="([^"]*)"[^>]*name="iban"', page
    )
    assert shown is not None
    form = {"reference": "NEW-1", "signed_on": "15.01.2026", "type": "recurrent",
            "scheme": "CORE", "iban": shown[1], "bic": "", "account_holder": "Ada",
            "_version": version}  # fmt: skip
    answer = client.post(f"/admin/mandates/edit/?id={key}", data=form)
    assert answer.status_code == 302, answer.text
    session.rollback()
    session.refresh(mandate)
    assert (mandate.reference, mandate.iban) == ("NEW-1", iban)


def test_accounting_sees_creditor_accounts_and_an_administrator_edits_them(
    as_role: AsRole, session: Session, iban: str
) -> None:
    account = session.scalars(select(CreditorAccount)).one()
    key, version = account.id, account.version
    accounting = as_role("accounting")
    assert "Main" in accounting.get("/admin/creditor_accounts/").text
    assert accounting.get(f"/admin/creditor_accounts/edit/?id={key}").status_code == 403
    form = {"label": "Main", "name": "Other GmbH", "creditor_identifier": "DE98ZZZ09999999999",
            "iban": "DE89370400440532013000", "bic": "", "scheme": "CORE", "active": "y",
            "is_default": "y", "max_transactions": "100", "max_amount": "5000",
            "_version": version}  # fmt: skip
    admin = as_role("administrator")
    answer = admin.post(f"/admin/creditor_accounts/edit/?id={key}", data=form)
    assert answer.status_code == 302, answer.text
    session.rollback()
    account = db.session.get_one(CreditorAccount, key)
    db.session.refresh(account)
    assert (account.name, account.max_transactions) == ("Other GmbH", 100)
