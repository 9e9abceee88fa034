"""What a person does in the panel, in the words of the panel."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Site, Watched

DATA = Path(__file__).resolve().parents[1] / "data"
JOB_MILLISECONDS = 60_000


def log_in(watched: Watched, site: Site, role: str) -> None:
    """Log in as the demo operator of a role."""
    email, password = site.login(role)
    page = watched.page
    page.goto("/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def log_out(page: Page) -> None:
    """Leave by the menu of the person."""
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def menu(page: Page, name: str) -> None:
    """Open an entry of the menu at the side."""
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()
    expect(page.locator("h1")).to_contain_text(name)


def import_file(watched: Watched, title: str, file: str, *, good: int, refused_rows: int) -> None:
    """Upload a workbook, look at what the check found, import the good rows."""
    page = watched.page
    menu(page, "Imports")
    page.get_by_role("link", name="New import").first.click()
    page.get_by_role("link", name=f"Upload {title.lower()}").click()
    page.get_by_label("File").set_input_files(DATA / file)
    page.get_by_role("button", name="Upload and check").click()
    start = page.get_by_role("button", name="Start import")
    expect(start).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(figure(page, "to create")).to_have_text(f"{good:,}")
    expect(figure(page, "refused")).to_have_text(f"{refused_rows:,}")
    if refused_rows:
        expect(page.locator("#refused table")).to_be_visible()
    watched.shot(f"checked-{Path(file).stem}")
    start.click()
    expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(figure(page, "created")).to_have_text(f"{good:,}")
    if refused_rows:
        expect(page.locator("#refused table")).to_be_visible()
    watched.shot(f"imported-{Path(file).stem}")


def figure(page: Page, label: str) -> Locator:
    """The number above a label on the page of an import."""
    return page.locator(".k-figure").filter(has=page.get_by_text(label, exact=True)).locator("b")


def download(page: Page, name: str | re.Pattern[str]) -> tuple[str, bytes]:
    """Press a link or button that downloads; the file's name and bytes."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first.click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def field(page: Page, name: str) -> Locator:
    """A field of a form by its whole label, with or without the asterisk."""
    return page.get_by_label(re.compile(rf"^{re.escape(name)}( \*)?$"))


def save(page: Page) -> None:
    """Save the form, and be on the record."""
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Edit", exact=True)).to_be_visible()


def find_in_list(page: Page, words: str) -> None:
    """Search in a list and open the one row that is found."""
    page.get_by_role("main").get_by_role("searchbox").fill(words)
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr td").nth(2).click()
    expect(page.get_by_role("tab", name="History")).to_be_visible()


def tab(page: Page, name: str) -> Locator:
    """Open a tab of a record; its panel."""
    page.get_by_role("tab", name=name).click()
    panel = page.get_by_role("tabpanel", name=name)
    expect(panel.get_by_role("status")).to_have_count(0)
    return panel


def add_address(page: Page, number: int, values: dict[str, str]) -> None:
    """Fill one address of the form, adding it first where it is not there."""
    address = page.get_by_role("group", name=f"Address {number}", exact=True)
    if not address.count():
        page.get_by_role("button", name="Add address").click()
    for label, value in values.items():
        if label == "Kind":
            address.get_by_label(label, exact=True).select_option(label=value)
        else:
            address.get_by_label(label, exact=True).fill(value)


def choose(row: Locator, page: Page, words: str) -> None:
    """Type into a field that finds while one types, and take the first that is found."""
    # A click would close what the cursor in an added row has opened already.
    row.locator(".ts-control input").first.focus()
    page.keyboard.type(words)
    # What is offered before anything was typed stands there for a moment longer.
    option = page.locator(".ts-dropdown .option:visible").filter(has_text=words).first
    expect(option).to_be_visible()
    option.click()
