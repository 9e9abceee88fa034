"""Every state change of journals: title lists in bulk, and single ones from the panel."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff
from app.catalogue.coverage import Coverage, in_words
from app.catalogue.models import Journal, JournalCoverage, JournalTitle
from app.catalogue.rules import FACTS, Holding, JournalDraft, JournalShelf, JournalState, Outcome
from app.core import undo
from app.core.actor import Actor
from app.core.bulk import insert_rows
from app.core.partial_date import PartialDate
from app.core.permissions import Permission
from app.core.portions import portions
from app.core.text import fold, sort_key

_JOURNALS: Any = Journal.__table__
_COVERAGES: Any = JournalCoverage.__table__


@dataclass(frozen=True, slots=True)
class JournalOutcome:
    """What became of a row: the journal it went into, and whether that is new or changed."""

    journal_id: int
    outcome: Outcome


@dataclass(slots=True)
class _Stored:
    """What the database held of a journal before rows were sorted into it."""

    id: int
    state: JournalState
    holding_ids: list[int] = field(default_factory=list)


def plan_journals(session: Session, drafts: Sequence[JournalDraft]) -> list[Outcome]:
    """What `upsert_journals` would make of these rows, in their order. Writes nothing."""
    shelf, _ = _shelf(session, drafts)
    return [shelf.take(draft)[1] for draft in drafts]


def upsert_journals(
    session: Session, drafts: Sequence[JournalDraft], *, actor: Actor
) -> list[JournalOutcome]:
    """Sort rows of a title list into journals, in bulk; the same rows again change nothing.

    A row counts as created when its journal is, as updated when it brings that journal something
    new: a coverage, a title, an address.
    """
    actor.require(Permission.CATALOGUE_IMPORT)
    shelf, stored = _shelf(session, drafts)
    taken = [shelf.take(draft) for draft in drafts]
    new = shelf.states[len(stored) :]
    ids = [one.id for one in stored] + _insert(session, new, actor)
    changed = [
        (one, state) for one, state in zip(stored, shelf.states, strict=False) if one.state != state
    ]
    _update(session, changed, actor)
    return [JournalOutcome(ids[place], outcome) for place, outcome in taken]


def _shelf(session: Session, drafts: Sequence[JournalDraft]) -> tuple[JournalShelf, list[_Stored]]:
    """A shelf with the stored journals that the drafts may belong to, at the first places."""
    stored = _load(session, drafts)
    shelf = JournalShelf(fold)
    for one in stored:
        shelf.put(deepcopy(one.state))
    return shelf, stored


def _load(session: Session, drafts: Sequence[JournalDraft]) -> list[_Stored]:
    found: dict[int, _Stored] = {}
    for column, issns in (
        (Journal.print_issn, {draft.print_issn for draft in drafts}),
        (Journal.online_issn, {draft.online_issn for draft in drafts}),
    ):
        for some in portions(sorted(issn for issn in issns if issn)):
            for row in session.execute(
                select(
                    Journal.id, Journal.title, Journal.print_issn,
                    *(getattr(Journal, name) for name in FACTS),
                ).where(column.in_(some))
            ):  # fmt: skip
                facts = {name: getattr(row, name) for name in FACTS}
                found[row.id] = _Stored(row.id, JournalState(row.title, row.print_issn, facts))
    for ids in portions(sorted(found)):
        for title in session.execute(
            select(JournalTitle.journal_id, JournalTitle.title)
            .where(JournalTitle.journal_id.in_(ids))
            .order_by(JournalTitle.id)
        ):
            found[title.journal_id].state.former_titles.append(title.title)
        for row in session.execute(
            select(*_COVERAGES.columns)
            .where(JournalCoverage.journal_id.in_(ids))
            .order_by(JournalCoverage.id)
        ):
            found[row.journal_id].state.holdings.append(holding_of(row))
            found[row.journal_id].holding_ids.append(row.id)
    return [found[key] for key in sorted(found)]


def holding_of(row: Any) -> Holding:
    """The holding that a stored coverage states."""
    return Holding(
        Coverage(
            PartialDate.parse(row.first),
            PartialDate.parse(row.last),
            row.first_volume,
            row.first_issue,
            row.last_volume,
            row.last_issue,
        ),
        row.embargo,
        row.coverage_depth,
        row.note,
    )


def coverage_values(journal_id: int, holding: Holding) -> dict[str, Any]:
    """The columns of a stored coverage."""
    span = holding.coverage
    return {
        "journal_id": journal_id,
        "first": str(span.start) if span.start else None,
        "last": str(span.end) if span.end else None,
        "first_day": span.start.first_day if span.start else None,
        "last_day": span.end.last_day if span.end else None,
        "first_volume": span.first_volume,
        "first_issue": span.first_issue,
        "last_volume": span.last_volume,
        "last_issue": span.last_issue,
        "embargo": holding.embargo,
        "coverage_depth": holding.coverage_depth,
        "note": holding.note,
    }


def title_values(title: str) -> dict[str, str]:
    """A journal's title with what is derived from it."""
    return {"title": title, "title_key": fold(title)[:500], "sort_title": sort_key(title)[:80]}


