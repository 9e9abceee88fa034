"""Entitlement and lapse: the pages, the record's tabs and the command."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy.orm import Session

from app.catalogue.models import Journal
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.customers.models import Customer
from app.subscriptions.models import SubscriptionStatus
from app.subscriptions.operations import change_status, create_subscription
from tests.subscriptions.records import grant, institution, journal, right
from tests.subscriptions.test_panel import count_statements
from tests.subscriptions.test_subscriptions import YEAR, SubscriptionDraft

AsRole = Callable[..., FlaskClient]
PAGE = "/admin/entitlement/"


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 11, 24, 9, tzinfo=UTC)):
        yield


@pytest.fixture
def held(session: Session) -> dict[str, int]:
    """A library with perpetual rights and a running subscription to one journal."""
    library, acta = institution(session, "Universität Wien"), journal(session, "Acta Geotechnica")
    first, second = grant(
        session, right(library, acta, "2006", "2008"), right(library, acta, "2009", "2010-06")
    )
    draft = SubscriptionDraft(library.id, acta.id, *YEAR)
    row = create_subscription(session, draft, actor=COMMAND_LINE)
    change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    ids = {
        "customer": library.id, "journal": acta.id, "subscription": row.id,
        "first": first, "second": second, "number": int(library.number[1:]),
    }  # fmt: skip
    session.commit()
    return ids


def ask(client: FlaskClient, held: dict[str, int], **given: str) -> str:
    url = {"customer": held["customer"], "journal": held["journal"], **given}
    answer = client.get(PAGE, query_string=url)
    assert answer.status_code == 200
    return answer.text


def test_the_page_says_yes_and_names_the_sources(as_role: AsRole, held: dict[str, int]) -> None:
    page = ask(as_role("manager"), held, content="2007")
    assert "Yes, for ever: 2007 is covered by purchase 2006–2008." in page
    assert f'href="/admin/authorizations/details/?id={held["first"]}"' in page
    assert f'id={held["second"]}"' not in page


def test_the_page_tells_a_part_and_a_no(as_role: AsRole, held: dict[str, int]) -> None:
    client = as_role("operations")
    assert "In part: 2010-01 – 2010-06 is covered" in ask(client, held, content="2010")
    assert "lies outside of what is held" in ask(client, held, content="2015")


def test_the_picture_shows_rights_subscriptions_and_gaps_and_has_a_table(
    as_role: AsRole, held: dict[str, int]
) -> None:
    page = ask(as_role("operations"), held)
    for kind in ("perpetual", "subscribed", "gap"):
        assert page.count(f'class="k-bar k-bar-{kind}"') == 1
    summary = "Perpetual: 2006 – 2010-06; subscribed: 2026; gaps: 2010-07 – 2025."
    assert f'aria-label="{summary}"' in page
    table = page.partition("The coverage as a table")[2]
    assert "2006 – 2010-06" in table and "Gap" in table and "2 authorizations" in table
    assert " style=" not in page


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"content": "20x4"}, "Year is not a year, a month or a day"),
        ({"content": "2014-13"}, "Year is not a year, a month or a day"),
        ({"content": "0001"}, "Year is not a year, a month or a day"),
        ({"volume": "9" * 40}, "Volume is longer than 20 characters"),
        ({"customer": "999999", "content": "2014"}, "This customer is no longer there"),
        ({"journal": "9" * 18, "content": "2014"}, "This journal is no longer there"),
        ({"journal": "9" * 60, "content": "2014"}, "Journal is missing"),
        ({"customer": "-1", "content": "2014"}, "Customer is missing"),
        ({"customer": "1\x00", "content": "2014\x00"}, "Customer is missing"),
    ],
)
def test_what_cannot_be_asked_is_told_at_its_field(
    as_role: AsRole, held: dict[str, int], given: dict[str, str], message: str
) -> None:
    page = as_role("operations").get(PAGE, query_string={**held, **given}).text
    assert message in page


def test_a_deleted_customer_is_not_answered_for(
    session: Session, as_role: AsRole, held: dict[str, int]
) -> None:
    customer = session.get_one(Customer, held["customer"])
    customer.deleted_at = customer.created_at
    session.commit()
    client = as_role("operations")
    assert "This customer is no longer there" in ask(client, held, content="2007")
    lapse = client.get(f"{PAGE}lapse/?customer={held['customer']}").text
    assert "Universität Wien" not in lapse


def test_the_record_of_a_customer_answers_in_place(as_role: AsRole, held: dict[str, int]) -> None:
    client = as_role("operations")
    tab = client.get(f"/admin/perpetual/tab/?id={held['customer']}&tab=subscriptions").text
    assert 'hx-get="/admin/entitlement/answer/"' in tab
    query = {"customer": held["customer"], "journal": held["journal"], "content": "2007"}
    fragment = client.get(f"{PAGE}answer/", query_string=query, headers={"HX-Request": "true"}).text
    assert "Yes, for ever" in fragment and "<html" not in fragment
    assert client.get(f"{PAGE}answer/", query_string=query).status_code == 302


def test_the_lookups_find_customers_and_journals(as_role: AsRole, held: dict[str, int]) -> None:
    client = as_role("operations")
    found = client.get(f"{PAGE}lookup/?name=journals&query=acta").json
    assert found == [{"value": str(held["journal"]), "text": "Acta Geotechnica (0031-5117)"}]
    assert client.get(f"{PAGE}lookup/?name=operators&query=a").status_code == 404


def test_a_subscription_shows_what_goes_if_it_is_not_renewed(
    as_role: AsRole, held: dict[str, int]
) -> None:
    client = as_role("operations")
    key = held["subscription"]
    assert "If not renewed" in client.get(f"/admin/subscriptions/details/?id={key}").text
    tab = client.get(f"/admin/subscriptions/tab/?id={key}&tab=lapse").text
    assert "<li>2026</li>" in tab.partition("Goes")[2].partition("Stays")[0]
    assert "purchase 2006–2008" in tab.partition("Stays")[2]
    coverage = client.get(f"/admin/subscriptions/tab/?id={key}&tab=coverage").text
    assert "k-bar-perpetual" in coverage


def test_the_simulator_takes_several_and_passes_over_what_cannot_lapse(
    session: Session, as_role: AsRole, held: dict[str, int]
) -> None:
    client = as_role("manager")
    url = f"{PAGE}lapse/?customer={held['customer']}"
    assert "Acta Geotechnica" in client.get(url).text
    page = client.get(f"{url}&subscription={held['subscription']}&subscription=99999").text
    assert "<li>2026</li>" in page
    assert "merged perpetual rights stay for ever" in page
    assert client.get(f"{PAGE}lapse/?customer=abc&subscription=x").status_code == 200


def test_the_command_answers_with_the_reason_and_the_sources(
    runner: FlaskCliRunner, held: dict[str, int]
) -> None:
    arguments = ["entitlement", "universität wien", "0031-5117", "--year", "2009", "--json"]
    result = runner.invoke(args=arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    assert (found["entitled"], found["verdict"]) == (True, "yes")
    assert found["reason"] == "Yes, for ever: 2009 is covered by purchase 2009 – 2010-06."
    assert [(one["source"], one["id"]) for one in found["sources"]] == [
        ("perpetual", held["second"])
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["T404", "0031-5117", "--year", "2009"], 1, "Customer is unknown"),
        (["Universität Wien", "0031-5118", "--year", "2009"], 1, "ISSN check digit is wrong"),
        (["Universität Wien", "0340-5443", "--year", "2009"], 1, "ISSN is unknown"),
        (["Universität Wien", "0031-5117", "--year", "soon"], 1, "Year is not a year"),
        (["Universität Wien", "0031-5117"], 2, "Give --year, --volume or both"),
    ],
)
def test_the_command_refuses_in_words(
    runner: FlaskCliRunner, held: dict[str, int], arguments: list[str], code: int, said: str
) -> None:
    result = runner.invoke(args=["entitlement", *arguments])
    assert result.exit_code == code, result.output
    assert said in result.output


def test_the_command_asks_by_volume_and_by_the_customers_number(
    runner: FlaskCliRunner, held: dict[str, int]
) -> None:
    arguments = ["entitlement", f"T{held['number']}", "00315117", "--volume", "7", "--json"]
    found = json.loads(runner.invoke(args=arguments).stdout.splitlines()[-1])
    assert (found["entitled"], found["verdict"]) == (False, "unknown")
    assert "ask for the year" in found["reason"]


def test_the_pages_run_no_more_queries_as_rights_grow(
    session: Session, as_role: AsRole, held: dict[str, int]
) -> None:
    client = as_role("operations")
    customer, title = session.get_one(Customer, held["customer"]), held["journal"]
    counts = []
    for start in (1800, 1850):
        acta = session.get_one(Journal, title)
        years = [str(year) for year in range(start, start + 40, 2)]
        grant(session, *(right(customer, acta, year, year) for year in years))
        for _ in years:
            draft = SubscriptionDraft(customer.id, acta.id, *YEAR)
            row = create_subscription(session, draft, actor=COMMAND_LINE)
            change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
        session.commit()
        chosen = f"&subscription={row.id}&subscription={held['subscription']}"
        counts.append(
            (
                count_statements(client, f"{PAGE}?customer={customer.id}&journal={acta.id}"),
                count_statements(client, f"{PAGE}lapse/?customer={customer.id}{chosen}"),
            )
        )
    assert counts[0] == counts[1]
