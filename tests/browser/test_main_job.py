"""The main job of Kontor, as four people do it in the panel: the steps of its first issue."""

import io
import re
from datetime import date, timedelta

from openpyxl import load_workbook
from playwright.sync_api import expect

from app.core import clock
from app.sepa.calendar import target_day_from
from tests.browser import steps
from tests.browser.conftest import Site, Watched

# Two people of the sample file: one is edited and locked, the other deleted and restored.
KEPT = "melissa.moura.1@example.net"
GONE = "konstantin.dengg.4@example.net"
# Every invoice of the sample is due by then, and none of the demo company that is still open.
ALL_DUE = date(2026, 12, 1)
TAKEN_PHONE = "+34612373964"


def test_the_main_job_from_the_first_import_to_the_restored_customer(
    watched: Watched, site: Site
) -> None:
    steps.log_in(watched, site, "operations")
    watched.shot("dashboard")
    imports(watched)
    find_edit_lock_and_delete(watched)
    add_by_hand(watched)
    rights(watched)
    steps.log_out(watched.page)

    steps.log_in(watched, site, "accounting")
    collect(watched)
    steps.log_out(watched.page)

    steps.log_in(watched, site, "manager")
    export_as_manager(watched)
    steps.log_out(watched.page)

    steps.log_in(watched, site, "administrator")
    administer(watched)


def imports(watched: Watched) -> None:
    """Step 1: the template, and the four files with exactly their bad rows refused."""
    page = watched.page
    steps.menu(page, "Imports")
    page.get_by_role("link", name="New import").first.click()
    watched.shot("choose-an-import")
    name, content = steps.download(page, "Template for individual customers")
    assert name.endswith(".xlsx")
    headings = [cell.value for cell in next(load_workbook(io.BytesIO(content)).active.rows)]
    assert "First name" in " ".join(filter(None, headings))
    steps.import_file(watched, "Journals", "journals_kbart.tsv", good=1007, refused_rows=0)
    steps.import_file(
        watched, "Individual customers", "individual_customers.xlsx", good=387, refused_rows=13
    )
    _, report = steps.download(page, "Refused rows")
    assert load_workbook(io.BytesIO(report)).active.max_row == 14
    steps.import_file(
        watched, "Business customers", "business_customers.xlsx", good=130, refused_rows=3
    )
    # 40 institutions, 53 addresses and 570 authorizations.
    steps.import_file(
        watched, "Perpetual customers", "perpetual_customers.xlsx", good=663, refused_rows=3
    )


