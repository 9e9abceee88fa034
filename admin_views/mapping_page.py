"""The page on which a clerk says what the headings of a file mean: its rows, and what is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.transfer.columns import workbook_spec
from app.transfer.columns.base import Column, SheetSpec, WorkbookSpec
from app.transfer.imports import operations
from app.transfer.imports.headings import (
    LEFT_OUT,
    REASON_KEY,
    heading_keys,
    remember,
    said_of,
    suggested,
)
from app.transfer.imports.kinds import KINDS
from app.transfer.models import Import


@dataclass(slots=True)
class HeadingRow:
    """One heading of the file: what stands below it, and the field that it is said to be."""

    name: str  # of the field in the form
    key: str
    heading: str
    examples: list[str]
    chosen: str
    how: str = ""
    problem: str = ""


@dataclass(slots=True)
class MappedSheet:
    """One sheet of the file with its headings."""

    spec: SheetSpec
    title: str
    headings: list[str]
    rows: list[HeadingRow]
    problem: str = ""

    @property
    def choices(self) -> list[Column]:
        """The columns that a heading may mean, those of the template first."""
        offered = [column for column in self.spec.columns if not column.read_only]
        return sorted(offered, key=lambda column: not column.in_template)


@dataclass(slots=True)
class MappingPage:
    """All sheets of an upload."""

    spec: WorkbookSpec
    updating: bool
    sheets: list[MappedSheet] = field(default_factory=list)
    refused: bool = False

    @classmethod
    def of(cls, session: Session, one: Import) -> Self:
        """The page for an import, with what was said before or what is likely."""
        spec = workbook_spec(session, one.kind)
        updating = KINDS[one.kind].only_updates or bool(one.options.get("update"))
        page = cls(spec, updating)
        by_title = {sheet.title: sheet for sheet in spec.sheets}
        for place, told in enumerate(one.layout.get("sheets", ())):
            sheet = by_title.get(told.get("sheet", ""))
            if sheet is not None:
                page.sheets.append(_sheet(spec, sheet, told, place))
        return page

    def read(self, form: Mapping[str, str]) -> None:
        """Take over what was chosen."""
        for sheet in self.sheets:
            for row in sheet.rows:
                row.chosen = form.get(row.name, LEFT_OUT)
                row.how = ""

    def save(self, session: Session, one: Import, *, actor: Actor) -> Import:
        """Keep what was said, and have the upload checked again; the new import.

        Raises Refused at the headings that contradict each other.
        """
        for sheet in self.sheets:
            columns = {row.key: row.chosen for row in sheet.rows}
            try:
                remember(
                    session,
                    self.spec,
                    sheet.spec,
                    sheet.headings,
                    columns,
                    updating=self.updating,
                    actor=actor,
                )
            except Refused as refused:
                _tell(sheet, refused)
                raise
        return operations.check_again(
            session,
            one,
            actor=actor,
            update=bool(one.options.get("update")),
            match=str(one.options.get("match") or "number"),
        )

    def refuse(self, refused: Refused) -> None:
        """Show the page again; problems of no heading stand above the first sheet."""
        self.refused = True
        if not any(s.problem or any(r.problem for r in s.rows) for s in self.sheets):
            self.sheets[0].problem = str(refused)


def said_before(session: Session, one: Import) -> list[tuple[str, str]]:
    """The headings that were read, or left out, as somebody has said, each with its column."""
    sheets = [sheet for sheet in one.layout.get("sheets", ()) if sheet.get("said")]
    if not sheets:
        return []
    by_title = {sheet.title: sheet for sheet in workbook_spec(session, one.kind).sheets}
    told = []
    for sheet in sheets:
        spec = by_title[sheet["sheet"]]
        for heading, key in zip(sheet["headings"], heading_keys(sheet["headings"]), strict=True):
            field = sheet["said"].get(key)
            column = spec.by_field.get(field or LEFT_OUT)
            known = spec.by_heading.get(key)
            if field == LEFT_OUT and heading:
                told.append((heading, "not imported"))
            elif column is not None and (known is None or known.field != column.field):
                told.append((heading, column.label))
    return told


def _sheet(
    spec: WorkbookSpec, sheet: SheetSpec, told: Mapping[str, Any], place: int
) -> MappedSheet:
    headings = told["headings"]
    likely = suggested(sheet, headings, spec.mappings())
    said = said_of(spec, sheet.title, headings) or {}
    examples = told.get("examples") or [[] for _ in headings]
    rows = []
    for at, (heading, key) in enumerate(zip(headings, heading_keys(headings), strict=True)):
        if key and key != REASON_KEY:
            chosen = likely.get(key, LEFT_OUT)
            how = _how(sheet, key, chosen, said)
            shown = [text for text in examples[at] if text]
            rows.append(HeadingRow(f"heading-{place}-{at}", key, heading, shown, chosen, how))
    return MappedSheet(sheet, told["title"], headings, rows)


def _how(sheet: SheetSpec, key: str, chosen: str, said: Mapping[str, str]) -> str:
    """Where a choice comes from that nobody has made on this page."""
    if key in said:
        return "as last time"
    if not chosen:
        return ""
    known = sheet.by_heading.get(key)
    return "" if known is not None and known.field == chosen else "suggested"


def _tell(sheet: MappedSheet, refused: Refused) -> None:
    rows = {row.key: row for row in sheet.rows}
    for problem in refused.problems:
        if problem.field in rows:
            rows[problem.field].problem = problem.message
        else:
            sheet.problem = problem.message
