"""A pain.008 message as plain values: what the writer writes and the reader gives back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Address:
    """An address: town and country are always there, street and postcode may be.

    A hybrid one has `lines` instead of a street.
    """

    town: str
    country: str
    street: str | None = None
    postcode: str | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Amendment:
    """What the mandate said before: an older reference, or (SMNDA) that the account is new."""

    original_reference: str | None = None
    account_changed: bool = False


@dataclass(frozen=True, slots=True)
class Debit:
    """One collection from one debtor. `amount` is in euros with two decimals."""

    end_to_end_id: str
    amount: Decimal
    mandate_reference: str
    signed_on: date
    name: str
    iban: str
    remittance: str
    bic: str | None = None
    address: Address | None = None
    amendment: Amendment | None = None


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who collects, into which account."""

    name: str
    identifier: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What a payment block says of itself: one collection date and one sequence type.

    `count` and `total` stand in the file before its debits, so they must be known beforehand.
    """

    block_id: str
    collection_date: date
    sequence_type: str
    count: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Block:
    """A payment block; `debits` may be a stream."""

    head: BlockHead
    debits: Iterable[Debit]


@dataclass(frozen=True, slots=True)
class MessageHead:
    """One file: one creditor account, one scheme. `created_at` is aware."""

    message_id: str
    created_at: datetime
    scheme: str
    creditor: Creditor
    count: int
    total: Decimal
