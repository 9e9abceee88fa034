"""The coverage of a journal as a picture: one lane for each kind of right, one for the gaps.

Drawn as SVG whose lengths are shares of its width, so that it fits every screen without scaling
its letters; the same spans stand below it as a table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from app.catalogue.coverage import OPEN_END, OPEN_START
from app.catalogue.coverage import in_words as coverage_in_words
from app.subscriptions import spans
from app.subscriptions.entitlements import Holding
from app.subscriptions.merging import coverage_of
from app.subscriptions.spans import Span
from app.subscriptions.verdicts import Claim

# Years named below the picture; more would run into each other.
MOST_YEARS = 8
# A bar of one day would be invisible.
LEAST_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Bar:
    """A span in the picture; `x` and `width` are percentages."""

    x: float
    width: float
    text: str
    open_start: bool
    open_end: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the picture. `kind` is the colour, too."""

    kind: str
    label: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Year:
    """A mark below the picture."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: what is covered, as what, and how long it may be used."""

    kind: str
    coverage: str
    usable: str
    source: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it, with a sentence that says what is to be seen."""

    lanes: Sequence[Lane]
    years: Sequence[Year]
    today: float | None
    summary: str
    lines: Sequence[Line]
    by_volume: Sequence[str]


def picture_of(held: Holding, day: date) -> Picture:
    """What a customer's coverage of a journal looks like on a day."""
    perpetual = [
        (one.first, one.last)
        for one in (coverage_of(row) for row in held.merged)
        if not one.volume_only
    ]
    ordinary = [one for one in held.claims if not one.perpetual]
    running = _days(one for one in ordinary if one.usable(day))
    over = _days(one for one in ordinary if not one.usable(day))
    missing = spans.gaps([*perpetual, *running])
    scale = _Scale.over([*perpetual, *running, *over], day)
    lanes = [
        Lane("perpetual", "Perpetual", scale.bars(perpetual)),
        Lane("subscribed", "Subscribed", scale.bars(running)),
    ]
    if over:
        lanes.append(Lane("over", "Not running", scale.bars(over)))
    lanes.append(Lane("gap", "Gaps", scale.bars(missing)))
    by_volume = [str(one) for one in held.claims if one.coverage.volume_only]
    summary = _summary(perpetual, running, missing)
    lines = [*_lines(held, ordinary, day), *_gap_lines(missing)]
    today = scale.share(day.toordinal())
    shown = today if 0 <= today <= 100 else None
    return Picture(lanes, scale.years(), shown, summary, lines, by_volume)


def _days(claims: Iterable[Claim]) -> list[Span]:
    found = [(one.coverage.first, one.coverage.last) for one in claims
             if not one.coverage.volume_only]  # fmt: skip
    return spans.union(found)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Days as shares of the picture's width, from the first to the last one shown."""

    first: int
    last: int

    @classmethod
    def over(cls, shown: Sequence[Span], day: date) -> "_Scale":
        """Wide enough for all bounds and the present year, with room where an end is open."""
        bounds = [one for span in shown for one in span if one not in (OPEN_START, OPEN_END)]
        years = [date.fromordinal(one).year for one in bounds] or [day.year - 10]
        low, high = min(*years, day.year), max(*years, day.year)
        if any(span[0] == OPEN_START for span in shown):
            low -= max(1, (high - low) // 10)
        return cls(date(max(1, low), 1, 1).toordinal(), date(min(9999, high), 12, 31).toordinal())

    def share(self, day: int) -> float:
        """Where the beginning of a day stands, in percent."""
        return 100 * (day - self.first) / (self.last + 1 - self.first)

    def bars(self, shown: Sequence[Span]) -> list[Bar]:
        """Spans as bars; open ends run to the edge."""
        found = []
        for (first, last), text in zip(shown, spans.in_words(shown), strict=True):
            x = max(0.0, self.share(first)) if first != OPEN_START else 0.0
            end = min(100.0, self.share(last + 1)) if last != OPEN_END else 100.0
            width = max(LEAST_SHARE, end - x)
            open_start, open_end = first == OPEN_START, last == OPEN_END
            found.append(Bar(round(x, 3), round(width, 3), text, open_start, open_end))
        return found

    def years(self) -> list[Year]:
        """Marks at round years, as many as can be read."""
        low, high = date.fromordinal(self.first).year, date.fromordinal(self.last).year
        step = next(
            (one for one in (1, 2, 5, 10, 20, 50, 100) if (high - low) // one < MOST_YEARS), 500
        )
        marks = range(-(-low // step) * step, high + 1, step)
        return [
            Year(round(self.share(date(year, 1, 1).toordinal()), 3), str(year)) for year in marks
        ]


def _summary(perpetual: Sequence[Span], running: Sequence[Span], missing: Sequence[Span]) -> str:
    parts = []
    for label, shown in (
        ("perpetual", spans.union(perpetual)), ("subscribed", running), ("gaps", missing)
    ):  # fmt: skip
        parts.append(f"{label}: {', '.join(spans.in_words(shown)) or 'none'}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _lines(held: Holding, ordinary: Sequence[Claim], day: date) -> list[Line]:
    found = [
        Line("perpetual", coverage_in_words(one), "for ever", _count(row.sources))
        for row, one in ((row, coverage_of(row)) for row in held.merged)
    ]
    for one in ordinary:
        kind = "subscribed" if one.usable(day) else "over"
        until = f"{one.term_from:%d.%m.%Y} – {one.term_to:%d.%m.%Y}" if one.term_to else (
            f"from {one.term_from:%d.%m.%Y} until it is cancelled"
        )  # fmt: skip
        found.append(Line(kind, coverage_in_words(one.coverage), until, str(one.status)))
    return found


def _gap_lines(missing: Sequence[Span]) -> list[Line]:
    return [Line("gap", text, "", "") for text in spans.in_words(missing)]


def _count(sources: Sequence[object]) -> str:
    return "1 authorization" if len(sources) == 1 else f"{len(sources)} authorizations"


KINDS = {
    "perpetual": "Perpetual",
    "subscribed": "Subscribed",
    "over": "Subscription that does not run",
    "gap": "Gap",
}
