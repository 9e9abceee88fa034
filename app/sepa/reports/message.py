"""A bank's report as plain values: what the readers of pain.002 and camt give, item by item."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from app.sepa.reports.models import ReportKind, Told


class Scope(StrEnum):
    """What one statement of the bank is about."""

    ONE = "one collection"
    BLOCK = "a payment block"
    FILE = "a whole file"


@dataclass(frozen=True, slots=True)
class Variant:
    """A message in one of its versions, such as camt.053 in 001.08."""

    kind: ReportKind
    version: str

    @property
    def namespace(self) -> str:
        """The namespace of the message."""
        return f"urn:iso:std:iso:20022:tech:xsd:{self.kind}.{self.version}"

    def __str__(self) -> str:
        return f"{self.kind}.{self.version}"


@dataclass(frozen=True, slots=True)
class Item:
    """One statement of the bank: of a transaction, or of a block or file as a whole.

    `account` is that of the statement, None in a report that is of no account. `amount` is what the
    account was moved by, or what was collected, without a sign; `instructed` what was asked for.
    `count` is the number of transactions that a sum is said to hold. `detailed` tells that the
    same report speaks of this block or file in parts, too. `looks_like_ours` says whether an item
    that fits nothing is worth a person's look.
    """

    told: Told
    scope: Scope = Scope.ONE
    account: str | None = None
    end_to_end_id: str | None = None
    message_id: str | None = None
    block_id: str | None = None
    mandate_reference: str | None = None
    amount: Decimal | None = None
    instructed: Decimal | None = None
    charges: Decimal | None = None
    debited: bool = False
    currency: str | None = None
    count: int | None = None
    booked_on: date | None = None
    bank_reference: str | None = None
    status: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    party_name: str | None = None
    party_iban: str | None = None
    remittance_text: str | None = None
    detailed: bool = False
    looks_like_ours: bool = True
    problem: str | None = None


@dataclass(slots=True)
class Head:
    """What a report says of itself. It grows while the report is read."""

    variant: Variant
    message_id: str | None = None
    made_at: datetime | None = None
    # Statements by the account they are of, as the bank writes it.
    accounts: Counter[str] = field(default_factory=Counter)
    # Entries that are not booked yet; the bank tells of them again.
    pending: int = 0
    items: int = 0
    # Where they begin in the spool.
    start: int = 0
    schema_problem: str | None = None
