"""Whether somebody has a journal's content, and why: pure, from what they hold.

Two axes are kept apart (domain.md, section 4): the *content* that a holding covers, and the *time*
in which it may be used. A perpetual right may be used for ever, a subscription while it runs.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from app.catalogue.coverage import OPEN_END, OPEN_START, Coverage, natural
from app.catalogue.coverage import in_words as coverage_in_words
from app.core.partial_date import PartialDate
from app.subscriptions import spans
from app.subscriptions.models import Format, SubscriptionSource, SubscriptionStatus
from app.subscriptions.spans import Span

_EMBARGO = re.compile(r"([PR])(\d+)([DMY])")


class Verdict(StrEnum):
    """The answer in a word. `unknown`: stated so that nobody can tell without looking it up."""

    YES = "yes"
    PARTLY = "partly"
    UNKNOWN = "unknown"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a customer holds of a journal: an authorization or a subscription."""

    kind: SubscriptionSource
    id: int
    coverage: Coverage
    basis: str = ""
    embargo: str | None = None
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    term_from: date | None = None
    term_to: date | None = None
    renewal: bool = False
    format: str | None = None

    @property
    def perpetual(self) -> bool:
        """A right for ever."""
        return self.kind == SubscriptionSource.PERPETUAL

    def usable(self, day: date) -> bool:
        """Whether it may be used on a day."""
        if self.perpetual:
            return True
        begun = self.term_from is None or self.term_from <= day
        ended = self.term_to is not None and self.term_to < day
        return self.status == SubscriptionStatus.ACTIVE and begun and not ended

    def days(self, day: date) -> list[Span]:
        """The content that it opens on a day, an embargo taken off; none where no date says."""
        if self.coverage.volume_only:
            return []
        return spans.common([(self.coverage.first, self.coverage.last)], _open(self.embargo, day))

    def __str__(self) -> str:
        """The claim by its basis and coverage: 'purchase 2010–2012'."""
        what = self.basis if self.perpetual else "subscription"
        text = f"{what} {coverage_in_words(self.coverage)}"
        notes = [f"embargo {self.embargo}"] if self.embargo else []
        if self.format == Format.PRINT:
            notes.append("in print only")
        return f"{text} ({', '.join(notes)})" if notes else text


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: a year, month or day of publication, a volume, or both; and when."""

    content: PartialDate | None
    volume: str | None
    day: date

    @property
    def span(self) -> Span | None:
        """The days of publication asked for."""
        if self.content is None:
            return None
        return self.content.first_day.toordinal(), self.content.last_day.toordinal()

    def __str__(self) -> str:
        parts = [str(self.content)] if self.content else []
        parts += [f"volume {self.volume}"] if self.volume else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with its reason in a sentence and the claims that it rests on."""

    verdict: Verdict
    reason: str
    sources: Sequence[Claim] = field(default=())

    @property
    def entitled(self) -> bool:
        """Whether at least a part of what was asked for may be used."""
        return self.verdict in (Verdict.YES, Verdict.PARTLY)


def answer(question: Question, claims: Iterable[Claim]) -> Answer:
    """The verdict on a question about one customer and one journal."""
    held = list(claims)
    usable = [one for one in held if one.usable(question.day)]
    giving, perhaps = [], []
    whole = False
    covered: list[Span] = []
    for one in usable:
        given = _given(question, one)
        if given is None:
            perhaps.append(one)
        elif given is True:
            whole = True
            giving.append(one)
        elif given:
            covered += given
            giving.append(one)
    if giving:
        span = question.span
        missing = [] if whole or span is None else spans.beyond([span], covered)
        if not missing:
            return Answer(Verdict.YES, _yes(question, giving), giving)
        return Answer(Verdict.PARTLY, _partly(covered, missing, giving), giving)
    if perhaps:
        return Answer(Verdict.UNKNOWN, _unknown(question, perhaps), perhaps)
    return Answer(Verdict.NO, _no(question, held, usable))


def _given(question: Question, claim: Claim) -> bool | list[Span] | None:
    """What a claim gives of the question: all of it, some days of it, or nothing; None where
    dates are asked for and volumes stated, or the other way round."""
    inside = None if question.volume is None else _holds_volume(claim.coverage, question.volume)
    if claim.coverage.volume_only:
        return inside
    if question.span is None:
        return _by_volume(claim, inside)
    return [] if inside is False else spans.common(claim.days(question.day), [question.span])


