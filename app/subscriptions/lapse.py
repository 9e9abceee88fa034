"""What goes and what stays when subscriptions are not renewed: pure, journal by journal."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.catalogue.coverage import in_words as coverage_in_words
from app.subscriptions import spans
from app.subscriptions.models import SubscriptionStatus
from app.subscriptions.spans import Span
from app.subscriptions.verdicts import Claim


@dataclass(frozen=True, slots=True)
class Lapse:
    """What becomes of one journal from a day on.

    `lost` and `kept` are the content of the lapsing subscriptions that can be used no more, and
    that which can. `by_volume` are rights stated by volume alone: they stay, but nobody can tell
    which of the days they cover. `lost_by_volume` says what such a subscription takes with it.
    """

    day: date
    lapsing: Sequence[Claim]
    remaining: Sequence[Claim]
    lost: Sequence[Span]
    kept: Sequence[Span]
    lost_by_volume: Sequence[str]
    by_volume: Sequence[Claim]

    @property
    def loses(self) -> bool:
        """Whether anything goes."""
        return bool(self.lost or self.lost_by_volume)


def lapse(claims: Iterable[Claim], chosen: Collection[int], today: date) -> Lapse:
    """What becomes of a journal if the chosen subscriptions are not renewed.

    It is looked at on the day after the last of them ends, or tomorrow for one that has no end.
    Other subscriptions are taken as renewed where they say so.
    """
    held = list(claims)
    lapsing = [one for one in held if not one.perpetual and one.id in chosen]
    last = max((one.term_to or today for one in lapsing), default=today)
    day = max(last, today) + timedelta(days=1)
    remaining = [one for one in held if one not in lapsing and _goes_on(one, day)]
    before = [span for one in lapsing for span in one.days(day)]
    after = [span for one in remaining for span in one.days(day)]
    stated = {one.coverage for one in remaining if one.coverage.volume_only}
    gone = [one for one in lapsing if one.coverage.volume_only and one.coverage not in stated]
    return Lapse(
        day=day,
        lapsing=lapsing,
        remaining=remaining,
        lost=spans.beyond(spans.union(before), after),
        kept=spans.common(before, after),
        lost_by_volume=[coverage_in_words(one.coverage) for one in gone],
        by_volume=[one for one in remaining if one.coverage.volume_only],
    )


def _goes_on(claim: Claim, day: date) -> bool:
    """Whether a claim is there on a day, taking for granted that it is renewed where it says so."""
    if claim.perpetual:
        return True
    if claim.status != SubscriptionStatus.ACTIVE:
        return False
    begun = claim.term_from is None or claim.term_from <= day
    return begun and (claim.term_to is None or claim.term_to >= day or claim.renewal)
