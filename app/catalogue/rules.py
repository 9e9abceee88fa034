"""How the rows of title lists make journals: which title is the present one, which coverage is new.

Rows that share a print ISSN are one journal (domain.md, section 4). Whatever order the rows come
in, and however often, the journal ends up the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.catalogue.coverage import Coverage, natural

# What a row states of the journal itself, beside its titles and its print ISSN.
FACTS = ("online_issn", "publisher", "title_id", "title_url", "access_type")


@dataclass(frozen=True, slots=True)
class Holding:
    """A span of issues that the publisher holds, with what KBART says beside it."""

    coverage: Coverage
    embargo: str | None = None
    coverage_depth: str | None = None
    note: str | None = None

    @property
    def begins(self) -> tuple[object, ...]:
        """What tells one holding of a journal from another: where it begins.

        The next list of the publisher may state a later end for the same holding.
        """
        start = self.coverage
        return start.start, start.first_volume, start.first_issue, self.embargo

    @property
    def recency(self) -> tuple[object, ...]:
        """Sorts holdings by how far they reach towards the present."""
        span = self.coverage
        return span.last, span.first, natural(span.last_volume), natural(span.first_volume)


@dataclass(frozen=True, slots=True)
class JournalDraft:
    """A journal as one row of a title list states it. None says nothing."""

    title: str
    holding: Holding
    print_issn: str | None = None
    online_issn: str | None = None
    publisher: str | None = None
    title_id: str | None = None
    title_url: str | None = None
    access_type: str | None = None


@dataclass(slots=True)
class JournalState:
    """A journal with its former titles and its holdings, while rows are read into it."""

    title: str
    print_issn: str | None = None
    facts: dict[str, str | None] = field(default_factory=dict)
    former_titles: list[str] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)

    @classmethod
    def begun_by(cls, draft: JournalDraft) -> "JournalState":
        """A journal that nothing was known of."""
        facts = {name: getattr(draft, name) for name in FACTS}
        return cls(draft.title, draft.print_issn, facts, [], [draft.holding])

    def absorb(self, draft: JournalDraft, fold: Callable[[str], str]) -> bool:
        """Take a row in; tell whether anything changed. `fold` makes titles comparable.

        The row that reaches furthest towards the present names the journal and states its facts;
        the titles of the others are former ones.
        """
        leads = self._leads(draft.holding)
        changes = [
            self._take_title(draft.title, leads, fold),
            self._take_facts(draft, leads),
            self._take_holding(draft.holding),
        ]
        return any(changes)

    def _leads(self, holding: Holding) -> bool:
        others = [one for one in self.holdings if one.begins != holding.begins]
        return all(holding.recency >= one.recency for one in others)

    def _take_title(self, title: str, leads: bool, fold: Callable[[str], str]) -> bool:
        key = fold(title)
        if key == fold(self.title):
            changed = leads and title != self.title
            self.title = title if leads else self.title
            return changed
        if key in {fold(known) for known in self.former_titles}:
            return False
        if leads:
            title, self.title = self.title, title
        self.former_titles.append(title)
        return True

    def _take_facts(self, draft: JournalDraft, leads: bool) -> bool:
        changed = False
        if draft.print_issn and not self.print_issn:
            self.print_issn, changed = draft.print_issn, True
        for name in FACTS:
            stated = getattr(draft, name)
            stored = self.facts.get(name)
            if stated and stated != stored and (leads or not stored):
                self.facts[name], changed = stated, True
        return changed

    def _take_holding(self, holding: Holding) -> bool:
        for place, known in enumerate(self.holdings):
            if known.begins == holding.begins:
                # A blank cell leaves what is stored.
                whole = replace(
                    holding,
                    coverage_depth=holding.coverage_depth or known.coverage_depth,
                    note=holding.note or known.note,
                )
                self.holdings[place] = whole
                return whole != known
        self.holdings.append(holding)
        return True


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class JournalShelf:
    """Journals by their ISSNs, while the rows of a title list are sorted into them."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self.states: list[JournalState] = []
        self._fold = fold
        self._by_print: dict[str, int] = {}
        self._by_online: dict[str, list[int]] = {}

    def put(self, state: JournalState) -> int:
        """Stand a journal on the shelf; its place there."""
        place = len(self.states)
        self.states.append(state)
        self._index(place)
        return place

    def take(self, draft: JournalDraft) -> tuple[int, Outcome]:
        """Sort a row into its journal, or begin a new one: the place, and what became of it."""
        place = self._find(draft)
        if place is None:
            return self.put(JournalState.begun_by(draft)), Outcome.CREATED
        changed = self.states[place].absorb(draft, self._fold)
        if changed:
            self._index(place)
        return place, Outcome.UPDATED if changed else Outcome.UNCHANGED

    def _find(self, draft: JournalDraft) -> int | None:
        """The print ISSN decides. A row without one belongs to a journal with its online ISSN;
        a row with one, to such a journal too if that has no print ISSN yet."""
        if draft.print_issn and draft.print_issn in self._by_print:
            return self._by_print[draft.print_issn]
        candidates = self._by_online.get(draft.online_issn or "", ())
        if draft.print_issn:
            candidates = [one for one in candidates if not self.states[one].print_issn]
        return next(iter(candidates), None)

    def _index(self, place: int) -> None:
        state = self.states[place]
        if state.print_issn:
            self._by_print[state.print_issn] = place
        online = state.facts.get("online_issn")
        if online and place not in self._by_online.setdefault(online, []):
            self._by_online[online].append(place)
