"""The last look at a bank file before it is offered: the ISO schema, and what the schema misses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO

from app.core.errors import Problem, Refused
from app.sepa.file_rules import block_faults, debit_faults, head_faults, written_faults
from app.sepa.message import Creditor, MessageHead
from app.sepa.models import CreditorAccount
from app.sepa.reader import (
    BLOCK,
    DEBIT,
    Element,
    SchemaError,
    block_of,
    creditor_of,
    debit_of,
    first_wrong_line,
    head_of,
    read_elements,
)
from app.sepa.rules import Exclusion

MOST_PROBLEMS = 100
_ID = re.compile(rb"<EndToEndId>([^<]*)</EndToEndId>")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the bank takes in one file of this account."""

    transactions: int
    amount: Decimal
    one_block: bool

    @classmethod
    def of(cls, account: CreditorAccount) -> "Limits":
        """The limits of a creditor account."""
        return cls(account.max_transactions, account.max_amount, account.one_block_per_file)


@dataclass(slots=True)
class _Seen:
    """What was read so far: sums of the block under way and of the file, ids, what is the same."""

    limits: Limits | None
    count: int = 0
    total: Decimal = Decimal(0)
    block_count: int = 0
    block_total: Decimal = Decimal(0)
    ids: set[str] = field(default_factory=set)
    block_ids: set[str] = field(default_factory=set)
    kinds: set[tuple[date, str]] = field(default_factory=set)
    schemes: set[str] = field(default_factory=set)
    creditors: set[Creditor] = field(default_factory=set)
    created: date | None = None


def check_file(source: BinaryIO, limits: Limits | None = None) -> MessageHead:
    """Read a whole file and give its head. Raises Refused with each row and reason.

    `Problem.field` is the end-to-end id of the row, or the id of the block or message. A file
    within `limits` is one that the bank takes for this account.
    """
    try:
        return _checked(source, limits)
    except SchemaError as error:
        # Our own sentences say it better, if they say it at all.
        source.seek(0)
        _checked(source, limits, by_schema=False)
        source.seek(0)
        found = _ID.findall(first_wrong_line(source))
        row = found[0].decode() if len(found) == 1 else ""
        raise Refused([Problem(row, str(error))]) from error


def _checked(source: BinaryIO, limits: Limits | None, *, by_schema: bool = True) -> MessageHead:
    problems: list[Problem] = []
    seen = _Seen(limits)
    group, block = None, None
    for element in read_elements(source, checked=by_schema):
        if element.tag == DEBIT:
            problems += _of_debit(element, seen)
        elif element.tag == BLOCK:
            block = element
            problems += _of_block(element, seen)
        else:
            group = element
            seen.created = _day(element.say("CreDtTm"))
        if len(problems) >= MOST_PROBLEMS:
            raise Refused(problems[:MOST_PROBLEMS])
    if group is None or block is None:
        raise Refused.because("The file has no head or no collections")
    try:
        head = head_of(group, block)
        problems += [Problem(head.message_id, said) for said in _of_head(group, head, seen)]
    except ValueError as error:
        problems.append(Problem(group.say("MsgId"), str(error)))
    if problems:
        raise Refused(problems)
    return head


def _of_debit(element: Element, seen: _Seen) -> list[Problem]:
    row = element.say("PmtId/EndToEndId")
    seen.block_count += 1
    found = list(written_faults(element))
    try:
        debit = debit_of(element)
    except ValueError as error:
        return [Problem(row, said) for said in (*found, str(error))]
    seen.block_total += debit.amount
    if row in seen.ids:
        found.append("The end-to-end id is not unique")
    seen.ids.add(row)
    if seen.limits is not None and debit.amount > seen.limits.amount:
        found.append(str(Exclusion.AMOUNT_OVER_FILE))
    found += debit_faults(debit)
    return [Problem(row, said) for said in found]


def _of_block(element: Element, seen: _Seen) -> list[Problem]:
    try:
        head = block_of(element)
    except ValueError as error:
        return [Problem(element.say("PmtInfId"), str(error))]
    found = list(block_faults(element, head))
    if (head.count, head.total) != (seen.block_count, seen.block_total):
        found.append("Its number or its sum is not that of its collections")
    if head.block_id in seen.block_ids:
        found.append("Its id is not unique")
    kind = (head.collection_date, head.sequence_type)
    if kind in seen.kinds:
        found.append("Another block of the file has its date and sequence type")
    if seen.created is not None and head.collection_date <= seen.created:
        found.append("The collection date is not after the day on which the file was made")
    seen.block_ids.add(head.block_id)
    seen.kinds.add(kind)
    seen.schemes.add(element.say("PmtTpInf/LclInstrm/Cd"))
    seen.creditors.add(creditor_of(element))
    seen.count, seen.total = seen.count + seen.block_count, seen.total + seen.block_total
    seen.block_count, seen.block_total = 0, Decimal(0)
    return [Problem(head.block_id, f"A payment block: {said}") for said in found]


def _of_head(group: Element, head: MessageHead, seen: _Seen) -> Iterator[str]:
    yield from head_faults(group, head)
    if (head.count, head.total) != (seen.count, seen.total):
        yield "The number or the sum of the file is not that of its collections"
    if len(seen.schemes) > 1:
        yield "The file mixes CORE and B2B"
    if len(seen.creditors) > 1:
        yield "The payment blocks are for different creditors or accounts"
    limits = seen.limits
    if limits is None:
        return
    if seen.count > limits.transactions:
        yield "The file has more collections than the account's bank takes"
    if seen.total > limits.amount:
        yield "The file has a larger sum than the account's bank takes"
    if limits.one_block and len(seen.kinds) > 1:
        yield "The file has several payment blocks, and the account's bank takes one"


def _day(moment: str) -> date | None:
    try:
        return datetime.fromisoformat(moment).date()
    except ValueError:
        return None  # the schema, or the check of the head, says so
