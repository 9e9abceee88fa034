"""Rights to journals: entered, merged, asked for, and what goes when a subscription lapses."""

import re

from playwright.sync_api import Locator, Page, expect

from app.core import clock
from tests.browser import steps
from tests.browser.conftest import Site, Watched

LIBRARY = "Library of the measured words"
TITLE = "Baltic Sea Letters"


def test_from_the_rights_of_a_customer_to_the_answer_and_the_lapse(
    watched: Watched, site: Site
) -> None:
    steps.log_in(watched, site, "operations")
    enter_rights(watched)
    ask_on_the_record(watched)
    subscribe(watched)
    look_at_the_lapse(watched)
    ask_on_the_page(watched)


def choose(row: Locator, page: Page, name: str) -> None:
    """Type into a field that finds while one types, and take the one of this name."""
    # A click would close what the cursor in an added row has opened already.
    row.locator(".ts-control input").first.focus()
    page.keyboard.type(name)
    page.locator(".ts-dropdown .option:visible").filter(has_text=name).first.click()


def enter_rights(watched: Watched) -> None:
    """Two rights that adjoin and one that stands apart; the merged rows are there at once."""
    page = watched.page
    steps.menu(page, "Perpetual customers")
    page.get_by_role("link", name=re.compile("^(New|Add)")).first.click()
    steps.field(page, "Company name").fill(LIBRARY)
    rows = page.get_by_role("group", name=re.compile(r"^Journal authorization \d+$"))
    for place, (start, end) in enumerate((("2001", "2006"), ("2007", "2012-06"), ("2016", "2017"))):
        page.get_by_role("button", name="Add journal authorization").click()
        choose(rows.nth(place), page, TITLE)
        rows.nth(place).get_by_label("Coverage from").fill(start)
        rows.nth(place).get_by_label("Coverage to").fill(end)
    steps.save(page)
    merged = steps.tab(page, "Subscriptions")
    expect(merged.locator("tbody tr")).to_have_count(2)
    expect(merged).to_contain_text("2001 – 2012-06")
    watched.shot("merged-rows")


def ask_on_the_record(watched: Watched) -> None:
    """The question in the customer's own tab, answered in place."""
    page = watched.page
    panel = page.get_by_role("tabpanel", name="Subscriptions")
    choose(panel, page, TITLE)
    panel.get_by_label("Year or date").fill("2012")
    panel.get_by_role("button", name="Entitled?").click()
    expect(panel.get_by_role("status")).to_contain_text("In part: 2012-01 – 2012-06 is covered")
    expect(panel.get_by_role("img", name=re.compile("^Perpetual: 2001 – 2012-06"))).to_be_visible()
    watched.shot("answer-on-the-record")


def subscribe(watched: Watched) -> None:
    """An ordinary subscription beside the merged rows, activated."""
    page = watched.page
    steps.menu(page, "Subscriptions")
    page.get_by_role("link", name="New subscription").click()
    choose(page.locator(".k-field").filter(has_text="Customer"), page, LIBRARY)
    choose(page.locator(".k-field").filter(has_text="Journal"), page, TITLE)
    year = clock.today().year
    steps.field(page, "Term from").fill(f"01.01.{year}")
    steps.field(page, "Term to").fill(f"31.12.{year}")
    steps.field(page, "Coverage from").fill("2010")
    steps.save(page)
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    expect(page.locator("h1")).to_contain_text("Active")


def look_at_the_lapse(watched: Watched) -> None:
    """What goes and what stays, on the subscription and together with others."""
    page = watched.page
    lapse = steps.tab(page, "If not renewed")
    expect(lapse).to_contain_text("2012-07 – 2015")
    expect(lapse).to_contain_text("from 2018")
    expect(lapse).to_contain_text("purchase 2016–2017")
    watched.shot("if-not-renewed")
    lapse.get_by_role("link", name="Together with other subscriptions").click()
    expect(page.get_by_role("checkbox").first).to_be_checked()
    expect(page.get_by_role("main")).to_contain_text("2012-07 – 2015")
    watched.shot("simulator")


def ask_on_the_page(watched: Watched) -> None:
    """The page by itself: an answer for ever, and the coverage as a picture and a table."""
    page = watched.page
    steps.menu(page, "Entitlement")
    fields = page.get_by_role("main").locator(".k-field")
    choose(fields.filter(has_text="Customer"), page, LIBRARY)
    choose(fields.filter(has_text="Journal"), page, TITLE)
    steps.field(page, "Year or date").fill("2005")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status").filter(has_text="Yes, for ever: 2005")).to_be_visible()
    expect(page.get_by_role("table", name="The coverage as a table")).to_contain_text("2001")
    expect(page.locator("rect.k-bar-subscribed")).to_have_count(1)
    watched.shot("entitlement")
    page.set_viewport_size({"width": 390, "height": 844})
    watched.shot("entitlement-narrow")
