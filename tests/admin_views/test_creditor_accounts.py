"""Creditor accounts in the panel: all fields, their bounds, and the IBAN of who may not see it."""

from datetime import time
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.permissions import Permission
from app.extensions import transaction
from app.sepa.models import CreditorAccount
from tests.admin_views.test_direct_debit import AsRole
from tests.admin_views.test_run_page import without
from tests.sepa import making

URL = "/admin/creditor_accounts/"
IBAN = "DE89370400440532013000"
GOOD = {
    "label": "Second", "name": "Kontor GmbH", "creditor_identifier": "DE98 ZZZ0 9999 9999 99",
    "iban": "DE89 3704 0044 0532 0130 00", "bic": "", "scheme": "B2B", "active": "y",
    "max_transactions": "10000", "max_amount": "5000,00", "cutoff": "9:30",
    "one_block_per_file": "y", "hybrid_addresses": "y", "street": " Domplatz  1",
    "postcode": "50667", "place": "Köln", "country": "Germany",
}  # fmt: skip


@pytest.fixture
def first(app: Flask) -> int:
    """The account that is the default."""
    with app.app_context(), transaction() as session:
        return making.account(session, label="Main").id


def test_an_account_is_made_with_all_that_its_bank_asks_for(
    as_role: AsRole, session: Session, first: int
) -> None:
    client = as_role("administrator")
    answer = client.post(f"{URL}new/", data=GOOD)
    assert answer.status_code == 302, answer.text
    made = session.scalars(select(CreditorAccount).where(CreditorAccount.id != first)).one()
    assert (made.creditor_identifier, made.iban, made.scheme) == ("DE98ZZZ09999999999", IBAN, "B2B")
    assert (made.cutoff, made.one_block_per_file, made.hybrid_addresses) == (
        time(9, 30),
        True,
        True,
    )
    assert (made.max_transactions, made.max_amount) == (10_000, Decimal("5000.00"))
    assert (made.street, made.postcode, made.place, made.country) == (
        "Domplatz 1", "50667", "Köln", "DE")  # fmt: skip
    record = client.get(f"{URL}details/?id={made.id}").text
    for said in ("09:30", "Germany", "Domplatz 1", "10,000", "One payment block in a file"):
        assert said in record
    history = client.get(f"{URL}tab/?id={made.id}&tab=history").text
    assert "Domplatz 1" in history
    assert IBAN not in history.replace(" ", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"creditor_identifier": "DE98-ZZZ-09999999999"}, "Creditor identifier is not valid"),
        ({"iban": "TR33 0006 1005 1978 6457 8413 26"}, "IBAN is not of a SEPA country"),
        ({"bic": "AKBKTRIS"}, "BIC is not of a SEPA country"),
        ({"scheme": "COR1"}, "no longer, among the choices"),
        ({"cutoff": "25:00"}, "Cut-off is no time of day"),
        ({"cutoff": "soon"}, "Write it like 14:00"),
        ({"max_transactions": "0"}, "Collections in a file is less than 1"),
        ({"max_transactions": "1000001"}, "Collections in a file is more than 1000000"),
        ({"max_transactions": "9" * 30}, "not a whole number"),
        ({"max_amount": "0"}, "Amount per file is not between"),
        ({"max_amount": "1000000000"}, "Amount per file is not between"),
        ({"place": "x" * 36}, "36 characters"),
        ({"street": "x" * 5000}, "5000 characters"),
        ({"country": "Nowhere"}, "Country is unknown"),
        ({"label": "MAIN"}, "with this label already"),
        ({"is_default": "y", "active": ""}, "default account has to be active"),
    ],
)
def test_what_an_account_cannot_be_is_told_at_its_field(
    as_role: AsRole, session: Session, first: int, given: dict[str, str], said: str
) -> None:
    data = {key: value for key, value in (GOOD | given).items() if value != "" or key == "bic"}
    answer = as_role("administrator").post(f"{URL}new/", data=data)
    assert answer.status_code == 200
    assert said in answer.text
    session.rollback()
    assert len(session.scalars(select(CreditorAccount)).all()) == 1


def test_nul_bytes_and_an_unlisted_country_are_no_fault_of_the_server(
    as_role: AsRole, first: int
) -> None:
    client = as_role("administrator")
    for given in ({"label": "\0", "name": "\0"}, {"country": "\0"}, {"cutoff": "\0"}):
        assert client.post(f"{URL}new/", data=GOOD | given).status_code in (200, 302)


def test_the_default_stays_one_and_is_handed_on_with_its_history(
    as_role: AsRole, session: Session, first: int
) -> None:
    client = as_role("administrator")
    version = session.get_one(CreditorAccount, first).version
    unticked = GOOD | {"label": "Main", "_version": version}
    answer = client.post(f"{URL}edit/?id={first}", data=unticked)
    assert "There has to be a default account" in answer.text
    assert client.post(f"{URL}new/", data=GOOD | {"is_default": "y"}).status_code == 302
    session.rollback()
    session.expire_all()
    old = session.get_one(CreditorAccount, first)
    assert (old.is_default, old.version) == (False, version + 1)
    told = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.entity == "creditor account", AuditEntry.entity_id == first)
        .order_by(AuditEntry.id.desc())
    ).first()
    assert told is not None
    assert told.changes["is_default"] == [True, False]


def test_an_account_is_edited_without_its_iban_being_seen(
    as_role: AsRole, session: Session, first: int
) -> None:
    without("administrator", Permission.BANK_DETAILS_VIEW)
    client = as_role("administrator")
    shown = client.get(f"{URL}edit/?id={first}").text
    for text in (shown, client.get(URL).text, client.get(f"{URL}details/?id={first}").text):
        assert IBAN not in text.replace(" ", "")
    field = next(tag for tag in shown.split("<input") if 'name="iban"' in tag)
    mask = field.partition('value="')[2].partition('"')[0]
    version = session.get_one(CreditorAccount, first).version
    form = GOOD | {"label": "Main", "iban": mask, "is_default": "y", "_version": version}
    answer = client.post(f"{URL}edit/?id={first}", data=form)
    assert answer.status_code == 302, answer.text
    session.rollback()
    session.expire_all()
    account = session.get_one(CreditorAccount, first)
    assert (account.iban, account.scheme) == (IBAN, "B2B")


def test_there_is_no_way_to_delete_an_account(as_role: AsRole, first: int) -> None:
    client = as_role("administrator")
    answer = client.post(f"{URL}delete/", data={"id": first, "_confirmed": "yes"})
    assert answer.status_code in (403, 404)
    assert "Main" in client.get(URL).text
