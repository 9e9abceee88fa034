"""What every kind of import does its own way: judge rows, and write what was decided.

A kind neither reads files nor commits: check.py hands it rows in batches, run.py hands it the
lines of a plan inside the transaction of a chunk.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.billing.rules import FIELD_LABELS as INVOICE_LABELS
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions
from app.customers.rules import FIELD_LABELS as CUSTOMER_LABELS
from app.transfer.imports.plan import Action, PlanLine
from app.transfer.imports.rows import ReadRow, Refusal
from app.transfer.imports.scratch import Scratch

BATCH = 1000  # rows that are judged together, with a few queries for all of them

# The headings of fields, for what comes up when a row itself is out of sight.
LABELS = {
    "mandate_reference": "Mandate reference",
    "changed_at": "Client last changed",
    "customer": "Customer",
    **{name: label for name, label in INVOICE_LABELS.items() if name != "number"},
    **CUSTOMER_LABELS,
}
Lookups = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Judging:
    """What a kind needs to judge rows: the database, the words, the notebook, the options."""

    session: Session
    lookups: Lookups
    scratch: Scratch
    updating: bool = False
    match: str = "number"


@dataclass(slots=True)
class Judged:
    """A row that has been judged: refused by its own refusals, or decided.

    `action` is None for a row that changes nothing. `line` is what will be written for it; a row
    that is written together with others has none of its own, and such a line comes without row.
    """

    row: ReadRow | None
    action: Action | None = None
    line: PlanLine | None = None


@dataclass(slots=True)
class Written:
    """What writing some lines came to. Refusals are collisions that came up since the check."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        """Count another portion in."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.refusals += other.refusals


class ImportKind(ABC):
    """One kind of import; `name` is that of its workbook and of the command."""

    name: ClassVar[str]
    updates: ClassVar[bool] = False  # whether existing records can be updated if asked for
    only_updates: ClassVar[bool] = False  # whether it does nothing else, asked or not

    @abstractmethod
    def judge(
        self, judging: Judging, sheets: Mapping[str, Iterator[ReadRow]], before: "ImportedBefore"
    ) -> Iterator[Judged]:
        """Judge all rows; `sheets` are their rows by the title of the sheet in the template."""

    @abstractmethod
    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Write lines of a plan through the operations, in the transaction under way."""


@dataclass(frozen=True, slots=True)
class ImportedBefore:
    """Which rows an earlier import of the same file has written: all but those it refused."""

    refused: frozenset[tuple[str, int]] | None = None

    def __contains__(self, row: ReadRow) -> bool:
        return self.refused is not None and (row.layout.title, row.number) not in self.refused


class RowKind(ImportKind):
    """A kind of one sheet, where each row stands for itself."""

    def judge(
        self, judging: Judging, sheets: Mapping[str, Iterator[ReadRow]], before: ImportedBefore
    ) -> Iterator[Judged]:
        """Judge the rows in batches, those that were imported before only for what they claim."""
        (rows,) = sheets.values()
        for batch in portions(rows, BATCH):
            for row in batch:
                self.claim(judging, row)
            fresh = [row for row in batch if row not in before]
            decided = dict(zip(map(id, fresh), self.decide(judging, fresh), strict=True))
            for row in batch:
                yield decided.get(id(row)) or Judged(row)

    @abstractmethod
    def claim(self, judging: Judging, row: ReadRow) -> None:
        """Claim what no two rows of a file may share, and refuse what is claimed already."""

    @abstractmethod
    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Judge rows against the rules and the database, one answer for each."""


def claim_unique(judging: Judging, row: ReadRow, field_name: str, key: str, label: str) -> None:
    """Claim a value for a row; refuse it at its column when another row of the file has it."""
    holder = judging.scratch.claim(field_name, key, row.number)
    if holder is not None and holder != row.number and not row.has_refusal(field_name):
        row.refuse(
            field_name,
            f"{label} already used by row {holder} of this file",
            "Keep it in one of the rows",
        )


def place(row: ReadRow) -> list[Any]:
    """Where a row stands, as a plan tells it."""
    return [row.layout.title, row.number]


def created(row: ReadRow) -> Judged:
    """A row that becomes a new record, unless it is refused."""
    if row.refused:
        return Judged(row)
    return Judged(row, Action.CREATE, PlanLine(Action.CREATE, row.values, [place(row)]))


def late_refusals(line: PlanLine, problems: Sequence[Problem]) -> list[Refusal]:
    """Why a line of a plan cannot be written any more, told at its first row."""
    sheet, number = line.rows[0]
    return [
        Refusal(
            sheet,
            number,
            LABELS.get(problem.field, problem.field),
            problem.message,
            hint=problem.hint,
        )
        for problem in problems
    ]
