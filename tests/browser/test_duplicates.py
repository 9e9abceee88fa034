"""Two like customers: found, looked at side by side, merged into one, and two again."""

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Site, Watched


def make(page: Page, first_name: str, **values: str) -> None:
    """A person with a name that nobody of the demo company has."""
    steps.menu(page, "Individual customers")
    page.get_by_role("link", name="New individual customer").click()
    steps.field(page, "First name").fill(first_name)
    steps.field(page, "Name").fill("Zwillingsfreund")
    for label, value in values.items():
        steps.field(page, label.replace("_", " ")).fill(value)
    steps.save(page)


def test_two_like_customers_become_one_and_two_again(watched: Watched, site: Site) -> None:
    page = watched.page
    steps.log_in(watched, site, "operations")
    make(page, "Anne-Marie", Telephone_private="030 7654321", Email="anne@zwilling.example.com")
    make(page, "Annemarie", Business_telephone="+49 30 7654321", Mobile_phone="0170 7654321")

    steps.menu(page, "Duplicates")
    page.get_by_role("button", name="Look for duplicates").click()
    row = page.locator("tbody tr").filter(has_text="Anne-Marie")
    expect(row).to_be_visible(timeout=steps.JOB_MILLISECONDS)
    expect(row).to_contain_text("Same phone")
    watched.shot("worklist")
    row.get_by_role("link", name=re.compile("Anne-Marie")).first.click()

    # What nobody touches follows who is to stay; what was chosen stays chosen.
    name = page.get_by_role("radio", name=re.compile("^First name of"))
    email = page.get_by_role("radio", name=re.compile("^Email of"))
    page.get_by_role("radio", name=re.compile("^Stays")).nth(1).check()
    expect(name.nth(1)).to_be_checked()
    expect(email.nth(0)).to_be_checked()
    name.nth(0).check()
    page.get_by_role("radio", name=re.compile("^Stays")).nth(0).check()
    page.get_by_role("radio", name=re.compile("^Stays")).nth(1).check()
    expect(name.nth(0)).to_be_checked()
    watched.shot("side-by-side")
    page.get_by_role("button", name="Preview the merge").click()
    watched.shot("preview")
    page.get_by_role("button", name="Back to the choices").click()
    expect(page.get_by_role("radio", name=re.compile("^First name of")).nth(0)).to_be_checked()
    page.get_by_role("button", name="Preview the merge").click()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("The two are one customer now.")).to_be_visible()
    watched.shot("merged")

    pair = page.url
    page.get_by_role("link", name=re.compile("^Open customer")).click()
    expect(page.locator("h1")).to_contain_text("Anne-Marie Zwillingsfreund")
    expect(page.get_by_role("main")).to_contain_text("anne@zwilling.example.com")
    expect(page.get_by_role("main")).to_contain_text("+49 170 7654321")
    expect(steps.tab(page, "History")).to_contain_text("Merged")
    watched.shot("history")
    assert found(page) == 1

    page.goto(pair)
    page.get_by_role("button", name="Undo the merge").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_text("The merge was undone")).to_be_visible()
    expect(page.get_by_role("button", name="Preview the merge")).to_be_visible()
    watched.shot("undone")
    assert found(page) == 2


def found(page: Page) -> int:
    """How many of them the list of individual customers shows."""
    steps.menu(page, "Individual customers")
    page.get_by_role("main").get_by_role("searchbox").fill("Zwillingsfreund")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("Zwillingsfreund")
    return page.locator("tbody tr").count()
