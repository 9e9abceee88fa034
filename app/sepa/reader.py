"""Reads a pain.008.001.08 back as a stream, checked against the ISO schema while it is read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lxml import etree

from app.core.errors import Problem, Refused
from app.sepa.message import Address, Amendment, BlockHead, Creditor, Debit, MessageHead
from app.sepa.writer import NAMESPACE, SAME_MANDATE_NEW_ACCOUNT

SCHEMA = Path(__file__).with_name("schemas") / "pain.008.001.08.xsd"
DEBIT, BLOCK, GROUP = "DrctDbtTxInf", "PmtInf", "GrpHdr"
_TAGS = tuple(f"{{{NAMESPACE}}}{tag}" for tag in (DEBIT, BLOCK, GROUP))
_CUT = len(NAMESPACE) + 2
_DEBIT_TAG = _TAGS[0]
_AMOUNT_TAG = f"{{{NAMESPACE}}}InstdAmt"
_NAMESPACE = re.compile(r"\{[^}]*\}")
_CAREFULLY: Any = {
    "huge_tree": True, "resolve_entities": False, "no_network": True, "load_dtd": False,
    "remove_comments": True, "remove_pis": True,
}  # fmt: skip
CURRENCY = "InstdAmt/@Ccy"
_MANDATE = "DrctDbtTx/MndtRltdInf"
_ADDRESS = frozenset(
    f"Dbtr/PstlAdr/{tag}" for tag in ("StrtNm", "PstCd", "TwnNm", "Ctry", "AdrLine")
)
_ORIGINAL_ACCOUNT = f"{_MANDATE}/AmdmntInfDtls/OrgnlDbtrAcct/Id/Othr/Id"

Part = MessageHead | BlockHead | Debit
# The texts under each path below an element, such as "Dbtr/Nm".
Leaves = dict[str, list[str]]
T = TypeVar("T")


class SchemaError(Refused):
    """The file breaks the ISO schema."""

    def __init__(self, message: str) -> None:
        said = _NAMESPACE.sub("", message)
        super().__init__([Problem("", f"The ISO schema refuses the file: {said}")])


@dataclass(frozen=True, slots=True)
class Element:
    """One debit, the head of one block or the head of the file, as it is written."""

    tag: str
    leaves: Leaves

    def say(self, path: str) -> str:
        """The first text under a path, or nothing."""
        found = self.leaves.get(path)
        return found[0] if found else ""

    def find(self, path: str) -> str | None:
        """The first text under a path, or None where there is no such element."""
        found = self.leaves.get(path)
        return found[0] if found else None


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMA)))


def read(source: BinaryIO) -> Iterator[Part]:
    """The parts of a file in their order: its debits, after each block's debits the block's head,
    and at the end the head of the message.

    Raises Refused where the file breaks the ISO schema.
    """
    group, block = None, None
    try:
        for element in read_elements(source):
            if element.tag == DEBIT:
                yield debit_of(element)
            elif element.tag == BLOCK:
                block = element
                yield block_of(element)
            else:
                group = element
    except ValueError as error:
        # A value may be read before the schema speaks up about it.
        raise Refused.because(f"The file breaks the schema: {error}") from error
    if group is None or block is None:
        raise Refused.because("The file has no head or no collections")
    yield head_of(group, block)


def read_elements(source: BinaryIO, *, checked: bool = True) -> Iterator[Element]:
    """The head of the message, then each block's debits and its head, with all that they say.

    Raises SchemaError where the file breaks the ISO schema, unless it is not to be `checked`
    against it; then only where it is no XML.
    """
    events = etree.iterparse(
        source, events=("end",), tag=_TAGS, schema=_schema() if checked else None, **_CAREFULLY
    )
    try:
        for _, element in events:
            leaves: Leaves = {}
            _collect(element, "", leaves)
            if element.tag == _DEBIT_TAG:
                amount = element.find(_AMOUNT_TAG)
                leaves[CURRENCY] = [(amount is not None and amount.get("Ccy")) or ""]
            yield Element(element.tag[_CUT:], leaves)
            _forget(element)
    except etree.XMLSyntaxError as error:
        raise SchemaError(error.msg or "it is no XML") from error


def first_wrong_line(source: BinaryIO) -> bytes:
    """The line in which a file first breaks the ISO schema; the writer gives each debit its own."""
    parser = etree.XMLPullParser(events=("end",), tag=_TAGS, schema=_schema(), **_CAREFULLY)
    for line in source:
        try:
            parser.feed(line)
        except etree.XMLSyntaxError:
            return line
        for _, element in parser.read_events():
            _forget(element)
        if len(parser.feed_error_log):
            return line
    return b""


def _collect(element: etree._Element, path: str, leaves: Leaves) -> None:
    for child in element:
        if child.tag == _DEBIT_TAG:
            continue  # of a block only what stands beside its debits
        name = path + child.tag[_CUT:]
        if len(child):
            _collect(child, f"{name}/", leaves)
        elif name in leaves:
            leaves[name].append(child.text or "")
        else:
            leaves[name] = [child.text or ""]


def _forget(element: etree._Element) -> None:
    """Free what was read. The element itself must stay until the next one of its kind is there."""
    element.clear()
    before = element.getprevious()
    parent = element.getparent()
    if before is not None and parent is not None and before.tag == element.tag:
        parent.remove(before)


def head_of(group: Element, block: Element) -> MessageHead:
    """The head of the file; creditor and scheme are those of a block. Raises ValueError."""
    return MessageHead(
        message_id=group.say("MsgId"),
        created_at=_value(datetime.fromisoformat, group.say("CreDtTm"), "time of creation"),
        scheme=block.say("PmtTpInf/LclInstrm/Cd"),
        creditor=creditor_of(block),
        count=_value(int, group.say("NbOfTxs") or "-1", "number of the file"),
        total=_value(Decimal, group.say("CtrlSum") or "-1", "sum of the file"),
    )


def block_of(block: Element) -> BlockHead:
    """What a payment block says of itself. Raises ValueError in words."""
    return BlockHead(
        block_id=block.say("PmtInfId"),
        collection_date=_value(date.fromisoformat, block.say("ReqdColltnDt"), "collection date"),
        sequence_type=block.say("PmtTpInf/SeqTp"),
        count=_value(int, block.say("NbOfTxs") or "-1", "number of the payment block"),
        total=_value(Decimal, block.say("CtrlSum") or "-1", "sum of the payment block"),
    )


def creditor_of(block: Element) -> Creditor:
    """Who collects, as a payment block says it."""
    return Creditor(
        name=block.say("Cdtr/Nm"),
        identifier=block.say("CdtrSchmeId/Id/PrvtId/Othr/Id"),
        iban=block.say("CdtrAcct/Id/IBAN"),
        bic=block.find("CdtrAgt/FinInstnId/BICFI"),
    )


def debit_of(debit: Element) -> Debit:
    """One collection. Raises ValueError in words where a value cannot be read."""
    return Debit(
        end_to_end_id=debit.say("PmtId/EndToEndId"),
        amount=_value(Decimal, debit.say("InstdAmt"), "amount"),
        mandate_reference=debit.say(f"{_MANDATE}/MndtId"),
        signed_on=_value(
            date.fromisoformat, debit.say(f"{_MANDATE}/DtOfSgntr"), "mandate's day of signature"
        ),
        name=debit.say("Dbtr/Nm"),
        iban=debit.say("DbtrAcct/Id/IBAN"),
        remittance=debit.say("RmtInf/Ustrd"),
        bic=debit.find("DbtrAgt/FinInstnId/BICFI"),
        address=_address(debit),
        amendment=_amendment(debit),
    )


def _value(read_it: Callable[[str], T], text: str, what: str) -> T:
    try:
        return read_it(text)
    except (ValueError, InvalidOperation) as error:
        said = f"{text!r} cannot be read" if text else "it is missing"
        raise ValueError(f"The {what} is wrong: {said}") from error


def _address(debit: Element) -> Address | None:
    if _ADDRESS.isdisjoint(debit.leaves):
        return None
    return Address(
        town=debit.say("Dbtr/PstlAdr/TwnNm"),
        country=debit.say("Dbtr/PstlAdr/Ctry"),
        street=debit.find("Dbtr/PstlAdr/StrtNm"),
        postcode=debit.find("Dbtr/PstlAdr/PstCd"),
        lines=tuple(debit.leaves.get("Dbtr/PstlAdr/AdrLine", ())),
    )


def _amendment(debit: Element) -> Amendment | None:
    if debit.say(f"{_MANDATE}/AmdmntInd") != "true":
        return None
    return Amendment(
        original_reference=debit.find(f"{_MANDATE}/AmdmntInfDtls/OrgnlMndtId"),
        account_changed=debit.say(_ORIGINAL_ACCOUNT) == SAME_MANDATE_NEW_ACCOUNT,
    )
