"""Two people save the same record: what each changed is compared, and nothing of either is lost."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.subscriptions.models import Authorization
from tests.admin_views.test_base import compared
from tests.admin_views.test_customers_form import IBAN, OTHER_IBAN, fields_of, right
from tests.customers.people import customer
from tests.subscriptions.records import journal

AsRole = Callable[..., FlaskClient]


@pytest.fixture
def ada(as_role: AsRole) -> FlaskClient:
    return as_role("operations", name="Ada First")


@pytest.fixture
def ben(as_role: AsRole) -> FlaskClient:
    return as_role("operations", name="Ben Second")


def url_of(one: Customer) -> str:
    return f"/admin/{one.kind}/edit/?id={one.id}"


def opened(client: FlaskClient, url: str) -> dict[str, Any]:
    return fields_of(client.get(url).text)


def save(client: FlaskClient, url: str, sent: dict[str, Any]) -> None:
    answer = client.post(url, data=sent)
    assert answer.status_code == 302, re.findall(r"invalid-feedback.*", answer.text)


def marks(page: str) -> dict[str, str]:
    """What the comparison says of each field: label -> whose change it is."""
    found = re.findall(r'<th scope="row".*?</th>', page, re.S)
    said = [" ".join(unescape(re.sub(r"<[^>]+>", " ", one)).split()) for one in found]
    pairs = (re.fullmatch(r"(.*) ((?:Changed|Added|Removed) by \w+)", one) for one in said)
    return {pair[1]: pair[2] for pair in pairs if pair}


def test_what_only_the_other_changed_is_taken_over_and_what_both_changed_is_marked(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Byron", memo="Old memo", rebate=5)
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, theirs | {"name": "Lovelace", "memo": "New memo", "newsletter": ""})
    page = ada.post(url, data=mine | {"name": "King", "alias": "Countess", "rebate": "7"}).text
    assert "Somebody else has saved this individual customer" in page
    assert marks(page) == {
        "Name": "Changed by both", "Newsletter": "Changed by them", "Memo": "Changed by them",
    }  # fmt: skip
    lines = compared(page)
    assert lines["Name"] == ["Byron", "King", "Lovelace"]
    assert lines["Memo"] == ["Old memo", "Old memo", "New memo"]
    assert "Ben Second" in page
    kept = fields_of(page)
    assert (kept["name"], kept["alias"], kept["memo"]) == ("King", "Countess", "New memo")
    assert kept["rebate"] == "7"
    save(ada, url, kept)
    session.expire_all()
    assert (one.name, one.alias, one.memo, one.rebate) == ("King", "Countess", "New memo", 7)


def test_a_switch_and_several_choices_are_merged_like_text(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one = customer(first_name="Ada", newsletter=True, favourite=False)
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    del theirs["newsletter"]
    save(ben, url, theirs)
    kept = fields_of(ada.post(url, data=mine | {"favourite": "y"}).text)
    assert "newsletter" not in kept and kept["favourite"] == "y"
    save(ada, url, kept)
    session.expire_all()
    assert (one.newsletter, one.favourite) == (False, True)


def test_rows_are_merged_by_what_they_stand_for(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    places = ["Wien", "Graz", "Linz", "Rom"]
    one = customer(first_name="Ada", addresses=[{"place": place} for place in places])
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    # They: move Wien, remove Graz and Linz, add Paris, change Rom.
    theirs |= {"addresses-0-street": "Ring 1", "addresses-3-street": "Via 2"}
    theirs = {
        name: value for name, value in theirs.items()
        if not name.startswith(("addresses-1-", "addresses-2-"))
    } | {"addresses-8-place": "Paris"}  # fmt: skip
    save(ben, url, theirs)
    # I: name Wien, work on Linz, remove Rom, add Bern; Graz I leave alone.
    mine |= {"addresses-0-label": "Home", "addresses-2-label": "Depot", "addresses-4-place": "Bern"}
    mine = {name: value for name, value in mine.items() if not name.startswith("addresses-3-")}
    page = ada.post(url, data=mine).text
    kept = fields_of(page)
    rows = {
        kept[f"addresses-{n}-place"]: (kept[f"addresses-{n}-label"], kept[f"addresses-{n}-street"])
        for n in range(5)
    }
    assert rows == {
        "Wien": ("Home", "Ring 1"), "Linz": ("Depot", ""), "Bern": ("", ""),
        "Rom": ("", "Via 2"), "Paris": ("", ""),
    }  # fmt: skip
    said = marks(page)
    assert said["Address 1 · Street/No."] == "Changed by them"
    assert said["Address"] == "Removed by them"
    assert sorted(said.values()).count("Changed by both") == 2  # Linz, and Rom which I removed
    assert "Added by them" in said.values()
    save(ada, url, kept)
    session.expire_all()
    assert {a.place for a in one.addresses} == {"Wien", "Linz", "Bern", "Rom", "Paris"}


def test_a_right_that_the_other_removed_while_it_was_edited_comes_back_as_a_new_one(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    acta = journal(session, "Acta Geotechnica").id
    session.commit()
    one = customer("perpetual", company_name="Universität Wien")
    url = url_of(one)
    save(ada, url, opened(ada, url) | right(0, acta, "2010", "2012"))
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, {k: v for k, v in theirs.items() if not k.startswith("authorizations-")})
    kept = fields_of(ada.post(url, data=mine | {"authorizations-0-coverage_to": "2015"}).text)
    assert kept["authorizations-0-id"] == ""
    save(ada, url, kept)
    session.rollback()
    [stored] = session.scalars(select(Authorization)).all()
    assert (stored.coverage_from, stored.coverage_to) == ("2010", "2015")


def test_the_same_change_by_both_is_no_conflict_in_that_field(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Byron")
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, theirs | {"name": "Lovelace"})
    page = ada.post(url, data=mine | {"name": "Lovelace"}).text
    assert "Nothing in this form differs" in page
    save(ada, url, fields_of(page))


def test_a_third_save_during_the_comparison_is_compared_again(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Byron")
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, theirs | {"name": "Lovelace"})
    kept = fields_of(ada.post(url, data=mine | {"name": "King"}).text)
    save(ben, url, opened(ben, url) | {"alias": "Countess"})
    page = ada.post(url, data=kept).text
    assert compared(page) == {"Alias": ["–", "–", "Countess"]}
    save(ada, url, fields_of(page))
    session.expire_all()
    assert (one.name, one.alias) == ("King", "Countess")


def test_a_fault_in_the_form_does_not_hide_that_somebody_else_has_saved(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one = customer(first_name="Ada", name="Byron")
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, theirs | {"name": "Lovelace"})
    page = ada.post(url, data=mine | {"rebate": "10,5"}).text
    kept = fields_of(page)
    assert (kept["name"], kept["rebate"]) == ("Lovelace", "10,5")
    page = ada.post(url, data=kept).text
    assert "Rebate is not a whole number" in page
    save(ben, url, opened(ben, url) | {"name": "Somerville"})
    kept = fields_of(ada.post(url, data=fields_of(page) | {"rebate": "10"}).text)
    assert (kept["name"], kept["rebate"]) == ("Somerville", "10")
    session.expire_all()
    assert (one.name, one.rebate) == ("Somerville", None)


def test_an_iban_stays_masked_in_the_comparison(
    session: Session, ada: FlaskClient, as_role: AsRole
) -> None:
    one = customer(first_name="Ada", iban=IBAN)
    url = url_of(one)
    accounting = as_role("accounting")
    mine, theirs = opened(ada, url), opened(accounting, url)
    save(accounting, url, theirs | {"iban": OTHER_IBAN, "bic": ""})
    page = ada.post(url, data=mine | {"alias": "Countess"}).text
    assert compared(page)["IBAN"] == ["DE•• •••• 3000", "DE•• •••• 3000", "DE•• •••• 2051"]
    assert OTHER_IBAN not in page.replace(" ", "") and IBAN not in page.replace(" ", "")
    save(ada, url, fields_of(page))
    session.expire_all()
    assert (one.iban, one.alias) == (OTHER_IBAN, "Countess")


@pytest.mark.parametrize("base", ["", "x", "\0", "é" * 3000, "eyJhIjoxfQ.forged"])
def test_without_what_the_page_had_shown_everything_that_differs_is_marked(
    session: Session, ada: FlaskClient, ben: FlaskClient, base: str
) -> None:
    one = customer(first_name="Ada", name="Byron", addresses=[{"place": "Wien"}])
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    save(ben, url, theirs | {"name": "Lovelace"})
    page = ada.post(url, data=mine | {"_base": base, "alias": "Countess"}).text
    assert marks(page) == {"Name": "Changed by both", "Alias": "Changed by both"}
    assert compared(page)["Name"] == ["not known", "Byron", "Lovelace"]


def test_the_state_of_another_record_is_not_taken_for_this_one_s(
    session: Session, ada: FlaskClient, ben: FlaskClient
) -> None:
    one, other = customer(first_name="Ada", name="Byron"), customer(first_name="Eve", name="X")
    url = url_of(one)
    mine, theirs = opened(ada, url), opened(ben, url)
    foreign = opened(ada, url_of(other))["_base"]
    save(ben, url, theirs | {"name": "Lovelace"})
    page = ada.post(url, data=mine | {"_base": foreign}).text
    assert compared(page)["Name"] == ["not known", "Byron", "Lovelace"]
