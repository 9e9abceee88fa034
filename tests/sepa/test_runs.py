"""A run from its creation to the bank, and the ways in which it must not go."""

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.billing.models import InvoiceState
from app.core import storage
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.core.models import FileDownload
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from app.customers.operations import delete_customers
from app.sepa import operations_runs as runs
from app.sepa.creating import create_run
from app.sepa.message import Debit
from app.sepa.models import CollectionRun, Mandate, RunState
from app.sepa.reader import read
from app.sepa.rules import Policy
from app.sepa.schema_check import check_file
from tests import factories
from tests.sepa import making
from tests.sepa.making import DAY, NOW, POLICY

Clock = Callable[[datetime], None]
TWO_PERSONS = Policy(two_person_rule=True)


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    clock(NOW)


def create(session: Session, policy: Policy = POLICY, actor: Actor = COMMAND_LINE,
           **account: Any) -> CollectionRun:  # fmt: skip
    into = making.account(session, **account)
    return create_run(session, into, DAY, policy=policy, actor=actor)[0]


def filed(session: Session, **account: Any) -> CollectionRun:
    run = create(session, **account)
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    return run


def debits(run: CollectionRun) -> list[Debit]:
    """Every debit in the bank files of a run, read back."""
    return [
        part
        for one in run.files
        for part in read(io.BytesIO(storage.read_bytes(one.file)))
        if isinstance(part, Debit)
    ]


def person() -> Actor:
    one = factories.operator("accounting")
    return Actor(one.name, ROLE_PERMISSIONS[RoleName.ACCOUNTING], Channel.PANEL, one.id)


def test_a_run_freezes_what_the_bank_is_told_and_claims_the_invoices(session: Session) -> None:
    customer = {"first_name": "Jürgen", "name": "Groß", "addresses": [
        {"kind": "main", "street": "Ährenweg 3", "place": "Köln", "country": "DE"}]}  # fmt: skip
    invoice = making.debtor(session, "99.90", customer=customer, remittance_text="Abo März")
    run = create(session)
    [collection] = making.collections(session, run.id)
    session.refresh(invoice)
    assert invoice.state == InvoiceState.IN_COLLECTION
    assert (run.collection_count, run.amount, run.state) == (1, Decimal("99.90"), "created")
    invoice.customer.iban = "AT611904300234573201"
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    [debit] = debits(run)
    assert (debit.name, debit.amount, debit.remittance) == (
        "Juergen Gross", Decimal("99.90"), "Abo Maerz")  # fmt: skip
    assert debit.iban == collection.iban != invoice.customer.iban
    assert debit.address is not None
    assert (debit.address.town, debit.address.street) == ("Koeln", "Aehrenweg 3")
    assert debit.end_to_end_id == collection.end_to_end_id


def test_the_file_holds_every_collection_once_and_nothing_that_was_left_out(
    session: Session,
) -> None:
    amounts = [Decimal(cents) / 100 for cents in range(1, 40)]
    for amount in amounts:
        making.debtor(session, str(amount))
    held = making.debtor(session, "7777.77")
    held.customer.collection_hold = True
    run = filed(session)
    found = debits(run)
    assert sorted(one.amount for one in found) == amounts
    assert sum(one.amount for one in found) == run.amount == run.files[0].amount
    assert len({one.end_to_end_id for one in found}) == len(amounts)
    session.refresh(held)
    assert held.state == InvoiceState.OPEN


def test_the_stored_bytes_stay_the_same_a_day_later(session: Session, clock: Clock) -> None:
    making.debtor(session)
    run = filed(session)
    first = storage.read_bytes(run.files[0].file)
    assert hashlib.sha256(first).hexdigest() == run.files[0].file.sha256
    clock(datetime(2026, 11, 24, 15, tzinfo=UTC))
    runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    [stored] = runs.hand_out_files(session, run, actor=COMMAND_LINE)
    assert storage.read_bytes(stored) == first
    assert [one.actor_label for one in session.scalars(select(FileDownload))] == ["command line"]


