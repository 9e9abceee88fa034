"""The bank files of a run: how the limits split it, and each part written, checked and kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.core import clock, storage
from app.core.errors import Problem, Refused
from app.core.storage import KeptBytes
from app.customers.collisions import record_address
from app.customers.models import Customer
from app.sepa.addresses import make_address
from app.sepa.message import Amendment, Block, BlockHead, Creditor, Debit, MessageHead
from app.sepa.models import Collection, CollectionRun

PURPOSE = "bank-file"
IN_MEMORY = 1024 * 1024
MOST_TOLD = 10
CHANGED = "The collections are no longer those that the run was created with"
MEND = "Nothing was filed: cancel the run, mend it, and collect again"
# Told the number of collections written, now and then; may raise to stop.
Progress = Callable[[int], None]


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


@dataclass(frozen=True, slots=True)
class Written:
    """One part of a run whose bytes are checked and in the store, but belong to nothing yet."""

    part: Part
    kept: KeptBytes


def write_files(
    session: Session, run: CollectionRun, progress: Progress = lambda _: None
) -> list[Written]:
    """Write, check and keep the bytes of every part; only reads the database.

    Raises Refused with the invoice, the customer and the reason where a bank would refuse one;
    then nothing is kept.
    """
    parts = parts_of(session, run)
    count = sum(part.count for part in parts)
    total = sum((part.total for part in parts), Decimal(0))
    if (count, total) != (run.collection_count, run.amount):
        raise Refused.because(CHANGED, hint=MEND)
    counted = _Counted(progress)
    written: list[Written] = []
    try:
        written.extend(Written(one, _write_part(session, run, one, counted)) for one in parts)
    except BaseException:
        discard(written)
        raise
    return written


def discard(written: Sequence[Written]) -> None:
    """Delete bytes that no file will point to."""
    for one in written:
        storage.storage.remove(one.kept.key)


class _Counted:
    """Counts the debits of all parts as they are written."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.count = progress, 0

    def each(self, debits: Iterator[Debit]) -> Iterator[Debit]:
        """The same debits, counted."""
        for debit in debits:
            yield debit
            self.count += 1
            if self.count % 1000 == 0:
                self.progress(self.count)


def parts_of(session: Session, run: CollectionRun) -> list[Part]:
    """The files that the account's limits split a run into; collections in their order."""
    account = run.creditor_account
    parts: list[Part] = []
    rows = session.execute(
        select(Collection.id, Collection.sequence_type, Collection.amount)
        .where(Collection.run_id == run.id)
        .order_by(Collection.sequence_type, Collection.id)
        .execution_options(yield_per=1000)
    )
    for row in rows:
        full = (
            not parts
            or parts[-1].count >= account.max_transactions
            or parts[-1].total + row.amount > account.max_amount
            or (
                account.one_block_per_file
                and parts[-1].stretches[-1].sequence_type != row.sequence_type
            )
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


def _write_part(session: Session, run: CollectionRun, part: Part, counted: _Counted) -> KeptBytes:
    """One part written, read back, checked and kept."""
    # Loaded here: only a run of direct debits needs what reads and writes XML.
    from app.sepa.schema_check import Limits, check_file
    from app.sepa.writer import TotalsError, write

    head = MessageHead(
        message_id=part.message_id,
        created_at=_now(),
        scheme=run.scheme,
        creditor=Creditor(
            run.creditor_name, run.creditor_identifier, run.creditor_iban, run.creditor_bic
        ),
        count=part.count,
        total=part.total,
    )
    with SpooledTemporaryFile(max_size=IN_MEMORY) as content:
        file = cast(BinaryIO, cast(IO[bytes], content))
        try:
            blocks = (_block(session, run, part, one, counted) for one in part.stretches)
            write(file, head, blocks)
            file.seek(0)
            check_file(file, Limits.of(run.creditor_account))
        except TotalsError as error:
            raise Refused.because(CHANGED, hint=MEND) from error
        except ValueError as error:
            # A character that no XML may hold.
            raise Refused.because(f"A text cannot stand in a bank file: {error}") from error
        except Refused as refused:
            raise Refused(_with_rows(session, run, refused.problems)) from refused
        return storage.keep_bytes(file, purpose=PURPOSE)


def _now() -> datetime:
    return clock.now().replace(microsecond=0)


def _with_rows(
    session: Session, run: CollectionRun, problems: Sequence[Problem]
) -> Iterator[Problem]:
    """The problems of a file in the words of who has to mend them: which invoice, whose."""
    told = problems[:MOST_TOLD]
    rows = session.execute(
        select(Collection.end_to_end_id, Invoice.number, Customer.number)
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .join(Customer, Customer.id == Collection.customer_id)
        .where(
            Collection.run_id == run.id,
            Collection.end_to_end_id.in_({one.field for one in told}),
        )
    )
    known = {id_: (invoice, owner) for id_, invoice, owner in rows}
    for one in told:
        if one.field in known:
            invoice, owner = known[one.field]
            yield Problem(
                one.field,
                f"Invoice {invoice} of customer {owner}: {one.message}",
                link=(f"Customer {owner}", record_address(owner)),
            )
        else:
            yield one
    if len(problems) > len(told):
        yield Problem("", f"There are at least {len(problems) - len(told):,} more such rows")
    yield Problem("", MEND)


def _block(
    session: Session, run: CollectionRun, part: Part, stretch: Stretch, counted: _Counted
) -> Block:
    head = BlockHead(
        block_id=f"{part.message_id}-{stretch.sequence_type}",
        collection_date=run.collection_date,
        sequence_type=stretch.sequence_type,
        count=stretch.count,
        total=stretch.total,
    )
    hybrid = run.creditor_account.hybrid_addresses
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
    return Block(head, counted.each(_debit(row, hybrid) for row in rows))


def _debit(row: Row[tuple[object, ...]], hybrid: bool) -> Debit:
    return Debit(
        end_to_end_id=row.end_to_end_id,
        amount=row.amount,
        mandate_reference=row.mandate_reference,
        signed_on=row.mandate_signed_on,
        name=row.debtor_name,
        iban=row.iban,
        remittance=row.remittance_text,
        bic=row.bic,
        address=make_address(row.street, row.postcode, row.place, row.country, hybrid=hybrid),
        amendment=_amendment(row),
    )


def _amendment(row: Row[tuple[object, ...]]) -> Amendment | None:
    """What the bank has to be told of the mandate: what was changed and changed back is nothing."""
    reference, iban = row.original_reference, row.original_iban
    amended = Amendment(
        original_reference=reference if reference and reference != row.mandate_reference else None,
        account_changed=bool(iban) and iban != row.iban,
    )
    return amended if amended != Amendment() else None