def _journal_values(state: JournalState) -> dict[str, Any]:
    return {**title_values(state.title), "print_issn": state.print_issn, **state.facts}


def _insert(session: Session, states: Sequence[JournalState], actor: Actor) -> list[int]:
    if not states:
        return []
    rows = [{**_journal_values(state), "version": 1} for state in states]
    ids = insert_rows(session, _JOURNALS, rows)
    undo.note_inserted(session, _JOURNALS, [(key,) for key in ids])
    pairs = list(zip(ids, states, strict=True))
    _insert_titles(session, [(key, title) for key, one in pairs for title in one.former_titles])
    _insert_holdings(session, [(key, holding) for key, one in pairs for holding in one.holdings])
    audit.record_many(
        session,
        [
            audit.entry(
                actor=actor, action=Action.CREATED, entity="journal", entity_id=key,
                entity_label=state.title, changes=diff(Journal, {}, told(state)),
            )
            for key, state in pairs
        ],
    )  # fmt: skip
    return ids


def _update(
    session: Session, changed: Sequence[tuple[_Stored, JournalState]], actor: Actor
) -> None:
    if not changed:
        return
    table = _JOURNALS
    ids = [one.id for one, _ in changed]
    undo.note_updated(session, table, _rows(session, table, ids))
    session.connection().execute(
        table.update()
        .where(table.c.id == bindparam("row_id"))
        .values(version=table.c.version + 1, **{
            name: bindparam(f"new_{name}") for name in _journal_values(changed[0][1])
        }),
        [
            {"row_id": one.id, **{f"new_{k}": v for k, v in _journal_values(state).items()}}
            for one, state in changed
        ],
    )  # fmt: skip
    _insert_titles(
        session,
        [
            (one.id, title)
            for one, state in changed
            for title in state.former_titles[len(one.state.former_titles) :]
        ],
    )
    _insert_holdings(
        session,
        [
            (one.id, holding)
            for one, state in changed
            for holding in state.holdings[len(one.holding_ids) :]
        ],
    )
    _update_holdings(session, changed)
    audit.record_many(
        session,
        [
            audit.entry(
                actor=actor, action=Action.CHANGED, entity="journal", entity_id=one.id,
                entity_label=state.title,
                changes=diff(Journal, told(one.state), told(state)),
            )
            for one, state in changed
        ],
    )  # fmt: skip


def _update_holdings(session: Session, changed: Sequence[tuple[_Stored, JournalState]]) -> None:
    table = _COVERAGES
    new = {
        key: coverage_values(one.id, after)
        for one, state in changed
        for key, before, after in zip(
            one.holding_ids, one.state.holdings, state.holdings, strict=False
        )
        if before != after
    }
    if not new:
        return
    undo.note_updated(session, table, _rows(session, table, sorted(new)))
    for key, values in new.items():
        session.connection().execute(table.update().where(table.c.id == key).values(**values))


def _insert_titles(session: Session, titles: Iterable[tuple[int, str]]) -> None:
    rows = [
        {"journal_id": key, "title": title, "title_key": fold(title)[:500]} for key, title in titles
    ]
    _insert_children(session, JournalTitle, rows)


def _insert_holdings(session: Session, holdings: Iterable[tuple[int, Holding]]) -> None:
    _insert_children(session, JournalCoverage, [coverage_values(*one) for one in holdings])


def _insert_children(
    session: Session, model: type[JournalTitle] | type[JournalCoverage], rows: list[dict[str, Any]]
) -> None:
    table: Any = model.__table__
    ids = insert_rows(session, table, rows)
    undo.note_inserted(session, table, [(key,) for key in ids])


def _rows(session: Session, table: Any, ids: Sequence[int]) -> list[dict[str, Any]]:
    """The rows as they are, for the undo journal."""
    return [
        dict(row._mapping)
        for some in portions(ids)
        for row in session.execute(select(table).where(table.c.id.in_(some)))
    ]


def told(state: JournalState) -> dict[str, Any]:
    """What the history tells of a journal."""
    return {
        "title": state.title,
        "print_issn": state.print_issn,
        **state.facts,
        "former_titles": "; ".join(state.former_titles),
        "coverages": "; ".join(in_words(holding.coverage) for holding in state.holdings),
    }
