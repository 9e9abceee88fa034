"""Finds in a sheet's XML what the reader loses: formulas, error cells, zero-padded numbers.

python-calamine turns an error and a formula without a stored result into a blank, and 01234 held
as the number 1234 with the format 00000 into 1234. This pass yields the cells concerned, in the
order of the sheet, without holding the sheet.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core.errors import Refused
from app.transfer.imports.guard import DAMAGED, SMALL_PART_LIMIT, WORKBOOK_LIMIT, blocks

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROW_LIMIT: Final = 8 * 1024 * 1024  # bytes of XML that a single row may take
_PACKAGE: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ZEROS: Final = re.compile(r"(?:\[[^\]]*\])?(0{2,})(?:;.*)?")
_TAG: Final = re.compile(rb"<(?:\w+:)?(row|c|f)(?=[\s/>])([^>]*)>")
_REFERENCE: Final = re.compile(rb'\br="([A-Z]*)(\d+)"')
_STYLE: Final = re.compile(rb'\bs="(\d+)"')
_SHOWN_ERROR: Final = re.compile(rb"<(?:\w+:)?v>([^<]{1,20})<")


# What stands for a formula in a workbook of refused rows: read as one when it comes back.
FORMULA_WORD: Final = "#FORMULA!"
# How error cells look once a program has turned them into text, in English and in German.
ERROR_WORDS: Final = frozenset(
    {
        *("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"),
        *("#BEZUG!", "#NV", "#WERT!", "#ZAHL!", "#ÜBERLAUF!"),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that holds no value of its own: a formula, or an error such as #REF!."""

    what: str
    shown: str = ""


def fault_in_text(text: str) -> Fault | None:
    """The fault that a text stands for, if it is such a word."""
    word = text.strip()
    if word == FORMULA_WORD:
        return Fault("formula")
    return Fault("error", word) if word in ERROR_WORDS else None


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell, numbered as the sheet does (row from 1, column from 0), and what is known of it."""

    row: int
    column: int
    fault: Fault | None = None
    digits: int = 0


def read_marks(path: Path, title: str) -> Iterator[Mark]:
    """The marks of the sheet with this title, row by row."""
    with zipfile.ZipFile(path) as archive:
        part_name = _part_of(archive, title)
        if part_name is None:
            raise Refused.because(DAMAGED)
        padded = _padded_styles(archive)
        with archive.open(part_name) as part:
            yield from _marks(blocks(part, WORKBOOK_LIMIT), padded)


def part_of_sheet(path: Path, title: str) -> str:
    """The name of the part that holds the sheet with this title; empty if there is none."""
    with zipfile.ZipFile(path) as archive:
        return _part_of(archive, title) or ""


def _parse(archive: zipfile.ZipFile, name: str) -> "_Element | None":
    # Loaded here: only a workbook that is read needs it.
    from lxml import etree

    if name not in archive.namelist():
        return None
    with archive.open(name) as part:
        content = b"".join(blocks(part, SMALL_PART_LIMIT))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Refused.because(DAMAGED) from error


def _part_of(archive: zipfile.ZipFile, title: str) -> str | None:
    workbook = _parse(archive, "xl/workbook.xml")
    relations = _parse(archive, "xl/_rels/workbook.xml.rels")
    if workbook is None or relations is None:
        return None
    targets = {
        str(relation.get("Id")): relation.get("Target") or ""
        for relation in relations.iter(f"{_PACKAGE}Relationship")
    }
    for sheet in workbook.iter("{*}sheet"):
        if sheet.get("name") == title:
            identifier = next((v for k, v in sheet.items() if str(k).endswith("}id")), None)
            target = targets.get(str(identifier), "")
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return name if name in archive.namelist() else None
    return None


def _padded_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """The cell styles whose number format is nothing but zeros, and how many they are."""
    styles = _parse(archive, "xl/styles.xml")
    if styles is None:
        return {}
    formats = {}
    for number_format in styles.iter("{*}numFmt"):
        zeros = _ZEROS.fullmatch(number_format.get("formatCode") or "")
        if zeros:
            formats[number_format.get("numFmtId")] = len(zeros[1])
    found = {}
    for cell_formats in styles.iter("{*}cellXfs"):
        for index, cell_format in enumerate(cell_formats.iterchildren("{*}xf")):
            if cell_format.get("numFmtId") in formats:
                found[index] = formats[cell_format.get("numFmtId")]
    return found


def _marks(stream: Iterator[bytes], padded: dict[int, int]) -> Iterator[Mark]:
    position = _Position()
    # Each is looked for in every byte: few, and what they find in vain is only looked at closely.
    triggers = [b"<f", b":f", b't="e"', *(b's="%d"' % style for style in padded)]
    rest = b""
    for block in stream:
        rest += block
        end = max(rest.rfind(b"<row"), rest.rfind(b":row "), rest.rfind(b":row>"))
        if end <= 0:
            if len(rest) > _ROW_LIMIT:
                raise Refused.because(DAMAGED)
            continue
        end = rest.rfind(b"<", 0, end + 1)
        yield from _scan(rest[:end], position, padded, triggers)
        rest = rest[end:]
    yield from _scan(rest, position, padded, triggers)


@dataclass(slots=True)
class _Position:
    row: int = 0
    column: int = -1


def _scan(
    text: bytes, position: _Position, padded: dict[int, int], triggers: list[bytes]
) -> Iterator[Mark]:
    """The marks in whole rows of XML. Rows without anything to mark are only counted."""
    seen = any(trigger in text for trigger in triggers)
    for tag in _TAG.finditer(text) if seen else _ROW_TAG.finditer(text):
        name, attributes = tag[1], tag[2]
        if name == b"row":
            reference = _REFERENCE.search(attributes)
            row = int(reference[2]) if reference else position.row + 1
            if row <= position.row or row > 1_048_576:
                raise Refused.because(DAMAGED)
            position.row, position.column = row, -1
        elif name == b"f":
            yield Mark(position.row, position.column, Fault("formula"))
        else:
            reference = _REFERENCE.search(attributes)
            position.column = _column(reference[1]) if reference else position.column + 1
            if b't="e"' in attributes:
                shown = _SHOWN_ERROR.search(text, tag.end(), tag.end() + 80)
                error = shown[1].decode("ascii", "replace") if shown else "#N/A"
                yield Mark(position.row, position.column, Fault("error", error))
            elif padded and (style := _STYLE.search(attributes)) and int(style[1]) in padded:
                yield Mark(position.row, position.column, digits=padded[int(style[1])])


_ROW_TAG: Final = re.compile(rb"<(?:\w+:)?(row)(?=[\s/>])([^>]*)>")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
