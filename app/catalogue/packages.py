"""Packages: journals that are sold together. Read, saved and deleted here."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.models import Journal, JournalPackage, PackageJournal
from app.catalogue.queries_journals import match_journals
from app.core import filters
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.listing import Listing
from app.core.permissions import Permission
from app.core.portions import portions
from app.core.values import ValueProblem, parse_issn

MOST_JOURNALS = 5000

PACKAGES = Listing(
    statement=select(JournalPackage),
    sorts={"name": filters.lowered(JournalPackage.name)},
    default_sort="name",
    search=lambda text: filters.lowered(JournalPackage.name).contains(
        text.lower(), autoescape=True
    ),
)


def read_journals(session: Session, text: str) -> list[int]:
    """The journals whose ISSNs stand at the beginnings of lines; what follows is passed over.

    Raises Refused with a problem for each line that names no journal, the first ten of them.
    """
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    problems: list[Problem] = []
    issns: list[tuple[int, str]] = []
    for number, words in lines:
        if not words:
            continue
        try:
            issns.append((number, parse_issn(words[0], "ISSN")))
        except ValueProblem as problem:
            problems.append(Problem("journals", f"Line {number}: {problem.reason}", problem.hint))
    found = match_journals(session, [(issn, None) for _, issn in issns])
    ids: dict[int, None] = {}
    for (number, _), one in zip(issns, found, strict=True):
        if isinstance(one, Problem):
            problems.append(Problem("journals", f"Line {number}: {one.message}", one.hint))
        else:
            ids[one.id] = None
    if len(ids) > MOST_JOURNALS:
        problems.append(
            Problem("journals", f"A package holds at most {MOST_JOURNALS:,} journals", "Make two")
        )
    if problems:
        raise Refused(problems[:10])
    return list(ids)


def in_lines(package: JournalPackage) -> str:
    """The journals of a package as the form shows them: ISSN and title."""
    return "\n".join(f"{one.print_issn or one.online_issn} {one.title}" for one in package.journals)


def save_package(
    session: Session,
    package: JournalPackage | None,
    *,
    name: str,
    note: str | None,
    journal_ids: Sequence[int],
    actor: Actor,
) -> JournalPackage:
    """Make or change a package. Raises Refused for a name that another one has."""
    actor.require(Permission.CATALOGUE_EDIT)
    if not name:
        raise Refused.because("Name is missing", field="name")
    taken = select(JournalPackage).where(func.lower(JournalPackage.name) == func.lower(name))
    if any(other is not package for other in session.scalars(taken)):
        raise Refused.because(f"There is a package {name} already", field="name")
    before = _told(package) if package is not None else {}
    package = package or JournalPackage()
    package.name, package.note = name, note
    session.add(package)
    package.journals = [
        one
        for some in portions(journal_ids)
        for one in session.scalars(select(Journal).where(Journal.id.in_(some)))
    ]
    if before and before != _told(package):
        flag_modified(package, "name")  # journals alone count as a change of the package, too
    session.flush()
    audit.record_change(
        session, package, before, after=_told(package), actor=actor, entity="package",
        entity_label=name,
    )  # fmt: skip
    return package


def delete_packages(session: Session, ids: Iterable[int], *, actor: Actor) -> int:
    """Delete packages; what was granted by them stays. How many."""
    actor.require(Permission.CATALOGUE_EDIT)
    wanted = select(JournalPackage).where(JournalPackage.id.in_(sorted(set(ids))))
    packages = session.scalars(wanted).all()
    for one in packages:
        audit.record(
            session, actor=actor, action=Action.DELETED, entity="package", entity_id=one.id,
            entity_label=one.name,
        )  # fmt: skip
        session.delete(one)
    session.flush()
    return len(packages)


def journals_of_package(session: Session, package_id: int) -> list[int]:
    """The journals of a package by their numbers, in ascending order."""
    mine = PackageJournal.package_id == package_id
    wanted = select(PackageJournal.journal_id).where(mine)
    return list(session.scalars(wanted.order_by(PackageJournal.journal_id)))


def journal_counts(session: Session, package_ids: Iterable[int]) -> dict[int, int]:
    """How many journals packages hold: they may be thousands, which no list should load."""
    column = PackageJournal.package_id
    counted = select(column, func.count()).where(column.in_(list(package_ids))).group_by(column)
    return {row[0]: row[1] for row in session.execute(counted)}


def all_packages(session: Session) -> list[tuple[int, str]]:
    """Every package that has journals, with how many."""
    rows = session.execute(
        select(JournalPackage.id, JournalPackage.name, func.count())
        .join(PackageJournal)
        .group_by(JournalPackage.id, JournalPackage.name)
        .order_by(func.lower(JournalPackage.name))
    )
    return [(key, f"{name} ({count:,} journals)") for key, name, count in rows]


def _told(package: JournalPackage) -> dict[str, Any]:
    journals = sorted(package.journals, key=lambda one: one.sort_title)
    return {
        "name": package.name,
        "note": package.note,
        "journals": "; ".join(one.print_issn or one.online_issn or "" for one in journals),
    }
