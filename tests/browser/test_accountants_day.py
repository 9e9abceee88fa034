"""The accountant's day: from the preview of a collection to the returns that are worked off."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from app.core import clock
from tests.browser import steps
from tests.browser.conftest import Site, Watched
from tests.sepa.reports import files

# What becomes of each invoice; that of Five has no mandate at first.
FIRMS = ("Booked", "Rejected", "Poor", "Objecting", "Late")
NO_MANDATE = "Late"
NUMBERS = {name: f"AD-{place}" for place, name in enumerate(FIRMS, 1)}


@dataclass(frozen=True)
class Sent:
    """A collection as the bank file tells it."""

    end_to_end_id: str
    amount: str


@dataclass(frozen=True)
class BankFile:
    """What the bank needs of our file to answer it."""

    message: str
    block: str
    iban: str
    collections: Mapping[str, Sent]


def test_the_accountants_day_from_the_preview_to_the_worked_off_return(
    watched: Watched, site: Site, tmp_path: Path
) -> None:
    page = watched.page
    steps.log_in(watched, site, "operations")
    steps.import_file(
        watched, "Business customers", customers(tmp_path), good=len(FIRMS), refused_rows=0
    )
    steps.log_out(page)

    steps.log_in(watched, site, "accounting")
    before = preview(page)
    steps.import_file(watched, "Open invoices", invoices(tmp_path), good=len(FIRMS), refused_rows=0)
    collected, left_out = preview(page)
    assert (collected, left_out) == (before[0] + 4, before[1] + 1)
    mend_what_is_left_out(watched)
    assert figures(page) == (before[0] + 5, before[1])

    run, sent = create_and_hand_in(watched, before[0] + 5)
    the_bank_answers(watched, sent, tmp_path)
    booking_view(watched, run, before[0] + 5)
    work_off(watched, run)
    preview(page)
    expect(page.locator("#rows-collected tr", has_text=NUMBERS["Poor"])).to_contain_text(
        "2nd attempt"
    )
    watched.shot("second-attempt")
    # Nothing is left over for other days: the second attempt is in a run of its own.
    create(page)


def customers(folder: Path) -> Path:
    """A workbook of business customers, each with a mandate but one."""
    signed = clock.today() - timedelta(days=60)
    rows = [
        {
            "Company name": f"{name} & Co.",
            "Street/No.": f"Hafenstraße {place}",
            "Postcode": "20457",
            "Place": "Hamburg",
            "Country": "DE",
            "Email": f"{name.lower()}@accounts.example",
            "IBAN": f"DE{98 - int(f'50010517{place:010}131400') % 97:02}50010517{place:010}",
            "Method of payment": "SEPA direct debit",
            "Mandate reference": None if name == NO_MANDATE else f"AD-M-{place}",
            "Mandate signed on": None if name == NO_MANDATE else signed,
        }
        for place, name in enumerate(FIRMS, 1)
    ]
    return workbook(folder / "firms.xlsx", rows)


def invoices(folder: Path) -> Path:
    """A workbook of invoices, all due."""
    today = clock.today()
    rows = [
        {
            "Invoice number": NUMBERS[name],
            "Customer": f"{name.lower()}@accounts.example",
            "Amount": 100 + place,
            "Issued on": today - timedelta(days=40),
            "Due on": today - timedelta(days=10),
        }
        for place, name in enumerate(FIRMS, 1)
    ]
    return workbook(folder / "invoices.xlsx", rows)


def workbook(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows under their headings."""
    book = Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(path)
    return path


def preview(page: Page) -> tuple[int, int]:
    """Preview the next day on which banks collect; how many are collected and left out."""
    steps.menu(page, "Direct debit")
    page.get_by_role("link", name="New collection").first.click()
    return figures(page)


def figures(page: Page) -> tuple[int, int]:
    """What the preview says: collected, left out."""
    labels = ("collections", "left out")
    numbers = [steps.figure(page, label).inner_text().replace(",", "") for label in labels]
    return int(numbers[0]), int(numbers[1])


def mend_what_is_left_out(watched: Watched) -> None:
    """The reason's link leads to the form of a mandate, and saving it back to the preview."""
    page = watched.page
    reason = page.locator("details.k-reason").filter(has_text=NUMBERS[NO_MANDATE])
    if not reason.evaluate("one => one.open"):
        reason.locator("summary").click()
    watched.shot("left-out")
    row = reason.locator("tr").filter(has_text=NUMBERS[NO_MANDATE])
    row.get_by_role("link", name="Enter a mandate").click()
    signed = clock.today() - timedelta(days=1)
    steps.field(page, "Signed on").fill(f"{signed:%d.%m.%Y}")
    watched.shot("mandate")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="New collection")).to_be_visible()


def create(page: Page) -> str:
    """Make a run of what the preview shows; its number."""
    page.get_by_role("button", name="Create run").click()
    page.get_by_role("dialog").get_by_role("button", name="Create run").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Collection run")
    found = re.search(r"DD\S+", heading.inner_text())
    assert found is not None
    return found[0]


def take_step(page: Page, name: str) -> None:
    """Press the button of a step, and confirm."""
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=name).click()


