"""Reads an uploaded workbook or text file: its sheets, and their rows with the numbers people see.

Cells arrive as str, int, float, bool, date or datetime, None for a blank, or a Fault.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from app.core.errors import Refused
from app.transfer.imports.guard import DAMAGED, PROTECTED, TOO_LARGE, inspect
from app.transfer.imports.marks import Mark, part_of_sheet, read_marks

MEMORY_MEGABYTES: Final = 1024
CPU_SECONDS: Final = 120
ROW_LIMIT: Final = 200_000  # of a workbook; beyond it a CSV is read as a stream
COLUMN_LIMIT: Final = 1_000

Cell = Any
Row = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of an upload; a text file has a single one without a title."""

    title: str
    visible: bool = True


class Source(Protocol):
    """An upload that is open for reading."""

    sheets: list[Sheet]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows of a sheet that hold anything, numbered as the spreadsheet shows them."""
        ...

    def size(self, sheet: Sheet) -> int | None:
        """About how many rows the sheet has, once it was read from; None if nobody knows."""
        ...

    def merged(self, sheet: Sheet) -> tuple[str, int] | None:
        """The merged cells that reach furthest down, and their last row; None if there are none."""
        ...

    def close(self) -> None:
        """Let go of the file and of the process that reads it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def too_wide(columns: int) -> str:
    """What to say of a sheet with more columns than anybody means to import."""
    return (
        f"This file has {columns:,} columns; at most {COLUMN_LIMIT:,} are read. "
        "Please delete those that are not to be imported."
    )


def open_source(path: Path, limit: int) -> Source:
    """Open an upload of at most `limit` bytes. Raises Refused with one clear sentence."""
    from app.transfer.imports.delimited import DelimitedText

    facts = inspect(path, limit)
    return Workbook(path, facts.merged) if facts.is_workbook else DelimitedText(path)


class Workbook:
    """An XLSX, read by a process of its own with a limit on memory and time (extract.py)."""

    def __init__(self, path: Path, merged: Mapping[str, tuple[str, int]]) -> None:
        self._path = path
        self._merged = merged
        self._heights: dict[str, int] = {}
        self._owed = 0  # answers asked for and not read yet
        self._process = subprocess.Popen(  # noqa: S603  (our own script, our own arguments)
            [
                sys.executable,
                str(Path(__file__).with_name("extract.py")),
                str(path),
                str(MEMORY_MEGABYTES),
                str(CPU_SECONDS),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        try:
            self._send("sheets")
            self.sheets = [Sheet(title, visible) for title, visible in self._receive()["sheets"]]
        except BaseException:
            self.close()
            raise

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows that hold anything. Each call reads the sheet from its start."""
        while self._owed:  # an earlier reading stopped half-way
            self._receive()
        self._send(f"load {json.dumps(sheet.title)}")
        loaded = self._receive()
        self._heights[sheet.title] = loaded["height"]
        if loaded["width"] > COLUMN_LIMIT:
            raise Refused.because(too_wide(loaded["width"]))
        if loaded["height"] > ROW_LIMIT:
            raise Refused.because(
                f"This sheet has more than {ROW_LIMIT:,} rows. "
                "Please save it as a CSV file, which may have any number."
            )
        try:
            yield from _marked(self._values(loaded["offset"]), read_marks(self._path, sheet.title))
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise Refused.because(DAMAGED) from error

    def size(self, sheet: Sheet) -> int | None:
        """The height of the sheet, once it was read from."""
        return self._heights.get(sheet.title)

    def merged(self, sheet: Sheet) -> tuple[str, int] | None:
        """What the first look found in the part that holds this sheet."""
        return self._merged.get(part_of_sheet(self._path, sheet.title)) if self._merged else None

    def close(self) -> None:
        """End the reading process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was still to be asked no longer matters
                    stream.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _values(self, offset: int) -> Iterator[Row]:
        number = 0
        self._send("next")
        while batch := self._receive()["rows"]:
            self._send("next")  # it prepares the next batch while this one is worked on
            for cells in batch:
                number += 1
                yield (
                    number,
                    [None] * offset
                    + [
                        value
                        if type(value) is str and value and not value.isspace()
                        else _cell(value)
                        for value in cells
                    ],
                )

    def _send(self, request: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Refused.because(TOO_LARGE) from error
        self._owed += 1

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        self._owed -= 1
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            # The limit on memory or time ended it: nothing was said.
            raise Refused.because(TOO_LARGE)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Refused.because(PROTECTED if answer["error"] == "password" else DAMAGED)
        return answer


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        if "d" in value:
            return date.fromisoformat(value["d"])
        return datetime.fromisoformat(value["m"])
    return value


def _marked(values: Iterator[Row], marks: Iterator[Mark]) -> Iterator[Row]:
    """Put the faults and the lost zeros back into the rows; leave out the blank ones."""
    mark = next(marks, None)
    for number, cells in values:
        while mark is not None and mark.row <= number:
            if mark.row == number:
                _apply(mark, cells)
            mark = next(marks, None)
        if any(cell is not None for cell in cells):
            yield number, cells
    while mark is not None:  # rows that hold nothing but formulas without results
        cells = []
        number = mark.row
        while mark is not None and mark.row == number:
            _apply(mark, cells)
            mark = next(marks, None)
        if any(cell is not None for cell in cells):
            yield number, cells


def _apply(mark: Mark, cells: list[Cell]) -> None:
    if mark.fault is not None:
        cells.extend([None] * (mark.column + 1 - len(cells)))
        cells[mark.column] = mark.fault
    elif mark.column < len(cells) and isinstance(cells[mark.column], int):
        value = cells[mark.column]
        if not isinstance(value, bool) and value >= 0:
            cells[mark.column] = str(value).zfill(mark.digits)
