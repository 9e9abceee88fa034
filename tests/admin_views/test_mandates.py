"""Mandates in the panel: new, printed, signed, amended, and worked off the list."""

import io
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.core.actor import COMMAND_LINE
from app.core.models import FileDownload
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.extensions import transaction
from app.sepa.creating import create_run
from app.sepa.models import Mandate
from app.sepa.suspending import suspend_mandates
from tests.admin_views.test_customers_form import fields_of
from tests.sepa import making
from tests.sepa.test_mandate_life import PDF

MANDATES = "/admin/mandates/"
WORK = "/admin/mandate_attention/"
NEW_IBAN = "DE02120300000000202051"
AsRole = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def mandate(app: Flask) -> Mandate:
    """An active mandate of a customer who pays by direct debit; detached."""
    return make(app)


def make(app: Flask, **given: Any) -> Mandate:
    with app.app_context(), transaction() as session:
        made = making.mandate(session, making.payer(session), **given)
        session.refresh(made, ["customer"])
        session.expunge_all()
        return made


def read(session: Session, mandate: Mandate) -> Mandate:
    session.rollback()
    return session.get_one(Mandate, mandate.id)


def mask(iban: str) -> str:
    return f"{iban[:2]}•• •••• {iban[-4:]}"


def sign(client: FlaskClient, mandate: Mandate, content: bytes, **data: Any) -> TestResponse:
    values = {"id": mandate.id, "_version": mandate.version, "signed_on": "01.11.2026"} | data
    values["document"] = (io.BytesIO(content), "../../evil.html")
    return client.post(f"{MANDATES}sign/", data=values, content_type="multipart/form-data")


def amend(client: FlaskClient, mandate: Mandate, **data: Any) -> TestResponse:
    values = {
        "id": mandate.id, "_version": mandate.version, "iban": mandate.iban, "bic": "",
        "account_holder": mandate.account_holder, "reference": mandate.reference,
    }  # fmt: skip
    query = {"id": mandate.id} | ({"to": data.pop("to")} if "to" in data else {})
    return client.post(f"{MANDATES}amend/", data=values | data, query_string=query)


@pytest.mark.parametrize("role", ["accounting", "operations"])
def test_a_new_mandate_starts_with_what_is_known_of_the_customer(
    as_role: AsRole, session: Session, role: str
) -> None:
    with transaction() as work:
        customer = making.payer(work)
        key, iban, number = customer.id, str(customer.iban), customer.number
    client = as_role(role)
    page = client.get(f"{MANDATES}new/", query_string={"customer_id": key}).text
    assert f'value="{number}-1"' in page
    assert "COBADEFFXXX" in page
    full = role == "accounting"
    shown = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if full else mask(iban)
    assert f'value="{shown}"' in page
    assert full or iban[4:-4] not in page.replace(" ", "")
    data = {
        "reference": f"{number}-1", "customer_id": key, "type": "recurrent", "scheme": "CORE",
        "iban": shown, "bic": "", "account_holder": "Ada", "signed_on": "",
    }  # fmt: skip
    assert client.post(f"{MANDATES}new/", data=data).status_code == 302
    session.rollback()
    made = session.scalars(select(Mandate)).one()
    assert (made.iban, made.state, made.reference) == (iban, "draft", f"{number}-1")


def test_a_mask_of_another_account_is_no_iban(as_role: AsRole, session: Session) -> None:
    with transaction() as work:
        key = making.payer(work).id
    data = {
        "reference": "R-1", "customer_id": key, "type": "recurrent", "scheme": "CORE",
        "iban": "DE•• •••• 0815", "account_holder": "Ada",
    }  # fmt: skip
    page = as_role("operations").post(f"{MANDATES}new/", data=data).text
    assert "IBAN is shown masked" in page
    assert session.scalar(select(func.count(Mandate.id))) == 0


