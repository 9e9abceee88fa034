"""Two people have saved the same record: what each of them changed, and what the form shall hold.

Three states of the form are compared: what it showed when it was opened (`written.py`), what was
typed, what is stored now. What only the other person changed goes into the form by itself; what
both changed stays as it was typed, and is marked; either can be turned round on the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import Field

from admin_views import written
from admin_views.forms import KontorForm, in_words_of
from admin_views.written import Values, fields_below, is_rows

MINE, THEIRS = "mine", "theirs"
Row = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, or one whole row, that differs between what was typed and what is stored.

    `name` is its name in the form, "" for a row that is no longer there. `taken` says whose value
    stands in the form. `row` marks a whole row; `absent` says on whose side there is none.
    """

    top: str
    name: str
    label: str
    base: Any
    mine: Any
    theirs: Any
    both: bool
    taken: str
    raw_mine: Sequence[str] = ()
    raw_theirs: Sequence[str] = ()
    row: bool = False
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The values that the form shall hold now, and how it came to them."""

    values: Values
    differences: Sequence[Difference]
    # Whether the page told what it had shown; else all that differs counts as changed by both.
    known: bool

    @property
    def clashes(self) -> int:
        """How many fields both people changed."""
        return sum(one.both for one in self.differences)


class Comparer:
    """Compares the forms of one record; `view` knows the labels of chosen records."""

    def __init__(
        self, view: Any, base: KontorForm | None, mine: KontorForm, theirs: KontorForm
    ) -> None:
        self.view = view
        self.base, self.mine, self.theirs = base, mine, theirs
        self.values: Values = {}
        self.found: list[Difference] = []

    def compare(self) -> Comparison:
        """Go through the fields in the order in which the page shows them."""
        for field in (one for _, fields in self.mine.shown_groups() for one in fields):
            if not written.is_compared(field):
                continue
            if field.short_name not in self.theirs:
                self.values |= {one.name: written.written(one) for one in fields_below(field)}
            elif is_rows(field):
                self._rows(field)
            else:
                base = self.base[field.short_name] if self.base is not None else None
                self._field(field, base, self.theirs[field.short_name], field.name, "")
        return Comparison(self.values, self.found, self.base is not None)

    def _field(self, mine: Field, base: Field | None, theirs: Field, name: str, place: str) -> None:
        """One field: `name` is its name in the form to be shown, `place` the row it stands in."""
        own, other = _raw(mine), _raw(theirs)
        opened = _raw(base) if base is not None else None
        typed = opened is None or own != opened
        taken = own if typed or own == other else other
        self.values |= {name + one: value for one, value in taken.items()}
        if own == other or other == opened:
            return
        self.found.append(
            Difference(
                top=_top(mine),
                name=name,
                label=f"{place} · {mine.label.text}" if place else mine.label.text,
                base=self._words(base),
                mine=self._words(mine),
                theirs=self._words(theirs),
                both=typed,
                taken=MINE if typed else THEIRS,
                raw_mine=next(iter(own.values()), []),
                raw_theirs=next(iter(other.values()), []),
            )
        )

    def _rows(self, field: Field) -> None:
        """The rows of a list, matched by the number of what they stand for."""
        word = (field.render_kw or {}).get("row", field.label.text)
        base = dict(_by_key(self.base[field.short_name])) if self.base is not None else {}
        theirs = dict(_by_key(self.theirs[field.short_name]))
        number = 0
        seen = set()
        for key, entry in _by_key(field):
            place, name = f"{word} {number + 1}", f"{field.name}-{number}"
            other, opened = theirs.get(key), base.get(key)
            seen.add(key)
            if other is not None:
                self._row(entry, opened, other, name, place)
            elif opened is None and (key.startswith("new") or self.base is not None):
                self.values |= _named(entry, name)
            elif opened is not None and _content(entry) == _content(opened):
                self._whole(field, word, "", opened, entry, None, both=False)
                continue
            else:  # typed into what the other person removed: it comes back as a new one
                self.values |= _named(entry, name)
                if "id" in entry.form:
                    self.values[f"{name}-id"] = [""]
                self._whole(field, place, name, opened, entry, None, both=True)
            number += 1
        for key, other in theirs.items():
            opened = base.get(key)
            if key in seen or (opened is not None and _content(other) == _content(opened)):
                continue  # compared already, or removed on purpose
            place, name = f"{word} {number + 1}", f"{field.name}-{number}"
            self.values |= _named(other, name)
            both = opened is not None or self.base is None
            self._whole(field, place, name, opened, None, other, both=both)
            number += 1

    def _row(self, mine: Field, base: Field | None, theirs: Field, name: str, place: str) -> None:
        for inner in mine:
            self._field(
                inner,
                base[inner.short_name] if base is not None else None,
                theirs[inner.short_name],
                f"{name}-{inner.short_name}",
                place,
            )

    def _whole(
        self,
        field: Field,
        label: str,
        name: str,
        base: Field | None,
        mine: Field | None,
        theirs: Field | None,
        *,
        both: bool,
    ) -> None:
        self.found.append(
            Difference(
                top=field.short_name,
                name=name,
                label=label,
                base=self._words(base),
                mine=self._words(mine),
                theirs=self._words(theirs),
                both=both,
                taken=MINE if theirs is None and both else THEIRS,
                row=True,
                absent=MINE if mine is None else THEIRS,
            )
        )

    def _words(self, field: Field | None) -> Any:
        return None if field is None else in_words_of(field, self.view)


def _raw(field: Field) -> dict[str, list[str]]:
    """What a browser would send of a field, by what follows its name."""
    return {one.name.removeprefix(field.name): written.written(one) for one in fields_below(field)}


def _by_key(field: Field) -> Iterator[tuple[str, Field]]:
    """The rows of a list with what tells them apart: the stored number, else the place."""
    for place, entry in enumerate(field.entries):
        if "id" not in entry.form:
            yield f"at {place}", entry
            continue
        key = str(entry.form["id"].data or "")
        yield (f"id {key}" if key else f"new {place}"), entry


def _content(entry: Field) -> Row:
    return {name.rpartition("-")[2]: value for name, value in _raw(entry).items()}


def _named(entry: Field, name: str) -> Values:
    return {f"{name}-{inner}": value for inner, value in _content(entry).items()}


def _top(field: Field) -> str:
    return str(field.name).partition("-")[0]


def changed_by(entries: Sequence[Any], names: Sequence[str]) -> Mapping[str, Any]:
    """The newest history entry about each of these fields of a form, of entries newest first."""
    found = {}
    for name in names:
        # The history says "products" where the form says "product_ids".
        said = {name, name.removesuffix("_id"), name.removesuffix("_ids") + "s"}
        for entry in entries:
            if said & set(entry.changes or {}):
                found[name] = entry
                break
    return found
