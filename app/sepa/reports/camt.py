"""Reads camt.053 and camt.054 as a stream: booked entries, each transaction of a batch by itself.

A batch of 100,000 collections is one entry, so what is read and let go of is the transaction.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from lxml import etree

from app.sepa.reports.message import Head, Item, Scope
from app.sepa.reports.models import Told
from app.sepa.reports.stream import Stream, Values, amount_of, moment_of

_BOOKED = "BOOK"
# ISO: direct debits that we issued; what comes in of them as such, and what goes back.
_ISSUED = "IDDT"
_COMES_BACK = frozenset({"UPDD", "RIMB", "PRDD", "RRTN", "ARET", "AREV"})
# German banks' own codes (GVC): collections, single and in a batch, and returns of them.
_GVC_COLLECTED = frozenset({"171", "174", "192", "196"})
_GVC_RETURNED = frozenset({"108", "109", "193", "197"})
# Direct debits of others, which we pay: they name mandates, too.
_PAID_BY_US = "RDDT"
_GVC_PAID_BY_US = frozenset({"104", "105"})
_GVC = re.compile(r"(?:^|\+)(\d{3})(?:\+|$)")
_DEBIT = "DBIT"


class AccountReader:
    """One camt.053 or camt.054. `head` is whole once all items were asked for."""

    def __init__(self, stream: Stream, head: Head, zone: str) -> None:
        self._stream = stream
        self.head = head
        self._zone = zone
        self._account: str | None = None

    def items(self) -> Iterator[Item]:
        """What was booked, in the order of the file."""
        entry = _Entry(self._account)
        for event, tag, element in self._stream.elements(
            "GrpHdr", "Stmt", "Ntfctn", "Acct", "Ntry", "NtryDtls", "TxDtls"
        ):
            if event == "start":
                if tag == "Ntry":
                    entry = _Entry(self._account)
                elif tag == "NtryDtls" and not entry.begun:
                    entry.begin(self._stream.values(_parent(element)))
                elif tag == "TxDtls":
                    entry.batch = entry.batch or _batch_of(self._stream, _parent(element))
                continue
            if tag == "GrpHdr":
                self._read_head(self._stream.values(element))
            elif tag == "Acct" and _is_own(element):
                self._read_account(self._stream.values(element))
            elif tag == "TxDtls":
                # One waits until the next: only then it is known whether it stands alone.
                yield from self._given(entry.take(self._stream.values(element)))
                self._stream.forget(element)
            elif tag == "NtryDtls" and entry.details == 0:
                entry.batch = entry.batch or self._stream.values(element)
            elif tag == "Ntry":
                if not entry.begun:
                    entry.begin(self._stream.values(element))
                # It stands behind the details, and is of the entry as a whole.
                yield from self._given(entry.end(self._stream.child_text(element, "AddtlNtryInf")))
                self._stream.forget(element)
            elif tag in {"Stmt", "Ntfctn"}:
                self._account = None
                self._stream.forget(element)

    def _read_head(self, values: Values) -> None:
        self.head.message_id = values.text("MsgId", most=35)
        self.head.made_at = moment_of(values.text("CreDtTm"), self._zone)

    def _read_account(self, values: Values) -> None:
        iban = values.text("Id/IBAN", most=34)
        self._account = iban or values.text("Id/Othr/Id", most=34) or ""
        self.head.accounts[self._account] += 1

    def _given(self, items: list[Item | None]) -> Iterator[Item]:
        for item in items:
            if item is None:
                self.head.pending += 1
                continue
            self.head.items += 1
            yield item


class _Entry:
    """One entry (Ntry) while it is read."""

    def __init__(self, account: str | None) -> None:
        # None would be that of a report that is of no account.
        self.account = account or ""
        self.values = Values({})
        self.begun = False
        self.batch: Values | None = None
        self.details = 0
        self._held: Values | None = None

    def begin(self, values: Values) -> None:
        """What stands before the details."""
        self.values, self.begun = values, True

    def take(self, values: Values) -> list[Item | None]:
        """One transaction; given is the one before."""
        self.details += 1
        before, self._held = self._held, values
        return [] if before is None else [self._item(before)]

    def end(self, text: str | None) -> list[Item | None]:
        """The rest, once the entry was read to its end."""
        if self._held is None:
            return [self._item(Values({}), alone=True, text=text)]
        return [self._item(self._held, alone=self.details == 1, text=text)]

    def _item(self, tx: Values, *, alone: bool = False, text: str | None = None) -> Item | None:
        entry, batch = self.values, self.batch or Values({})
        if entry.text("Sts/Cd", "Sts") != _BOOKED:
            return None
        end_to_end_id = tx.name("Refs/EndToEndId")
        mandate = tx.name("Refs/MndtId")
        message_id = tx.name("Refs/MsgId") or batch.name("Btch/MsgId")
        block_id = tx.name("Refs/PmtInfId") or batch.name("Btch/PmtInfId")
        # No transaction is named: what is booked is the sum of a block.
        summed = alone and not end_to_end_id and not mandate and bool(message_id or block_id)
        debited = (tx.text("CdtDbtInd") or entry.text("CdtDbtInd")) == _DEBIT
        code = tx.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", most=35)
        amount, currency = _amount(tx, entry, alone)
        told, ours = _told(tx, entry, debited, code)
        return Item(
            told,
            (Scope.BLOCK if block_id else Scope.FILE) if summed else Scope.ONE,
            account=self.account,
            end_to_end_id=end_to_end_id,
            message_id=message_id,
            block_id=block_id,
            mandate_reference=mandate,
            amount=amount,
            instructed=tx.amount("AmtDtls/InstdAmt/Amt"),
            charges=_charges(tx, entry if alone else Values({})),
            debited=debited,
            currency=currency,
            count=_count(batch.text("Btch/NbOfTxs")) if summed else None,
            booked_on=_day(entry),
            bank_reference=(
                tx.text("Refs/AcctSvcrRef", most=70)
                or entry.text("AcctSvcrRef", "NtryRef", most=70)
            ),
            reason_code=code,
            reason_text=_reason_text(tx, text if alone else None),
            party_name=tx.text("RltdPties/Dbtr/Pty/Nm", "RltdPties/Dbtr/Nm", most=140),
            party_iban=tx.text("RltdPties/DbtrAcct/Id/IBAN", most=34),
            remittance_text=tx.joined("RmtInf/Ustrd"),
            looks_like_ours=ours,
        )


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None  # only the Document has none
    return parent


def _is_own(element: etree._Element) -> bool:
    """Whether an account is that of the statement; parties have accounts, too."""
    return str(_parent(element).tag).rpartition("}")[2] in {"Stmt", "Ntfctn"}


def _batch_of(stream: Stream, details: etree._Element) -> Values | None:
    """What is said of a batch, which stands before its transactions."""
    first = details[0] if len(details) else None
    if first is None or not str(first.tag).endswith("}Btch"):
        return None
    return stream.values(details)


def _told(tx: Values, entry: Values, debited: bool, code: str | None) -> tuple[Told, bool]:
    """What an entry tells of a direct debit of ours, and whether it looks like one."""
    domain = "BkTxCd/Domn/Fmly"
    family = tx.text(f"{domain}/Cd") or entry.text(f"{domain}/Cd")
    sub = tx.text(f"{domain}/SubFmlyCd") or entry.text(f"{domain}/SubFmlyCd")
    own = tx.text("BkTxCd/Prtry/Cd") or entry.text("BkTxCd/Prtry/Cd") or ""
    gvc = set(_GVC.findall(own))
    reversal = (tx.text("RvslInd") or entry.text("RvslInd")) in {"true", "1"}
    collected = family == _ISSUED or bool(gvc & _GVC_COLLECTED)
    returned = (family == _ISSUED and sub in _COMES_BACK) or bool(gvc & _GVC_RETURNED)
    paid_by_us = family == _PAID_BY_US or bool(gvc & _GVC_PAID_BY_US)
    ours = not paid_by_us and (collected or returned or "Refs/MndtId" in tx)
    if debited:
        return Told.RETURNED, ours
    if reversal or returned or code is not None:
        # A return that was taken back, or a transfer of ours that came back.
        return Told.OTHER, ours
    return Told.SETTLED, ours


def _amount(tx: Values, entry: Values, alone: bool) -> tuple[Decimal | None, str | None]:
    paths = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
    currency = tx.currency(*paths)
    if currency is not None:
        return tx.amount(*paths), currency
    return (entry.amount("Amt"), entry.currency("Amt")) if alone else (None, None)


def _charges(tx: Values, entry: Values) -> Decimal | None:
    for values in (tx, entry):
        total = values.amount("Chrgs/TtlChrgsAndTaxAmt")
        if total is not None:
            return total
        one_by_one = values.all("Chrgs/Rcrd/Amt", "Chrgs/Amt")
        if one_by_one:
            return sum((amount_of(one) or Decimal(0) for one in one_by_one), Decimal(0))
    return None


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _day(entry: Values) -> date | None:
    return entry.day("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")


def _reason_text(tx: Values, of_entry: str | None) -> str | None:
    own = tx.joined("RtrInf/AddtlInf", "AddtlTxInf")
    return own or " ".join((of_entry or "").split())[:500] or None
