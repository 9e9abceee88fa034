"""What the bank of the demo company answers: pain.002, camt.053 and camt.054, as banks write them.

Only as much of each message as the ISO schemas ask for; read by the same reader as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape

from app.sepa.models import Collection, CollectionRun

FEE = Decimal("3.00")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A collection that the debtor's bank refuses, before or after it was booked, and why."""

    collection: Collection
    code: str
    text: str


def rejections(run: CollectionRun, refused: Sequence[Refusal], at: datetime) -> bytes:
    """A pain.002 that accepts the file of a run but for some collections."""
    [file] = run.files
    inside = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{one.collection.end_to_end_id}</OrgnlEndToEndId>"
        f"<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>{one.code}</Cd></Rsn>"
        f"<AddtlInf>{escape(one.text)}</AddtlInf></StsRsnInf></TxInfAndSts>"
        for one in refused
    )
    block = f"{file.message_id}-{refused[0].collection.sequence_type}"
    return _document(
        "pain.002.001.10",
        f"<CstmrPmtStsRpt>{_head(f'STATUS-{run.number}', at)}"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{file.message_id}</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{block}</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt>",
    )


def statement(run: CollectionRun, booked: Sequence[Collection], at: datetime) -> bytes:
    """A camt.053 of the collection date: one booking with its collections, and a transfer."""
    total = sum((one.amount for one in booked), Decimal(0))
    [file] = run.files
    details = "".join(
        f"<TxDtls>{_references(one)}{_amount(one.amount)}<CdtDbtInd>CRDT</CdtDbtInd>"
        f"{_debtor(one)}</TxDtls>"
        for one in booked
    )
    batch = (
        f"<Btch><MsgId>{file.message_id}</MsgId><NbOfTxs>{len(booked)}</NbOfTxs>"
        f'<TtlAmt Ccy="EUR">{total}</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd></Btch>'
    )
    transfer = (
        "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"{_amount(Decimal('420.00'))}<CdtDbtInd>CRDT</CdtDbtInd>"
        "<RltdPties><Dbtr><Pty><Nm>Library Friends</Nm></Pty></Dbtr></RltdPties>"
        "<RmtInf><Ustrd>Donation</Ustrd></RmtInf></TxDtls>"
    )
    opening, closing = Decimal("10000.00"), Decimal("10420.00") + total
    day = at.date()
    return _camt(
        "camt.053.001.08", ("BkToCstmrStmt", "Stmt"), run, at,
        _balance("OPBD", opening, day) + _balance("CLBD", closing, day)
        + _entry(total, day, "IDDT", "ESDD", batch + details)
        + _entry(Decimal("420.00"), day, "RCDT", "ESCT", transfer),
    )  # fmt: skip


def returns(
    run: CollectionRun, refused: Sequence[Refusal], stranger: Decimal, at: datetime
) -> bytes:
    """A camt.054 of returns, each with the bank's fee, and one of a debit that is not ours."""
    entries = [
        _entry(
            one.collection.amount + FEE, at.date(), "IDDT", "UPDD",
            f"<TxDtls>{_references(one.collection)}{_amount(one.collection.amount + FEE)}"
            "<CdtDbtInd>DBIT</CdtDbtInd><AmtDtls><InstdAmt>"
            f"{_amount(one.collection.amount)}</InstdAmt></AmtDtls>"
            f"<Chrgs><Rcrd>{_amount(FEE)}</Rcrd></Chrgs>{_debtor(one.collection)}"
            f"<RtrInf><Rsn><Cd>{one.code}</Cd></Rsn><AddtlInf>{escape(one.text)}</AddtlInf>"
            "</RtrInf></TxDtls>",
            debit=True,
        )
        for one in refused
    ]  # fmt: skip
    entries.append(
        _entry(
            stranger, at.date(), "IDDT", "UPDD",
            "<TxDtls><Refs><EndToEndId>OLD-SYSTEM-4711</EndToEndId><MndtId>OLD-0815</MndtId></Refs>"
            f"{_amount(stranger)}<CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Dbtr><Pty>"
            "<Nm>Erika Mustermann</Nm></Pty></Dbtr></RltdPties>"
            "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf></TxDtls>",
            debit=True,
        )
    )  # fmt: skip
    return _camt(
        "camt.054.001.08", ("BkToCstmrDbtCdtNtfctn", "Ntfctn"), run, at, "".join(entries)
    )  # fmt: skip


def _camt(name: str, tags: tuple[str, str], run: CollectionRun, at: datetime, inside: str) -> bytes:
    outer, inner = tags
    kind = name.split(".")[1]
    message = f"BANK-{kind}-{at:%Y%m%d}"
    return _document(
        name,
        f"<{outer}>{_head(message, at)}<{inner}><Id>{message}</Id>"
        f"<CreDtTm>{at.isoformat()}</CreDtTm><Acct><Id><IBAN>{run.creditor_iban}</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{inside}</{inner}></{outer}>",
    )


def _entry(
    amount: Decimal, day: date, family: str, sub: str, inside: str, *, debit: bool = False
) -> str:
    return (
        f"<Ntry>{_amount(amount)}<CdtDbtInd>{'DBIT' if debit else 'CRDT'}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly>"
        f"</Domn></BkTxCd><NtryDtls>{inside}</NtryDtls></Ntry>"
    )


def _balance(code: str, amount: Decimal, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount)}"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _references(one: Collection) -> str:
    return (
        f"<Refs><EndToEndId>{one.end_to_end_id}</EndToEndId>"
        f"<MndtId>{one.mandate_reference}</MndtId></Refs>"
    )


def _debtor(one: Collection) -> str:
    return (
        f"<RltdPties><Dbtr><Pty><Nm>{escape(one.debtor_name)}</Nm></Pty></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{one.iban}</IBAN></Id></DbtrAcct></RltdPties>"
    )


def _amount(amount: Decimal) -> str:
    return f'<Amt Ccy="EUR">{amount}</Amt>'


def _head(message: str, at: datetime) -> str:
    return f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{at.isoformat()}</CreDtTm></GrpHdr>"


def _document(name: str, body: str) -> bytes:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{name}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}">{body}</Document>\n'
    ).encode()
