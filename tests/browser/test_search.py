"""Finding somebody from any page, by the keyboard alone."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Site, Watched


def test_somebody_is_found_from_any_page_by_the_keyboard_alone(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    steps.log_in(watched, site, "operations")
    steps.menu(page, "Individual customers")
    name = page.locator("tbody tr .k-main").nth(3).inner_text().split("\n")[0].strip()
    first, _, last = name.rpartition(" ")
    steps.menu(page, "Jobs")
    box = page.get_by_role("combobox", name="Find a client")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type(f"{last.upper()} {first.lower()}")
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_contain_text(name)
    watched.shot("suggestions")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(name)
    number = page.locator(".k-subtitle").inner_text().split()[-1]

    page.keyboard.press("/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/clients/\?q={number}"))
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr").first).to_contain_text(name)
    page.keyboard.press("/")
    page.keyboard.type("zzqqzz nobody")
    expect(page.get_by_text("Nobody found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
