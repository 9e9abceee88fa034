"""Which institution a "Customer" cell means, and what hangs on which of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import Problem
from app.core.text import fold
from app.customers.queries import find_customers
from app.transfer.columns.base import CLEAR
from app.transfer.imports.kinds.base import BATCH, Judging, place
from app.transfer.imports.plan import Action, PlanLine, dump_values, load_values
from app.transfer.imports.rows import ReadRow

NAMED_BY: Final = ("company_name", "email", "number", "former_number")
UNKNOWN: Final = "Customer is not in this file nor in the system"


@dataclass(frozen=True, slots=True)
class Owner:
    """An institution: a new one by its row in the file, or a stored one by its id."""

    row: int | None = None
    target: int | None = None


class Institutions:
    """The institutions of one file, and what waits to be written with them."""

    def __init__(self, judging: Judging) -> None:
        self._session = judging.session
        self._scratch = judging.scratch
        self._named: dict[str, set[int]] = {}
        self._targets: dict[int, int] = {}
        self._refused: set[int] = set()
        self._places: dict[int, list[Any]] = {}

    def know(self, row: ReadRow, target: int | None) -> None:
        """Remember an institution of the file, under everything that it may be called by."""
        for name in NAMED_BY:
            value = row.values.get(name)
            if value is not None and value is not CLEAR:
                self._named.setdefault(fold(str(value)), set()).add(row.number)
        self._places[row.number] = place(row)
        if row.refused:
            self._refused.add(row.number)
        elif target is not None:
            self._targets[row.number] = target
        else:
            self._scratch.keep("new", row.number, dump_values(row.values))

    def owners_of(self, rows: Sequence[ReadRow]) -> dict[int, Owner]:
        """The institution of each row, by the id() of the row; refuses rows that have none."""
        owners: dict[int, Owner] = {}
        elsewhere = []
        for row in rows:
            if row.has_refusal("customer"):
                continue
            numbers = self._named.get(fold(str(row.values["customer"])), set())
            if not numbers:
                elsewhere.append(row)
            elif len(numbers) > 1:
                several = ", ".join(str(number) for number in sorted(numbers))
                row.refuse(
                    "customer",
                    "Customer fits several customers of this file",
                    f"Rows {several} are called so; use the email",
                )
            elif (number := next(iter(numbers))) in self._refused:
                where = f"row {number} of the sheet “{self._places[number][0]}”"
                row.refuse("customer", f"Customer in {where} is refused", "Mend that row first")
            elif number in self._targets:
                owners[id(row)] = Owner(target=self._targets[number])
            else:
                owners[id(row)] = Owner(row=number)
        return owners | self._in_the_system(elsewhere)

    def _in_the_system(self, rows: Sequence[ReadRow]) -> dict[int, Owner]:
        owners = {}
        found = find_customers(self._session, [str(row.values["customer"]) for row in rows])
        for row, one in zip(rows, found, strict=True):
            if isinstance(one, Problem):
                unknown = one.message == "Customer is unknown"
                row.refuse("customer", UNKNOWN if unknown else one.message, one.hint)
            else:
                owners[id(row)] = Owner(target=one.id)
        return owners

    def hang(self, owner: Owner, what: str, row: ReadRow, part: dict[str, Any]) -> None:
        """Keep an address or an authorization until its institution is written."""
        key = f"row:{owner.row}" if owner.target is None else f"target:{owner.target}"
        kept = dump_values({"what": what, "place": place(row), "part": part})
        self._scratch.append(key, kept)

    def lines(self) -> Iterator[PlanLine]:
        """What to write: each new institution with all that hangs on it, then the additions."""
        for number, values in self._scratch.kept("new"):
            line = PlanLine(Action.CREATE, load_values(values), [self._places[number]])
            for _, kept in self._scratch.kept(f"row:{number}"):
                _add(line, load_values(kept))
            yield line
        for owner in self._scratch.owners("target:"):
            target = int(owner.partition(":")[2])
            line = PlanLine(Action.CREATE, {}, [], target=target)
            for _, kept in self._scratch.kept(owner):
                _add(line, load_values(kept))
                if len(line.rows) == BATCH:
                    yield line
                    line = PlanLine(Action.CREATE, {}, [], target=target)
            if line.rows:
                yield line


def _add(line: PlanLine, kept: dict[str, Any]) -> None:
    line.rows.append(kept["place"])
    line.parts.setdefault(kept["what"], []).append(kept["part"])
