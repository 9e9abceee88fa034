"""Looks at an uploaded file before anything else touches it, in a stream and in little memory.

Refuses, each with one sentence, what no reader should be given: encrypted and old workbooks,
files that only pretend to be workbooks, zip bombs, entity bombs, links to other workbooks.
"""

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Final

from app.core.errors import Refused

MEBIBYTE: Final = 1024 * 1024
BLOCK: Final = MEBIBYTE
# Real uncompressed sizes: 200,000 rows of 37 columns are about 300 MB of XML.
WORKBOOK_LIMIT: Final = 1024 * MEBIBYTE
SHARED_STRINGS_LIMIT: Final = 256 * MEBIBYTE
SMALL_PART_LIMIT: Final = 32 * MEBIBYTE
DIRECTORY_LIMIT: Final = MEBIBYTE
_OLE_HEADER: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # the first bytes of UTF-16 and UTF-32
_SEAM: Final = 80  # bytes that what is looked for may stand in over the seam of two blocks
_MERGED: Final = re.compile(rb'mergeCell [^>]{0,40}?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}(\d{1,7}))"')
_END_OF_DIRECTORY: Final = b"PK\x05\x06"

NOT_A_WORKBOOK: Final = "This file is not a workbook. Please upload an .xlsx or a .csv file."
DAMAGED: Final = "This workbook is damaged. Please save it again in your spreadsheet program."
PROTECTED: Final = "This workbook is protected by a password. Please save it without one."
OLD_FORMAT: Final = "This is a workbook of an old format (.xls). Please save it as .xlsx."
TOO_LARGE: Final = (
    "This workbook is too large to be read. Please split it, or save the sheet as a CSV file."
)
EXTERNAL: Final = (
    "This workbook refers to other workbooks. Please save it with values instead of references."
)
ENTITIES: Final = "This workbook defines entities of its own, which no spreadsheet program does."


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the first look tells: a workbook, or text that may be a CSV.

    `merged` are the merged cells that reach furthest down in a part, with their last row.
    """

    is_workbook: bool
    merged: dict[str, tuple[str, int]] = field(default_factory=dict)


def inspect(path: Path, limit: int) -> FileFacts:
    """Look at an upload of at most `limit` bytes. Raises Refused with one sentence."""
    size = path.stat().st_size
    if size == 0:
        raise Refused.because("This file is empty.")
    if size > limit:
        raise Refused.because(
            f"This file is larger than {limit // MEBIBYTE} MB. Please split it into several."
        )
    with path.open("rb") as file:
        start = file.read(8)
        if start == _OLE_HEADER:
            raise Refused.because(PROTECTED if _contains(file, _ENCRYPTED) else OLD_FORMAT)
        if start.startswith(b"%PDF"):
            raise Refused.because("This is a PDF document, not a workbook.")
        if not start.startswith(b"PK"):
            return FileFacts(is_workbook=False)
        _check_directory(file, size)
    try:
        return FileFacts(is_workbook=True, merged=_check_parts(path))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, OSError) as error:
        raise Refused.because(DAMAGED) from error
    except (NotImplementedError, RuntimeError) as error:
        raise Refused.because(PROTECTED) from error


def blocks(part: IO[bytes], limit: int) -> Iterator[bytes]:
    """The uncompressed bytes of a part, block by block; Refused past the limit."""
    total = 0
    while block := part.read(BLOCK):
        total += len(block)
        if total > limit:
            raise Refused.because(TOO_LARGE)
        yield block


def _contains(file: BinaryIO, needle: bytes) -> bool:
    tail = b""
    while block := file.read(BLOCK):
        if needle in tail + block:
            return True
        tail = block[-len(needle) :]
    return False


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory that would fill the memory once it is read.

    The size stands in the end record; whoever lies about it makes the zip unreadable.
    """
    file.seek(max(0, size - 65_557))
    tail = file.read()
    position = tail.rfind(_END_OF_DIRECTORY)
    if position < 0 or len(tail) < position + 20:
        raise Refused.because(DAMAGED)
    (directory_size,) = struct.unpack_from("<I", tail, position + 12)
    if directory_size > DIRECTORY_LIMIT:
        raise Refused.because(DAMAGED)


def _check_parts(path: Path) -> dict[str, tuple[str, int]]:
    """Read every part through to the end; the merged cells found on the way."""
    merged: dict[str, tuple[str, int]] = {}
    with zipfile.ZipFile(path) as archive:
        names = {info.filename for info in archive.infolist()}
        if "xl/workbook.xml" not in names:
            raise Refused.because(_what_it_is(names))
        if any(name.startswith("xl/externalLinks/") for name in names):
            raise Refused.because(EXTERNAL)
        remaining = WORKBOOK_LIMIT
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise Refused.because(PROTECTED)
            if not info.filename.endswith((".xml", ".rels")):
                continue  # pictures and printer settings are never read
            limit = min(remaining, _part_limit(info.filename))
            if info.file_size > limit:
                raise Refused.because(TOO_LARGE)
            with archive.open(info) as part:
                size, lowest = _check_part(part, limit)
            remaining -= size
            if lowest is not None:
                merged[info.filename] = lowest
    return merged


def _what_it_is(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "This is a binary workbook (.xlsb). Please save it as .xlsx."
    if "content.xml" in names:
        return "This is an OpenDocument file. Please save it as .xlsx."
    return NOT_A_WORKBOOK


def _part_limit(name: str) -> int:
    if name.startswith("xl/worksheets/"):
        return WORKBOOK_LIMIT
    return SHARED_STRINGS_LIMIT if name == "xl/sharedStrings.xml" else SMALL_PART_LIMIT


def _check_part(part: IO[bytes], limit: int) -> tuple[int, tuple[str, int] | None]:
    """Read a part through to the end: its real size, and its lowest merged cells."""
    size = 0
    tail = b""
    lowest: tuple[str, int] | None = None
    for block in blocks(part, limit):
        if not size and block.startswith(_WIDE):
            # No spreadsheet program writes this, and what it hides is not found by its bytes.
            raise Refused.because(DAMAGED)
        size += len(block)
        seam = tail + block[:_SEAM]
        if b"<!" in block or b"<!" in seam:
            text = tail + block
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise Refused.because(ENTITIES)
        if b"mergeCell " in block or b"mergeCell " in seam:
            for found in _MERGED.finditer(tail + block):
                if lowest is None or int(found[2]) > lowest[1]:
                    lowest = found[1].decode(), int(found[2])
        tail = block[-_SEAM:]
    return size, lowest
