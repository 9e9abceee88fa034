"""Two people edit the same customer: the second compares field by field and loses nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import REPORT_CSP, Site, Watched
from tests.browser.steps import add_address, field, log_in, menu, save, tab


@pytest.fixture
def other(browser: Browser, site: Site, watched: Watched) -> Iterator[Watched]:
    """Another person at another machine."""
    context = browser.new_context(base_url=site.url, locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(15_000)
    context.add_init_script(REPORT_CSP)
    person = Watched(context.new_page(), watched.folder, watched.log)
    person.listen()
    yield person
    person.check()
    context.close()


def line(page: Page, label: str) -> str:
    """What the comparison shows of one field."""
    return " ".join(page.locator(".k-compare tr").filter(has_text=label).inner_text().split())


def test_two_people_save_the_same_customer(site: Site, watched: Watched, other: Watched) -> None:
    mine, theirs = watched.page, other.page
    log_in(watched, site, "operations")
    log_in(other, site, "administrator")
    menu(mine, "Individual customers")
    mine.get_by_role("link", name="New individual customer").click()
    field(mine, "First name").fill("Konrad")
    field(mine, "Name").fill("Konflikt")
    field(mine, "Memo").fill("As it was")
    add_address(mine, 1, {"Postcode": "1010", "Place": "Wien", "Country": "Austria"})
    save(mine)

    address = mine.get_by_role("link", name="Edit", exact=True).get_attribute("href")
    assert address is not None
    for page in (mine, theirs):
        page.goto(address)
    field(theirs, "Name").fill("Theirs")
    field(theirs, "Memo").fill("Their memo")
    theirs.locator("#newsletter").uncheck()
    add_address(theirs, 2, {"Place": "Graz"})
    save(theirs)

    field(mine, "Name").fill("Mine")
    field(mine, "Alias").fill("Only mine")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("heading", name="Somebody else has saved")).to_be_visible()
    watched.shot("conflict")
    assert "Changed by both" in line(mine, "Konflikt")
    assert "Changed by them" in line(mine, "Their memo")
    # What only the other person changed stands in the form already, and can be turned back.
    expect(field(mine, "Memo")).to_have_value("Their memo")
    expect(mine.locator("#newsletter")).not_to_be_checked()
    turn = mine.locator('[data-conflict="newsletter"]')
    turn.get_by_role("button", name="Keep mine").click()
    expect(mine.locator("#newsletter")).to_be_checked()
    # What both changed stands as I typed it.
    expect(field(mine, "Name")).to_have_value("Mine")
    name = mine.locator('[data-conflict="name"]')
    name.get_by_role("button", name="Take theirs").click()
    expect(field(mine, "Name")).to_have_value("Theirs")
    expect(name.get_by_role("button", name="Take theirs")).to_have_attribute("aria-pressed", "true")
    name.get_by_role("button", name="Keep mine").click()
    # Their new address goes, and comes back.
    row = mine.locator("[data-conflict-row]")
    expect(mine.get_by_role("group", name="Address 2", exact=True)).to_be_visible()
    row.get_by_role("button", name="Keep mine").click()
    expect(mine.get_by_role("group", name="Address 2", exact=True)).to_have_count(0)
    row.get_by_role("button", name="Take theirs").click()
    save(mine)
    expect(mine.locator("h1")).to_contain_text("Konrad Mine")
    expect(mine.get_by_text("Only mine")).to_be_visible()
    expect(tab(mine, "Addresses")).to_contain_text("Graz")
    timeline = tab(mine, "Timeline")
    expect(timeline.locator(".k-events li").first).to_contain_text("Customer changed")
    watched.shot("timeline")

    # The postcode of that address is known from now on.
    mine.goto("/admin/individual/new/")
    first = mine.get_by_role("group", name="Address 1", exact=True)
    first.get_by_label("Country", exact=True).fill("Austria")
    first.get_by_label("Postcode", exact=True).fill("1010")
    first.get_by_label("Label", exact=True).focus()
    expect(first.get_by_label("Place", exact=True)).to_have_value("Wien")
    field(mine, "First name").fill("Konrad")
    # Two clicks make one customer.
    mine.get_by_role("button", name="Save").dblclick()
    expect(mine.get_by_role("link", name="Edit", exact=True)).to_be_visible()

    # The history is narrowed by the keyboard.
    mine.goto(address.replace("/edit/", "/details/"))
    panel = tab(mine, "History")
    panel.get_by_label("Field").select_option(label="Alias")
    panel.get_by_label("Period from").press("Enter")
    expect(panel.locator(".k-history-bar")).to_contain_text("1 entry found")
    watched.shot("history")
    panel.get_by_role("button", name="Empty").click()
    expect(panel.locator(".k-history-bar")).to_contain_text("entries")