def test_the_limits_of_an_account_split_a_run_into_several_valid_files(session: Session) -> None:
    for _ in range(5):
        making.debtor(session, "10.00")
    run = filed(session, max_transactions=2)
    assert [one.collection_count for one in run.files] == [2, 2, 1]
    assert len({one.message_id for one in run.files}) == 3
    heads = [check_file(io.BytesIO(storage.read_bytes(one.file))) for one in run.files]
    assert sum(head.total for head in heads) == run.amount == Decimal("50.00")
    assert len({one.end_to_end_id for one in debits(run)}) == 5


def test_an_amount_limit_splits_too(session: Session) -> None:
    for _ in range(3):
        making.debtor(session, "60.00")
    run = filed(session, max_amount=Decimal("100.00"))
    assert [one.amount for one in run.files] == [Decimal("60.00")] * 3


def test_a_b2b_run_says_so_in_its_file(session: Session) -> None:
    making.debtor(session, mandate={"scheme": "B2B"})
    run = filed(session, scheme="B2B")
    assert check_file(io.BytesIO(storage.read_bytes(run.files[0].file))).scheme == "B2B"


def test_an_account_outside_the_eea_goes_with_bic_and_address(session: Session) -> None:
    swiss = making.iban("CH")
    place = {"kind": "main", "street": "Rue 1", "postcode": "1200", "place": "Genève",
             "country": "CH"}  # fmt: skip
    making.debtor(
        session, customer={"iban": swiss, "addresses": [place]}, mandate={"bic": "UBSWCHZH80A"}
    )
    [debit] = debits(filed(session))
    assert (debit.iban, debit.bic) == (swiss, "UBSWCHZH80A")
    assert debit.address is not None
    assert debit.address.town == "Geneve"


def test_an_amendment_stands_in_the_next_file_and_only_there(session: Session) -> None:
    invoice = making.debtor(session)
    mandate = session.scalars(select(Mandate)).one()
    mandate.original_reference, mandate.original_iban = "OLD-1", "AT611904300234573201"
    session.flush()
    run = filed(session)
    [debit] = debits(run)
    assert debit.amendment is not None
    assert (debit.amendment.original_reference, debit.amendment.account_changed) == ("OLD-1", True)
    runs.hand_in_run(session, run, actor=COMMAND_LINE)
    session.refresh(mandate)
    assert (mandate.original_reference, mandate.original_iban) == (None, None)
    assert mandate.last_collected_on == DAY
    making.invoice(session, invoice.customer)
    [debit] = debits(filed(session))
    assert debit.amendment is None


def test_a_second_person_releases_where_the_setting_asks_for_one(session: Session) -> None:
    making.debtor(session)
    session.commit()
    one, other = person(), person()
    run = create(session, TWO_PERSONS, one)
    for step in (runs.release_run, runs.file_run):
        with pytest.raises(Refused, match="may not release"):
            step(session, run, policy=TWO_PERSONS, actor=one)
    runs.release_run(session, run, policy=TWO_PERSONS, actor=other)
    assert (run.state, run.released_by_id) == ("released", other.operator_id)
    runs.file_run(session, run, policy=TWO_PERSONS, actor=one)
    assert run.state == RunState.FILED


def test_a_cancelled_run_opens_its_invoices_and_gives_its_file_to_nobody(session: Session) -> None:
    invoice = making.debtor(session, mandate={"type": "one-off"})
    run = filed(session)
    mandate = session.scalars(select(Mandate)).one()
    assert mandate.state == "used"
    runs.cancel_run(session, run, actor=COMMAND_LINE, reason="Wrong day")
    session.refresh(invoice)
    session.refresh(mandate)
    assert (run.state, invoice.state, mandate.state) == ("void", "open", "active")
    with pytest.raises(Refused, match="cancelled"):
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="cancelled"):
        runs.hand_out_files(session, run, actor=COMMAND_LINE)
    with pytest.raises(Refused):
        runs.cancel_run(session, run, actor=COMMAND_LINE)
    again = filed(session)
    assert [one.end_to_end_id for one in debits(again)] != []
    assert again.files[0].message_id != run.files[0].message_id


