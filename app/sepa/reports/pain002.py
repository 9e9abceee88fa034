"""Reads a pain.002 as a stream: the status of a file, of its payment blocks, of transactions.

A status of the whole file or of a block stands before the transactions it is made of. It is given
after them: what a transaction says of its debtor counts more.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from lxml import etree

from app.sepa.reports.message import Head, Item, Scope
from app.sepa.reports.models import Told
from app.sepa.reports.stream import Stream, Values, moment_of

_REJECTED = "RJCT"
# The bank has the file and looks at it: nothing is decided yet.
_UNDECIDED = frozenset({"RCVD", "PDNG"})


class StatusReader:
    """One pain.002. `head` is whole once all items were asked for."""

    def __init__(self, stream: Stream, head: Head, zone: str) -> None:
        self._stream = stream
        self.head = head
        self._zone = zone
        self._group = Values({})
        self._message_id: str | None = None
        self._foreign = False
        self._detailed = False

    def items(self) -> Iterator[Item]:
        """What the report says, the status of the group last."""
        block, block_detailed = Values({}), False
        for event, tag, element in self._stream.elements(
            "GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "TxInfAndSts"
        ):
            if event == "start":
                if tag == "OrgnlPmtInfAndSts":
                    block, block_detailed = Values({}), False
                elif tag == "TxInfAndSts" and not block_detailed:
                    block = self._stream.values(_parent(element))
                    block_detailed = True
                continue
            if tag == "GrpHdr":
                self._read_head(self._stream.values(element))
            elif tag == "OrgnlGrpInfAndSts":
                self._read_group(self._stream.values(element))
                self._stream.forget(element)
            elif tag == "TxInfAndSts":
                self._detailed = True
                yield from self._given(self._transaction(self._stream.values(element), block))
                self._stream.forget(element)
            elif tag == "OrgnlPmtInfAndSts":
                if not block_detailed:
                    block = self._stream.values(element)
                yield from self._given(self._block(block, block_detailed))
                self._stream.forget(element)
            elif tag == "Document":
                yield from self._given(self._file())

    def _read_head(self, values: Values) -> None:
        self.head.message_id = values.text("MsgId", most=35)
        self.head.made_at = moment_of(values.text("CreDtTm"), self._zone)

    @property
    def _day(self) -> date | None:
        made = self.head.made_at
        return made.astimezone(ZoneInfo(self._zone)).date() if made else None

    def _read_group(self, values: Values) -> None:
        self._group = values
        self._message_id = values.name("OrgnlMsgId")
        # Credit transfers are answered by the same message.
        self._foreign = (values.text("OrgnlMsgNmId") or "").startswith("pain.001")

    def _file(self) -> Item | None:
        status = self._group.text("GrpSts", most=4)
        if status is None or status in _UNDECIDED:
            self.head.pending += status is not None
            return None
        whole = self._whole(self._group, Scope.FILE, status, None)
        return replace(whole, detailed=self._detailed)

    def _block(self, values: Values, detailed: bool) -> Item | None:
        status = values.text("PmtInfSts", most=4)
        if status is None:
            return None
        if status in _UNDECIDED:
            self.head.pending += 1
            return None
        self._detailed = True
        whole = self._whole(values, Scope.BLOCK, status, values.name("OrgnlPmtInfId"))
        return replace(whole, detailed=detailed)

    def _whole(self, values: Values, scope: Scope, status: str, block_id: str | None) -> Item:
        code, text = _reason(values)
        return Item(
            Told.REJECTED if status == _REJECTED else Told.ACCEPTED,
            scope,
            message_id=self._message_id,
            block_id=block_id,
            booked_on=self._day,
            status=status,
            reason_code=code,
            reason_text=text,
            looks_like_ours=not self._foreign,
        )

    def _transaction(self, values: Values, block: Values) -> Item | None:
        status = (
            values.text("TxSts", most=4)
            or block.text("PmtInfSts", most=4)
            or self._group.text("GrpSts", most=4)
            or _REJECTED
        )
        if status in _UNDECIDED:
            self.head.pending += 1
            return None
        code, text = _reason(values)
        if code is None and text is None and status == _REJECTED:
            code, text = _reason(block)
        reference = "OrgnlTxRef"
        mandate = f"{reference}/MndtRltdInf"
        amount = f"{reference}/Amt/InstdAmt"
        return Item(
            Told.REJECTED if status == _REJECTED else Told.ACCEPTED,
            end_to_end_id=values.name("OrgnlEndToEndId"),
            message_id=values.name("OrgnlGrpInf/OrgnlMsgId") or self._message_id,
            block_id=block.name("OrgnlPmtInfId"),
            mandate_reference=values.name(f"{mandate}/MndtId", f"{mandate}/DrctDbtMndt/MndtId"),
            amount=values.amount(amount),
            currency=values.currency(amount),
            booked_on=self._day,
            bank_reference=values.text("AcctSvcrRef", "StsId", most=70),
            status=status,
            reason_code=code,
            reason_text=text,
            party_name=values.text(f"{reference}/Dbtr/Pty/Nm", f"{reference}/Dbtr/Nm", most=140),
            party_iban=values.text(f"{reference}/DbtrAcct/Id/IBAN", most=34),
            remittance_text=values.joined(f"{reference}/RmtInf/Ustrd"),
            looks_like_ours=not self._foreign,
        )

    def _given(self, item: Item | None) -> Iterator[Item]:
        if item is not None:
            self.head.items += 1
            yield item


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None  # only the Document has none
    return parent


def _reason(values: Values) -> tuple[str | None, str | None]:
    """Code and text; banks also put a code of their own, or nothing but a text."""
    code = values.text("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry", most=35)
    return code, values.joined("StsRsnInf/AddtlInf")
