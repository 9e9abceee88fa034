"""Reads CSV and TSV as people's programs write them: any usual separator and encoding."""

import codecs
import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.core.errors import Refused
from app.transfer.imports.guard import BLOCK, NOT_A_WORKBOOK
from app.transfer.imports.reader import Row, Sheet

SEPARATORS: Final = (";", ",", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MIXED: Final = (
    "The characters of this file cannot be read. Please save it as CSV with the encoding UTF-8."
)


class DelimitedText:
    """A text file of separated values, read as a stream however long it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = find_encoding(path)
        self._separator = self._find_separator()
        self.sheets = [Sheet("")]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows that hold anything; a record over several lines counts as one row."""
        with self._open() as lines:
            reader = csv.reader(lines, delimiter=self._separator)
            try:
                for number, record in enumerate(reader, start=1):
                    cells = [cell if cell.strip() else None for cell in record]
                    if any(cell is not None for cell in cells):
                        yield number, list(cells)
            except csv.Error as error:
                raise Refused.because(
                    f"Line {reader.line_num} of this file cannot be read: "
                    "a quotation mark is missing, or the cell is too long."
                ) from error
            except UnicodeError as error:
                raise Refused.because(MIXED) from error

    def size(self, sheet: Sheet) -> int | None:
        """Unknown before the end; counting the lines would take a reading of its own."""
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


def find_encoding(path: Path) -> str:
    """The encoding: by the mark at the start, else UTF-8 if it fits, else Windows-1252.

    Reads the file once through, because one byte at its end may decide.
    """
    with path.open("rb") as file:
        start = file.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    for encoding in ("utf-8", "cp1252"):
        if _fits(path, encoding):
            return encoding
    raise Refused.because(MIXED)


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK):
                if b"\0" in block:
                    raise Refused.because(NOT_A_WORKBOOK)
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
