"""Bad uploads, made by code: whole files that are refused, and cells that are."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import openpyxl

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
SHEET = "xl/worksheets/sheet1.xml"
GOOD_ROWS: list[list[Any]] = [["First name", "Name"], ["Erika", "Mustermann"]]
Change = Callable[[str, bytes], bytes]


def workbook(
    rows: Sequence[Sequence[Any]], work: Callable[[Any], object] = lambda book: None
) -> bytes:
    """A workbook of one sheet; `work` may do more to it."""
    book = openpyxl.Workbook()
    book.active.title = "Customers"
    for row in rows:
        book.active.append(row)
    work(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def good() -> bytes:
    """A workbook that nothing is wrong with."""
    return workbook(GOOD_ROWS)


def rewritten(content: bytes, change: Change, **more: bytes) -> bytes:
    """A workbook with its parts changed, and with others added."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)), 8)
        for name, part in more.items():
            new.writestr(name.replace("__", "/"), part, 8)
    return result.getvalue()


def replacing(old: bytes, new: bytes) -> bytes:
    """A good workbook with other bytes in it."""
    return rewritten(good(), lambda name, part: part.replace(old, new))


def with_sheet(pieces: Iterator[bytes]) -> bytes:
    """A workbook whose sheet has these rows as XML."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good())) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            if info.filename != SHEET:
                new.writestr(info.filename, old.read(info), 8)
        entry = zipfile.ZipInfo(SHEET)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry._compresslevel = 1  # type: ignore[attr-defined]
        with new.open(entry, "w", force_zip64=True) as part:
            part.write(
                b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                b"<sheetData>"
            )
            for piece in pieces:
                part.write(piece)
            part.write(b"</sheetData></worksheet>")
    return result.getvalue()


def text_row(number: int, texts: Sequence[str]) -> bytes:
    """A row of texts as XML."""
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{cells}</row>'.encode()


def _every_row() -> Iterator[bytes]:
    yield text_row(1, ["First name", "Name"])
    for start in range(2, 1_048_577, 65_536):
        rows = range(start, min(start + 65_536, 1_048_577))
        yield "".join(f'<row r="{n}"><c><v>{n}</v></c></row>' for n in rows).encode()


def _every_column(rows: int) -> Iterator[bytes]:
    yield text_row(1, ["First name", "Name", *(f"Column {n}" for n in range(3, 16_385))])
    cells = b"<c><v>1</v></c>" * 16_384
    for number in range(2, rows + 1):
        yield b'<row r="%d">%b</row>' % (number, cells)


@cache
def bomb(size: int, told: int) -> bytes:
    """A part of `size` blanks that says it has `told` of them; 4 GB take 4 MB."""
    block = b" " * (1 << 20)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeezer.compress(block) + squeezer.flush(zlib.Z_FULL_FLUSH)
    stream = piece * (size >> 20) + squeezer.flush()
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good())) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info), 8)
        # Stored as they are, then said to be deflated: the zip library need not see 4 GB.
        entry = zipfile.ZipInfo("xl/worksheets/sheet2.xml")
        new.writestr(entry, stream)
        entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, told
        new.fp.seek(entry.header_offset + 8)  # type: ignore[union-attr]
        new.fp.write(b"\0\0\x08\0")  # type: ignore[union-attr]
        new.fp.seek(0, io.SEEK_END)  # type: ignore[union-attr]
    return result.getvalue()


def _entities(name: str, part: bytes) -> bytes:
    if name != SHEET:
        return part
    lines = b"".join(
        b'<!ENTITY e%d "%b">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"bomb") for n in range(10)
    )
    return b"<!DOCTYPE x [%b]>" % lines + part.replace(b"Erika", b"&e9;")


def _merged(book: Any) -> None:
    book.active.append(["Max", "Muster"])
    book.active.merge_cells("B2:B3")


def _hidden(book: Any) -> None:
    book.active.sheet_state = "hidden"
    book.create_sheet("Notes").append(["Please see the other sheet"])


def _csv(*lines: bytes) -> bytes:
    return b"First name;Name\r\n" + b"\r\n".join(lines) + b"\r\n"


Make = Callable[[], bytes]
# The name of the file, its bytes, and part of the sentence that says what is wrong.
WHOLE: dict[str, tuple[str, Make, str]] = {
    "not a workbook": (
        "people.xlsx", lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), "not a workbook"),
    "a letter": ("people.csv", lambda: b"just a letter\nto nobody\n", "not a workbook"),
    "a renamed PDF": ("people.xlsx", lambda: b"%PDF-1.7\n%...", "a PDF document"),
    "encrypted": (
        "people.xlsx", lambda: OLE + bytes(2000) + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password"),
    "of an old format": ("people.xls", lambda: OLE + bytes(4000), "old format (.xls)"),
    "an empty file": ("people.xlsx", lambda: b"", "This file is empty"),
    "an empty workbook": ("people.xlsx", lambda: workbook([]), "This workbook is empty"),
    "half a workbook": ("people.xlsx", lambda: good()[:1500], "damaged"),
    "no heading row": (
        "people.xlsx", lambda: workbook([["Erika", "Mustermann"], ["Max", "Muster"]]),
        "no row with the headings"),
    "no heading row in text": (
        "people.csv", lambda: b"Erika;Mustermann\nMax;Muster\n", "no row with the headings"),
    "two heading rows": (
        "people.xlsx", lambda: workbook([GOOD_ROWS[0], ["NAME *", "first name"], GOOD_ROWS[1]]),
        "Rows 1 and 2 both hold headings"),
    "duplicate headings": (
        "people.xlsx", lambda: workbook([["First name", "Name", " first  NAME "], ["a", "b", "c"]]),
        "The column “First name” is there twice"),
    "merged cells": (
        "people.xlsx", lambda: workbook(GOOD_ROWS, _merged), "The cells B2:B3 of this sheet are"),
    "only a hidden sheet": (
        "people.xlsx", lambda: workbook(GOOD_ROWS, _hidden), "The sheet “Customers” is hidden"),
    "16,384 columns": (
        "people.xlsx", lambda: with_sheet(_every_column(2)), "This file has 16,384 columns"),
    "16,384 columns in text": (
        "people.csv", lambda: b"First name;Name" + b";x" * 16_382 + b"\n", "16,384 columns"),
    "16,384 columns of 2,000 rows": (
        "people.xlsx", lambda: with_sheet(_every_column(2000)), "too large to be read"),
    "1,048,576 rows": (
        "people.xlsx", lambda: with_sheet(_every_row()), "more than 200,000 rows"),
    "a cell in the last corner": (
        "people.xlsx",
        lambda: rewritten(good(), lambda name, part: part.replace(b'r="2"', b'r="1048576"')
                          .replace(b'"B2"', b'"XFD1048576"')),
        "too large to be read"),
    "a zip bomb": (
        "people.xlsx", lambda: bomb(4 << 30, (1 << 32) - 2), "too large to be read"),
    "a zip bomb that lies": ("people.xlsx", lambda: bomb(4 << 30, 1000), "damaged"),
    "an entity bomb": (
        "people.xlsx", lambda: rewritten(good(), _entities), "defines entities of its own"),
    "an entity bomb in UTF-16": (
        "people.xlsx",
        lambda: rewritten(
            good(), lambda name, part: (
                _entities(name, part).decode().encode("utf-16") if name == SHEET else part)),
        "damaged"),
    "external links": (
        "people.xlsx",
        lambda: rewritten(good(), lambda name, part: part,
                          **{"xl__externalLinks__externalLink1.xml": b"<x/>"}),
        "refers to other workbooks"),
    "half a character in a workbook": (
        "people.xlsx", lambda: replacing(b"Erika", b"&#xD800;"), "damaged"),
    "half a character in text": (
        "people.csv", lambda: _csv(b"Erika;\xed\xa0\x80"), "Line 2 of this file has characters"),
    "mixed encodings": (
        "people.csv", lambda: _csv("Jürgen;Groß".encode(), "Jürgen;Groß".encode("cp1252")),
        "Line 3 of this file has characters in another encoding"),
    "mixed encodings below a mark": (
        "people.csv", lambda: b"\xef\xbb\xbf" + _csv(b"J\xfcrgen;M"), "with the encoding UTF-8"),
    "NUL bytes in text": (
        "people.csv", lambda: _csv(b"Eri\0ka;Mustermann"), "bytes that are no text (NUL)"),
    "a missing quotation mark": (
        "people.csv", lambda: _csv(b'"Erika;M', *[b"Max;Muster"] * 20_000), "a quotation mark is"),
    "a line without end": (
        "people.csv", lambda: _csv(b"Erika;Mustermann " + b"x;" * 2_500_000), "is too long"),
}  # fmt: skip

HEAVY = (
    "16,384 columns", "16,384 columns in text", "16,384 columns of 2,000 rows", "1,048,576 rows",
    "a cell in the last corner", "a zip bomb", "a zip bomb that lies", "an entity bomb",
    "a missing quotation mark", "a line without end",
)  # fmt: skip
