"""Headings that differ from ours: what they are likely to mean, and what clerks have said."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.errors import Problem, Refused
from app.core.text import fold
from app.transfer.columns.base import (
    REASON_LABEL,
    Column,
    Mapped,
    Mappings,
    SheetSpec,
    WorkbookSpec,
    heading_key,
)
from app.transfer.models import ColumnMapping

LEFT_OUT: Final = ""  # what stands for the field of a heading that is left out
_LIKELY: Final = 84  # of 100: from here on a likeness is offered
REASON_KEY: Final = heading_key(REASON_LABEL)


def heading_keys(headings: Sequence[str]) -> list[str]:
    """A key for each heading; the second of two alike ends in (2), a blank one has a blank key."""
    seen: Counter[str] = Counter()
    keys = []
    for heading in headings:
        key = heading_key(heading)
        seen[key] += 1
        keys.append(f"{key} ({seen[key]})" if key and seen[key] > 1 else key)
    return keys


def key_of(headings: Sequence[str]) -> str:
    """What stands for all headings of a sheet together, in whatever order."""
    keys = sorted({key for key in heading_keys(headings) if key and key != REASON_KEY})
    return hashlib.sha256("\n".join(keys).encode("utf-8", "replace")).hexdigest()


def said_of(spec: WorkbookSpec, sheet: str, headings: Sequence[str]) -> Mapped | None:
    """What a clerk has said of exactly these headings of a sheet, if anybody has."""
    return spec.mappings().get((sheet, key_of(headings)))


def suggested(sheet: SheetSpec, headings: Sequence[str], mappings: Mappings) -> dict[str, str]:
    """The likely field of each heading by its key; headings without a likely one are left out.

    First what was said of exactly these, then what is known, then what was said of the same
    heading in other company, at last what looks alike.
    """
    keys = [key for key in heading_keys(headings) if key and key != REASON_KEY]
    known = sheet.by_heading
    fields = sheet.by_field
    found: dict[str, str] = {}
    free = {name for name, column in fields.items() if not column.read_only}

    def take(key: str, field: str | None) -> None:
        if field and key not in found and field in free:
            found[key] = field
            free.discard(field)

    said = mappings.get((sheet.title, key_of(headings)), {})
    for key in keys:
        take(key, said.get(key))
    for key in keys:
        if key in known and key not in said:
            take(key, known[key].field)
    earlier = [one for (title, _), one in mappings.items() if title == sheet.title]
    for one in reversed(earlier):
        for key in keys:
            take(key, one.get(key))
    likely = ((score, key, field) for key in keys for field, score in _alike(key, sheet.columns))
    for _score, key, field in sorted(likely, key=lambda one: -one[0]):
        if said.get(key) != LEFT_OUT:
            take(key, field)
    return found


def _alike(key: str, columns: Iterable[Column]) -> list[tuple[str, float]]:
    """The fields whose names resemble a heading, with the likeness of each."""
    # Loaded here: only headings that nobody knows are compared.
    from rapidfuzz import fuzz, process

    names = {
        (column.field, name): fold(name)
        for column in columns
        for name in (column.label, *column.aliases, *column.hints)
    }
    found = process.extract(fold(key), names, scorer=fuzz.ratio, score_cutoff=_LIKELY, limit=5)
    return [(field, score) for _name, score, (field, _) in found]


def remember(
    session: Session,
    spec: WorkbookSpec,
    sheet: SheetSpec,
    headings: Sequence[str],
    columns: Mapped,
    *,
    updating: bool,
    actor: Actor,
) -> None:
    """Keep what a clerk says of the headings of a sheet, for this file and the next of the kind.

    `columns` gives the field of each heading by its key. Raises Refused at the headings that
    contradict each other, and for required columns that none is said to be.
    """
    actor.require(spec.permission)
    keys = [key for key in heading_keys(headings) if key and key != REASON_KEY]
    said = {key: columns.get(key) or LEFT_OUT for key in keys}
    _check(sheet, dict(zip(heading_keys(headings), headings, strict=True)), said, updating)
    place = {"kind": spec.name, "sheet": sheet.title, "headings_key": key_of(headings)}
    values = {"columns": said, "changed_by_label": actor.label, "changed_at": clock.now()}
    wanted = select(ColumnMapping).filter_by(**place)
    if session.scalar(wanted) is None:
        with suppress(IntegrityError), session.begin_nested():  # another clerk may be first
            session.add(ColumnMapping(**place, **values))
    session.execute(update(ColumnMapping).filter_by(**place).values(**values))


def _check(
    sheet: SheetSpec, headings: Mapping[str, str], said: Mapping[str, str], updating: bool
) -> None:
    problems = []
    holders: dict[str, str] = {}
    for key, field in said.items():
        column = sheet.by_field.get(field) if field else None
        if field and column is None:
            problems.append(Problem(key, "This column is not known"))
        elif column is not None and field in holders:
            first = headings[holders[field]]
            problems.append(Problem(key, f"“{first}” is “{column.label}” already"))
        elif field:
            holders[field] = key
    missing = [] if updating else missing_columns(sheet, holders)
    if missing:
        problems.append(Problem("", missing_sentence(missing)))
    if problems:
        raise Refused(problems)


def missing_columns(sheet: SheetSpec, fields: Iterable[str]) -> list[Column]:
    """The required columns that are not among these fields."""
    there = set(fields)
    return [one for one in sheet.columns if one.required and one.field not in there]


def missing_sentence(missing: Sequence[Column]) -> str:
    """What to say about required columns that are not there."""
    names = ", ".join(f"“{column.label}”" for column in missing)
    return f"The required {'columns' if len(missing) > 1 else 'column'} {names} cannot be found."