@pytest.mark.parametrize(("preferred", "chosen"), [("de-AT", "de"), ("en", "en"), ("fr", "en")])
def test_the_form_is_offered_in_the_language_that_the_customer_prefers(
    app: Flask, as_role: AsRole, mandate: Mandate, preferred: str, chosen: str
) -> None:
    with app.app_context(), transaction() as work:
        making.account(work)
        work.get_one(Customer, mandate.customer_id).preferred_language = preferred
    page = as_role("accounting").get(f"{MANDATES}form/", query_string={"id": mandate.id}).text
    assert f'<option value="{chosen}" selected>' in page


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scheme", ["CORE", "B2B"])
def test_the_form_is_a_pdf_and_the_history_tells_of_it(
    app: Flask, as_role: AsRole, session: Session, language: str, scheme: str
) -> None:
    mandate = make(app, scheme=scheme)
    with app.app_context(), transaction() as work:
        making.account(work, scheme=scheme, street="Hauptstraße 1", place="Köln", country="DE")
    client = as_role("operations")
    answer = client.get(
        f"{MANDATES}form/download/", query_string={"id": mandate.id, "language": language}
    )
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    history = client.get(f"{MANDATES}tab/", query_string={"id": mandate.id, "tab": "history"}).text
    assert "Mandate form" in history


def test_without_an_account_of_the_scheme_there_is_no_form(
    app: Flask, as_role: AsRole, mandate: Mandate
) -> None:
    client = as_role("accounting")
    query: dict[str, Any] = {"id": mandate.id, "language": "de"}
    assert "no active creditor account" in client.get(f"{MANDATES}form/", query_string=query).text
    answer = client.get(f"{MANDATES}form/download/", query_string=query, follow_redirects=True)
    assert "There is no active creditor account for CORE" in answer.text
    for wrong in ({"account": "9" * 30}, {"language": "xx"}):
        found = client.get(f"{MANDATES}form/download/", query_string=query | wrong)
        assert found.status_code in (302, 404)


def test_a_signed_document_makes_a_draft_active_and_is_only_ever_a_download(
    app: Flask, as_role: AsRole, session: Session
) -> None:
    mandate = make(app, signed_on=None)
    client = as_role("accounting")
    answer = sign(client, mandate, PDF, url=WORK)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(WORK)
    signed = read(session, mandate)
    assert (signed.state, signed.signed_on) == ("active", date(2026, 11, 1))
    page = client.get(f"{MANDATES}details/?id={mandate.id}").text
    assert f"Mandate-{mandate.reference}.pdf" in page
    file = client.get(f"{MANDATES}document/?id={mandate.id}")
    assert file.data == PDF
    assert file.mimetype == "application/pdf"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert session.scalar(select(func.count(FileDownload.id))) == 1


def test_a_document_that_is_none_is_refused_at_its_field(
    app: Flask, as_role: AsRole, session: Session
) -> None:
    mandate = make(app, signed_on=None)
    page = sign(as_role("accounting"), mandate, b"<html><script>alert(1)</script>").text
    assert "neither a PDF nor a JPEG or PNG picture" in page
    assert 'value="01.11.2026"' in page
    assert read(session, mandate).state == "draft"


def test_who_may_not_see_bank_details_cannot_have_the_document(app: Flask, as_role: AsRole) -> None:
    mandate = make(app, signed_on=None)
    assert sign(as_role("operations"), mandate, PDF).status_code == 302
    assert as_role("operations").get(f"{MANDATES}document/?id={mandate.id}").status_code == 403
    page = as_role("manager").get(f"{MANDATES}details/?id={mandate.id}").text
    assert "/document/" not in page


def test_an_amendment_keeps_what_the_bank_knows_and_shows_it(
    as_role: AsRole, session: Session, mandate: Mandate
) -> None:
    client = as_role("accounting")
    assert amend(client, mandate, iban=NEW_IBAN).status_code == 302
    amended = read(session, mandate)
    assert (amended.iban, amended.original_iban) == (NEW_IBAN, mandate.iban)
    page = client.get(f"{MANDATES}details/?id={mandate.id}").text
    assert "the bank is still to be told" in page
    masked = as_role("operations").get(f"{MANDATES}details/?id={mandate.id}").text
    plain = re.sub(r"\s", "", masked)
    for iban in (mandate.iban, NEW_IBAN):
        assert iban[4:-4] not in plain
        assert mask(iban) in masked


def test_two_people_cannot_amend_over_one_another(
    as_role: AsRole, session: Session, mandate: Mandate
) -> None:
    client = as_role("accounting")
    amend(client, mandate, iban=NEW_IBAN)
    page = amend(client, mandate, iban=making.iban(), account_holder="Late").text
    assert "Somebody else has changed this mandate" in page
    assert 'value="Late"' in page
    assert read(session, mandate).iban == NEW_IBAN


