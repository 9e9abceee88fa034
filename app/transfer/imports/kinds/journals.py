"""Imports journals from KBART title lists; the catalogue decides which rows are one journal."""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy.orm import Session

from app.catalogue.kbart import journal_draft
from app.catalogue.operations_journals import plan_journals, upsert_journals
from app.catalogue.rules import Outcome
from app.core.actor import Actor
from app.core.errors import Refused
from app.transfer.imports.kinds.base import Judged, Judging, RowKind, Written, place
from app.transfer.imports.plan import Action, PlanLine
from app.transfer.imports.rows import ReadRow


class JournalKind(RowKind):
    """Each row is a journal with one coverage; rows of the same ISSN belong together."""

    name: ClassVar[str] = "journals"

    def claim(self, judging: Judging, row: ReadRow) -> None:
        """Rows may share everything: they add up to one journal."""

    def decide(self, judging: Judging, rows: list[ReadRow]) -> list[Judged]:
        """Ask the catalogue what it would make of the rows that are in order."""
        drafts = {}
        for row in rows:
            try:
                drafts[id(row)] = journal_draft(row.values)
            except Refused as refused:
                row.refuse_for(refused.problems)
        good = [row for row in rows if not row.refused]
        outcomes = plan_journals(judging.session, [drafts[id(row)] for row in good])
        decided = {id(row): outcome for row, outcome in zip(good, outcomes, strict=True)}
        return [_judged(row, decided.get(id(row))) for row in rows]

    def write(self, session: Session, lines: Sequence[PlanLine], *, actor: Actor) -> Written:
        """Sort the rows into journals."""
        drafts = [journal_draft(line.values) for line in lines]
        outcomes = [one.outcome for one in upsert_journals(session, drafts, actor=actor)]
        return Written(
            created=outcomes.count(Outcome.CREATED),
            updated=outcomes.count(Outcome.UPDATED),
            unchanged=outcomes.count(Outcome.UNCHANGED),
        )


def _judged(row: ReadRow, outcome: Outcome | None) -> Judged:
    if outcome is None or outcome is Outcome.UNCHANGED:
        return Judged(row)
    action = Action.CREATE if outcome is Outcome.CREATED else Action.UPDATE
    return Judged(row, action, PlanLine(action, row.values, [place(row)]))
