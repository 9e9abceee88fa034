"""A list as somebody works with it all day: filtered, kept as a view, walked through."""

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Site, Watched


def test_a_list_is_filtered_kept_as_a_view_laid_out_and_walked_through(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    steps.log_in(watched, site, "operations")
    steps.menu(page, "Individual customers")
    filter_under_a_heading(watched)
    keep_a_view(watched)
    choose_columns(watched)
    walk(watched)
    leave_no_trace(page)


def filter_under_a_heading(watched: Watched) -> None:
    """A choice filters at once, a word with Enter; the panel above says the same."""
    page = watched.page
    everybody = count(page)
    page.get_by_label("Filter by group", exact=True).select_option(label="Library")
    expect(page.locator(".k-chip")).to_have_count(1)
    in_group = count(page)
    assert 0 < in_group < everybody
    place = page.get_by_label("Filter by place", exact=True)
    place.fill("b")
    place.press("Enter")
    expect(page.locator(".k-chip")).to_have_count(2)
    assert 0 < count(page) <= in_group
    expect(page.get_by_label("Filter by place", exact=True)).to_have_value("b")
    page.get_by_role("button", name=re.compile("^Filters")).click()
    expect(page.locator("#filter-place")).to_have_value("b")
    # What stands in the panel unsent goes along with the next filter under a heading.
    page.locator("#filter-number").fill("1")
    watched.shot("filtered")
    page.get_by_label("Filter by place", exact=True).fill("")
    page.get_by_label("Filter by place", exact=True).press("Enter")
    expect(page.locator(".k-chip")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"\?(?=.*number=1)(?=.*group=)(?!.*place=)"))


def keep_a_view(watched: Watched) -> None:
    """Saved in a dialog, opened again from the menu."""
    page = watched.page
    page.get_by_role("button", name="Views").click()
    page.get_by_text("Save this view …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    dialog.get_by_label("Name").fill("Libraries <1>")
    watched.shot("save-view")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The view was saved.")).to_be_visible()
    kept = count(page)
    page.get_by_role("link", name="Empty", exact=True).click()
    expect(page.locator(".k-chip")).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    watched.shot("views")
    page.get_by_role("link", name="Libraries <1>").click()
    expect(page.locator(".k-chip")).to_have_count(2)
    assert count(page) == kept
    expect(page.get_by_role("button", name="Libraries <1>")).to_be_visible()


def choose_columns(watched: Watched) -> None:
    """With the keyboard: one column less, one more, and that one first."""
    page = watched.page
    page.get_by_role("link", name="Columns", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Created", exact=True).uncheck()
    dialog.get_by_label("Email", exact=True).check()
    up = dialog.get_by_role("button", name="Move Email up", exact=True)
    up.focus()
    for _ in range(8):
        page.keyboard.press("Enter")
        if up.is_disabled():
            break
    expect(dialog.get_by_role("button", name="Move Email down", exact=True)).to_be_focused()
    watched.shot("columns")
    dialog.get_by_role("button", name="Show these columns").click()
    headings = page.locator("thead tr:first-child th")
    expect(headings.nth(1)).to_have_text("Email")
    expect(page.locator("thead")).not_to_contain_text("Created")
    # The view is open and shows other columns by now: it takes them.
    expect(page.locator(".k-changed")).to_have_count(1)
    page.get_by_role("button", name="Libraries <1>").click()
    page.get_by_role("button", name="Update “Libraries <1>”").click()
    expect(page.get_by_text("shows this from now on")).to_be_visible()
    expect(page.locator(".k-changed")).to_have_count(0)


def walk(watched: Watched) -> None:
    """Next and previous, by button and by key, with the open tab; and back to the list."""
    page = watched.page
    address = page.url
    whole = count(page)
    names = page.locator("a.k-main").all_inner_texts()
    assert len(names) > 2
    page.locator("tbody tr").nth(0).locator("td").nth(1).click()
    expect(page.locator("h1")).to_contain_text(names[0])
    expect(page.get_by_text(f"1 of {whole}")).to_be_visible()
    steps.tab(page, "History")
    page.get_by_role("link", name="Next record").click()
    expect(page.locator("h1")).to_contain_text(names[1])
    expect(page.get_by_role("tab", name="History")).to_have_attribute("aria-selected", "true")
    watched.shot("second-record")
    page.keyboard.press("j")
    expect(page.get_by_text(f"3 of {whole}")).to_be_visible()
    expect(page.locator("h1")).to_contain_text(names[2])
    page.keyboard.press("k")
    expect(page.get_by_text(f"2 of {whole}")).to_be_visible()
    page.get_by_role("link", name="Previous record").click()
    expect(page.get_by_text(f"1 of {whole}")).to_be_visible()
    page.get_by_role("link", name=f"1 of {whole}").click()
    expect(page).to_have_url(address)


def leave_no_trace(page: Page) -> None:
    """The view goes, asked first; other tests find the list as it was."""
    page.get_by_role("button", name="Libraries <1>").click()
    page.get_by_role("link", name="All views").click()
    page.get_by_role("button", name="Delete Libraries <1>").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("was deleted")).to_be_visible()
    expect(page.get_by_text("No views of this list yet")).to_be_visible()


def count(page: Page) -> int:
    """How many rows the heading of the list says there are."""
    said = page.locator("#count").inner_text()
    return int(re.sub(r"\D", "", said.rpartition(":")[2]))
