"""The last look at a bank file before it is offered: the ISO schema, and what the schema misses.

The ISO schema passes a wrong IBAN, a garbage creditor identifier, a sum that does not add up, an
id with slashes and an address without a town. Banks do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from app.core.errors import Problem, Refused
from app.sepa.calendar import is_target_day
from app.sepa.characters import (
    MAX_NAME,
    MAX_POSTCODE,
    MAX_REMITTANCE,
    MAX_STREET,
    MAX_TOWN,
    is_legal_id,
    is_legal_text,
)
from app.sepa.message import Address, BlockHead, Creditor, Debit, MessageHead
from app.sepa.reader import read
from app.sepa.rules import (
    COUNTRIES_NEEDING_ADDRESS,
    Exclusion,
    amount_fits,
    iban_problem,
    is_valid_bic,
    is_valid_creditor_identifier,
)

MOST_PROBLEMS = 100
SCHEMES = frozenset({"CORE", "B2B"})
SEQUENCE_TYPES = frozenset({"FRST", "RCUR", "FNAL", "OOFF"})


@dataclass(slots=True)
class _Sums:
    """Counts and sums of what was read, for the block under way and for the file."""

    count: int = 0
    total: Decimal = Decimal(0)
    block_count: int = 0
    block_total: Decimal = Decimal(0)
    ids: set[str] = field(default_factory=set)
    block_ids: set[str] = field(default_factory=set)


def check_file(source: BinaryIO) -> MessageHead:
    """Read a whole file and give its head. Raises Refused with each row and reason.

    `Problem.field` is the end-to-end id of the row, or the id of the block or message.
    """
    problems: list[Problem] = []
    sums = _Sums()
    head: MessageHead | None = None
    for part in read(source):
        if isinstance(part, Debit):
            found = [Problem(part.end_to_end_id, said) for said in _debit_faults(part, sums)]
        elif isinstance(part, BlockHead):
            found = [Problem(part.block_id, said) for said in _block_faults(part, sums)]
        else:
            head = part
            found = [Problem(part.message_id, said) for said in _head_faults(part, sums)]
        problems += found
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise Refused(problems[:MOST_PROBLEMS])
    assert head is not None  # the schema demands it
    return head


def debit_faults(debit: Debit) -> Iterator[str]:
    """What a bank would refuse in one debit, sentence by sentence."""
    if not is_legal_id(debit.end_to_end_id):
        yield "The end-to-end id has characters that banks refuse"
    if not is_legal_id(debit.mandate_reference):
        yield str(Exclusion.MANDATE_REFERENCE)
    if not amount_fits(debit.amount):
        yield str(Exclusion.AMOUNT)
    if not is_legal_text(debit.name, MAX_NAME) or not any(c.isalnum() for c in debit.name):
        yield str(Exclusion.NAME_ILLEGAL)
    if not is_legal_text(debit.remittance, MAX_REMITTANCE):
        yield "The remittance text has characters that banks refuse"
    problem = iban_problem(debit.iban)
    if problem is not None:
        yield str(problem)
    if debit.bic is not None and not is_valid_bic(debit.bic):
        yield str(Exclusion.BIC_INVALID)
    if debit.iban[:2] in COUNTRIES_NEEDING_ADDRESS:
        if debit.bic is None:
            yield str(Exclusion.BIC_NEEDED)
        if debit.address is None:
            yield str(Exclusion.ADDRESS_NEEDED)
    if debit.address is not None:
        yield from _address_faults(debit.address)
    if debit.amendment is not None:
        original = debit.amendment.original_reference
        if original is None and not debit.amendment.account_changed:
            yield "The amendment of the mandate says nothing"
        if original is not None and not is_legal_id(original):
            yield str(Exclusion.MANDATE_REFERENCE)


def _address_faults(address: Address) -> Iterator[str]:
    if not address.town or not address.country:
        yield "The address has no place or no country"
    for value, limit in (
        (address.town, MAX_TOWN),
        (address.street, MAX_STREET),
        (address.postcode, MAX_POSTCODE),
    ):
        if value and not is_legal_text(value, limit):
            yield "The address has characters that banks refuse"


def _debit_faults(debit: Debit, sums: _Sums) -> Iterator[str]:
    sums.block_count += 1
    sums.block_total += debit.amount
    if debit.end_to_end_id in sums.ids:
        yield "The end-to-end id is not unique"
    sums.ids.add(debit.end_to_end_id)
    yield from debit_faults(debit)


def _block_faults(block: BlockHead, sums: _Sums) -> Iterator[str]:
    if (block.count, block.total) != (sums.block_count, sums.block_total):
        yield "The number or the sum of the payment block is not that of its collections"
    if not is_legal_id(block.block_id) or block.block_id in sums.block_ids:
        yield "The id of the payment block is not legal or not unique"
    if block.sequence_type not in SEQUENCE_TYPES:
        yield "The payment block has no known sequence type"
    if not is_target_day(block.collection_date):
        yield "The collection date is not a day on which banks work"
    sums.block_ids.add(block.block_id)
    sums.count, sums.total = sums.count + sums.block_count, sums.total + sums.block_total
    sums.block_count, sums.block_total = 0, Decimal(0)


def _head_faults(head: MessageHead, sums: _Sums) -> Iterator[str]:
    if (head.count, head.total) != (sums.count, sums.total):
        yield "The number or the sum of the file is not that of its collections"
    if not is_legal_id(head.message_id):
        yield "The id of the message has characters that banks refuse"
    if head.created_at.tzinfo is None or head.created_at.microsecond:
        yield "The time of creation is not in whole seconds with its zone"
    if head.scheme not in SCHEMES:
        yield "The local instrument is neither CORE nor B2B"
    yield from creditor_faults(head.creditor)


def creditor_faults(creditor: Creditor) -> Iterator[str]:
    """What a bank would refuse in the party that collects."""
    if not is_legal_text(creditor.name, MAX_NAME):
        yield "The creditor's name has characters that banks refuse"
    if not is_valid_creditor_identifier(creditor.identifier):
        yield "The creditor identifier is not valid"
    if iban_problem(creditor.iban) is not None:
        yield "The creditor's IBAN is not valid"
    if creditor.bic is not None and not is_valid_bic(creditor.bic):
        yield "The creditor's BIC is not valid"
