"""Find customers by a filter, change all of them at once, look at it, and undo it."""

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Site, Watched


def count(page: Page) -> int:
    """How many rows the list says it has found."""
    return int(re.sub(r"\D", "", page.locator("#count").inner_text()))


def in_group(page: Page, name: str) -> int:
    """How many individual customers the list finds in a group."""
    page.goto("/admin/individual/")
    if not page.locator("#filters").is_visible():
        page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Group", exact=True).fill(name)
    page.locator(".ts-dropdown .option:visible").first.click()
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".k-chip")).to_contain_text(name)
    return count(page)


def test_all_found_are_assigned_a_group_and_that_is_undone(watched: Watched, site: Site) -> None:
    steps.log_in(watched, site, "operations")
    page = watched.page
    before = in_group(page, "Press")
    page.goto("/admin/individual/?newsletter=yes")
    found = count(page)
    assert found > 50

    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("All 50 on this page are chosen.")).to_be_visible()
    expect(page.get_by_role("button", name="Change", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"Choose all {found} found").first.click()
    expect(page.get_by_text(f"All {found} found are chosen, on every page.")).to_be_visible()
    watched.shot("all-found")
    # One row less is not all any more.
    page.locator("[data-check-row]").first.uncheck()
    expect(page.get_by_text("49 chosen")).to_be_visible()
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name=f"Choose all {found} found").first.click()

    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("button", name="Assign group").click()
    page.get_by_label("Group").select_option(label="Press")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Assign the group Press")).to_be_visible()
    expect(steps.figure(page, "found")).to_have_text(str(found))
    changing = int(steps.figure(page, "will change").inner_text())
    expect(page.locator("tbody tr")).to_have_count(10)
    watched.shot("preview")
    page.get_by_role("button", name=f"Change {changing} customers").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible(timeout=steps.JOB_MILLISECONDS)
    watched.shot("changed")
    job = page.url

    assert in_group(page, "Press") == before + changing
    page.locator("tbody tr td").nth(2).click()
    history = steps.tab(page, "History")
    expect(history.get_by_role("link", name="Job").first).to_be_visible()
    watched.shot("history")

    page.goto(job)
    page.get_by_role("button", name="Undo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("edited since")
    dialog.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"{changing} records")).to_be_visible(timeout=steps.JOB_MILLISECONDS)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    watched.shot("undone")
    assert in_group(page, "Press") == before
