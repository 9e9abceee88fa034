"""A file with other headings, as a clerk brings it in: match, check, mend, upload again, result."""

import io
import re
from pathlib import Path

from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Site, Watched

LINES = [
    "Vorname;Nachname;PLZ;Ort;Land;Handy;E-Mail-Adresse;Rabatt %;Schuhgröße",
    "Theodora;Brückner;01097;Dresden;Deutschland;0170 1112233;theodora@example.com;10;38",
    ";Namenlos;1010;Wien;Österreich;;nameless@example.com;5;40",
    "Balthasar;Brückner;20095;Hamburg;Deutschland;0170 1112244;balthasar@example;10,5;44",
]


def test_a_file_with_other_headings_is_matched_checked_mended_and_imported(
    watched: Watched, site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "Kunden 2026.csv"
    path.write_text("\r\n".join(LINES), encoding="cp1252")
    steps.log_in(watched, site, "operations")
    page = watched.page
    upload(watched, path)
    expect(page.get_by_text("Do your columns have other names?")).to_be_visible(
        timeout=steps.JOB_MILLISECONDS
    )
    watched.shot("headings-unknown")
    page.get_by_role("link", name="Match columns").click()
    expect(page.get_by_label("Vorname means")).to_have_value("first_name")
    expect(page.get_by_label("Handy means")).to_have_value("mobile_phone")
    page.get_by_label("Rabatt % means").select_option(label="Rebate")
    watched.shot("match-columns")
    narrow_and_dark(watched, "match-columns")
    page.get_by_label("Vorname means").select_option(label="– not imported –")
    page.get_by_role("button", name="Check with these columns").click()
    expect(page.get_by_text("The required column “First name” cannot be found.")).to_be_visible()
    watched.expected.append("422")
    watched.shot("match-columns-refused")
    page.get_by_label("Vorname means").select_option(label="First name *")
    page.get_by_role("button", name="Check with these columns").click()

    expect(page.get_by_role("button", name="Start import")).to_be_visible(
        timeout=steps.JOB_MILLISECONDS
    )
    expect(steps.figure(page, "to create")).to_have_text("1")
    refused = page.locator("#refused table")
    expect(refused).to_contain_text("First name is missing")
    expect(refused).to_contain_text("Rebate is not a whole number")
    watched.shot("refused-cells")
    narrow_and_dark(watched, "refused-cells")
    name, content = steps.download(page, "Refused rows")
    assert name == "refused rows of Kunden 2026.xlsx"
    page.get_by_role("button", name="Start import").click()
    expect(steps.figure(page, "created")).to_have_text("1", timeout=steps.JOB_MILLISECONDS)
    watched.shot("result")

    mended = tmp_path / "mended.xlsx"
    book = load_workbook(io.BytesIO(content))
    sheet = book.active
    column = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, column["Vorname"]).value = "Nina"
    sheet.cell(3, column["Rabatt %"]).value = 10
    sheet.cell(3, column["E-Mail-Adresse"]).value = "balthasar@example.com"
    book.save(mended)
    upload(watched, mended)
    start = page.get_by_role("button", name="Start import")
    expect(start).to_be_visible(timeout=steps.JOB_MILLISECONDS)
    read = page.get_by_role("list").filter(has=page.get_by_text("Vorname", exact=True))
    expect(read.get_by_role("listitem").first).to_contain_text("First name")
    expect(steps.figure(page, "to create")).to_have_text("2")
    watched.shot("mended")
    start.click()
    expect(steps.figure(page, "created")).to_have_text("2", timeout=steps.JOB_MILLISECONDS)
    page.set_viewport_size({"width": 390, "height": 844})
    watched.shot("result-narrow")


def narrow_and_dark(watched: Watched, name: str) -> None:
    """The page on a phone in the dark, where nothing may stand out at the side."""
    page = watched.page
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    watched.shot(f"{name}-narrow-dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    watched.shot(f"{name}-dark")
    page.emulate_media(color_scheme="light")


def upload(watched: Watched, path: Path) -> None:
    """Choose the kind and the file, and have it checked."""
    page = watched.page
    steps.menu(page, "Imports")
    page.get_by_role("link", name="New import").first.click()
    page.get_by_role("link", name=re.compile("^Upload individual customers$")).click()
    page.get_by_label("File").set_input_files(path)
    watched.shot("upload")
    page.get_by_role("button", name="Upload and check").click()
