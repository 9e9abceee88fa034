"""Every rule of a bank file broken once: refused with row and reason, and nothing stored."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.models import StoredFile
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.models import Collection, CollectionRun, CreditorAccount, RunFile
from app.sepa.schema_check import Limits, check_file
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY
from tests.sepa.test_writer import SAMPLE, message

SWISS = "CH9300762011623852957"
HEAD = "<MndtId>M-1</MndtId><DtOfSgntr>2026-01-15</DtOfSgntr>"
AGENT = "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"
NAME = "<Dbtr><Nm>Ada Lovelace</Nm>"
UNSTRUCTURED = f"{NAME}<PstlAdr><AdrLine>Street 1, 50667 Koeln</AdrLine></PstlAdr>"
IBAN = "DE89370400440532013000"

# What stands in a good file, what a forger or a fault writes instead, and the words for it.
OF_A_ROW = (
    ('Ccy="EUR"', 'Ccy="USD"', "currency is not EUR"),
    (">12.34</InstdAmt>", ">0.00</InstdAmt>", "Amount is not between"),
    (">12.34</InstdAmt>", ">1000000000.00</InstdAmt>", "Amount is not between"),
    (">12.34</InstdAmt>", ">12.345</InstdAmt>", "Amount is not between"),
    (">12.34</InstdAmt>", ">a lot</InstdAmt>", "amount is wrong"),
    ("<MndtId>M-1</MndtId>", "", "no mandate reference"),
    ("<MndtId>M-1</MndtId>", "<MndtId>M//1</MndtId>", "Mandate reference has characters"),
    ("<DtOfSgntr>2026-01-15</DtOfSgntr>", "", "when the mandate was signed"),
    (HEAD, f"{HEAD}<AmdmntInd>true</AmdmntInd>", "amendment of the mandate says nothing"),
    (HEAD, f"{HEAD}<AmdmntInfDtls><OrgnlMndtId>OLD</OrgnlMndtId></AmdmntInfDtls>",
     "not that there was one"),
    (HEAD, (f"{HEAD}<AmdmntInd>true</AmdmntInd><AmdmntInfDtls><OrgnlDbtrAcct><Id><Othr>"
     "<Id>NEW</Id></Othr></Id></OrgnlDbtrAcct></AmdmntInfDtls>"), "SMNDA"),
    (f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id>",
     "<DbtrAcct><Id><IBAN>DE88370400440532013000</IBAN></Id>", "IBAN is not valid"),
    (f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id>", "<DbtrAcct><Id><Othr><Id>1</Id></Othr></Id>",
     "no IBAN"),
    (f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id>",
     "<DbtrAcct><Id><IBAN>TR330006100519786457841326</IBAN></Id>", "not of a SEPA country"),
    (f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id>", f"<DbtrAcct><Id><IBAN>{SWISS}</IBAN></Id>",
     "BIC is needed"),
    (f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id>", f"<DbtrAcct><Id><IBAN>{SWISS}</IBAN></Id>",
     "Address with place and country is needed"),
    ("<Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>",
     "<Othr><Id>UNKNOWN</Id></Othr></FinInstnId></DbtrAgt>", "neither by its BIC"),
    ("<Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>",
     "<BICFI>XXXXXXXX</BICFI></FinInstnId></DbtrAgt>", "BIC is not valid"),
    ("Ada Lovelace", "Zoë", "Account holder has no letters"),
    ("Ada Lovelace", "A" * 71, "Account holder has no letters"),
    (f"{NAME}</Dbtr>", f"{UNSTRUCTURED}</Dbtr>", "no place or no country"),
    (f"{NAME}</Dbtr>", f"{NAME}<PstlAdr><TwnNm>Koeln</TwnNm></PstlAdr></Dbtr>", "no country"),
    (f"{NAME}</Dbtr>", (f"{NAME}<PstlAdr><TwnNm>Koeln</TwnNm><Ctry>DE</Ctry>"
     "<AdrLine>A 1</AdrLine><AdrLine>B</AdrLine><AdrLine>C</AdrLine></PstlAdr></Dbtr>"),
     "more than two lines"),
    (f"{NAME}</Dbtr>", (f"{NAME}<PstlAdr><TwnNm>Koeln</TwnNm><Ctry>DE</Ctry>"
     "<AdrLine>Street 1, Koeln</AdrLine></PstlAdr></Dbtr>"), "says something twice"),
    (f"{NAME}</Dbtr>", (f"{NAME}<PstlAdr><TwnNm>Koeln</TwnNm><Ctry>DE</Ctry>"
     f"<AdrLine>{'S' * 71}</AdrLine></PstlAdr></Dbtr>"), "too long"),
    ("<Ustrd>Invoice 1</Ustrd>", "<Ustrd>März</Ustrd>", "remittance text has characters"),
    ("<Ustrd>Invoice 1</Ustrd>", f"<Ustrd>{'x' * 141}</Ustrd>", "more than 140"),
    ("<Ustrd>Invoice 1</Ustrd>", "<Ustrd>One</Ustrd><Ustrd>Two</Ustrd>", "more than once"),
    ("<Ustrd>Invoice 1</Ustrd>", "", "no remittance text"),
    ("</InstdAmt>", "</InstdAmt><ChrgBr>SLEV</ChrgBr>", "ChrgBr, which has no place"),
)  # fmt: skip
OF_A_BLOCK = (
    ("<Cd>SEPA</Cd>", "<Cd>URGP</Cd>", "service level is not SEPA"),
    ("<Cd>CORE</Cd>", "<Cd>COR1</Cd>", "neither CORE nor B2B"),
    ("<SeqTp>RCUR</SeqTp>", "", "no known sequence type"),
    ("<ChrgBr>SLEV</ChrgBr>", "<ChrgBr>SHAR</ChrgBr>", "SLEV"),
    ("<Prtry>SEPA</Prtry>", "<Prtry>OTHER</Prtry>", "not marked as one of SEPA"),
    ("2026-12-01</ReqdColltnDt>", "2026-11-28</ReqdColltnDt>", "not a day on which banks work"),
    ("2026-12-01</ReqdColltnDt>", "2026-11-23</ReqdColltnDt>", "not after the day"),
    ("<NbOfTxs>1</NbOfTxs><CtrlSum>12.34</CtrlSum><PmtTpInf>", "<PmtTpInf>", "number or its sum"),
    ("<PmtInfId>B-RCUR", "<PmtInfId>/B-RCUR", "id has characters"),
    ("<Cdtr><Nm>Kontor</Nm>",
     "<Cdtr><Nm>Kontor</Nm><PstlAdr><TwnNm>X</TwnNm><Ctry>DE</Ctry></PstlAdr>",
     "creditor's address"),
    ("<BICFI>COBADEFFXXX</BICFI>", "<Othr><Id>ELSEWHERE</Id></Othr>", "neither by its BIC"),
)  # fmt: skip
OF_THE_FILE = (
    ("<Id>DE98ZZZ09999999999</Id>", "<Id>DE97ZZZ09999999999</Id>", "creditor identifier"),
    ("<Id>DE98ZZZ09999999999</Id>", "<Id>DE98-ZZZ-09999999999</Id>", "creditor identifier"),
    (f"<IBAN>{IBAN}</IBAN></Id></CdtrAcct>",
     "<IBAN>DE88370400440532013000</IBAN></Id></CdtrAcct>", "creditor's IBAN"),
    ("<Nm>Kontor</Nm></Cdtr>", "<Nm>Köntor</Nm></Cdtr>", "creditor's name"),
    ("<MsgId>DD2026", "<MsgId>//DD2026", "id of the message"),
    ("09:00:00+00:00", "09:00:00.5+00:00", "whole seconds"),
    ("09:00:00+00:00", "09:00:00", "with its zone"),
    ("<CtrlSum>12.34</CtrlSum><InitgPty>", "<CtrlSum>12.35</CtrlSum><InitgPty>", "of the file is"),
    ("pain.008.001.08", "pain.008.001.02", "no head|schema"),
)  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "reason"), OF_A_ROW)
def test_a_bad_row_is_refused_by_its_id(good: str, bad: str, reason: str) -> None:
    found = _refusal(good, bad, reason)
    assert {one.field for one in found.problems} == {"DD-1"} or "sum" in str(found)


@pytest.mark.parametrize(("good", "bad", "reason"), OF_A_BLOCK)
def test_a_bad_payment_block_is_refused(good: str, bad: str, reason: str) -> None:
    _refusal(good, bad, reason)


@pytest.mark.parametrize(("good", "bad", "reason"), OF_THE_FILE)
def test_a_bad_file_is_refused(good: str, bad: str, reason: str) -> None:
    _refusal(good, bad, reason)


def test_what_the_limits_of_an_account_forbid_is_refused() -> None:
    two = [SAMPLE, replace_id("DD-2")]
    for blocks, limits, reason in (
        ([("RCUR", two)], Limits(1, Decimal(100), False), "more collections"),
        ([("RCUR", two)], Limits(9, Decimal(20), False), "larger sum"),
        ([("RCUR", two)], Limits(9, Decimal(5), False), "more than one file"),
        ([("FRST", two[:1]), ("RCUR", two[1:])], Limits(9, Decimal(99), True), "takes one"),
        ([("RCUR", two[:1]), ("RCUR", two[1:])], None, "its date and sequence type"),
    ):
        with pytest.raises(Refused, match=reason):
            check_file(message(blocks), limits)


def test_blocks_of_two_schemes_or_creditors_are_refused() -> None:
    file = message([("FRST", [SAMPLE]), ("RCUR", [replace_id("DD-2")])]).getvalue()
    for good, bad, reason in (
        (b"<Cd>CORE</Cd>", b"<Cd>B2B</Cd>", "mixes CORE and B2B"),
        (b"<Cdtr><Nm>Kontor", b"<Cdtr><Nm>Another", "different creditors"),
    ):
        with pytest.raises(Refused, match=reason):
            check_file(io.BytesIO(file.replace(good, bad, 1)))


def replace_id(end_to_end_id: str) -> Any:
    from dataclasses import replace

    return replace(SAMPLE, end_to_end_id=end_to_end_id)


def _refusal(good: str, bad: str, reason: str) -> Refused:
    file = message([("RCUR", [SAMPLE])]).getvalue().decode()
    assert good in file
    with pytest.raises(Refused, match=reason) as refused:
        check_file(io.BytesIO(file.replace(good, bad).encode()))
    return refused.value


# Rows as a fault of the program, or somebody in the database, would have left them.
FORGED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"iban": "DE88370400440532013000"}, "IBAN is not valid"),
    ({"iban": "TR330006100519786457841326"}, "not of a SEPA country"),
    ({"iban": SWISS, "bic": None}, "BIC is needed"),
    ({"iban": SWISS, "bic": "UBSWCHZH80A"}, "Address with place"),
    ({"bic": "XXXXXXXX"}, "BIC is not valid"),
    ({"debtor_name": "Żółw"}, "Account holder"),
    ({"debtor_name": "***"}, "Account holder"),
    ({"remittance_text": "März"}, "remittance text"),
    ({"mandate_reference": "/M"}, "Mandate reference"),
    ({"original_reference": "a//b"}, "before the amendment"),
    ({"end_to_end_id": "DD//1"}, "end-to-end id"),
    ({"sequence_type": "XXXX"}, "sequence type"),
    ({"amount": Decimal("99.00")}, "no longer those"),
)


@pytest.mark.parametrize(("forged", "reason"), FORGED)
def test_a_forged_collection_reaches_no_stored_file(
    session: Session, clock: Callable[[datetime], None], forged: dict[str, Any], reason: str
) -> None:
    clock(NOW)
    first, _ = making.debtor(session), making.debtor(session)
    run = create_run(session, making.account(session), DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    session.execute(update(Collection).where(Collection.invoice_id == first.id).values(**forged))
    with pytest.raises(Refused, match=reason) as refused:
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    of_the_run = "amount" in forged or "sequence_type" in forged
    if not of_the_run:
        row = f"Invoice {first.number} of customer {first.customer.number}: "
        assert row in str(refused.value)
        assert refused.value.problems[0].link is not None
    assert "cancel the run" in str(refused.value)
    _nothing_is_stored(session, run)


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        ({"creditor_identifier": "DE00ZZZ09999999999"}, "creditor identifier"),
        ({"creditor_iban": "DE00"}, "creditor's IBAN"),
        ({"creditor_bic": "NONSENSE1"}, "creditor's BIC"),
        ({"creditor_name": "Müller"}, "creditor's name"),
        ({"collection_date": date(2026, 11, 28)}, "banks work"),
        ({"collection_date": date(2026, 11, 20)}, "too early"),
        ({"collection_count": 7}, "no longer those"),
        ({"number": "DD//1"}, "id"),
    ],
)
def test_a_forged_run_reaches_no_stored_file(
    session: Session, clock: Callable[[datetime], None], forged: dict[str, Any], reason: str
) -> None:
    clock(NOW)
    making.debtor(session)
    run = create_run(session, making.account(session), DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    session.execute(update(CollectionRun).values(**forged))
    session.expire(run)
    with pytest.raises(Refused, match=reason):
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    _nothing_is_stored(session, run)


def test_an_invoice_over_a_limit_that_was_lowered_since_is_refused(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(NOW)
    invoice = making.debtor(session, "60.00")
    account = making.account(session)
    run = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    account.max_amount = Decimal("50.00")
    session.flush()
    with pytest.raises(Refused, match=f"Invoice {invoice.number} .* more than one file"):
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    _nothing_is_stored(session, run)


def test_the_accounts_own_cut_off_counts(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    from datetime import time

    clock(NOW)
    making.debtor(session)
    account = making.account(session, cutoff=time(16))
    run = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    clock(datetime(2026, 11, 30, 14, 30, tzinfo=UTC))  # half past three in Berlin, the day before
    account.cutoff = time(15)
    with pytest.raises(Refused, match="too early"):
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    account.cutoff = time(16)
    assert runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)


def _nothing_is_stored(session: Session, run: CollectionRun) -> None:
    assert run.state in ("created", "released")
    assert session.scalar(select(func.count(RunFile.id))) == 0
    assert session.scalar(select(func.count(StoredFile.id))) == 0
    assert session.scalar(select(func.count(CreditorAccount.id))) == 1