def create_and_hand_in(watched: Watched, count: int) -> tuple[str, BankFile]:
    """Create, notices, release, bank file, hand in; the run, and what the bank got."""
    page = watched.page
    run = create(page)
    take_step(page, "Send notices")
    expect(page.get_by_text("being notified of run")).to_be_visible()
    for step in ("Release", "Make bank file"):
        take_step(page, step)
    name, content = steps.download(page, re.compile("^Download bank file$"))
    assert name == f"{run}-1.xml"
    take_step(page, "Hand in")
    steps_of_run = page.get_by_role("list", name="Steps of this run")
    expect(steps_of_run.locator(".k-step-next")).to_contain_text("Answered")
    expect(page.get_by_text("Read in its answer when it comes")).to_be_visible()
    notices = steps.tab(page, "Notices")
    expect(notices).to_contain_text("Booked & Co.")
    watched.shot("handed-in")
    sent = read_bank_file(content)
    assert content.count(b"<DrctDbtTxInf>") == count
    return run, sent


def read_bank_file(content: bytes) -> BankFile:
    """What the bank reads; the collections of this day by the name of their invoice."""
    root = etree.fromstring(content)
    block = one(root, "PmtInf")
    found = {
        text(each, "Ustrd"): Sent(text(each, "EndToEndId"), text(each, "InstdAmt"))
        for each in block.iterfind(".//{*}DrctDbtTxInf")
    }
    ours = {
        name: next(sent for words, sent in found.items() if re.search(rf"{number}\b", words))
        for name, number in NUMBERS.items()
    }
    return BankFile(
        message=text(root, "MsgId"),
        block=text(block, "PmtInfId"),
        iban=text(one(block, "CdtrAcct"), "IBAN"),
        collections=ours,
    )


def one(element: Any, name: str) -> Any:
    """The first element of a name."""
    return next(element.iterfind(f".//{{*}}{name}"))


def text(element: Any, name: str) -> str:
    """What the first element of a name says."""
    return str(one(element, name).text)


def the_bank_answers(watched: Watched, sent: BankFile, folder: Path) -> None:
    """Three messages: one is rejected, the others are booked, two of these come back."""
    of, today = sent.collections, str(clock.today())
    refused = files.told(of["Rejected"].end_to_end_id, code="MD01", text="Kein Mandat")
    read_in(
        watched,
        folder / "pain.002.xml",
        files.status(files.block(sent.block, refused), original=sent.message, group="PART"),
        "rejected",
        1,
    )
    booked = [
        files.entry(amount=of[name].amount, end_to_end_id=of[name].end_to_end_id, day=today)
        for name in ("Booked", "Poor", "Objecting")
    ]
    statement = files.camt(*booked, account=sent.iban)
    read_in(watched, folder / "camt.053.xml", statement, "settled", 3)
    returned = [
        files.entry(
            amount=files.total(of[name].amount, "3.00"), instructed=of[name].amount, fee="3.00",
            end_to_end_id=of[name].end_to_end_id, code=code, debit=True, day=today,
        )
        for name, code in (("Poor", "AM04"), ("Objecting", "MD06"))
    ]  # fmt: skip
    notice = files.camt(*returned, kind="054", account=sent.iban)
    read_in(watched, folder / "camt.054.xml", notice, "returned", 2)


def read_in(watched: Watched, path: Path, content: bytes, outcome: str, count: int) -> None:
    """Upload a report of the bank, and see what it did."""
    page = watched.page
    path.write_bytes(content)
    steps.menu(page, "Bank reports")
    page.get_by_role("link", name="Read in", exact=True).click()
    page.get_by_label("Files").set_input_files(path)
    page.get_by_role("button", name="Read in").click()
    expect(steps.figure(page, outcome)).to_have_text(str(count), timeout=steps.JOB_MILLISECONDS)
    watched.shot(f"read-{path.stem}")


def booking_view(watched: Watched, run: str, count: int) -> None:
    """The run tells what became of each: one more is with the bank."""
    page = watched.page
    steps.menu(page, "Direct debit")
    page.get_by_role("link", name=run, exact=True).click()
    answer = steps.tab(page, "Bank’s answer")
    numbers = {
        name: answer.locator(".k-answer > div", has_text=name).locator("b").inner_text()
        for name in ("Sent", "Settled", "Rejected", "Returned", "Still open")
    }
    assert numbers == {
        "Sent": str(count), "Settled": "1", "Rejected": "1", "Returned": "2",
        "Still open": str(count - 4),
    }  # fmt: skip
    expect(page.get_by_text("3 returns wait to be worked off")).to_be_visible()
    watched.shot("booking-view")


def work_off(watched: Watched, run: str) -> None:
    """From the run to its returns: one is collected again, one was paid, one is done."""
    page = watched.page
    page.get_by_role("link", name="See the returns").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    watched.shot("returns")
    rows.filter(has_text=NUMBERS["Poor"]).get_by_role("button", name="Collect again").click()
    page.get_by_role("dialog").get_by_role("button", name="Collect again").click()
    expect(page.get_by_text("worked off: to be collected again")).to_be_visible()
    expect(rows).to_have_count(2)
    for name, step, note in (
        ("Objecting", "Paid otherwise", "Transferred on the same day"),
        ("Rejected", "Done", "A new mandate is on its way"),
    ):
        rows.filter(has_text=NUMBERS[name]).get_by_role("link", name="View").click()
        page.get_by_role("button", name=step, exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Note").fill(note)
        dialog.get_by_role("button", name=step).click()
        expect(page.get_by_text("was worked off")).to_be_visible()
        watched.shot(f"worked-off-{name.lower()}")
        page.get_by_label("breadcrumb").get_by_role("link", name="Returns").click()
    expect(page.get_by_text(NUMBERS["Objecting"])).to_have_count(0)
