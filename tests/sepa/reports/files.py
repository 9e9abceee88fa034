"""Bank reports as banks write them, in every version that Kontor reads."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import count

OURS = "DE89370400440532013000"
PAIN = ("001.03", "001.10")
CAMT = ("001.02", "001.08")
_numbers = count(1)


def entry(
    version: str = "001.08",
    amount: str = "12.34",
    *,
    end_to_end_id: str | None = None,
    mandate: str | None = None,
    message: str | None = None,
    block: str | None = None,
    transactions: int | None = None,
    debit: bool = False,
    code: str | None = None,
    text: str = "",
    fee: str = "",
    instructed: str = "",
    status: str = "BOOK",
    day: str = "2026-12-01",
    currency: str = "EUR",
    family: tuple[str, str] | None = ("IDDT", ""),
    gvc: str = "",
    reference: str = "",
    details: Sequence[str] | None = None,
    name: str = "Ada Lovelace",
    iban: str = "DE12500105170648489890",
) -> str:
    """One booking (Ntry). With `details` those transactions, else the one that is described."""
    side = "DBIT" if debit else "CRDT"
    sub = (family[1] if family else "") or ("UPDD" if debit else "ESDD")
    bank_code = (
        f"<Domn><Cd>PMNT</Cd><Fmly><Cd>{family[0]}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn>"
        if family
        else ""
    )
    bank_code += f"<Prtry><Cd>NTRF+{gvc}+9310</Cd><Issr>DK</Issr></Prtry>" if gvc else ""
    batch = ""
    if transactions is not None:
        ids = tag("MsgId", message) + tag("PmtInfId", block)
        batch = f"<Btch>{ids}<NbOfTxs>{transactions}</NbOfTxs></Btch>"
    inside = "".join(details) if details is not None else ""
    named = end_to_end_id or mandate or (transactions is None and (message or block))
    if details is None and (named or code):
        inside = transaction(
            version, amount, end_to_end_id=end_to_end_id, mandate=mandate, message=message,
            block=block, debit=debit, code=code, text=text, fee=fee, instructed=instructed,
            currency=currency, name=name, iban=iban,
        )  # fmt: skip
    held = f"<NtryDtls>{batch}{inside}</NtryDtls>" if batch or inside else ""
    booked = f"<Sts><Cd>{status}</Cd></Sts>" if version == "001.08" else f"<Sts>{status}</Sts>"
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{booked}'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"{tag('AcctSvcrRef', reference)}<BkTxCd>{bank_code}</BkTxCd>{held}</Ntry>"
    )


def transaction(
    version: str = "001.08",
    amount: str = "12.34",
    *,
    end_to_end_id: str | None = None,
    mandate: str | None = None,
    message: str | None = None,
    block: str | None = None,
    debit: bool = False,
    code: str | None = None,
    text: str = "",
    fee: str = "",
    instructed: str = "",
    currency: str = "EUR",
    name: str = "Ada Lovelace",
    iban: str = "DE12500105170648489890",
) -> str:
    """One transaction (TxDtls)."""
    refs = (
        tag("MsgId", message) + tag("PmtInfId", block)
        + tag("EndToEndId", end_to_end_id or "NOTPROVIDED") + tag("MndtId", mandate)
    )  # fmt: skip
    new = version == "001.08"
    money = f'<Amt Ccy="{currency}">{amount}</Amt>'
    side = f"<CdtDbtInd>{'DBIT' if debit else 'CRDT'}</CdtDbtInd>"
    asked = f'<InstdAmt><Amt Ccy="{currency}">{instructed}</Amt></InstdAmt>' if instructed else ""
    details = "" if new and not asked else f"<AmtDtls>{asked}<TxAmt>{money}</TxAmt></AmtDtls>"
    charge = f'<Amt Ccy="EUR">{fee}</Amt>'
    charges = "" if not fee else f"<Chrgs>{f'<Rcrd>{charge}</Rcrd>' if new else charge}</Chrgs>"
    party = f"<Pty><Nm>{name}</Nm></Pty>" if new else f"<Nm>{name}</Nm>"
    parties = f"<Dbtr>{party}</Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct>"
    reason = f"<Rsn><Cd>{code}</Cd></Rsn>" if code else ""
    returned = f"<RtrInf>{reason}{tag('AddtlInf', text)}</RtrInf>" if code or text else ""
    return (
        f"<TxDtls><Refs>{refs}</Refs>{money + side if new else ''}{details}{charges}"
        f"<RltdPties>{parties}</RltdPties>{returned}</TxDtls>"
    )


def camt(
    *entries: str,
    kind: str = "053",
    version: str = "001.08",
    account: str = OURS,
    message: str = "",
    wrap: bool = True,
) -> bytes:
    """A camt.053 or camt.054 of one account."""
    outer, inner = {
        "053": ("BkToCstmrStmt", "Stmt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[kind]  # fmt: skip
    message = message or f"BANK-{next(_numbers)}"
    balances = ""
    if kind == "053":
        kinds = ("OPBD", "CLBD") if version == "001.08" else ("PRCD", "CLBD")
        balances = "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{one}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt>'
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-01</Dt></Dt></Bal>"
            for one in kinds
        )
    body = (
        f"<{outer}><GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-12-01T18:00:00+01:00</CreDtTm>"
        f"</GrpHdr><{inner}><Id>{message}</Id><CreDtTm>2026-12-01T18:00:00+01:00</CreDtTm>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}"
        f"{''.join(entries)}</{inner}></{outer}>"
    )
    return document(f"camt.{kind}.{version}", body)


def status(
    *blocks: str,
    version: str = "001.10",
    original: str = "NOTPROVIDED",
    group: str | None = None,
    code: str | None = None,
    text: str = "",
    name: str = "pain.008.001.08",
    message: str = "",
    made: str = "2026-11-24T10:00:00+01:00",
) -> bytes:
    """A pain.002 about one file."""
    message = message or f"STATUS-{next(_numbers)}"
    return document(
        f"pain.002.{version}",
        f"<CstmrPmtStsRpt><GrpHdr><MsgId>{message}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId><OrgnlMsgNmId>{name}</OrgnlMsgNmId>"
        f"{tag('GrpSts', group)}{_reason(code, text)}</OrgnlGrpInfAndSts>{''.join(blocks)}"
        "</CstmrPmtStsRpt>",
    )


def block(block_id: str, *inside: str, status: str | None = None, code: str | None = None) -> str:
    """What a pain.002 says of a payment block (OrgnlPmtInfAndSts)."""
    return (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{block_id}</OrgnlPmtInfId>{tag('PmtInfSts', status)}"
        f"{_reason(code)}{''.join(inside)}</OrgnlPmtInfAndSts>"
    )


def told(end_to_end_id: str, status: str | None = "RJCT", code: str | None = None,
         text: str = "") -> str:  # fmt: skip
    """What a pain.002 says of a transaction (TxInfAndSts)."""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>{tag('TxSts', status)}"
        f"{_reason(code, text)}</TxInfAndSts>"
    )


def document(name: str, body: str) -> bytes:
    """A whole file."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{name}">{body}</Document>\n'
    ).encode()


def tag(name: str, text: str | None) -> str:
    """An element, or nothing."""
    return f"<{name}>{text}</{name}>" if text else ""


def _reason(code: str | None = None, text: str = "") -> str:
    if not code and not text:
        return ""
    why = f"<Rsn><Cd>{code}</Cd></Rsn>" if code else ""
    return f"<StsRsnInf>{why}{tag('AddtlInf', text)}</StsRsnInf>"


def total(*amounts: str) -> str:
    """The sum of amounts, as a bank writes it."""
    return str(sum(map(Decimal, amounts)))
