"""Writes pain.008.001.08 as a stream: fifty thousand debits need no more memory than one."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from lxml import etree

from app.sepa.message import Address, Amendment, Block, Creditor, Debit, MessageHead

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
_NSMAP: Any = {None: NAMESPACE}
NOT_PROVIDED = "NOTPROVIDED"
SAME_MANDATE_NEW_ACCOUNT = "SMNDA"
_NO_BIC = f"<Othr><Id>{NOT_PROVIDED}</Id></Othr>"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKS = re.compile("[&<>\r]")


def _said(text: str) -> str:
    """A text as XML holds it. Few have a mark, and to look for one is the quicker part."""
    return escape(text, {"\r": "&#13;"}) if _MARKS.search(text) else text


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
                written, amount = _write_block(xml, out, head, block)
                count, total = count + written, total + amount
    if (count, total) != (head.count, head.total):
        raise TotalsError(f"{head.message_id}: {count} debits of {total}, {head} was announced")


def _write_block(xml: Any, out: BinaryIO, head: MessageHead, block: Block) -> tuple[int, Decimal]:
    count, total = 0, Decimal(0)
    with xml.element("PmtInf"):
        for part in _block_head(head, block):
            xml.write(part)
        xml.flush()  # what follows goes past it
        for debit in block.debits:
            # One debit a line: a line number then leads to a row.
            out.write(f"\n{_debit(debit)}".encode())
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


def _debit(debit: Debit) -> str:
    """One debit as text: built as elements, fifty thousand take many times as long.

    Raises ValueError for a character that no XML may hold.
    """
    address = "" if debit.address is None else _address(debit.address)
    amendment = "" if debit.amendment is None else _amendment(debit.amendment)
    bic = f"<BICFI>{_said(debit.bic)}</BICFI>" if debit.bic else _NO_BIC
    said = (
        f"<DrctDbtTxInf><PmtId><EndToEndId>{_said(debit.end_to_end_id)}</EndToEndId></PmtId>"
        f'<InstdAmt Ccy="EUR">{_amount(debit.amount)}</InstdAmt>'
        f"<DrctDbtTx><MndtRltdInf><MndtId>{_said(debit.mandate_reference)}</MndtId>"
        f"<DtOfSgntr>{debit.signed_on.isoformat()}</DtOfSgntr>{amendment}</MndtRltdInf></DrctDbtTx>"
        f"<DbtrAgt><FinInstnId>{bic}</FinInstnId></DbtrAgt>"
        f"<Dbtr><Nm>{_said(debit.name)}</Nm>{address}</Dbtr>"
        f"<DbtrAcct><Id><IBAN>{_said(debit.iban)}</IBAN></Id></DbtrAcct>"
        f"<RmtInf><Ustrd>{_said(debit.remittance)}</Ustrd></RmtInf></DrctDbtTxInf>"
    )
    if wrong := _NOT_IN_XML.search(said):
        raise ValueError(f"{wrong[0]!r} is no character of XML")
    return said


def _amendment(amendment: Amendment) -> str:
    said = ""
    if amendment.original_reference is not None:
        said += f"<OrgnlMndtId>{_said(amendment.original_reference)}</OrgnlMndtId>"
    if amendment.account_changed:
        said += (
            f"<OrgnlDbtrAcct><Id><Othr><Id>{SAME_MANDATE_NEW_ACCOUNT}</Id></Othr></Id>"
            "</OrgnlDbtrAcct>"
        )
    return f"<AmdmntInd>true</AmdmntInd><AmdmntInfDtls>{said}</AmdmntInfDtls>"


def _address(address: Address) -> str:
    values = (
        ("StrtNm", address.street),
        ("PstCd", address.postcode),
        ("TwnNm", address.town),
        ("Ctry", address.country),
        *(("AdrLine", line) for line in address.lines),
    )
    said = "".join(f"<{tag}>{_said(value)}</{tag}>" for tag, value in values if value)
    return f"<PstlAdr>{said}</PstlAdr>"


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
