"""Reads a pain.008.001.08 back as a stream, checked against the ISO schema while it is read."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from app.core.errors import Refused
from app.sepa.message import Address, Amendment, BlockHead, Creditor, Debit, MessageHead
from app.sepa.writer import NAMESPACE, SAME_MANDATE_NEW_ACCOUNT

SCHEMA = Path(__file__).with_name("schemas") / "pain.008.001.08.xsd"
_N = {"n": NAMESPACE}

Part = MessageHead | BlockHead | Debit


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMA)))


def read(source: BinaryIO) -> Iterator[Part]:
    """The parts of a file in their order: its debits, after each block's debits the block's head,
    and at the end the head of the message.

    Raises Refused, naming the line, where the file breaks the ISO schema.
    """
    events = etree.iterparse(
        source, events=("end",), schema=_schema(), huge_tree=True,
        resolve_entities=False, no_network=True, load_dtd=False,
        tag=[f"{{{NAMESPACE}}}{tag}" for tag in ("DrctDbtTxInf", "PmtInf", "CstmrDrctDbtInitn")],
    )  # fmt: skip
    creditor, scheme = Creditor("", "", ""), ""
    try:
        for _, element in events:
            tag = etree.QName(element).localname
            if tag == "DrctDbtTxInf":
                yield _debit(element)
                _forget(element)
            elif tag == "PmtInf":
                creditor, scheme = _creditor(element), _say(element, "n:PmtTpInf/n:LclInstrm/n:Cd")
                yield _block_head(element)
                _forget(element)
            else:
                yield _message_head(element, creditor, scheme)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        raise Refused.because(f"Line {line} of the file breaks the schema: {error.msg}") from error
    except (ValueError, ArithmeticError) as error:
        # A value may be read before the schema speaks up about it.
        raise Refused.because(f"The file breaks the schema: {error}") from error


def _forget(element: etree._Element) -> None:
    """Free what was read. The element itself must stay until the next one of its kind is there."""
    element.clear()
    before = element.getprevious()
    parent = element.getparent()
    if before is not None and parent is not None and before.tag == element.tag:
        parent.remove(before)


def _find(element: etree._Element, path: str) -> str | None:
    found = element.find(path, _N)
    return None if found is None else found.text


def _say(element: etree._Element, path: str) -> str:
    return _find(element, path) or ""


def _message_head(element: etree._Element, creditor: Creditor, scheme: str) -> MessageHead:
    group = element.find("n:GrpHdr", _N)
    assert group is not None
    return MessageHead(
        message_id=_say(group, "n:MsgId"),
        created_at=datetime.fromisoformat(_say(group, "n:CreDtTm")),
        scheme=scheme,
        creditor=creditor,
        count=int(_say(group, "n:NbOfTxs")),
        total=Decimal(_find(group, "n:CtrlSum") or "-1"),
    )


def _block_head(element: etree._Element) -> BlockHead:
    return BlockHead(
        block_id=_say(element, "n:PmtInfId"),
        collection_date=date.fromisoformat(_say(element, "n:ReqdColltnDt")),
        sequence_type=_say(element, "n:PmtTpInf/n:SeqTp"),
        count=int(_find(element, "n:NbOfTxs") or "-1"),
        total=Decimal(_find(element, "n:CtrlSum") or "-1"),
    )


def _creditor(element: etree._Element) -> Creditor:
    return Creditor(
        name=_say(element, "n:Cdtr/n:Nm"),
        identifier=_say(element, "n:CdtrSchmeId/n:Id/n:PrvtId/n:Othr/n:Id"),
        iban=_say(element, "n:CdtrAcct/n:Id/n:IBAN"),
        bic=_find(element, "n:CdtrAgt/n:FinInstnId/n:BICFI"),
    )


def _debit(element: etree._Element) -> Debit:
    mandate = element.find("n:DrctDbtTx/n:MndtRltdInf", _N)
    if mandate is None:
        raise Refused.because(f"Line {element.sourceline} of the file: a debit has no mandate")
    signed_on = _find(mandate, "n:DtOfSgntr")
    if signed_on is None:
        raise Refused.because(f"Line {element.sourceline} of the file: a mandate has no date")
    amount = element.find("n:InstdAmt", _N)
    assert amount is not None
    if amount.get("Ccy") != "EUR":
        raise Refused.because(f"Line {element.sourceline} of the file: the currency is not EUR")
    return Debit(
        end_to_end_id=_say(element, "n:PmtId/n:EndToEndId"),
        amount=Decimal(amount.text or ""),
        mandate_reference=_say(mandate, "n:MndtId"),
        signed_on=date.fromisoformat(signed_on),
        name=_say(element, "n:Dbtr/n:Nm"),
        iban=_say(element, "n:DbtrAcct/n:Id/n:IBAN"),
        remittance=_say(element, "n:RmtInf/n:Ustrd"),
        bic=_find(element, "n:DbtrAgt/n:FinInstnId/n:BICFI"),
        address=_address(element.find("n:Dbtr/n:PstlAdr", _N)),
        amendment=_amendment(mandate),
    )


def _address(block: etree._Element | None) -> Address | None:
    if block is None:
        return None
    return Address(
        town=_say(block, "n:TwnNm"), country=_say(block, "n:Ctry"),
        street=_find(block, "n:StrtNm"), postcode=_find(block, "n:PstCd"),
    )  # fmt: skip


def _amendment(mandate: etree._Element) -> Amendment | None:
    if _find(mandate, "n:AmdmntInd") != "true":
        return None
    account = _find(mandate, "n:AmdmntInfDtls/n:OrgnlDbtrAcct/n:Id/n:Othr/n:Id")
    return Amendment(
        original_reference=_find(mandate, "n:AmdmntInfDtls/n:OrgnlMndtId"),
        account_changed=account == SAME_MANDATE_NEW_ACCOUNT,
    )
