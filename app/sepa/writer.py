"""Writes pain.008.001.08 as a stream: fifty thousand debits need no more memory than one."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO

from lxml import etree

from app.sepa.message import Address, Amendment, Block, Creditor, Debit, MessageHead

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
_NSMAP: Any = {None: NAMESPACE}
NOT_PROVIDED = "NOTPROVIDED"
SAME_MANDATE_NEW_ACCOUNT = "SMNDA"


class TotalsError(Exception):
    """The debits that came are not those that the head of a block or file announced."""


def write(out: BinaryIO, head: MessageHead, blocks: Iterable[Block]) -> None:
    """Write one file. Raises TotalsError where counts and sums do not agree."""
    count, total = 0, Decimal(0)
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap=_NSMAP), xml.element("CstmrDrctDbtInitn"):
            xml.write(_group_header(head))
            for block in blocks:
                written, amount = _write_block(xml, head, block)
                count, total = count + written, total + amount
    if (count, total) != (head.count, head.total):
        raise TotalsError(f"{head.message_id}: {count} debits of {total}, {head} was announced")


def _write_block(xml: Any, head: MessageHead, block: Block) -> tuple[int, Decimal]:
    count, total = 0, Decimal(0)
    with xml.element("PmtInf"):
        for part in _block_head(head, block):
            xml.write(part)
        for debit in block.debits:
            # One debit a line: a line number then leads to a row.
            xml.write("\n")
            xml.write(_debit(debit))
            count, total = count + 1, total + debit.amount
    if (count, total) != (block.head.count, block.head.total):
        raise TotalsError(f"{block.head.block_id}: {count} debits of {total}")
    return count, total


def _group_header(head: MessageHead) -> etree._Element:
    group = _new("GrpHdr")
    _text(group, "MsgId", head.message_id)
    _text(group, "CreDtTm", head.created_at.replace(microsecond=0).isoformat())
    _text(group, "NbOfTxs", str(head.count))
    _text(group, "CtrlSum", _amount(head.total))
    _text(_child(group, "InitgPty"), "Nm", head.creditor.name)
    return group


def _block_head(head: MessageHead, block: Block) -> Iterator[etree._Element]:
    said = block.head
    yield _leaf("PmtInfId", said.block_id)
    yield _leaf("PmtMtd", "DD")
    yield _leaf("NbOfTxs", str(said.count))
    yield _leaf("CtrlSum", _amount(said.total))
    kind = _new("PmtTpInf")
    _text(_child(kind, "SvcLvl"), "Cd", "SEPA")
    _text(_child(kind, "LclInstrm"), "Cd", head.scheme)
    _text(kind, "SeqTp", said.sequence_type)
    yield kind
    yield _leaf("ReqdColltnDt", said.collection_date.isoformat())
    yield from _creditor(head.creditor)
    yield _leaf("ChrgBr", "SLEV")
    scheme = _new("CdtrSchmeId")
    other = _child(_child(_child(scheme, "Id"), "PrvtId"), "Othr")
    _text(other, "Id", head.creditor.identifier)
    _text(_child(other, "SchmeNm"), "Prtry", "SEPA")
    yield scheme


def _creditor(creditor: Creditor) -> Iterator[etree._Element]:
    # No address: the Austrian banks' schema refuses one here.
    party = _new("Cdtr")
    _text(party, "Nm", creditor.name)
    yield party
    account = _new("CdtrAcct")
    _text(_child(account, "Id"), "IBAN", creditor.iban)
    yield account
    agent = _new("CdtrAgt")
    _agent(agent, creditor.bic)
    yield agent


def _debit(debit: Debit) -> etree._Element:
    entry = _new("DrctDbtTxInf")
    _text(_child(entry, "PmtId"), "EndToEndId", debit.end_to_end_id)
    _text(entry, "InstdAmt", _amount(debit.amount)).set("Ccy", "EUR")
    mandate = _child(_child(entry, "DrctDbtTx"), "MndtRltdInf")
    _text(mandate, "MndtId", debit.mandate_reference)
    _text(mandate, "DtOfSgntr", debit.signed_on.isoformat())
    if debit.amendment is not None:
        _amendment(mandate, debit.amendment)
    _agent(_child(entry, "DbtrAgt"), debit.bic)
    debtor = _child(entry, "Dbtr")
    _text(debtor, "Nm", debit.name)
    if debit.address is not None:
        _address(debtor, debit.address)
    _text(_child(_child(entry, "DbtrAcct"), "Id"), "IBAN", debit.iban)
    _text(_child(entry, "RmtInf"), "Ustrd", debit.remittance)
    return entry


def _amendment(mandate: etree._Element, amendment: Amendment) -> None:
    _text(mandate, "AmdmntInd", "true")
    details = _child(mandate, "AmdmntInfDtls")
    if amendment.original_reference is not None:
        _text(details, "OrgnlMndtId", amendment.original_reference)
    if amendment.account_changed:
        other = _child(_child(_child(details, "OrgnlDbtrAcct"), "Id"), "Othr")
        _text(other, "Id", SAME_MANDATE_NEW_ACCOUNT)


def _address(party: etree._Element, address: Address) -> None:
    block = _child(party, "PstlAdr")
    for tag, value in (
        ("StrtNm", address.street),
        ("PstCd", address.postcode),
        ("TwnNm", address.town),
        ("Ctry", address.country),
    ):
        if value:
            _text(block, tag, value)
    for line in address.lines:
        _text(block, "AdrLine", line)


def _agent(agent: etree._Element, bic: str | None) -> None:
    institution = _child(agent, "FinInstnId")
    if bic:
        _text(institution, "BICFI", bic)
    else:
        _text(_child(institution, "Othr"), "Id", NOT_PROVIDED)


def _amount(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _new(tag: str) -> etree._Element:
    # Written inside Document, it takes that element's namespace; naming the namespace here would
    # repeat it in every element. The check of the finished file reads it as the bank does.
    return etree.Element(tag)


def _child(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, tag)


def _text(parent: etree._Element, tag: str, value: str) -> etree._Element:
    child = _child(parent, tag)
    child.text = value
    return child


def _leaf(tag: str, value: str) -> etree._Element:
    element = _new(tag)
    element.text = value
    return element
