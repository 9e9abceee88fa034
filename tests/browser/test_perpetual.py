"""An institution with two addresses and three rights, its files, and rights granted in bulk."""

from playwright.sync_api import expect

from tests.browser.conftest import Site, Watched
from tests.browser.steps import (
    JOB_MILLISECONDS,
    add_address,
    choose,
    download,
    field,
    log_in,
    menu,
    save,
    tab,
)
from tests.subscriptions.kbart_checker import check

NAME = "Universitätsbibliothek Brünn"
RIGHTS = (("Baltic", "2001", "2005"), ("Baltic", "2006", "2010"), ("Archive", "2015", ""))


def test_an_institution_its_files_and_rights_in_bulk(watched: Watched, site: Site) -> None:
    page = watched.page
    log_in(watched, site, "operations")
    menu(page, "Perpetual customers")
    page.get_by_role("link", name="New perpetual customer").first.click()
    field(page, "Company name").fill(NAME)
    add_address(page, 1, {"Street/No.": "Kounicova 65a", "Place": "Brno", "Country": "Czechia"})
    add_address(page, 2, {"Kind": "Billing", "Place": "Brno", "Country": "Czechia"})
    field(page, "Library contact").fill("Jana Nováková")
    field(page, "IP ranges").fill("203.0.113.0/24\n2001:db8:ffff::/48\n203.0.113.7")
    for number, (title, start, end) in enumerate(RIGHTS, 1):
        page.get_by_role("button", name="Add journal authorization").click()
        row = page.get_by_role("group", name=f"Journal authorization {number}", exact=True)
        choose(row, page, title)
        row.get_by_label("Coverage from", exact=True).fill(start)
        row.get_by_label("Coverage to", exact=True).fill(end)
    page.get_by_role("button", name="Save").click()
    # A line that the range above it holds already: nothing is saved, and nothing typed is lost.
    expect(page.get_by_text("shares addresses with line 1").first).to_be_visible()
    expect(field(page, "Library contact")).to_have_value("Jana Nováková")
    watched.shot("perpetual-refused")
    field(page, "IP ranges").fill("203.0.113.0/24\n2001:db8:ffff::/48")
    save(page)
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page.get_by_text("203.0.113.0/24")).to_be_visible()
    watched.shot("perpetual-record")

    name, content = download(page, "KBART")
    rows = check(content, name)
    assert [row["date_first_issue_online"] for row in rows] == ["2015", "2001"]
    assert [row["date_last_issue_online"] for row in rows] == ["", "2010"]
    assert name.startswith("Kontor_UniversitaetsbibliothekBr")
    name, content = download(page, "Rights statement")
    assert name.endswith(".pdf") and content.startswith(b"%PDF-")
    assert tab(page, "Addresses").locator("tbody tr").count() == 2

    menu(page, "Journals")
    for number in range(3):
        page.locator("[data-check-row]").nth(number).check()
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("button", name="Grant to a customer").click()
    choose(page.locator(".k-form"), page, "Universitätsbibliothek Br")
    field(page, "Basis").select_option(label="Backfile")
    field(page, "Coverage from").fill("1990")
    field(page, "Coverage to").fill("2000")
    field(page, "Embargo").fill("p1y")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("button", name="Grant 3 rights")).to_be_visible()
    watched.shot("grant-preview")
    page.get_by_role("button", name="Grant 3 rights").click()
    expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=JOB_MILLISECONDS)
    job = page.url

    page.get_by_role("link", name="Perpetual customers").first.click()
    page.get_by_role("main").get_by_role("searchbox").fill("Universitätsbibliothek Brünn")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    page.locator("tbody tr td").nth(2).click()
    before = tab(page, "Subscriptions").locator("tbody tr").count()
    assert before > 2
    page.goto(job)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 records")).to_be_visible(timeout=JOB_MILLISECONDS)
    watched.shot("grant-undone")
    page.get_by_role("link", name="Perpetual customers").first.click()
    page.get_by_role("main").get_by_role("searchbox").fill("Universitätsbibliothek Brünn")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    page.locator("tbody tr td").nth(2).click()
    assert tab(page, "Subscriptions").locator("tbody tr").count() == 2
