"""Whatever is edited in an export: imported as an update, exactly that changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskCliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transfer.conftest import Import

CUSTOMERS = 15
CHANGED = "Client last changed"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZäöüßéçñøŁαω0123456789"
WORDS = st.text(LETTERS, min_size=1, max_size=8)
TEXT = st.one_of(
    WORDS,
    st.builds("{} {}".format, WORDS, WORDS),
    st.builds("{}{}".format, st.sampled_from("=+-@"), WORDS.filter(lambda w: w[0].isalpha())),
    st.sampled_from(["007", "1e5", "NULL", "true", "0", "12.10.2010", "O'Neill", "a;b", '"x"']),
)
OPTIONAL = st.one_of(TEXT, st.just("(empty)"))
NUMBERS = st.one_of(st.integers(0, 100), st.just("(empty)"))
CELLS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("Title", "Alias", "Street/No.", "c/o", "PO Box", "Reason for loss"), OPTIONAL),
    **dict.fromkeys(("Postcode", "Place", "First name", "Name"), TEXT),
    **dict.fromkeys(("Rebate", "Term of payment"), NUMBERS),
    "Favourite": st.sampled_from(["yes", "no"]),
    "Gender": st.sampled_from(["female", "male", "(empty)"]),
    "Homepage": st.sampled_from(["https://example.org/a", "https://example.com/b", "(empty)"]),
}
FEW = settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

Table = list[list[Any]]


@pytest.fixture
def export(tmp_path: Path, runner: FlaskCliRunner) -> Callable[[], Path]:
    """`flask export customers`, each time into another file."""
    made: list[Path] = []

    def run() -> Path:
        path = tmp_path / f"export{len(made)}.xlsx"
        made.append(path)
        result = runner.invoke(args=["export", "customers", "--out", str(path), "--json"])
        assert result.exit_code == 0, result.output
        return path

    return run


@pytest.fixture
def customers(basics: None, runner: FlaskCliRunner) -> None:
    """Invented customers of all kinds."""
    result = runner.invoke(
        args=["seed", "customers", "--count", str(CUSTOMERS), "--seed", "7", "--json"]
    )
    assert json.loads(result.stdout.strip().splitlines()[-1])["customers"] == CUSTOMERS


def read(path: Path) -> Table:
    rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [list(row) for row in rows]


def edit(path: Path, changes: dict[tuple[int, str], Any]) -> None:
    book = openpyxl.load_workbook(path)
    headings = {cell.value: cell.column for cell in book.active[1]}
    for (row, heading), value in changes.items():
        cell = book.active.cell(row, headings[heading])
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # a text that begins with = is no formula
    book.save(path)


def test_an_export_that_nobody_edited_changes_nothing(
    customers: None, export: Callable[[], Path], run_import: Import
) -> None:
    path = export()
    result = run_import("customers", path)
    assert (result["unchanged"], result["updated"], result["refused"]) == (CUSTOMERS, 0, [])
    assert read(export()) == read(path)


@FEW
@given(data=st.data())
def test_exactly_the_edited_cells_change(
    customers: None, export: Callable[[], Path], run_import: Import, data: st.DataObject
) -> None:
    path = export()
    table = read(path)
    where = st.tuples(st.integers(2, len(table)), st.sampled_from(sorted(CELLS)))
    places = data.draw(st.sets(where, min_size=1, max_size=12))
    changes = {place: data.draw(CELLS[place[1]], label=place[1]) for place in sorted(places)}
    at = {heading: place for place, heading in enumerate(table[0])}
    edited = set()
    for (row, heading), value in changes.items():
        wanted = None if value == "(empty)" else value
        if table[row - 1][at[heading]] != wanted:
            edited.add(row)
        table[row - 1][at[heading]] = wanted
    edit(path, changes)

    result = run_import("customers", path)

    assert result["refused"] == []
    assert (result["updated"], result["unchanged"]) == (len(edited), CUSTOMERS - len(edited))
    after = read(export())
    assert len(after) == len(table)
    by_number = {row[0]: row for row in after}
    for number, row in enumerate(table, start=1):
        found = by_number[row[0]]
        if number in edited:
            assert found[at[CHANGED]] > row[at[CHANGED]]
            found[at[CHANGED]] = row[at[CHANGED]]
        assert found == row
