"""The files of a run: whatever the names and amounts, they read back as what was collected."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import storage
from app.core.actor import COMMAND_LINE
from app.sepa import operations_runs as runs
from app.sepa.addresses import make_address, says_twice
from app.sepa.characters import IllegalTextError, is_legal_id, is_legal_text, legal_id, legal_name
from app.sepa.creating import create_run
from app.sepa.message import Amendment, BlockHead, Debit, MessageHead
from app.sepa.models import Collection, CollectionRun, Mandate
from app.sepa.reader import Part, read
from app.sepa.schema_check import Limits, check_file
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY

SCRIPTS = ("Müller & Söhne", "Ærøskøbing", "Łukasz Żółw", "Ναταλία", "Наталья", "نتاليا", "נטליה",
           "नतालिया", "ナタリア", "娜塔莉亚", "나탈리아", "ნატალია", "Նատալյա", "ናታሊያ",
           "A\u0301da")  # fmt: skip


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def parts(run: CollectionRun) -> list[list[Part]]:
    """What stands in each file of a run."""
    return [list(read(io.BytesIO(storage.read_bytes(one.file)))) for one in run.files]


def created(
    session: Session, amounts: list[int], kinds: list[str], **account: Any
) -> CollectionRun:
    """A run of invoices of these cents, each with its sequence type."""
    for cents in amounts:
        making.debtor(session, str(Decimal(cents) / 100))
    into = making.account(session, **account)
    run = create_run(session, into, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    for one, kind in zip(making.collections(session, run.id), kinds, strict=False):
        one.sequence_type = kind
    session.flush()
    return run


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 99_999), st.sampled_from(["FRST", "RCUR", "FNAL", "OOFF"]),
            st.sampled_from([None, "OLD-1"]), st.sampled_from([None, "AT611904300234573201"]),
        ),
        min_size=1, max_size=9,
    ),
    most=st.integers(1, 5), limit=st.integers(100_000, 300_000), one_block=st.booleans(),
)  # fmt: skip
def test_the_files_of_any_run_read_again_give_the_run_back(
    session: Session,
    rows: list[tuple[int, str, str | None, str | None]],
    most: int,
    limit: int,
    one_block: bool,
) -> None:
    run = created(
        session, [row[0] for row in rows], [row[1] for row in rows], max_transactions=most,
        max_amount=Decimal(limit) / 100, one_block_per_file=one_block,
    )  # fmt: skip
    collections = making.collections(session, run.id)
    for one, (_, _, reference, iban) in zip(collections, rows, strict=True):
        one.original_reference, one.original_iban = reference, iban
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    files = parts(run)
    told = sorted(
        (c.end_to_end_id, c.amount, c.iban, c.debtor_name, c.remittance_text) for c in collections
    )
    kinds = {c.end_to_end_id: (c.original_reference, bool(c.original_iban)) for c in collections}
    session.rollback()  # the next example begins where this one did

    debits = [one for file in files for one in file if isinstance(one, Debit)]
    heads = [one for file in files for one in file if isinstance(one, MessageHead)]
    blocks = [[one for one in file if isinstance(one, BlockHead)] for file in files]
    assert told == sorted((d.end_to_end_id, d.amount, d.iban, d.name, d.remittance) for d in debits)
    assert sum(head.total for head in heads) == sum(row[1] for row in told)
    assert sum(head.count for head in heads) == len(rows)
    assert all(head.count <= most and head.total <= Decimal(limit) / 100 for head in heads)
    assert not one_block or all(len(some) == 1 for some in blocks)
    for one in debits:
        said = one.amendment or Amendment()
        assert (said.original_reference, said.account_changed) == kinds[one.end_to_end_id]
    ids = [d.end_to_end_id for d in debits] + [b.block_id for some in blocks for b in some]
    ids += [head.message_id for head in heads]
    assert len(set(ids)) == len(ids)
    assert all(is_legal_id(one) for one in ids)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_name_of_any_script_becomes_a_legal_one(name: str) -> None:
    assert is_legal_text(legal_name(name), 70)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=90))
def test_any_name_becomes_legal_or_an_error_and_any_id_stays_legal(text: str) -> None:
    try:
        said = legal_name(text)
    except IllegalTextError:
        said = "A"
    assert is_legal_text(said, 70)
    assert any(c.isalnum() for c in said)
    assert is_legal_id(legal_id("DD2026-00001-12345", text))


@settings(max_examples=200, deadline=None)
@given(
    st.none() | st.text(max_size=250), st.none() | st.text(max_size=25), st.text(max_size=60),
    st.sampled_from(["DE", "CH", "", "D", None]), st.booleans(),
)  # fmt: skip
def test_any_address_is_left_out_or_one_that_banks_take(
    street: str | None, postcode: str | None, place: str, country: str | None, hybrid: bool
) -> None:
    made = make_address(street, postcode, place, country, hybrid=hybrid)
    if made is None:
        return
    assert country in ("DE", "CH")
    assert is_legal_text(made.town, 35)
    assert made.street is None or is_legal_text(made.street, 70)
    assert made.postcode is None or is_legal_text(made.postcode, 16)
    assert len(made.lines) <= (2 if hybrid else 0)
    assert all(is_legal_text(line, 70) for line in made.lines)
    assert not (made.lines and (made.street or says_twice(made)))


def test_a_hybrid_address_says_nothing_twice_and_breaks_between_words() -> None:
    street = "Rue de la Gare 1, 1200 Genève, c/o " + "Société " * 12
    made = make_address(street, "1200", "Genève", "CH", hybrid=True)
    assert made is not None
    assert (made.postcode, made.town, made.street) == ("1200", "Geneve", None)
    assert made.lines[0].startswith("Rue de la Gare 1, c/o Societe")
    assert len(made.lines) == 2
    assert not any("Geneve" in line for line in made.lines)
    assert all(line.split()[-1] == "Societe" for line in made.lines)


def test_an_account_with_hybrid_addresses_gets_them_in_its_file(session: Session) -> None:
    place = {"kind": "main", "street": "Ährenweg 3", "postcode": "50667", "place": "Köln",
             "country": "DE"}  # fmt: skip
    making.debtor(session, customer={"addresses": [place]})
    account = making.account(session, hybrid_addresses=True)
    run = create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    [debit] = [one for one in parts(run)[0] if isinstance(one, Debit)]
    assert debit.address == make_address("Ährenweg 3", "50667", "Köln", "DE", hybrid=True)
    content = storage.read_bytes(run.files[0].file)
    assert b"<TwnNm>Koeln</TwnNm><Ctry>DE</Ctry><AdrLine>Aehrenweg 3</AdrLine>" in content
    assert b"StrtNm" not in content


def test_an_account_of_one_block_gets_a_file_for_each_sequence_type(session: Session) -> None:
    run = created(session, [100, 200, 300], ["FRST", "RCUR", "RCUR"], one_block_per_file=True)
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    assert [one.collection_count for one in run.files] == [1, 2]
    for one in run.files:
        check_file(io.BytesIO(storage.read_bytes(one.file)), Limits.of(run.creditor_account))


def test_what_the_account_says_later_changes_no_run(session: Session) -> None:
    run = created(session, [100], ["RCUR"])
    session.refresh(run, ["creditor_account"])
    account = run.creditor_account
    account.name, account.iban, account.scheme = "Another", "AT611904300234573201", "B2B"
    account.creditor_identifier = "AT61ZZZ01234567890"
    session.flush()
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    head = check_file(io.BytesIO(storage.read_bytes(run.files[0].file)))
    assert (head.creditor.name, head.creditor.iban) == (run.creditor_name, run.creditor_iban)
    assert (head.scheme, head.creditor.identifier) == ("CORE", "DE98ZZZ09999999999")


def test_a_mandate_changed_while_its_file_is_on_the_way_is_told_next_time(
    session: Session,
) -> None:
    invoice = making.debtor(session)
    run = create_run(session, making.account(session), DAY, policy=POLICY, actor=COMMAND_LINE)[0]
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    old = making.collections(session, run.id)[0].iban
    session.execute(update(Mandate).values(iban="AT611904300234573201", original_iban=old))
    runs.hand_in_run(session, run, actor=COMMAND_LINE)
    mandate = session.scalars(select(Mandate)).one()
    session.refresh(mandate)
    assert (mandate.original_iban, mandate.original_reference) == (old, None)
    assert mandate.last_collected_on == DAY
    session.execute(update(Collection).values(state="settled"))
    assert invoice.customer_id == mandate.customer_id


def test_an_amendment_that_was_taken_back_is_not_told(session: Session) -> None:
    run = created(session, [100], ["RCUR"])
    [one] = making.collections(session, run.id)
    one.original_reference, one.original_iban = one.mandate_reference, one.iban
    session.flush()
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    [debit] = [part for part in parts(run)[0] if isinstance(part, Debit)]
    assert debit.amendment is None


def test_the_bank_of_the_tests_finds_nothing_in_a_file(session: Session) -> None:
    from mockbank.validate import validate

    run = created(session, [100, 250, 399], ["FRST", "RCUR", "OOFF"])
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    content = storage.read_bytes(run.files[0].file)
    assert validate(content, today=NOW.astimezone(UTC).date()) == []
    # It does look: a day in the past is one of the things that it finds.
    assert validate(content, today=date(2027, 11, 23)) != []