def find_edit_lock_and_delete(watched: Watched) -> None:
    """Step 2: search, Empty, the live checks, a lock text, a deletion, and the history of it."""
    page = watched.page
    steps.menu(page, "Individual customers")
    watched.shot("individual-customers")
    page.get_by_role("main").get_by_role("searchbox").fill("moura melissa")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    watched.shot("found")
    page.get_by_role("link", name="Empty", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(50)

    steps.find_in_list(page, KEPT)
    watched.shot("record")
    page.get_by_role("link", name="Edit", exact=True).click()
    email = steps.field(page, "Email")
    before = email.input_value()
    email.fill("not an address")
    email.blur()
    expect(page.locator("[data-errors=email]")).not_to_be_empty()
    phone = steps.field(page, "Mobile phone")
    own_phone = phone.input_value()
    phone.fill(TAKEN_PHONE)
    phone.blur()
    watched.shot("live-checks")
    email.fill(before)
    email.blur()
    phone.fill(own_phone)
    phone.blur()
    expect(page.locator("[data-errors=email]")).to_be_empty()
    steps.field(page, "Alias").fill("Mel")
    steps.save(page)

    page.get_by_role("button", name="Lock", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Lock text").fill("Please see the manager first")
    watched.shot("lock")
    dialog.get_by_role("button", name="Lock").click()
    expect(page.get_by_text("Please see the manager first")).to_be_visible()
    history = steps.tab(page, "History")
    expect(history).to_contain_text("Alias")
    expect(history).to_contain_text("Mel")
    watched.shot("history")

    steps.menu(page, "Individual customers")
    steps.find_in_list(page, GONE)
    page.get_by_role("button", name="Delete", exact=True).click()
    watched.shot("delete-asks")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_contain_text("Individual customers")
    page.get_by_role("main").get_by_role("searchbox").fill(GONE)
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Nothing fits these conditions")).to_be_visible()


def add_by_hand(watched: Watched) -> None:
    """Step 2, the end: one customer by hand, with two addresses."""
    page = watched.page
    steps.menu(page, "Individual customers")
    page.get_by_role("link", name="New individual customer").first.click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("First name")
    watched.shot("new-customer-needs-a-name")
    steps.field(page, "First name").fill("Wilhelmine")
    steps.field(page, "Name").fill("Müller-Lüdenscheidt")
    steps.field(page, "Email").fill("wilhelmine@example.com")
    main = {"Street/No.": "Lindenstraße 5", "Postcode": "04109", "Place": "Leipzig"}
    steps.add_address(page, 1, main | {"Country": "Germany"})
    steps.add_address(
        page,
        2,
        {"Kind": "Billing", "Street/No.": "Postweg 1", "Postcode": "1010", "Place": "Wien"}
        | {"Country": "Austria"},
    )
    watched.shot("new-customer")
    steps.save(page)
    addresses = steps.tab(page, "Addresses")
    expect(addresses).to_contain_text("Leipzig")
    expect(addresses).to_contain_text("Wien")
    watched.shot("two-addresses")


def rights(watched: Watched) -> None:
    """Step 3: an address and an authorization are added; the merged right is there at once."""
    page = watched.page
    steps.menu(page, "Perpetual customers")
    page.locator("tbody tr td").nth(2).click()
    name = page.locator("h1").inner_text().split("\n")[0].strip()
    page.get_by_role("link", name="Edit", exact=True).click()
    count = page.get_by_role("group", name=re.compile(r"^Address \d+$")).count()
    steps.add_address(page, count + 1, {"Street/No.": "Library Road 7", "Place": "Oxford"})
    rows = page.get_by_role("group", name=re.compile(r"^Journal authorization \d+$"))
    before = rows.count()
    page.get_by_role("button", name="Add journal authorization").click()
    row = rows.nth(before)
    steps.choose(row, page, "Journal of")
    row.get_by_label("Coverage from").fill("1990")
    row.get_by_label("Coverage to").fill("1999")
    row.scroll_into_view_if_needed()
    watched.shot("authorization")
    steps.save(page)
    subscriptions = steps.tab(page, "Subscriptions")
    expect(subscriptions).to_contain_text("1990")
    watched.shot("merged-rights")
    steps.menu(page, "Subscriptions")
    page.get_by_role("main").get_by_role("searchbox").fill(name)
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr").first).to_be_visible()
    watched.shot("subscriptions")


def collect(watched: Watched) -> None:
    """Step 4: open invoices come in and leave as a bank file, which stays as it is."""
    page = watched.page
    steps.import_file(watched, "Open invoices", "open_invoices.xlsx", good=334, refused_rows=7)
    steps.menu(page, "Direct debit")
    page.get_by_role("link", name="New collection").first.click()
    day = target_day_from(max(ALL_DUE, clock.today() + timedelta(days=10)))
    page.get_by_label("Collection date").fill(f"{day:%d.%m.%Y}")
    page.get_by_role("button", name="Preview").click()
    expect(steps.figure(page, "collections")).to_have_text("334")
    expect(steps.figure(page, "to be collected")).to_have_text("142,035.84 €")
    watched.shot("preview")
    page.get_by_role("button", name="Create run").click()
    page.get_by_role("dialog").get_by_role("button", name="Create run").click()
    for step in ("Release", "Make bank file"):
        page.get_by_role("button", name=step, exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name=step).click()
    watched.shot("run")
    name, content = steps.download(page, re.compile("^Download( bank file)?$"))
    assert name.endswith(".xml")
    assert b"pain.008.001.08" in content
    assert b"<CtrlSum>142035.84</CtrlSum>" in content
    steps.menu(page, "Direct debit")
    page.locator("tbody tr td").nth(1).click()
    again, same = steps.download(page, re.compile("^Download( bank file)?$"))
    assert (again, same) == (name, content)


def export_as_manager(watched: Watched) -> None:
    """Step 5: filter, export 31 columns with masked bank details; nothing can be changed."""
    page = watched.page
    steps.menu(page, "Individual customers")
    expect(page.get_by_role("link", name="New individual customer")).to_have_count(0)
    expect(page.get_by_role("link", name="Edit", exact=True)).to_have_count(0)
    page.get_by_role("main").get_by_role("searchbox").fill("spain")
    watched.shot("manager")
    page.get_by_role("link", name="Empty", exact=True).click()
    name, content = steps.download(page, "Export")
    assert name.endswith(".xlsx")
    sheet = load_workbook(io.BytesIO(content)).active
    headings = [cell.value for cell in next(sheet.rows)]
    assert len(headings) == 31
    iban = headings.index("IBAN")
    shown = [row[iban] for row in sheet.iter_rows(min_row=2, values_only=True) if row[iban]]
    assert shown
    assert not any(re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban) for iban in shown)
    refused = page.goto("/admin/individual/new/")
    assert refused is not None
    assert refused.status == 403
    watched.expected.append("403")
    watched.shot("manager-may-not")
    page.goto("/admin/")


def administer(watched: Watched) -> None:
    """Step 6: the pages of an administrator, and the way back for the deleted customer."""
    page = watched.page
    for entry in ("Operators", "Roles", "Groups", "Stores", "Products", "Journals"):
        steps.menu(page, entry)
        watched.shot(entry.lower())
    steps.menu(page, "Deleted customers")
    watched.shot("deleted")
    page.get_by_role("button", name="Restore").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The customer was restored")).to_be_visible()
    steps.menu(page, "Individual customers")
    steps.find_in_list(page, GONE)