@pytest.mark.parametrize("role", ["accounting", "operations"])
def test_a_mandate_for_an_older_iban_is_amended_from_the_customers_record(
    app: Flask, as_role: AsRole, session: Session, mandate: Mandate, role: str
) -> None:
    with app.app_context(), transaction() as work:
        change = CustomerUpdate(mandate.customer_id, {"iban": NEW_IBAN})
        update_customers(work, [change], actor=COMMAND_LINE)
    client = as_role(role)
    record = f"/admin/individual/details/?id={mandate.customer_id}"
    assert "Mandate is for another IBAN" in client.get(record).text
    tab = client.get(f"/admin/individual/tab/?id={mandate.customer_id}&tab=payment").text
    assert "Amend it to the customer&#39;s account" in tab or "Amend it to" in tab
    page = client.get(f"{MANDATES}amend/?id={mandate.id}&to=customer").text
    full = role == "accounting"
    shown = "DE02 1203 0000 0000 2020 51" if full else mask(NEW_IBAN)
    assert f'value="{shown}"' in page
    assert amend(client, mandate, iban=shown, to="customer").status_code == 302
    assert read(session, mandate).iban == NEW_IBAN
    assert "Mandate is for another IBAN" not in client.get(record).text


@pytest.mark.parametrize("state", ["draft", "cancelled"])
def test_what_is_not_in_force_leads_back_from_the_amendment(
    app: Flask, as_role: AsRole, state: str
) -> None:
    mandate = make(app, signed_on=None if state == "draft" else date(2026, 1, 2))
    client = as_role("accounting")
    if state == "cancelled":
        data = {"action": "cancel", "rowid": mandate.id, "_confirmed": "yes", "reason": "Left"}
        client.post(f"{MANDATES}action/", data=data)
    page = client.get(f"{MANDATES}amend/?id={mandate.id}", follow_redirects=True).text
    assert f"A mandate that is {state} cannot be amended" in page
    assert state == "draft" or "Cancelled. Left" in page


def test_one_in_use_offers_no_editing(app: Flask, as_role: AsRole, mandate: Mandate) -> None:
    client = as_role("accounting")
    assert f"{MANDATES}edit/" in client.get(f"{MANDATES}details/?id={mandate.id}").text
    with app.app_context(), transaction() as work:
        making.invoice(work, work.get_one(Customer, mandate.customer_id))
        create_run(work, making.account(work), making.DAY, policy=making.POLICY, actor=COMMAND_LINE)
    page = client.get(f"{MANDATES}details/?id={mandate.id}").text
    assert f"{MANDATES}edit/" not in page
    assert f"{MANDATES}amend/" in page
    assert client.get(f"{MANDATES}edit/?id={mandate.id}").status_code == 403


def test_the_banks_registration_is_confirmed_by_its_day(
    app: Flask, as_role: AsRole, session: Session
) -> None:
    mandate = make(app, scheme="B2B")
    client = as_role("accounting")
    here = f"{MANDATES}details/?id={mandate.id}"
    assert "Bank registration not confirmed" in client.get(here).text
    data = {"action": "registered", "rowid": mandate.id, "_confirmed": "yes"}
    wrong = client.post(
        f"{MANDATES}action/", data=data | {"registered_on": "soon"}, follow_redirects=True
    )
    assert "is not a date" in wrong.text
    client.post(f"{MANDATES}action/", data=data | {"registered_on": "02.11.2026"})
    assert read(session, mandate).bank_registered_on == date(2026, 11, 2)
    assert "Bank registration not confirmed" not in client.get(here).text


def _waiting(app: Flask) -> dict[str, str]:
    """One mandate or customer for each reason of the work list, by what its row must say."""
    with app.app_context(), transaction() as work:
        fine = making.mandate(work, making.payer(work), reference="FINE")
        making.mandate(work, making.payer(work), reference="UNSIGNED", signed_on=None)
        ill = making.mandate(work, making.payer(work), reference="ILL")
        suspend_mandates(work, [ill.id], code="AC04", reason="Closed", actor=COMMAND_LINE)
        making.mandate(work, making.payer(work), reference="LAPSING", signed_on=date(2023, 12, 24))
        making.payer(work, name="Mandateless")
        other = making.mandate(work, making.payer(work), reference="OTHER")
        other.customer.iban = making.iban()
        making.mandate(work, making.payer(work), reference="FIRM", scheme="B2B")
        # A customer who has a fitting mandate besides an old one needs nothing.
        making.mandate(work, fine.customer, reference="OLDER", iban=making.iban())
    return {
        "unsigned": "UNSIGNED", "suspended": "ILL", "expiring": "LAPSING",
        "no_mandate": "Mandateless", "other_iban": "OTHER", "registration": "FIRM",
    }  # fmt: skip


