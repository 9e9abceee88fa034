"""What the forms and the import hand to the operations: authorizations and subscriptions to be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.catalogue.coverage import Coverage, coverage_problems, parse_coverage_date
from app.core.errors import Problem, Refused
from app.core.partial_date import PartialDate
from app.core.values import ValueProblem
from app.subscriptions.models import Basis, Format

NOTE_LENGTH = 2000
NUMBER_LENGTH = 20
_EMBARGO = re.compile(r"[PR][1-9]\d{0,3}[DMY](;[PR][1-9]\d{0,3}[DMY])?")
_NUMBERS = {
    "first_volume": "First volume",
    "first_issue": "First issue",
    "last_volume": "Last volume",
    "last_issue": "Last issue",
}


@dataclass(frozen=True, slots=True)
class AuthorizationDraft:
    """A journal authorization to be. `id` names the stored one that it takes the place of."""

    customer_id: int
    journal_id: int
    basis: Basis
    coverage: Coverage
    note: str | None = None
    id: int | None = None
    embargo: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """An ordinary subscription to be; the price is in euros for one term.

    Without a coverage of its own it covers its term.
    """

    customer_id: int
    journal_id: int
    term_from: date
    term_to: date | None = None
    coverage: Coverage | None = None
    copies: int | None = None
    format: Format | None = None
    price: Decimal | None = None
    renewal: bool = True
    ship_to_address_id: int | None = None
    note: str | None = None


def read_coverage(values: Mapping[str, Any]) -> Coverage:
    """The coverage that a form or a row states under coverage_from, coverage_to, first_volume,
    first_issue, last_volume and last_issue; blank ones may be missing.

    Raises Refused with a problem for every field that is wrong.
    """
    problems: list[Problem] = []
    start = _date(values.get("coverage_from"), "coverage_from", "Coverage from", problems)
    end = _date(values.get("coverage_to"), "coverage_to", "Coverage to", problems)
    numbers: dict[str, str | None] = {}
    for name, label in _NUMBERS.items():
        text = "" if values.get(name) is None else str(values[name]).strip()
        if len(text) > NUMBER_LENGTH:
            problems.append(Problem(name, f"{label} is longer than {NUMBER_LENGTH} characters"))
        numbers[name] = text or None
    coverage = Coverage(start, end, **numbers)
    problems += coverage_problems(coverage)
    if problems:
        raise Refused(problems)
    return coverage


def _date(raw: Any, name: str, label: str, problems: list[Problem]) -> PartialDate | None:
    try:
        return parse_coverage_date(raw, label)
    except ValueProblem as problem:
        problems.append(Problem(name, problem.reason, problem.hint))
        return None


def parse_embargo(raw: Any, label: str = "Embargo") -> str | None:
    """An embargo as KBART writes it: P1Y hides the last year, R5Y shows the last five only.

    Raises ValueProblem for anything else.
    """
    text = re.sub(r"\s+", "", str(raw or "")).upper()
    if text and not _EMBARGO.fullmatch(text):
        raise ValueProblem(
            f"{label} is not written as KBART does",
            "P6M hides the last six months, R5Y shows the last five years only",
        )
    return text or None
