"""The sums of a preview or a run, gathered verdict by verdict; and how they are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zlib import crc32

from app.sepa.candidates import Candidate, Verdict
from app.sepa.rules import Caution, Exclusion

# The section of what is collected; the others are named after the members of the enums.
COLLECTED = "COLLECTED"


@dataclass(slots=True)
class Sum:
    """A number of invoices, and what they come to in euros."""

    count: int = 0
    amount: Decimal = Decimal("0.00")

    def add(self, amount: Decimal, count: int = 1) -> None:
        """Count one more, or several that come to the amount."""
        self.count += count
        self.amount += amount


@dataclass(slots=True)
class Totals:
    """What is collected, by sequence type; what is left out, by reason; what to look at.

    `digest` changes with anything that the bank would be told of any collection.
    """

    collected: Sum = field(default_factory=Sum)
    left_out: Sum = field(default_factory=Sum)
    again: Sum = field(default_factory=Sum)
    groups: dict[str, Sum] = field(default_factory=dict)
    reasons: dict[Exclusion, Sum] = field(default_factory=dict)
    cautions: dict[Caution, Sum] = field(default_factory=dict)
    digest: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one more invoice."""
        amount = verdict.amount
        if not isinstance(verdict, Candidate):
            self.left_out.add(amount)
            self.reasons.setdefault(verdict.reason, Sum()).add(amount)
            return
        self.collected.add(amount)
        self.groups.setdefault(verdict.sequence_type, Sum()).add(amount)
        if verdict.attempt > 1:
            self.again.add(amount)
        for caution in verdict.cautions:
            self.cautions.setdefault(caution, Sum()).add(amount)
        self.digest = crc32(verdict.mark.to_bytes(4), self.digest)

    def include(self, other: "Totals", marks: Iterable[int]) -> None:
        """Count all that others come to; `marks` are those of what they collect, in its order."""
        for mine, theirs in (
            (self.collected, other.collected),
            (self.left_out, other.left_out),
            (self.again, other.again),
            *((self.groups.setdefault(name, Sum()), one) for name, one in other.groups.items()),
            *((self.reasons.setdefault(name, Sum()), one) for name, one in other.reasons.items()),
            *((self.cautions.setdefault(name, Sum()), one) for name, one in other.cautions.items()),
        ):
            mine.add(theirs.amount, theirs.count)
        self.digest = crc32(b"".join(mark.to_bytes(4) for mark in marks), self.digest)

    def count_of(self, section: str) -> int:
        """How many invoices a section of the preview has."""
        if section == COLLECTED:
            return self.collected.count
        if section in Exclusion.__members__:
            return self.reasons.get(Exclusion[section], Sum()).count
        return self.cautions.get(Caution[section], Sum()).count

    def by_reason(self) -> list[tuple[Exclusion, Sum]]:
        """What is left out, the most frequent reason first."""
        return sorted(self.reasons.items(), key=lambda one: (-one[1].count, one[0].value))

    def as_json(self) -> dict[str, Any]:
        """The sums as they are kept."""
        return {
            "collected": _pair(self.collected),
            "left_out": _pair(self.left_out),
            "again": _pair(self.again),
            "groups": {name: _pair(one) for name, one in self.groups.items()},
            "reasons": {reason.name: _pair(one) for reason, one in self.reasons.items()},
            "cautions": {caution.name: _pair(one) for caution, one in self.cautions.items()},
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Totals":
        """The sums as they were kept."""
        return cls(
            collected=_sum(kept["collected"]),
            left_out=_sum(kept["left_out"]),
            again=_sum(kept["again"]),
            groups={name: _sum(pair) for name, pair in kept["groups"].items()},
            reasons={Exclusion[name]: _sum(pair) for name, pair in kept["reasons"].items()},
            cautions={Caution[name]: _sum(pair) for name, pair in kept["cautions"].items()},
            digest=kept["digest"],
        )


def sections_of(verdict: Verdict) -> Iterable[str]:
    """The sections of the preview in which an invoice stands."""
    if isinstance(verdict, Candidate):
        return (COLLECTED, *(caution.name for caution in verdict.cautions))
    return (verdict.reason.name,)


def is_section(name: str) -> bool:
    """Tell whether a preview can have a section of this name."""
    return name == COLLECTED or name in Exclusion.__members__ or name in Caution.__members__


def _pair(one: Sum) -> list[Any]:
    return [one.count, str(one.amount)]


def _sum(pair: list[Any]) -> Sum:
    return Sum(pair[0], Decimal(pair[1]))