def test_a_run_that_the_bank_has_is_not_cancelled(session: Session) -> None:
    making.debtor(session)
    run = filed(session)
    runs.hand_in_run(session, run, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="cannot become void"):
        runs.cancel_run(session, run, actor=COMMAND_LINE)


def test_no_step_is_skipped(session: Session) -> None:
    making.debtor(session)
    run = create(session)
    with pytest.raises(Refused, match="cannot become handed in"):
        runs.hand_in_run(session, run, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="no bank file yet"):
        runs.hand_out_files(session, run, actor=COMMAND_LINE)


def test_a_customer_stays_while_a_collection_is_under_way(session: Session) -> None:
    invoice = making.debtor(session)
    run = create(session)
    with pytest.raises(Refused, match=f"invoice {invoice.number} is in collection"):
        delete_customers(session, [invoice.customer_id], actor=COMMAND_LINE)
    runs.cancel_run(session, run, actor=COMMAND_LINE)
    delete_customers(session, [invoice.customer_id], actor=COMMAND_LINE)


def test_nothing_to_collect_and_what_was_not_seen_make_no_run(session: Session) -> None:
    with pytest.raises(Refused, match="nothing to collect"):
        create(session)
    making.debtor(session, "5.00")
    account = making.account(session)
    with pytest.raises(Refused, match="changed since this preview"):
        create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE,
                        seen=(2, Decimal("10.00")))  # fmt: skip
    create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE, seen=(1, Decimal("5.00")))


def test_an_impossible_day_or_a_closed_account_makes_no_run(session: Session) -> None:
    making.debtor(session)
    account = making.account(session)
    with pytest.raises(Refused, match="banks work"):
        create_run(session, account, date(2026, 11, 28), policy=POLICY, actor=COMMAND_LINE)
    account.is_default, account.active = False, False
    session.flush()
    with pytest.raises(Refused, match="not active"):
        create_run(session, account, DAY, policy=POLICY, actor=COMMAND_LINE)


def test_a_file_is_not_made_once_its_day_has_come(session: Session, clock: Clock) -> None:
    making.debtor(session)
    run = create(session)
    clock(datetime(2026, 12, 1, 9, tzinfo=UTC))
    with pytest.raises(Refused, match="too early"):
        runs.file_run(session, run, policy=POLICY, actor=COMMAND_LINE)


@pytest.mark.parametrize("role", [RoleName.OPERATIONS, RoleName.MANAGER])
def test_only_accounting_takes_the_steps(session: Session, role: RoleName) -> None:
    making.debtor(session)
    run = create(session)
    actor = Actor("somebody", ROLE_PERMISSIONS[role], Channel.PANEL, 1)
    with pytest.raises(NotAllowed):
        runs.release_run(session, run, policy=POLICY, actor=actor)
    with pytest.raises(NotAllowed):
        runs.file_run(session, run, policy=POLICY, actor=actor)
    with pytest.raises(NotAllowed):
        runs.hand_out_files(session, run, actor=actor)
    with pytest.raises(NotAllowed):
        runs.cancel_run(session, run, actor=actor)
    assert not actor.may(Permission.DIRECT_DEBIT_RUN)


def test_the_history_tells_every_step(session: Session) -> None:
    making.debtor(session)
    run = filed(session)
    runs.cancel_run(session, run, actor=COMMAND_LINE, reason="Wrong day")
    told = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.entity == "collection run", AuditEntry.entity_id == run.id)
        .order_by(AuditEntry.id)
    ).all()
    steps = [one.changes.get("state", [None, "created"])[1] for one in told]
    assert steps == ["created", "released", "filed", "void"]
    assert told[-1].reason == "Wrong day"
