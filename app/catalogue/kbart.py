"""Reads a row of a KBART title list (phases I and II, NISO RP-9-2014) as a journal."""

from collections.abc import Mapping
from typing import Any

from app.catalogue.coverage import Coverage, coverage_problems, parse_coverage_date
from app.catalogue.rules import Holding, JournalDraft
from app.core.errors import Problem, Refused
from app.core.partial_date import PartialDate
from app.core.values import ValueProblem


def journal_draft(cells: Mapping[str, Any]) -> JournalDraft:
    """A journal from the cells of a row, by the standard's names; a blank one may be missing.

    Raises Refused for a row that names no journal or that ends before it starts; the problems
    bear the standard's names too. ISSNs are taken as checked.
    """
    text = {name: str(value).strip() or None for name, value in cells.items() if value is not None}
    first, first_problems = _date(text, "date_first_issue_online")
    last, last_problems = _date(text, "date_last_issue_online")
    coverage = Coverage(
        start=first,
        end=last,
        first_volume=text.get("num_first_vol_online"),
        first_issue=text.get("num_first_issue_online"),
        last_volume=text.get("num_last_vol_online"),
        last_issue=text.get("num_last_issue_online"),
    )
    title = text.get("publication_title")
    problems = first_problems + last_problems
    if not title:
        problems.append(Problem("publication_title", "publication_title is missing"))
    if not text.get("print_identifier") and not text.get("online_identifier"):
        problems.append(
            Problem("print_identifier", "ISSN is missing", "Give the print or the online ISSN")
        )
    problems += [
        Problem("date_first_issue_online", problem.message, problem.hint)
        for problem in coverage_problems(coverage)
        # Volumes may begin anew with another series; only dates tell what is impossible.
        if problem.field == "coverage_from"
    ]
    if problems or title is None:
        raise Refused(problems)
    return JournalDraft(
        title=title,
        print_issn=text.get("print_identifier"),
        online_issn=text.get("online_identifier"),
        publisher=text.get("publisher_name"),
        title_id=text.get("title_id"),
        title_url=text.get("title_url"),
        access_type=text.get("access_type"),
        holding=Holding(
            coverage,
            embargo=text.get("embargo_info"),
            coverage_depth=text.get("coverage_depth"),
            note=text.get("notes") or text.get("coverage_notes"),
        ),
    )


def _date(text: Mapping[str, str | None], column: str) -> tuple[PartialDate | None, list[Problem]]:
    try:
        return parse_coverage_date(text.get(column), column), []
    except ValueProblem as problem:
        return None, [Problem(column, problem.reason, problem.hint)]
