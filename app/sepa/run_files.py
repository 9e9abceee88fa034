"""The bank files of a run: how the limits split it, and each part written and checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.core import clock
from app.sepa.characters import MAX_POSTCODE, MAX_STREET, MAX_TOWN, legal_text
from app.sepa.message import (
    Address,
    Amendment,
    Block,
    BlockHead,
    Creditor,
    Debit,
    MessageHead,
)
from app.sepa.models import Collection, CollectionRun

IN_MEMORY = 8 * 1024 * 1024


@dataclass(slots=True)
class Stretch:
    """Collections of one sequence type within a part: those with ids from `first` to `last`."""

    sequence_type: str
    first: int
    last: int
    count: int
    total: Decimal


@dataclass(slots=True)
class Part:
    """One file of a run."""

    number: int
    message_id: str
    stretches: list[Stretch] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many debits the file holds."""
        return sum(one.count for one in self.stretches)

    @property
    def total(self) -> Decimal:
        """The sum of the file in euros."""
        return sum((one.total for one in self.stretches), Decimal(0))


def parts_of(session: Session, run: CollectionRun) -> list[Part]:
    """The files that the account's limits split a run into; collections in their order."""
    account = run.creditor_account
    parts: list[Part] = []
    rows = session.execute(
        select(Collection.id, Collection.sequence_type, Collection.amount)
        .where(Collection.run_id == run.id)
        .order_by(Collection.sequence_type, Collection.id)
        .execution_options(yield_per=5000)
    )
    for row in rows:
        full = (
            not parts
            or parts[-1].count >= account.max_transactions
            or parts[-1].total + row.amount > account.max_amount
        )
        if full:
            number = len(parts) + 1
            parts.append(Part(number, f"{run.number}-{number}"))
        stretches = parts[-1].stretches
        if not stretches or stretches[-1].sequence_type != row.sequence_type:
            stretches.append(Stretch(row.sequence_type, row.id, row.id, 0, Decimal(0)))
        stretches[-1].last = row.id
        stretches[-1].count += 1
        stretches[-1].total += row.amount
    return parts


@contextmanager
def write_part(session: Session, run: CollectionRun, part: Part) -> Iterator[BinaryIO]:
    """One part as a file, already read back and checked. Raises Refused with row and reason."""
    # Loaded here: only a run of direct debits needs what reads and writes XML.
    from app.sepa.schema_check import check_file
    from app.sepa.writer import write

    head = MessageHead(
        message_id=part.message_id,
        created_at=clock.now(),
        scheme=run.scheme,
        creditor=Creditor(
            run.creditor_name, run.creditor_identifier, run.creditor_iban, run.creditor_bic
        ),
        count=part.count,
        total=part.total,
    )
    with SpooledTemporaryFile(max_size=IN_MEMORY) as content:
        file = cast(BinaryIO, cast(IO[bytes], content))
        write(file, head, (_block(session, run, part, one) for one in part.stretches))
        file.seek(0)
        check_file(file)
        file.seek(0)
        yield file


def _block(session: Session, run: CollectionRun, part: Part, stretch: Stretch) -> Block:
    head = BlockHead(
        block_id=f"{part.message_id}-{stretch.sequence_type}",
        collection_date=run.collection_date,
        sequence_type=stretch.sequence_type,
        count=stretch.count,
        total=stretch.total,
    )
    rows = session.execute(
        select(Collection.__table__)
        .where(
            Collection.run_id == run.id,
            Collection.sequence_type == stretch.sequence_type,
            Collection.id.between(stretch.first, stretch.last),
        )
        .order_by(Collection.id)
        .execution_options(yield_per=1000)
    )
    return Block(head, (_debit(row) for row in rows))


def _debit(row: Row[tuple[object, ...]]) -> Debit:
    return Debit(
        end_to_end_id=row.end_to_end_id,
        amount=row.amount,
        mandate_reference=row.mandate_reference,
        signed_on=row.mandate_signed_on,
        name=row.debtor_name,
        iban=row.iban,
        remittance=row.remittance_text,
        bic=row.bic,
        address=_address(row),
        amendment=_amendment(row),
    )


def _address(row: Row[tuple[object, ...]]) -> Address | None:
    """The structured address, or none at all where town or country cannot be said."""
    town = legal_text(row.place or "", MAX_TOWN)
    if not town or not row.country:
        return None
    return Address(
        town=town,
        country=row.country,
        street=legal_text(row.street or "", MAX_STREET) or None,
        postcode=legal_text(row.postcode or "", MAX_POSTCODE) or None,
    )


def _amendment(row: Row[tuple[object, ...]]) -> Amendment | None:
    if not row.original_reference and not row.original_iban:
        return None
    return Amendment(
        original_reference=row.original_reference, account_changed=bool(row.original_iban)
    )
