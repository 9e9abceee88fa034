"""Finds journals: the list of the panel, by ISSN or title, and what is typed into a form."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session, selectinload

from app.catalogue.models import Journal, JournalTitle
from app.core import filters
from app.core.errors import Problem
from app.core.filters import Condition, begins_with
from app.core.listing import Listing
from app.core.portions import portions
from app.core.text import fold


@dataclass(frozen=True, slots=True)
class JournalName:
    """A journal as people tell it from others."""

    id: int
    title: str
    issn: str

    def __str__(self) -> str:
        return f"{self.title} ({self.issn})"


def _names(*where: Condition) -> Select[int, str, str | None, str | None]:
    columns = (Journal.id, Journal.title, Journal.print_issn, Journal.online_issn)
    return select(*columns).where(*where)


def _name(row: Any) -> JournalName:
    return JournalName(row.id, row.title, row.print_issn or row.online_issn)


def match_journals(
    session: Session, cells: Sequence[tuple[str | None, str | None]]
) -> list[JournalName | Problem]:
    """The journal that each pair of ISSN and title means, or what is wrong with it.

    The ISSN decides where there is one: as a print ISSN first, then as an online one. Without
    it the title does, former ones included. ISSNs are taken as checked.
    """
    by_issn = _by_issn(session, {issn for issn, _ in cells if issn})
    by_title = _by_title(session, {title for issn, title in cells if title and not issn})
    found: list[JournalName | Problem] = []
    for issn, title in cells:
        if issn:
            found.append(_only(by_issn.get(issn, []), "issn", "ISSN", issn))
        elif title:
            found.append(_only(by_title.get(fold(title), []), "journal", "Journal", title))
        else:
            found.append(Problem("issn", "ISSN is missing", "Give the ISSN or the exact title"))
    return found


def _only(names: list[JournalName], field: str, label: str, value: str) -> JournalName | Problem:
    if len(names) == 1:
        return names[0]
    if names:
        titles = ", ".join(str(name) for name in names)
        return Problem(field, f"{label} fits several journals", f"{value} may be: {titles}")
    return Problem(field, f"{label} is unknown", f"There is no journal {value} in the system")


def _by_issn(session: Session, issns: Iterable[str]) -> dict[str, list[JournalName]]:
    printed: dict[str, list[JournalName]] = defaultdict(list)
    online: dict[str, list[JournalName]] = defaultdict(list)
    for some in portions(sorted(issns)):
        found = _names(or_(Journal.print_issn.in_(some), Journal.online_issn.in_(some)))
        for row in session.execute(found.order_by(Journal.id)):
            name = _name(row)
            printed[row.print_issn].append(name)
            online[row.online_issn].append(name)
    return {**online, **printed}


def _by_title(session: Session, titles: Iterable[str]) -> dict[str, list[JournalName]]:
    """Present titles go before former ones."""
    present: dict[str, dict[int, JournalName]] = defaultdict(dict)
    former: dict[str, dict[int, JournalName]] = defaultdict(dict)
    for some in portions(sorted({fold(title)[:500] for title in titles})):
        for row in session.execute(
            _names(Journal.title_key.in_(some)).add_columns(Journal.title_key.label("key"))
        ):
            present[row.key][row.id] = _name(row)
        for row in session.execute(
            _names(JournalTitle.title_key.in_(some))
            .join(JournalTitle, JournalTitle.journal_id == Journal.id)
            .add_columns(JournalTitle.title_key.label("key"))
        ):
            former[row.key][row.id] = _name(row)
    return {key: list(names.values()) for key, names in {**former, **present}.items()}


def search_journals(session: Session, text: str, limit: int) -> list[tuple[int, str]]:
    """Number and name of the journals whose title or ISSN begins with, or whose title holds, the
    text; those that begin with it come first."""
    beginning = session.execute(
        _names(_begins(text)).order_by(Journal.sort_title, Journal.id).limit(limit)
    ).all()
    inside: Sequence[Any] = ()
    if len(beginning) < limit and len(text) > 2:
        inside = session.execute(
            _names(Journal.title_key.contains(fold(text), autoescape=True))
            .order_by(Journal.sort_title, Journal.id)
            .limit(limit)
        ).all()
    names = {row.id: str(_name(row)) for row in (*beginning, *inside)}
    return list(names.items())[:limit]


def journal_label(session: Session, journal_id: int) -> str | None:
    """The title and the ISSN of a journal."""
    row = session.execute(_names(Journal.id == journal_id)).first()
    return str(_name(row)) if row else None


def journal_labels(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The titles and ISSNs of many journals."""
    return {
        row.id: str(_name(row))
        for some in portions(sorted(set(ids)))
        for row in session.execute(_names(Journal.id.in_(some)))
    }


def journal_titles(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The titles of many journals."""
    return {
        row.id: row.title
        for some in portions(sorted(set(ids)))
        for row in session.execute(select(Journal.id, Journal.title).where(Journal.id.in_(some)))
    }


def holds(text: str) -> Condition:
    """The condition of a search: an ISSN, or words that all stand in the title or a former one."""
    issn = text.strip().upper()
    by_issn = or_(Journal.print_issn == issn, Journal.online_issn == issn)
    words = fold(text).split()
    if not words:
        return by_issn  # marks alone stand in no title
    in_title = [Journal.title_key.contains(word, autoescape=True) for word in words]
    in_former = [JournalTitle.title_key.contains(word, autoescape=True) for word in words]
    former = exists().where(JournalTitle.journal_id == Journal.id, *in_former)
    return or_(by_issn, and_(*in_title), former)


def _begins(text: str) -> Condition:
    issn = text.strip().upper()
    conditions = [begins_with(Journal.title_key, fold(text))]
    if issn[:4].isdecimal():
        conditions += [begins_with(one, issn) for one in (Journal.print_issn, Journal.online_issn)]
    return or_(*conditions)


JOURNALS = Listing(
    statement=select(Journal),
    filters=(
        filters.text("title", "Title", Journal.title_key, fold=fold, folded=True),
        filters.text("print_issn", "Print ISSN", Journal.print_issn, begins=True, fold=str.upper,
                     folded=True),
        filters.text("online_issn", "Online ISSN", Journal.online_issn, begins=True,
                     fold=str.upper, folded=True),
        filters.text("publisher", "Publisher", Journal.publisher),
        filters.present(
            "former_titles", "Former titles",
            apply=lambda yes: _has_former() if yes else ~_has_former(),
            choices=(("yes", "has former titles"), ("no", "has none")),
        ),
    ),
    sorts={"title": Journal.sort_title, "print_issn": Journal.print_issn},
    default_sort="title",
    search=holds,
    options=(selectinload(Journal.coverages), selectinload(Journal.former_titles)),
)  # fmt: skip


def _has_former() -> Condition:
    return exists().where(JournalTitle.journal_id == Journal.id)