def test_the_work_list_has_each_reason_with_the_way_to_mend_it_and_back(
    app: Flask, as_role: AsRole
) -> None:
    wanted = _waiting(app)
    client = as_role("accounting")
    page = client.get(WORK).text
    for reason, name in wanted.items():
        assert f"reason={reason}" in page
        rows = client.get(f"{WORK}rows/?reason={reason}").text
        assert name in rows
        assert not [one for one in wanted.values() if one != name and f">{one}<" in rows]
        assert "FINE" not in rows
        assert "OLDER" not in rows
        links = [
            link.replace("&amp;", "&")
            for link in re.findall(r'href="([^"]+)"', rows)
            if f"mandate_attention%2F%23{reason}" in link
            or f"mandate_attention/%23{reason}" in link
        ]
        assert links, rows
        for link in links:
            found = client.get(link)
            assert found.status_code == 200
            assert "mandate_attention" in found.text


def test_managers_see_the_work_list_without_the_ways_to_mend(app: Flask, as_role: AsRole) -> None:
    wanted = _waiting(app)
    client = as_role("manager")
    for reason in wanted:
        rows = client.get(f"{WORK}rows/?reason={reason}").text
        for page in ("amend", "sign", "new"):
            assert f"/mandates/{page}/" not in rows
    assert client.get(f"{WORK}rows/?reason=nonsense").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"attention": "suspended"}, {"ILL"}),
        ({"attention": "other_iban,registration"}, {"OTHER", "FIRM"}),
        ({"expiring": "60"}, {"LAPSING"}),
        ({"unregistered": "yes"}, {"FIRM"}),
        ({"unregistered": "no"}, set()),
        ({"country": "AT"}, set()),
        ({"document": "yes"}, set()),
        ({"amended": "yes"}, set()),
        ({"type": "one-off"}, set()),
        ({"collected_from": "2026-01-01"}, set()),
        ({"signed_to": "2023-12-31"}, {"LAPSING"}),
        ({"q": "Mandateless"}, set()),
        ({"state": "draft"}, {"UNSIGNED"}),
    ],
)
def test_the_list_is_narrowed_by_what_matters(
    app: Flask, as_role: AsRole, query: dict[str, str], found: set[str]
) -> None:
    names = {*_waiting(app).values(), "FINE", "OLDER"} - {"Mandateless"}
    page = as_role("accounting").get(MANDATES, query_string=query).text
    assert {name for name in names if f"{name}</a>" in page or f">{name}<" in page} == found


def test_the_work_list_asks_as_often_for_many_rows_as_for_few(
    app: Flask, as_role: AsRole, queries: Callable[[Callable[[], object]], int]
) -> None:
    client = as_role("accounting")
    address = f"{WORK}rows/?reason=unsigned"
    counts = []
    for _ in range(2):
        for _ in range(4):
            make(app, signed_on=None)
        client.get(address)
        counts.append(queries(lambda: client.get(address)))
    assert counts[0] == counts[1]


def test_agreed_days_of_notice_are_kept_with_the_customer(
    app: Flask, as_role: AsRole, session: Session, mandate: Mandate
) -> None:
    client = as_role("administrator")
    url = f"/admin/individual/edit/?id={mandate.customer_id}"
    data = fields_of(client.get(url).text)
    for wrong in ("0", "15", "two"):
        assert (
            "Days of notice agreed on is"
            in client.post(url, data=data | {"notice_days": wrong}).text
        )
    assert client.post(url, data=data | {"notice_days": "5"}).status_code == 302
    session.rollback()
    assert session.get_one(Customer, mandate.customer_id).notice_days == 5
    tab = client.get(f"/admin/individual/tab/?id={mandate.customer_id}&tab=payment").text
    assert "5 days" in tab
