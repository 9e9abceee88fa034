"""Reads CSV and TSV as people's programs write them: any usual separator and encoding."""

import codecs
import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.core.errors import Refused
from app.transfer.imports.guard import BLOCK, NOT_A_WORKBOOK
from app.transfer.imports.reader import COLUMN_LIMIT, Row, Sheet, too_wide

SEPARATORS: Final = (";", ",", "\t", "|")
_RECORD_LIMIT: Final = 4_000_000  # characters that one row may take
_BINARY: Final = re.compile(rb"[\x01-\x08\x0e-\x1f]")  # in no text that somebody has written
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNREADABLE: Final = (
    "The characters of this file cannot be read. Please save it as CSV with the encoding UTF-8."
)
MIXED: Final = (
    "Line {line} of this file has characters in another encoding than the rest. "
    "Please save it as CSV with the encoding UTF-8."
)
NULLS: Final = (
    "This file holds bytes that are no text (NUL). Please save it as CSV with the encoding UTF-8."
)
# What UTF-8 makes of the letters, quotation marks and dashes of Europe. In Windows-1252 these
# bytes are sequences such as Ã¼ and â€œ, which nobody writes.
_UTF8_LETTERS: Final = re.compile(
    rb"\xc3[\x80-\xbf]|\xc5[\x81\x82\x92\x93\xa0\xa1\xbd\xbe]|\xe2\x80[\x93\x94\x98-\x9e\xa6]|\xe2\x82\xac"
)
# Half of a character that needs two, as UTF-8 never has it.
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


class DelimitedText:
    """A text file of separated values, read as a stream however long it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = find_encoding(path)
        try:
            self._separator = self._find_separator()
        except UnicodeError as error:  # the mark at its start says another encoding
            raise Refused.because(UNREADABLE) from error
        self.sheets = [Sheet("")]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows that hold anything; a record over several lines counts as one row."""
        with self._open() as lines:
            bounded = _Bounded(lines)
            reader = csv.reader(bounded, delimiter=self._separator)
            try:
                for number, record in enumerate(reader, start=1):
                    bounded.begin_record()
                    if len(record) > COLUMN_LIMIT:
                        raise Refused.because(too_wide(len(record)))
                    cells = [cell if cell and not cell.isspace() else None for cell in record]
                    if any(cells):
                        yield number, list(cells)
            except csv.Error as error:
                raise Refused.because(
                    f"Line {reader.line_num} of this file cannot be read: "
                    "a quotation mark is missing, or the cell is too long."
                ) from error
            except UnicodeError as error:
                raise Refused.because(UNREADABLE) from error

    def size(self, sheet: Sheet) -> int | None:
        """Unknown before the end; counting the lines would take a reading of its own."""
        return None

    def merged(self, sheet: Sheet) -> tuple[str, int] | None:
        """Text knows no merged cells."""
        return None

    def close(self) -> None:
        """Nothing is held open between readings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> TextIOWrapper:
        return self._path.open(encoding=self._encoding, newline="")

    def _find_separator(self) -> str:
        """The separator that the first line with any holds most often, outside quotation marks."""
        with self._open() as lines:
            for _ in range(50):
                line = lines.readline(1_000_000)
                outside = "".join(line.split('"')[::2])
                counts = {separator: outside.count(separator) for separator in SEPARATORS}
                best = max(counts, key=lambda separator: counts[separator])
                if counts[best]:
                    return best
        raise Refused.because(NOT_A_WORKBOOK)


class _Bounded:
    """Lines of a file; refuses a record that would fill the memory, over however many lines."""

    def __init__(self, lines: TextIOWrapper) -> None:
        self._lines = lines
        self._length = 0
        self._number = 0

    def begin_record(self) -> None:
        """What comes next belongs to another record."""
        self._length = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._lines.readline(_RECORD_LIMIT + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._length += len(line)
        if self._length > _RECORD_LIMIT:
            raise Refused.because(
                f"Line {self._number} of this file is too long for a row of a table: "
                "a line break or a quotation mark is missing."
            )
        return line


def find_encoding(path: Path) -> str:
    """The encoding: by the mark at the start, else UTF-8 if it fits, else Windows-1252.

    Reads the file once through, because one byte at its end may decide. Raises Refused where
    lines have different encodings: what is right for one spoils the names in the others.
    """
    with path.open("rb") as file:
        start = file.read(512)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if unmarked := _unmarked_utf16(start):
        return unmarked
    wrong = _first_wrong(path, "utf-8")
    if wrong is None:
        return "utf-8"
    if _first_wrong(path, "cp1252") is not None:
        raise Refused.because(UNREADABLE)
    if (line := _utf8_within(path)) is not None:
        raise Refused.because(MIXED.format(line=max(line, wrong)))
    return "cp1252"


def _unmarked_utf16(start: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of plain text is zero."""
    zeros = [start[at::2].count(0) for at in (0, 1)]
    half = len(start) // 2
    if half and zeros[1] > half * 0.6 and not zeros[0]:
        return "utf-16-le"
    return "utf-16-be" if half and zeros[0] > half * 0.6 and not zeros[1] else None


def _first_wrong(path: Path, encoding: str) -> int | None:
    """The line of the first byte that is not of this encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK):
                if b"\0" in block:
                    raise Refused.because(NOT_A_WORKBOOK if _BINARY.search(block[:512]) else NULLS)
                decoder.decode(block)
                line += block.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].count(b"\n")
    return None


def _utf8_within(path: Path) -> int | None:
    """The first line with letters in UTF-8, in a file that is not UTF-8 as a whole."""
    with path.open("rb") as file:
        line = 1
        tail = b""
        while block := file.read(BLOCK):
            text = tail + block
            found = _UTF8_LETTERS.search(text) or _SURROGATE.search(text)
            if found:
                return line + text[: found.start()].count(b"\n")
            tail = text[-2:] if b"\n" not in text[-2:] else b""
            line += text[: len(text) - len(tail)].count(b"\n")
    return None
