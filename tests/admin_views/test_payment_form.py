"""The form of bank details and collection: for accounting, which may edit nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.core.actor import COMMAND_LINE
from app.customers import operations
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.extensions import transaction
from tests.admin_views.test_customers_form import fields_of
from tests.customers.people import customer, history

IBAN = "DE89370400440532013000"
AsRole = Callable[..., FlaskClient]
PAYMENT = {
    "iban", "bic", "account_holder", "collection_hold", "collection_hold_until",
    "collection_hold_reason", "notice_days",
}  # fmt: skip
HOLD = {
    "collection_hold": "y", "collection_hold_until": "31.12.2026",
    "collection_hold_reason": "Asked to wait", "notice_days": "5",
}  # fmt: skip


def _url(one: Customer) -> str:
    return f"/admin/{one.kind}/edit/?id={one.id}&part=payment"


def _names(page: str) -> set[str]:
    return {name for name in fields_of(page) if not name.startswith("_")} - {
        "id",
        "url",
        "csrf_token",
    }


def _send(client: FlaskClient, one: Customer, **values: str) -> TestResponse:
    return client.post(_url(one), data=fields_of(client.get(_url(one)).text) | values)


@pytest.mark.parametrize("role", ["accounting", "operations", "administrator"])
def test_the_payment_tab_leads_to_a_form_of_the_payment_alone(
    session: Session, as_role: AsRole, role: str
) -> None:
    one, client = customer(first_name="Ada", iban=IBAN), as_role(role)
    tab = client.get(f"/admin/individual/tab/?id={one.id}&tab=payment").text
    assert "Bank details and collection" in tab
    page = client.get(_url(one)).text
    assert "Bank details and collection of Ada" in page
    assert _names(page) | {"collection_hold"} == PAYMENT


def test_a_manager_is_not_led_to_it_and_let_in(session: Session, as_role: AsRole) -> None:
    one, client = customer(first_name="Ada", iban=IBAN), as_role("manager")
    tab = client.get(f"/admin/individual/tab/?id={one.id}&tab=payment").text
    assert "Bank details and collection" not in tab
    assert client.get(_url(one)).status_code == 403
    assert client.post(_url(one), data=HOLD).status_code == 403


def test_accounting_sets_a_hold_and_the_days_of_notice_and_the_history_tells_it(
    session: Session, as_role: AsRole
) -> None:
    one, client = customer(first_name="Ada", iban=IBAN), as_role("accounting")
    assert "Reason for collection hold is missing" in _send(client, one, collection_hold="y").text
    forged = {"first_name": "Forged", "payment_method": "Invoice", "addresses-0-place": "Wien"}
    assert _send(client, one, **HOLD, **forged).status_code == 302
    session.expire_all()
    assert (one.collection_hold, one.collection_hold_reason, one.notice_days) == (
        True, "Asked to wait", 5,
    )  # fmt: skip
    assert (one.first_name, one.payment_method, one.addresses) == ("Ada", None, [])
    changes = history(session, one.id)[-1].changes
    assert changes is not None
    assert set(changes) == set(HOLD)
    record = client.get(f"/admin/individual/tab/?id={one.id}&tab=payment").text
    assert "Asked to wait" in record and "31.12.2026" in record and "5 days" in record


def test_of_two_who_change_the_payment_the_later_one_sees_what_the_other_wrote(
    session: Session, as_role: AsRole
) -> None:
    one, client = customer(first_name="Ada", iban=IBAN), as_role("accounting")
    opened = fields_of(client.get(_url(one)).text)
    with transaction() as work:
        update = CustomerUpdate(one.id, {"notice_days": 3})
        operations.update_customers(work, [update], actor=COMMAND_LINE)
    page = client.post(_url(one), data=opened | {"notice_days": "5"})
    assert page.status_code == 200 and "Bank details and collection of Ada" in page.text
    session.expire_all()
    assert one.notice_days == 3
    assert (
        client.post(_url(one), data=fields_of(page.text) | {"notice_days": "5"}).status_code == 302
    )
    session.expire_all()
    assert one.notice_days == 5


def test_the_form_names_the_days_of_notice_that_are_usual_here(
    session: Session, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, client = customer(first_name="Ada", iban=IBAN), as_role("administrator")
    config = client.application.config
    assert "blank is the usual 14" in client.get(_url(one)).text
    monkeypatch.setitem(config, "SETTINGS", replace(config["SETTINGS"], notice_days=10))
    for address in (_url(one), "/admin/business/new/"):
        assert "blank is the usual 10" in client.get(address).text
