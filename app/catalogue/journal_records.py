"""Every state change of a single journal, as the panel makes them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.coverage import coverage_problems, in_words
from app.catalogue.models import Journal, JournalCoverage, JournalTitle
from app.catalogue.operations_journals import coverage_values, holding_of, title_values
from app.catalogue.rules import Holding
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.permissions import Permission
from app.core.text import fold

# Asked before a journal goes: each answers with why it is still needed, or None. Registered by
# the features that hang onto journals.
_still_needed: list[Callable[[Session, Sequence[int]], str | None]] = []

_PLAIN = (
    *("print_issn", "online_issn", "publisher", "title_id", "title_url"),
    *("access_type", "volumes_per_year", "note"),
)


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A journal as a person enters it; ISSNs are taken as checked."""

    title: str
    print_issn: str | None = None
    online_issn: str | None = None
    publisher: str | None = None
    title_id: str | None = None
    title_url: str | None = None
    access_type: str | None = None
    volumes_per_year: int | None = None
    note: str | None = None
    former_titles: Sequence[str] = field(default=())
    holdings: Sequence[Holding] = field(default=())


def keep_while(needed: Callable[[Session, Sequence[int]], str | None]) -> None:
    """Let a feature refuse the deletion of journals that it still needs."""
    _still_needed.append(needed)


def create_journal(session: Session, record: JournalRecord, *, actor: Actor) -> Journal:
    """A new journal. Raises Refused for a print ISSN that another journal has."""
    actor.require(Permission.CATALOGUE_EDIT)
    _check(session, record, None)
    journal = Journal()
    session.add(journal)
    _set(journal, record)
    session.flush()
    _tell(session, journal, {}, Action.CREATED, actor)
    return journal


def update_journal(
    session: Session, journal: Journal, record: JournalRecord, *, actor: Actor
) -> None:
    """Let a journal be as the record says, former titles and coverages included."""
    actor.require(Permission.CATALOGUE_EDIT)
    _check(session, record, journal.id)
    before = _facts(journal)
    _set(journal, record)
    if _facts(journal) == before:
        return
    # A change of titles or coverages alone counts as one of the journal, too.
    flag_modified(journal, "title")
    session.flush()
    _tell(session, journal, before, Action.CHANGED, actor)


def delete_journals(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Delete journals; how many. Raises Refused while something still needs one of them."""
    actor.require(Permission.CATALOGUE_EDIT)
    wanted = sorted(set(ids))
    reasons = [reason for needed in _still_needed if (reason := needed(session, wanted))]
    if reasons:
        raise Refused([Problem("", reason) for reason in reasons])
    journals = session.scalars(select(Journal).where(Journal.id.in_(wanted))).all()
    for journal in journals:
        _tell(session, journal, _facts(journal), Action.DELETED, actor)
        session.delete(journal)
    session.flush()
    return len(journals)


def _check(session: Session, record: JournalRecord, journal_id: int | None) -> None:
    problems: list[Problem] = []
    if not record.title:
        problems.append(Problem("title", "Title is missing"))
    if not record.print_issn and not record.online_issn:
        problems.append(
            Problem("print_issn", "ISSN is missing", "Give the print ISSN or the online ISSN")
        )
    if record.print_issn:
        holder = session.execute(
            select(Journal.id, Journal.title).where(Journal.print_issn == record.print_issn)
        ).first()
        if holder is not None and holder.id != journal_id:
            problems.append(
                Problem("print_issn", f"Print ISSN already used by {holder.title}",
                        "One print ISSN is one journal; edit that one")
            )  # fmt: skip
    for number, holding in enumerate(record.holdings):
        problems += [
            Problem(f"coverages-{number}-{problem.field}", problem.message, problem.hint)
            for problem in coverage_problems(holding.coverage)
        ]
    if problems:
        raise Refused(problems)


def _set(journal: Journal, record: JournalRecord) -> None:
    for name, value in title_values(record.title).items():
        setattr(journal, name, value)
    for name in _PLAIN:
        setattr(journal, name, getattr(record, name))
    titles = {fold(title)[:500]: title for title in record.former_titles}
    titles.pop(fold(record.title)[:500], None)
    kept = [one for one in journal.former_titles if one.title_key in titles]
    for one in kept:
        one.title = titles.pop(one.title_key)
    journal.former_titles = kept + [
        JournalTitle(title=title, title_key=key) for key, title in titles.items()
    ]
    wanted = list(record.holdings)
    stored = []
    for row in journal.coverages:
        if (holding := holding_of(row)) in wanted:
            wanted.remove(holding)
            stored.append(row)
    journal.coverages = stored + [_coverage(holding) for holding in wanted]


def _coverage(holding: Holding) -> JournalCoverage:
    values = coverage_values(0, holding)
    del values["journal_id"]
    return JournalCoverage(**values)


def _facts(journal: Journal) -> dict[str, object]:
    return {
        "title": journal.title,
        **{name: getattr(journal, name) for name in _PLAIN},
        "former_titles": "; ".join(one.title for one in journal.former_titles),
        "coverages": "; ".join(sorted(_holding_in_words(one) for one in journal.coverages)),
    }


def _holding_in_words(row: JournalCoverage) -> str:
    holding = holding_of(row)
    parts = (in_words(holding.coverage), holding.embargo, holding.coverage_depth, holding.note)
    return ", ".join(part for part in parts if part)


def _tell(
    session: Session, journal: Journal, before: dict[str, object], action: Action, actor: Actor
) -> None:
    audit.record_change(
        session,
        journal,
        before,
        after={} if action is Action.DELETED else _facts(journal),
        actor=actor,
        entity="journal",
        entity_label=journal.title,
        action=action,
    )