def _by_volume(claim: Claim, inside: bool | None) -> bool | None:
    """A volume asked for by itself, of a claim stated by date."""
    coverage = claim.coverage
    if coverage.start is None and coverage.end is None and not claim.embargo:
        return True
    return inside if inside is False or claim.embargo is None else None


def _holds_volume(coverage: Coverage, volume: str) -> bool | None:
    """Whether a volume lies between those stated; None where none are, or they cannot be compared.

    A volume of which issues are stated counts as held: a volume is asked for, not an issue.
    """
    first, last = coverage.first_volume, coverage.last_volume
    if first is None and last is None:
        return None
    if volume in (first, last):
        return True
    place = natural(volume)[0]
    bounds = [natural(one)[0] for one in (first, last) if one is not None]
    if not place or not all(bounds):
        return None
    low = first is None or natural(first)[0] <= place
    high = last is None or place <= natural(last)[0]
    if low and high and coverage.volume_only:
        return True
    # Beside dates a bound that names no volume may lie anywhere.
    open_ended = (first is None and coverage.start is not None) or (
        last is None and coverage.end is not None
    )
    return None if low and high and open_ended else low and high


def _open(embargo: str | None, day: date) -> list[Span]:
    """The content that an embargo leaves open on a day (KBART: P1Y hides the last year, R5Y shows
    the last five years only)."""
    found: list[Span] = [(OPEN_START, OPEN_END)]
    for kind, number, unit in _EMBARGO.findall(embargo or ""):
        edge = _back(day, int(number), unit).toordinal()
        limit = (OPEN_START, edge) if kind == "P" else (edge, OPEN_END)
        found = spans.common(found, [limit])
    return found


def _back(day: date, number: int, unit: str) -> date:
    """The day so many days, months or years before another."""
    if unit == "D":
        return date.fromordinal(max(1, day.toordinal() - number))
    year, month = divmod(day.year * 12 + day.month - 1 - number * (12 if unit == "Y" else 1), 12)
    if year < 1:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _yes(question: Question, giving: Sequence[Claim]) -> str:
    for_ever = [one for one in giving if one.perpetual]
    told = _listed([str(one) for one in for_ever or giving])
    if for_ever:
        return f"Yes, for ever: {question} is covered by {told}."
    ends = [one.term_to for one in giving]
    until = "until it is cancelled" if None in ends else f"until {max(d for d in ends if d)}"
    return f"Yes, {until}: {question} is covered by {told}; no perpetual right covers it."


def _partly(covered: list[Span], missing: list[Span], giving: Sequence[Claim]) -> str:
    have = _listed(spans.in_words(spans.union(covered)))
    told = _listed([str(one) for one in giving])
    lacking = _listed(spans.in_words(missing))
    return f"In part: {have} is covered by {told}; {lacking} is not."


def _unknown(question: Question, perhaps: Sequence[Claim]) -> str:
    told = _listed([str(one) for one in perhaps])
    if question.volume is None:
        return f"Cannot be told by date: there is {told}, stated by volume alone; ask for a volume."
    if question.content is None:
        return f"Cannot be told by volume: there is {told}; ask for the year as well."
    return f"Cannot be told: {told} may cover it, but its volumes cannot be compared."


def _no(question: Question, held: Sequence[Claim], usable: Sequence[Claim]) -> str:
    if not held:
        return "No: there is neither a perpetual right nor a subscription to this journal."
    lapsed = [one for one in held if one not in usable and _given(question, one)]
    if lapsed:
        return f"No: {_listed([_out_of_use(one, question.day) for one in lapsed])}."
    hidden = [one for one in usable if one.embargo and _given(question, _without_embargo(one))]
    if hidden:
        return f"No: {_listed([str(one) for one in hidden])} does not open it yet, or no longer."
    if not usable:
        return f"No: {_listed([_out_of_use(one, question.day) for one in held])}."
    return f"No: {question} lies outside of what is held: {_listed([str(o) for o in usable])}."


def _out_of_use(claim: Claim, day: date) -> str:
    """Why a subscription cannot be used."""
    if claim.status != SubscriptionStatus.ACTIVE:
        return f"the {claim} is {claim.status}"
    if claim.term_from is not None and claim.term_from > day:
        return f"the {claim} begins on {claim.term_from}"
    return f"the {claim} ended on {claim.term_to}"


def _without_embargo(claim: Claim) -> Claim:
    return Claim(claim.kind, claim.id, claim.coverage, claim.basis)


def _listed(texts: Sequence[str], most: int = 5) -> str:
    """Several things in a sentence: a, b and c."""
    shown = list(dict.fromkeys(texts))
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
