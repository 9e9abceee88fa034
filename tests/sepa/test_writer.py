"""The bank file: what is written is read back alike, and a bank's refusals are found before."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Refused
from app.sepa.characters import LEGAL, is_legal_id, is_legal_text
from app.sepa.message import (
    Address,
    Amendment,
    Block,
    BlockHead,
    Creditor,
    Debit,
    MessageHead,
)
from app.sepa.reader import read
from app.sepa.schema_check import check_file
from app.sepa.writer import TotalsError, write

CREDITOR = Creditor("Kontor", "DE98ZZZ09999999999", "DE89370400440532013000", "COBADEFFXXX")
SAMPLE = Debit(
    end_to_end_id="DD-1", amount=Decimal("12.34"), mandate_reference="M-1",
    signed_on=date(2026, 1, 15), name="Ada Lovelace", iban="DE89370400440532013000",
    remittance="Invoice 1",
)  # fmt: skip
ALPHABET = "".join(sorted(LEGAL))


def legal(limit: int) -> st.SearchStrategy[str]:
    return st.text(ALPHABET, min_size=1, max_size=limit).filter(lambda t: is_legal_text(t, limit))


amounts = st.integers(1, 99_999_999_999).map(lambda cents: Decimal(cents) / 100)
names = legal(70).filter(lambda name: any(c.isalnum() for c in name))
addresses = st.builds(
    Address, town=legal(35), country=st.sampled_from(["DE", "AT", "CH"]),
    street=st.none() | legal(70), postcode=st.none() | legal(16),
)  # fmt: skip
debits = st.builds(
    Debit,
    end_to_end_id=st.just(""),
    amount=amounts,
    mandate_reference=legal(35).filter(is_legal_id),
    signed_on=st.dates(date(2000, 1, 1), date(2026, 11, 1)),
    name=names,
    iban=st.sampled_from(["DE89370400440532013000", "AT611904300234573201"]),
    remittance=legal(140),
    bic=st.sampled_from([None, "COBADEFFXXX"]),
    address=st.none() | addresses,
    amendment=st.none() | st.just(Amendment("OLD-1")) | st.just(Amendment(None, True)),
)


def message(blocks: Sequence[tuple[str, Sequence[Debit]]], **head: Any) -> io.BytesIO:
    """A file of these payment blocks."""
    every = [debit for _, some in blocks for debit in some]
    said = MessageHead(
        message_id="DD2026-00001-1", created_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
        scheme="CORE", creditor=CREDITOR, count=len(every),
        total=sum((one.amount for one in every), Decimal(0)),
    )  # fmt: skip
    made = [
        Block(
            BlockHead(f"B-{kind}", date(2026, 12, 1), kind, len(some),
                      sum((one.amount for one in some), Decimal(0))),
            some,
        )
        for kind, some in blocks
    ]  # fmt: skip
    out = io.BytesIO()
    write(out, replace(said, **head), made)
    out.seek(0)
    return out


@settings(max_examples=40, deadline=None)
@given(st.lists(debits, min_size=1, max_size=8), st.lists(debits, max_size=4))
def test_a_file_read_again_gives_the_run_back_to_the_cent(
    first: list[Debit], second: list[Debit]
) -> None:
    numbered = [replace(d, end_to_end_id=f"E-{n}") for n, d in enumerate(first + second, 1)]
    blocks = [("RCUR", numbered[: len(first)])]
    if second:
        blocks.append(("OOFF", numbered[len(first) :]))
    file = message(blocks)
    head = check_file(file)
    assert head.total == sum((one.amount for one in numbered), Decimal(0))
    assert (head.count, head.creditor, head.scheme) == (len(numbered), CREDITOR, "CORE")
    file.seek(0)
    assert [part for part in read(file) if isinstance(part, Debit)] == numbered


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iban": "DE88370400440532013000"}, "IBAN is not valid"),
        ({"iban": "CH9300762011623852957"}, "BIC is needed"),
        ({"iban": "CH9300762011623852957", "bic": "UBSWCHZH80A"}, "Address with place"),
        ({"name": "Müller"}, "Account holder"),
        ({"end_to_end_id": "/x"}, "end-to-end id has characters"),
        ({"mandate_reference": "a//b"}, "Mandate reference"),
        ({"amount": Decimal("1000000000.00")}, "Amount"),
        ({"remittance": "Rechnung für März"}, "remittance text"),
        ({"bic": "XXXXXXXX"}, "BIC is not valid"),
        ({"amendment": Amendment()}, "amendment"),
        ({"address": Address("Köln", "DE")}, "address has characters"),
    ],
)
def test_what_a_bank_would_refuse_is_found_with_its_row(
    change: dict[str, Any], reason: str
) -> None:
    row = replace(SAMPLE, **change)
    with pytest.raises(Refused, match=reason) as refused:
        check_file(message([("RCUR", [row])]))
    assert refused.value.problems[0].field == row.end_to_end_id


def test_two_rows_of_one_id_are_refused() -> None:
    with pytest.raises(Refused, match="not unique"):
        check_file(message([("RCUR", [SAMPLE, SAMPLE])]))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"creditor": replace(CREDITOR, identifier="DE00ZZZ0")}, "creditor identifier"),
        ({"creditor": replace(CREDITOR, iban="DE00")}, "IBAN"),
        ({"scheme": "COR1"}, "local instrument"),
        ({"message_id": "//"}, "id of the message"),
    ],
)
def test_a_wrong_head_is_refused(head: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_file(message([("RCUR", [SAMPLE])], **head))


def test_totals_that_were_not_announced_stop_the_writer() -> None:
    with pytest.raises(TotalsError):
        message([("RCUR", [SAMPLE])], count=2)


def test_a_file_that_breaks_the_schema_is_refused_with_its_row() -> None:
    rows = [replace(SAMPLE, end_to_end_id=f"DD-{number}") for number in range(1, 4)]
    file = message([("RCUR", rows)]).getvalue()
    account = b"<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
    at = file.index(account, file.index(b"DD-2"))
    # In another order than the schema asks for, which none of our own rules looks at.
    moved = file[:at] + file[at + len(account) :]
    end = moved.index(b"</DrctDbtTxInf>", at)
    broken = moved[:end] + account + moved[end:]
    with pytest.raises(Refused, match="ISO schema refuses the file: Element 'RmtInf'") as refused:
        check_file(io.BytesIO(broken))
    assert [one.field for one in refused.value.problems] == ["DD-2"]


def test_an_outside_entity_is_not_read() -> None:
    evil = (
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;'
        b"</Document>"
    )
    with pytest.raises(Refused):
        list(read(io.BytesIO(evil)))
