"""The forms of customers: rows, parsers, live checks, masks, conflicts; nothing typed is lost."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.customers.operations_reference import save_store
from app.extensions import transaction
from app.subscriptions.models import Subscription
from tests.customers.people import customer, history
from tests.subscriptions.records import journal

AsRole = Callable[..., FlaskClient]
IBAN = "DE89370400440532013000"
OTHER_IBAN = "DE02120300000000202051"


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    form = page.split('<form class="k-form"')[1].split("</form>")[0]
    form = re.sub(r"<template.*?</template>", "", form, flags=re.S)
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        sent[name[1]] = value[1] if value else ""
    for tag, name, inner in re.findall(r'(<select[^>]*name="([^"]+)"[^>]*>)(.*?)</sel', form, re.S):
        chosen = re.findall(r'<option selected value="([^"]*)"', inner)
        chosen += re.findall(r'<option value="([^"]*)" selected', inner)
        sent[name] = chosen if " multiple" in tag else (chosen or [""])[0]
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</text', form, re.S):
        sent[name] = inner.strip()
    return {n: v if isinstance(v, list) else unescape(v) for n, v in sent.items()}


def right(row: int, journal_id: int, start: str, end: str) -> dict[str, str]:
    """A row that states a journal authorization."""
    said = {"journal_id": str(journal_id), "basis": "purchase"}
    said |= {"coverage_from": start, "coverage_to": end}
    return {f"authorizations-{row}-{name}": value for name, value in said.items()}


def new(client: FlaskClient, kind: str, **given: Any) -> Any:
    url = f"/admin/{kind}/new/"
    return client.post(url, data=fields_of(client.get(url).text) | given)


def edit(client: FlaskClient, one: Customer, **given: Any) -> Any:
    url = f"/admin/{one.kind}/edit/?id={one.id}"
    return client.post(url, data=fields_of(client.get(url).text) | given)


def only(session: Session) -> Customer:
    session.rollback()
    return session.scalars(select(Customer)).one()


def check(client: FlaskClient, name: str, value: str, **more: str) -> Any:
    data = {"check": name, "value": value, **more}
    return client.post("/admin/individual/check/", data=data).json


def test_a_person_with_two_addresses_is_added_by_hand(session: Session, clerk: FlaskClient) -> None:
    answer = new(
        clerk, "individual",
        **{"first_name": "Änne", "name": "Groß", "email": "Aenne@Example.com",
           "mobile_phone": "0664 1234567", "date_of_birth": "31.12.1980", "rebate": "10",
           "addresses-0-place": "Wien", "addresses-0-country": "Österreich",
           "addresses-1-kind": "shipping", "addresses-1-place": "Graz",
           "addresses-1-country": "AT", "memo": "Zwei\r\nZeilen"},
    )  # fmt: skip
    made = only(session)
    assert answer.location == f"/admin/individual/details/?id={made.id}"
    assert (made.mobile_phone, made.rebate, made.memo) == ("+436641234567", 10, "Zwei\nZeilen")
    assert [(a.kind, a.place, a.country) for a in made.addresses] == [
        ("main", "Wien", "AT"), ("shipping", "Graz", "AT"),
    ]  # fmt: skip
    assert (made.newsletter, made.source) == (True, "Telephone")


def test_an_address_row_left_empty_is_none(session: Session, clerk: FlaskClient) -> None:
    new(clerk, "individual", first_name="Ada")
    assert only(session).addresses == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("rebate", "10.0", "Rebate is not a whole number"),
        ("rebate", "10,5", "Rebate is not a whole number"),
        ("rebate", "101", "Rebate is more than 100"),
        ("rebate", "-1", "Rebate is negative"),
        ("term_of_payment", "366", "Term of payment is more than 365"),
        ("email", "nobody", "Email is not an address"),
        ("mobile_phone", "12", "Mobile phone is not a phone number"),
        ("fax", "abc", "Fax is not a phone number"),
        ("date_of_birth", "31.02.1980", "Date of birth is not a date"),
        ("iban", "DE89370400440532013001", "IBAN check digits are wrong"),
        ("bic", "X", "BIC is not valid"),
        ("memo", "x" * 201, "Memo has 201 characters"),
        ("addresses-0-country", "Atlantis", "Country is unknown"),
        ("first_name", "", "First name is missing"),
        ("payment_method", "SEPA direct debit", "SEPA direct debit needs an IBAN"),
        ("invoices_by_email", "y", "Invoices by email need an email address"),
    ],
)
def test_a_bad_value_is_refused_at_its_field_and_stays_as_typed(
    session: Session, clerk: FlaskClient, name: str, value: str, reason: str
) -> None:
    given = {"first_name": "Ada", "alias": "Countess", name: value}
    page = new(clerk, "individual", **given).text
    assert reason in page
    kept = fields_of(page)
    assert kept["alias"] == "Countess" and kept[name] == value
    session.rollback()
    assert session.scalars(select(Customer)).all() == []


def test_a_taken_email_is_refused_with_a_link_to_its_holder(
    session: Session, clerk: FlaskClient
) -> None:
    holder = customer(first_name="Ada", email="ada@example.com")
    number = holder.number
    page = new(clerk, "business", company_name="Muster", email="ADA@example.com").text
    assert "already used" in page and f'href="/customers/{number}"' in page


def test_the_store_is_asked_for_only_where_there_are_several(
    session: Session, clerk: FlaskClient
) -> None:
    with transaction() as work:
        save_store(work, None, name="Main", is_default=True, actor=COMMAND_LINE)
    assert 'name="store_id"' not in clerk.get("/admin/individual/new/").text
    with transaction() as work:
        main = save_store(work, None, name="Branch", actor=COMMAND_LINE).name
    assert main == "Branch"
    sent = fields_of(clerk.get("/admin/individual/new/").text)
    new(clerk, "individual", first_name="Ada")
    store = only(session).store
    assert sent["store_id"] and store is not None and store.name == "Main"


def test_saving_an_untouched_form_changes_nothing(session: Session, clerk: FlaskClient) -> None:
    one = customer(
        first_name="Ada", iban=IBAN, mobile_phone="+491701234567", memo="Two\nlines", rebate=5,
        addresses=[{"place": "Wien", "country": "AT"}], companies=[{"company_name": "Muster"}],
    )  # fmt: skip
    edit(clerk, one)
    session.expire_all()
    assert (one.version, one.iban, len(history(session, one.id))) == (1, IBAN, 1)


def test_a_masked_iban_stays_and_a_new_one_replaces_it(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(first_name="Ada", iban=IBAN)
    page = clerk.get(f"/admin/individual/edit/?id={one.id}").text
    assert IBAN not in page and "DE89" not in page
    edit(clerk, one, name="Lovelace")
    session.expire_all()
    assert (one.name, one.iban) == ("Lovelace", IBAN)
    assert "shown masked" in edit(clerk, one, iban="DE•• •••• 9999").text
    edit(clerk, one, iban=OTHER_IBAN, bic="")
    session.expire_all()
    assert (one.iban, one.bic) == (OTHER_IBAN, "BYLADEM1001")


def test_accounting_edits_the_bank_details_alone(session: Session, as_role: AsRole) -> None:
    one = customer(first_name="Ada", iban=IBAN)
    accounting = as_role("accounting")
    url = f"/admin/individual/edit/?id={one.id}"
    page = accounting.get(url).text
    assert 'value="DE89 3704 0044 0532 0130 00"' in page and 'name="first_name"' not in page
    edit(accounting, one, iban=OTHER_IBAN, first_name="Forged", rebate="99", newsletter="")
    session.expire_all()
    assert (one.iban, one.first_name, one.rebate) == (OTHER_IBAN, "Ada", None)
    assert one.newsletter
    assert accounting.get("/admin/individual/new/").status_code == 403


def test_of_two_who_save_the_later_one_sees_both_values(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Byron")
    key = one.id
    url = f"/admin/individual/edit/?id={key}"
    opened = fields_of(clerk.get(url).text)
    with transaction() as work:
        change = CustomerUpdate(key, {"name": "Lovelace"})
        update_customers(work, [change], actor=COMMAND_LINE)
    page = clerk.post(url, data=opened | {"name": "King", "alias": "Countess"}).text
    assert "Somebody else has saved" in page and "Lovelace" in page
    kept = fields_of(page)
    assert (kept["name"], kept["alias"]) == ("King", "Countess")
    clerk.post(url, data=kept)
    session.expire_all()
    assert (one.name, one.alias) == ("King", "Countess")


def test_rows_are_changed_added_and_removed(session: Session, clerk: FlaskClient) -> None:
    one = customer(first_name="Ada", addresses=[{"place": "Wien"}, {"place": "Graz"}])
    company = customer("business", company_name="Muster GmbH")
    sent = fields_of(clerk.get(f"/admin/individual/edit/?id={one.id}").text)
    sent = {name: value for name, value in sent.items() if not name.startswith("addresses-0")}
    sent |= {"addresses-1-street": "Ring 1", "addresses-7-place": "Rom"}
    sent |= {"companies-3-company_id": str(company.id), "companies-3-role": "buyer"}
    clerk.post(f"/admin/individual/edit/?id={one.id}", data=sent)
    session.expire_all()
    assert [(a.place, a.street) for a in one.addresses] == [("Graz", "Ring 1"), ("Rom", None)]
    assert [(c.company_id, c.role) for c in one.companies] == [(company.id, "buyer")]


@pytest.mark.parametrize("forged", ["x", "1,2", "9" * 20, "\0", "١"])
def test_a_forged_id_of_a_row_is_no_row_of_this_customer(
    session: Session, clerk: FlaskClient, forged: str
) -> None:
    given = {"first_name": "Ada", "addresses-0-id": forged, "addresses-0-place": "Wien"}
    assert new(clerk, "individual", **given).status_code == 302
    assert [one.place for one in only(session).addresses] == ["Wien"]


@pytest.mark.parametrize("name", ["group_id", "price_level_id", "store_id"])
@pytest.mark.parametrize("forged", ["x", "9" * 20])
def test_a_choice_that_is_not_offered_is_told_at_its_field(
    session: Session, clerk: FlaskClient, name: str, forged: str
) -> None:
    with transaction() as work:
        for store in ("North", "South"):
            save_store(work, None, name=store, actor=COMMAND_LINE)
    answer = new(clerk, "individual", first_name="Ada", **{name: forged})
    assert answer.status_code == 200
    assert f'href="#{name}"' in answer.text
    assert session.scalars(select(Customer)).all() == []


def test_an_institution_gets_an_address_and_a_right_in_one_save(
    session: Session, clerk: FlaskClient
) -> None:
    acta = journal(session, "Acta Geotechnica").id
    session.commit()
    one = customer("perpetual", company_name="Universität Wien")
    rights = right(0, acta, "2010", "2012") | right(1, acta, "2013", "2014")
    edit(clerk, one, **rights, **{"addresses-0-place": "Wien"})
    session.expire_all()
    [merged] = session.scalars(select(Subscription)).all()
    assert (merged.customer_id, merged.source) == (one.id, "perpetual")
    assert "2010–2014" in clerk.get(f"/admin/perpetual/tab/?id={one.id}&tab=subscriptions").text
    assert [a.place for a in one.addresses] == ["Wien"]


def test_nothing_is_saved_where_one_right_is_wrong(session: Session, clerk: FlaskClient) -> None:
    acta = journal(session, "Acta Geotechnica").id
    session.commit()
    wrong = right(0, acta, "2014", "2012")
    page = new(clerk, "perpetual", company_name="Universität Wien", **wrong).text
    assert "after" in page
    session.rollback()
    assert session.scalars(select(Customer)).all() == []


def test_the_email_is_checked_when_it_is_left(session: Session, clerk: FlaskClient) -> None:
    holder = customer(first_name="Ada", email="ada@example.com")
    number, key = holder.number, str(holder.id)
    [problem] = check(clerk, "email", "ADA@example.com")["problems"]
    assert problem["link"] == [f"Customer {number}", f"/customers/{number}"]
    assert check(clerk, "email", "ada@example.com", id=key)["problems"] == []
    assert "not an address" in check(clerk, "email", "ada@")["problems"][0]["message"]
    assert check(clerk, "email", " ")["problems"] == []


def test_a_phone_is_read_with_the_country_of_the_main_address(
    session: Session, clerk: FlaskClient
) -> None:
    customer(first_name="Ada", mobile_phone="+436641234567")
    at = {"addresses-2-kind": "main", "addresses-2-country": "Austria",
          "addresses-0-kind": "billing", "addresses-0-country": "DE"}  # fmt: skip
    taken = check(clerk, "mobile_phone", "0664 1234567", **at)
    assert "already used" in taken["problems"][0]["message"]
    free = check(clerk, "mobile_phone", "0170 1234567")
    assert (free["problems"], free["note"]) == ([], "+49 170 1234567")


def test_the_iban_tells_bank_and_bic(session: Session, clerk: FlaskClient) -> None:
    answer = check(clerk, "iban", "de89 3704 0044 0532 0130 00")
    assert (answer["note"], answer["fill"]) == ("Commerzbank", {"bic": "COBADEFFXXX"})
    assert "check digits" in check(clerk, "iban", IBAN[:-1] + "1")["problems"][0]["message"]


def test_who_has_the_same_vat_id_is_told(session: Session, clerk: FlaskClient) -> None:
    holder = customer("business", company_name="Muster", vat_id="DE136695976")
    number, key = holder.number, str(holder.id)
    assert number in check(clerk, "vat_id", "DE 136 695 976")["problems"][0]["message"]
    assert check(clerk, "vat_id", "DE136695976", id=key)["problems"] == []


def test_checks_are_for_editors_only_and_not_without_end(
    session: Session, clerk: FlaskClient, as_role: AsRole
) -> None:
    assert as_role("manager").post("/admin/individual/check/").status_code == 403
    answers = [
        clerk.post("/admin/individual/check/", data={"check": "email"}).status_code
        for _ in range(125)
    ]
    assert answers[0] == 200 and answers[-1] == 429


def test_the_dedicated_operator_is_found_while_typing(session: Session, clerk: FlaskClient) -> None:
    found = clerk.get("/admin/individual/ajax/lookup/?name=operators&query=operations").json
    assert found and "operations" in found[0]["text"].lower()


def test_what_is_wrong_is_told_in_the_order_of_the_page(
    session: Session, clerk: FlaskClient
) -> None:
    page = new(clerk, "individual", first_name="", email="nobody", memo="x" * 201).text
    told = page.split("data-summary")[1].split("</ul>")[0]
    assert re.findall(r'href="#(\w+)"', told) == ["first_name", "email", "memo"]


def test_everything_that_is_wrong_is_told_at_once(session: Session, clerk: FlaskClient) -> None:
    customer(first_name="Ada", email="ada@example.com")
    page = new(
        clerk, "individual", first_name="Eve", rebate="10,5", email="ada@example.com",
        payment_method="SEPA direct debit",
    ).text  # fmt: skip
    for reason in ("Rebate is not a whole number", "already used", "needs an IBAN"):
        assert reason in page


def test_a_form_asks_the_database_as_often_for_many_rows_as_for_few(
    session: Session, clerk: FlaskClient, queries: Callable[..., int]
) -> None:
    def person(rows: int) -> str:
        companies = [
            {"company_id": customer("business", company_name=f"Muster {n}").id} for n in range(rows)
        ]
        addresses = [{"place": f"Place {n}"} for n in range(rows)]
        one = customer(first_name="Ada", companies=companies, addresses=addresses)
        return f"/admin/individual/edit/?id={one.id}"

    few, many = person(2), person(12)
    assert queries(lambda: clerk.get(many)) == queries(lambda: clerk.get(few))
