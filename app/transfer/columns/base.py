"""What a column of a workbook is: one definition serves the importer, the template, the exporter.

A sheet is a list of columns, a workbook a list of sheets. The labels are a contract with
outsiders (design.md, section 5): they never change, new spellings become aliases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from app.core.permissions import Permission


class Form(StrEnum):
    """How a column's values stand in a cell: the type the exporter writes, the template formats."""

    TEXT = "text"  # kept as text, also where it looks like a number: postcodes, phones, numbers
    WHOLE = "whole number"
    AMOUNT = "amount"  # Decimal euros, two decimals
    DATE = "date"
    MOMENT = "moment"  # a date with time, in milliseconds
    YES_NO = "yes or no"
    CHOICE = "choice"  # one of the words that `choices` names
    LIST = "list"  # several of them, separated by semicolons
    COVERAGE = "coverage"  # a year, a month or a day: 2010, 2010-03, 2010-03-15


class Part(StrEnum):
    """What of a record a column's value is written to."""

    RECORD = "record"
    NUMBER = "number"  # says which record is meant, and is never written
    ADDRESS = "address"
    PRODUCTS = "products"
    MANDATE = "mandate"


class Clear:
    """What `(empty)` in a cell stands for in an update: take the stored value away."""

    def __repr__(self) -> str:
        return "CLEAR"


CLEAR: Final = Clear()
CLEAR_WORD: Final = "(empty)"
REASON_LABEL: Final = "Reason"  # the column of an error workbook that is ignored when it comes back


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a parser may look at: the values of the row read so far, and the stored words.

    `lookups` maps the name of a source of choices to its folded words and their values;
    `country` is the one in which phones are read where the row names none.
    """

    values: Mapping[str, Any]
    lookups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    country: str | None = None


Parse = Callable[[Any, str, RowContext], Any]
# The field of each heading; an empty one for what is left out knowingly.
Mapped = Mapping[str, str]
Mappings = Mapping[tuple[str, str], Mapped]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `label` heads it, `field` names its value for the operations and the exporter.

    `parse(raw, label, context)` returns the value or raises ValueProblem; it never sees a blank.
    `needs` names fields that must be read before this one (a phone needs the country).
    `choices` names a source in `choices.py` whose words the template offers as a drop-down.
    `part` says what of a record the value is written to, where it is not the record itself.
    `hints` are what other programs call it: never taken for a heading, only offered as likely.
    `masked` columns show only the last four characters without `permission`.
    Columns that are not `in_template` are known when they come, but not offered.
    """

    label: str
    field: str
    parse: Parse
    form: Form = Form.TEXT
    aliases: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    part: Part = Part.RECORD
    required: bool = False
    note: str = ""
    example: Any = None
    width: int = 18
    choices: str = ""
    needs: tuple[str, ...] = ()
    permission: Permission | None = None
    masked: bool = False
    read_only: bool = False
    in_template: bool = True

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading this column is known by, normalised."""
        return tuple(heading_key(name) for name in (self.label, *self.aliases))

    def hidden(self) -> "Column":
        """The same column where it is known when it comes, but not offered by the template."""
        return replace(self, in_template=False)


@dataclass(frozen=True)
class SheetSpec:
    """One sheet: its title, its columns in the order of the template, and what a row is."""

    title: str
    columns: tuple[Column, ...]
    row_name: str
    optional: bool = False

    @cached_property
    def by_heading(self) -> dict[str, Column]:
        """The columns by every normalised heading they are known by."""
        return {heading: column for column in self.columns for heading in column.headings}

    @cached_property
    def by_field(self) -> dict[str, Column]:
        """The columns by the field they fill."""
        return {column.field: column for column in self.columns}

    @cached_property
    def reading_order(self) -> tuple[Column, ...]:
        """The columns with those that need others last."""
        return tuple(sorted(self.columns, key=lambda column: bool(column.needs)))


@dataclass(frozen=True)
class WorkbookSpec:
    """A kind of workbook: `name` as on the command line, `title` and `about` for people.

    A workbook of one sheet may come as CSV or TSV too. `mappings` gives what clerks have said of
    other headings, by the title of the sheet and the key of all its headings (headings.py).
    """

    name: str
    title: str
    about: str
    sheets: tuple[SheetSpec, ...]
    permission: Permission
    has_template: bool = True
    mappings: Callable[[], "Mappings"] = dict


def heading_key(heading: str) -> str:
    """A heading as it is compared: case and surrounding or doubled blanks do not matter.

    The asterisk that marks a required column in the template is no part of it.
    """
    return " ".join(heading.replace("*", " ").split()).casefold()
