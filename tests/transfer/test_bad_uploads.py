"""Bad uploads: each gets one clear sentence, and the reader keeps its memory."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from app.core.errors import Refused
from app.transfer.columns.people import INDIVIDUAL
from app.transfer.columns.perpetual import PERPETUAL
from app.transfer.imports import guard
from app.transfer.imports.layout import find_layouts
from app.transfer.imports.reader import open_source

LIMIT = 64 * 1024 * 1024
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def workbook(rows: list[list[object]], title: str = "Customers") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def rewritten(content: bytes, change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """A workbook with its parts changed, and with others added."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)), 8)
        for name, part in more.items():
            new.writestr(name.replace("__", "/"), part, 8)
    return result.getvalue()


def good() -> bytes:
    return workbook([["First name", "Name"], ["Erika", "Mustermann"]])


def bomb() -> bytes:
    """Two gigabytes of blanks in two megabytes."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good())) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            if info.filename != "xl/worksheets/sheet1.xml":
                new.writestr(info.filename, old.read(info))
        with new.open(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as part:
            part.write(b"<worksheet><sheetData>")
        info = zipfile.ZipInfo("xl/worksheets/sheet2.xml")
        info.compress_type = zipfile.ZIP_DEFLATED
        blanks = b" " * (1 << 20)
        with new.open(info, "w", force_zip64=True) as part:
            for _ in range(2048):
                part.write(blanks)
    return result.getvalue()


def entities(name: str, part: bytes) -> bytes:
    if name != "xl/worksheets/sheet1.xml":
        return part
    return b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + part


def refusal(tmp_path: Path, content: bytes, limit: int = LIMIT) -> str:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused, open_source(path, limit) as source:
        layouts = find_layouts(source, INDIVIDUAL, updating=False)
        for layout in layouts:
            list(layout.rows(source))
    return str(refused.value)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "an empty file": (lambda: b"", "This file is empty"),
    "a renamed PDF": (lambda: b"%PDF-1.7\n%...", "PDF"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), "not a workbook"),
    "a text without columns": (lambda: b"just a letter\nto nobody\n", "not a workbook"),
    "an encrypted workbook": (
        lambda: OLE + bytes(2000) + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password",
    ),
    "an old workbook": (lambda: OLE + bytes(4000), "old format"),
    "half a workbook": (lambda: good()[:1500], "damaged"),
    "another zip": (lambda: rewritten(good(), lambda name, part: part)[:4] + bytes(100), "damaged"),
    "a zip bomb": (bomb, "too large"),
    "an entity bomb": (lambda: rewritten(good(), entities), "entities"),
    "external links": (
        lambda: rewritten(
            good(), lambda name, part: part, **{"xl__externalLinks__externalLink1.xml": b"<x/>"}
        ),
        "refers to other workbooks",
    ),
    "an empty workbook": (lambda: workbook([]), "This workbook is empty"),
    "no known headings": (lambda: workbook([["Foo", "Bar"], [1, 2]]), "no row with the headings"),
    "headings twice": (
        lambda: workbook([["First name", "Name", " first  NAME "], ["a", "b", "c"]]),
        "is there twice",
    ),
    "a required column missing": (
        lambda: workbook([["Name", "Email"], ["a", "b"]]),
        "The required column “First name” cannot be found",
    ),
    "a sheet of a million rows": (
        lambda: rewritten(
            good(),
            lambda name, part: (
                part.replace(b'r="2"', b'r="1048576"')
                .replace(b'"A2"', b'"A1048576"')
                .replace(b'"B2"', b'"B1048576"')
            ),
        ),
        "more than 200,000 rows",
    ),
    "a cell in the last corner": (
        lambda: rewritten(
            good(),
            lambda name, part: part.replace(b'r="2"', b'r="1048576"').replace(
                b'"B2"', b'"XFD1048576"'
            ),
        ),
        "too large",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_upload_gets_one_clear_sentence(tmp_path: Path, what: str) -> None:
    make, expected = BAD[what]
    said = refusal(tmp_path, make())
    assert expected in said
    assert said.count("\n") == 0


def test_a_file_over_the_limit_is_not_even_opened(tmp_path: Path) -> None:
    assert "larger than 1 MB" in refusal(tmp_path, b"x" * 1_100_000, limit=1024 * 1024)


def test_a_lying_directory_is_damage(tmp_path: Path) -> None:
    content = bytearray(good())
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (50_000_000).to_bytes(4, "little")
    assert "damaged" in refusal(tmp_path, bytes(content))


def test_a_workbook_that_lacks_a_sheet_names_it(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(workbook([["Company name", "Email"], ["x", "a@example.org"]], "Addresses"))
    with (
        pytest.raises(Refused, match="no sheet “Customers”"),
        open_source(path, LIMIT) as source,
    ):
        find_layouts(source, PERPETUAL, updating=False)


def test_the_bytes_are_counted_as_they_come_not_as_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "WORKBOOK_LIMIT", 100)
    assert "too large" in refusal(tmp_path, good())
