"""Long import files, filled like the sample of individual customers: every row a good one.

What no two customers may share (email, mobile phone, IBAN, mandate) is made anew for each row; all
else, its spellings included, is what the sample holds.
"""

import csv
from collections.abc import Iterator
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import python_calamine
import rustpy_xlsxwriter

from app.core.values import ValueProblem, parse_iban, parse_phone

SAMPLE: Final = Path(__file__).resolve().parents[1] / "tests" / "data" / "individual_customers.xlsx"
# The rows of the sample that are there to be refused, as the spreadsheet numbers them.
_REFUSED: Final = frozenset({30, 58, 86, 114, 142, 170, 198, 226, 254, 282, 310, 338, 366})
_DIGITS: Final = 5  # at the end of a phone number, which are counted up


def filled_rows(count: int, first: int = 0, sample: Path = SAMPLE) -> Iterator[list[Any]]:
    """The headings, and this many rows below them, counted from `first`."""
    sheet = python_calamine.load_workbook(sample).get_sheet_by_index(0)
    rows = [[None if cell == "" else cell for cell in row] for row in sheet.to_python()]
    headings = rows[0]
    at = {str(heading): place for place, heading in enumerate(headings)}
    good = [row for number, row in enumerate(rows[1:], start=2) if number not in _REFUSED]
    phones: set[str] = set()
    yield headings
    for number, row in enumerate(islice(cycle(good), count), first):
        made = list(row)
        made[at["Email"]] = f"{number}.{row[at['Email']]}"
        made[at["Mobile phone"]] = _phone(str(row[at["Mobile phone"]]), number, phones)
        if row[at["IBAN"]]:
            made[at["IBAN"]] = _iban(str(row[at["IBAN"]]), number)
            made[at["Mandate reference"]] = f"M-{number:07}"
        yield made


def write_filled(target: Path, count: int, first: int = 0) -> None:
    """Write them: .xlsx with typed cells, anything else as CSV with semicolons."""
    rows = filled_rows(count, first)
    headings = [str(heading) for heading in next(rows)]
    if target.suffix != ".xlsx":
        with target.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, delimiter=";")
            writer.writerow(headings)
            writer.writerows([_typed(cell) for cell in row] for row in rows)
        return
    rustpy_xlsxwriter.write_worksheet(
        (dict(zip(headings, row, strict=True)) for row in rows), target, sheet_name="Customers"
    )


def _typed(cell: Any) -> Any:
    """A cell as a spreadsheet program writes it into a CSV."""
    if isinstance(cell, float):
        return int(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def _phone(typed: str, number: int, taken: set[str]) -> str | None:
    """Another number of the same network; blank for the few spellings that allow none."""
    plain = "".join(c for c in typed if c.isdigit() or c == "+")
    plain = "+" + plain[2:] if plain.startswith("00") else plain
    if not plain.startswith("+"):
        return None
    for step in range(0, 10**_DIGITS, 389):
        last = (int(plain[-_DIGITS:]) + number * 7 + step) % 10**_DIGITS
        found = f"{plain[:-_DIGITS]}{last:0{_DIGITS}}"
        if found not in taken and _valid(found):
            taken.add(found)
            return found
    return None


def _valid(phone: str) -> bool:
    try:
        return bool(parse_phone(phone, "Mobile phone", None))
    except ValueProblem:
        return False


def _iban(typed: str, number: int) -> str:
    """An IBAN of the same bank: its last digits counted up, its check digits made anew."""
    plain = typed.replace(" ", "").upper()
    head, tail = plain[:4], plain[4:]
    end = len(tail)
    start = end
    while start and tail[start - 1].isdigit() and end - start < 7:
        start -= 1
    digits = end - start
    if digits < 3:
        return _checked(head, tail[:-7] + f"{number % 10**7:07}", typed)
    last = (int(tail[start:]) + number) % 10**digits
    return _checked(head, f"{tail[:start]}{last:0{digits}}", typed)


def _checked(head: str, account: str, typed: str) -> str:
    country = head[:2]
    turned = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    made = f"{country}{98 - int(turned) % 97:02}{account}"
    try:
        return parse_iban(made, "IBAN")
    except ValueProblem:
        return typed
