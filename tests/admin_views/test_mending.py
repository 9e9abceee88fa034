"""Every reason for leaving an invoice out leads to where it is mended, and back to the preview."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from admin_views.collect_mending import MENDING, WAYS
from app.billing.models import Invoice
from app.core.actor import COMMAND_LINE
from app.customers.models import Customer
from app.extensions import transaction
from app.sepa.creating import create_run
from app.sepa.models import Collection, CreditorAccount, Mandate, MandateState
from app.sepa.rules import Caution, Exclusion
from tests.admin_views.test_customers_form import fields_of
from tests.sepa import making
from tests.sepa.making import DAY, POLICY

COLLECT = "/admin/direct_debit/collect/"
AsRole = Callable[..., FlaskClient]
Spoil = Callable[[Session, Invoice, Customer, Mandate], object]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def _set(place: int, **values: Any) -> Spoil:
    def change(session: Session, *records: Any) -> None:
        for name, value in values.items():
            setattr(records[place], name, value)

    return change


def _abroad(**more: Any) -> Spoil:
    def change(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
        customer.iban = mandate.iban = making.iban("CH")
        mandate.bic = "UBSWCHZH80A"
        for name, value in more.items():
            setattr(mandate, name, value)

    return change


def _used(**values: Any) -> Spoil:
    """A mandate that was collected by, though the bank returned it: it cannot be edited."""

    def change(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
        account = session.query(CreditorAccount).filter_by(scheme="CORE").one()
        session.flush()
        create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)
        session.query(Collection).update({"state": "returned"})
        session.query(Invoice).update({"state": "open"})
        for name, value in values.items():
            setattr(mandate, name, value)

    return change


def _taken(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
    mandate.type = "one-off"
    making.invoice(session, customer, number="R-SECOND")


def _limit(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
    session.query(CreditorAccount).update({"max_amount": Decimal("5.00")})


def _collected(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
    session.flush()
    account = session.query(CreditorAccount).filter_by(scheme="CORE").one()
    create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)


def _delete(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
    session.delete(mandate)


def _iban(text: str) -> Spoil:
    def change(session: Session, invoice: Invoice, customer: Customer, mandate: Mandate) -> None:
        customer.iban = mandate.iban = text

    return change


INVOICE, CUSTOMER, MANDATE = 0, 1, 2
# How each reason comes about, what the link says, and what on its page mends it.
CASES: list[tuple[Exclusion | Caution, Spoil, str, str]] = [
    (Exclusion.NO_MANDATE, _delete, "Enter a mandate", 'name="reference"'),
    (
        Exclusion.MANDATE_NOT_ACTIVE, _set(MANDATE, state=MandateState.SUSPENDED.value),
        "Resume the mandate", 'value="resume"',
    ),
    (
        Exclusion.MANDATE_NOT_ACTIVE, _set(MANDATE, state="draft", signed_on=None),
        "Correct the mandate", 'name="signed_on"',
    ),
    (
        Exclusion.MANDATE_NOT_ACTIVE, _set(MANDATE, state="cancelled"),
        "Enter a mandate", 'name="reference"',
    ),
    (
        Exclusion.MANDATE_EXPIRED, _set(MANDATE, signed_on=DAY.replace(year=2023, month=11)),
        "Enter a mandate", 'name="reference"',
    ),
    (
        Exclusion.MANDATE_OTHER_SCHEME, _set(MANDATE, scheme="B2B"),
        "Preview with Business", "Create run",
    ),
    (
        Exclusion.MANDATE_OTHER_IBAN, _set(MANDATE, iban="AT611904300234573201"),
        "Amend the mandate", 'name="account_holder"',
    ),
    (
        Exclusion.MANDATE_OTHER_IBAN, _set(MANDATE, iban="AT611904300234573201"),
        "Correct the IBAN", 'name="iban"',
    ),
    (
        Exclusion.MANDATE_REFERENCE, _set(MANDATE, reference="Mandat/für//alle"),
        "Correct the mandate", 'name="reference"',
    ),
    (
        Exclusion.MANDATE_NOT_SIGNED, _set(MANDATE, signed_on=DAY + timedelta(days=1)),
        "Correct the mandate", 'name="signed_on"',
    ),
    (Exclusion.ONE_OFF_TAKEN, _taken, "Enter a mandate", 'name="reference"'),
    (
        Exclusion.IBAN_INVALID, _iban("DE88370400440532013000"),
        "Correct the mandate", 'name="iban"',
    ),
    (
        Exclusion.IBAN_OUTSIDE_SEPA, _iban("TR330006100519786457841326"),
        "Choose another method", 'name="payment_method"',
    ),
    (Exclusion.BIC_NEEDED, _abroad(bic=None), "Correct the mandate", 'name="bic"'),
    (
        Exclusion.BIC_NEEDED, _abroad(bic=None, last_collected_on=DAY - timedelta(days=60)),
        "Amend the mandate", 'name="bic"',
    ),
    (
        Exclusion.BIC_INVALID, _used(bic="XXXXXXXX"), "Amend the mandate", 'name="bic"',
    ),
    (
        Exclusion.NAME_ILLEGAL, _used(account_holder="***"),
        "Amend the mandate", 'name="account_holder"',
    ),
    (
        Exclusion.MANDATE_REFERENCE, _used(reference="Mandat/für//alle"),
        "Amend the mandate", 'name="reference"',
    ),
    (
        Exclusion.MANDATE_NOT_SIGNED, _used(signed_on=DAY + timedelta(days=1)),
        "Enter a mandate", 'name="reference"',
    ),
    (
        Exclusion.BIC_INVALID, _set(MANDATE, bic="XXXXXXXX"),
        "Correct the mandate", 'name="bic"',
    ),
    (Exclusion.ADDRESS_NEEDED, _abroad(), "Enter the address", 'name="addresses-'),
    (
        Exclusion.NAME_ILLEGAL, _set(MANDATE, account_holder="***"),
        "Correct the mandate", 'name="account_holder"',
    ),
    (
        Exclusion.COLLECTION_HOLD,
        _set(CUSTOMER, collection_hold=True, collection_hold_reason="Asked to wait"),
        "Lift the hold", 'name="collection_hold"',
    ),
    (
        Exclusion.CUSTOMER_DELETED, _set(CUSTOMER, deleted_at=making.NOW),
        "Restore the customer", 'value="restore"',
    ),
    (
        Exclusion.AMOUNT, _set(INVOICE, amount=Decimal("1000000000.00")),
        "See the invoice", 'value="cancel"',
    ),
    (Exclusion.AMOUNT_OVER_FILE, _limit, "Raise the limit", 'name="max_amount"'),
    (Exclusion.ALREADY_IN_COLLECTION, _collected, "See its run", 'value="cancel"'),
    (
        Exclusion.NOTICE_TOO_SHORT, _set(INVOICE, issued_on=DAY - timedelta(days=10)),
        "Collect on 07.12.2026", "Create run",
    ),
    (
        Caution.IBAN_CHANGED, _set(MANDATE, iban_changed_at=making.NOW - timedelta(days=2)),
        "See the mandate", "IBAN changed",
    ),
]  # fmt: skip


def _spoilt(app: Flask, spoil: Spoil) -> None:
    """One invoice with something wrong, and an account for each scheme."""
    with app.app_context(), transaction() as session:
        making.account(session, label="Main", is_default=True)
        making.account(session, label="Business", scheme="B2B")
        one = making.debtor(session, "12.34", number="R-WRONG")
        mandate = session.query(Mandate).filter_by(customer_id=one.customer_id).one()
        spoil(session, one, one.customer, mandate)


def _link(page: str, label: str) -> str:
    found = re.search(rf'href="([^"]*)">{re.escape(label)}<', page)
    assert found is not None, label
    return unescape(found[1])


def test_every_reason_says_what_to_do_and_leads_somewhere() -> None:
    everything = {*Exclusion, *Caution}
    assert set(MENDING) == set(WAYS) == everything
    # What only a B2B account meets has a test of its own.
    assert {reason for reason, *_ in CASES} | {Caution.NOT_REGISTERED} == everything


@pytest.mark.parametrize(("reason", "spoil", "label", "mends"), CASES)
def test_the_link_of_each_reason_leads_to_where_it_is_mended_and_back(
    app: Flask,
    as_role: AsRole,
    reason: Exclusion | Caution,
    spoil: Spoil,
    label: str,
    mends: str,
) -> None:
    _spoilt(app, spoil)
    client = as_role("administrator")
    page = client.get(COLLECT, query_string={"date": DAY.isoformat()}).text
    assert reason.value in unescape(page)
    address = _link(page, label)
    there = client.get(address)
    assert there.status_code == 200
    assert mends in there.text
    (back,) = parse_qs(urlsplit(address).query)["url"]
    assert back.startswith(COLLECT)
    # The way back stands on the page: as a link, or in the form that leads there once saved.
    assert back in unescape(there.text)
    again = client.get(back)
    assert reason.value in unescape(again.text)


def test_a_mandate_that_no_bank_is_known_to_have_registered_leads_to_it(
    app: Flask, as_role: AsRole
) -> None:
    _spoilt(app, _set(MANDATE, scheme="B2B"))
    with app.app_context(), transaction() as session:
        business = session.query(CreditorAccount).filter_by(scheme="B2B").one().id
    client = as_role("accounting")
    page = client.get(COLLECT, query_string={"date": DAY.isoformat(), "account": business}).text
    assert Caution.NOT_REGISTERED.value in unescape(page)
    assert 'value="registered"' in client.get(_link(page, "Confirm the registration")).text


@pytest.mark.parametrize(
    ("spoil", "label", "who"),
    [
        (_abroad(), "Enter the address", "operations"),
        (_set(CUSTOMER, deleted_at=making.NOW), "Restore the customer", "an administrator"),
        (_limit, "Raise the limit", "an administrator"),
    ],
)
def test_who_may_not_mend_it_is_told_whom_to_ask_and_not_led(
    app: Flask, as_role: AsRole, spoil: Spoil, label: str, who: str
) -> None:
    _spoilt(app, spoil)
    page = as_role("accounting").get(COLLECT, query_string={"date": DAY.isoformat()}).text
    assert f"{label}: ask {who}<" in page
    assert re.search(rf'href="[^"]*">{label}<', page) is None


def test_a_mandate_that_is_saved_leads_back_and_the_invoice_is_collected(
    app: Flask, as_role: AsRole
) -> None:
    _spoilt(app, _delete)
    client = as_role("accounting")
    page = client.get(COLLECT, query_string={"date": DAY.isoformat()}).text
    address = _link(page, "Enter a mandate")
    form = client.get(address).text
    known = dict(re.findall(r'name="(customer_id|iban|url)"[^>]*value="([^"]*)"', form))
    known |= {"url": unescape(known["url"]), "reference": "NEW-1", "signed_on": "01.11.2026",
              "type": "recurrent", "scheme": "CORE", "account_holder": "Ada"}  # fmt: skip
    with app.app_context(), transaction() as session:
        customer = session.query(Customer).one()
        known |= {"customer_id": str(customer.id), "iban": str(customer.iban)}
    saved = client.post(address, data=known)
    assert saved.status_code == 302, saved.text
    back = client.get(saved.headers["Location"]).text
    assert "No mandate" not in back
    assert "Create run" in back


def test_a_mandate_that_is_resumed_leads_back(app: Flask, as_role: AsRole) -> None:
    _spoilt(app, _set(MANDATE, state=MandateState.SUSPENDED.value))
    client = as_role("accounting")
    page = client.get(COLLECT, query_string={"date": DAY.isoformat()}).text
    record = client.get(_link(page, "Resume the mandate")).text
    kept = re.search(r'value="resume">.*?name="url" value="([^"]*)"', record, re.DOTALL)
    assert kept is not None
    rowid = re.search(r'name="rowid" value="(\d+)"', record)
    assert rowid is not None
    data = {"action": "resume", "rowid": rowid[1], "_confirmed": "yes", "url": unescape(kept[1])}
    after = client.post("/admin/mandates/action/", data=data, follow_redirects=True).text
    assert "was resumed" in after
    assert "Create run" in after


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/"])
def test_the_way_back_is_never_to_another_site(app: Flask, as_role: AsRole, elsewhere: str) -> None:
    _spoilt(app, _delete)
    query = {"date": DAY.isoformat(), "url": elsewhere}
    assert "evil.example" not in as_role("accounting").get(COLLECT, query_string=query).text


def test_accounting_lifts_a_hold_from_the_preview_and_the_invoice_is_collected(
    app: Flask, as_role: AsRole
) -> None:
    _spoilt(app, _set(CUSTOMER, collection_hold=True, collection_hold_reason="Asked to wait"))
    client = as_role("accounting")
    address = _link(
        client.get(COLLECT, query_string={"date": DAY.isoformat()}).text, "Lift the hold"
    )
    form = client.get(address).text
    assert "Bank details and collection of" in form
    assert 'name="email"' not in form
    data = fields_of(form)
    assert data["collection_hold"]
    del data["collection_hold"]
    saved = client.post(address, data=data | {"first_name": "Forged", "rebate": "99"})
    assert saved.status_code == 302, saved.text
    page = client.get(saved.headers["Location"]).text
    assert "Asked to wait" not in page
    assert "Create run" in page
    with app.app_context(), transaction() as session:
        customer = session.query(Customer).one()
        assert (customer.first_name, customer.rebate) != ("Forged", 99)
        assert not customer.collection_hold


def test_accounting_amends_the_mandate_to_the_customers_account_and_is_led_back(
    app: Flask, as_role: AsRole
) -> None:
    _spoilt(app, _set(MANDATE, iban="AT611904300234573201"))
    client = as_role("accounting")
    page = client.get(COLLECT, query_string={"date": DAY.isoformat()}).text
    address = _link(page, "Amend the mandate")
    saved = client.post(address, data=fields_of(client.get(address).text))
    assert saved.status_code == 302, saved.text
    back = client.get(saved.headers["Location"]).text
    assert Exclusion.MANDATE_OTHER_IBAN.value not in unescape(back)
    assert "Create run" in back
