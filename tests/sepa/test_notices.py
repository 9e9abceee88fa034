"""Pre-notifications: who is told what, by which way, once; and what a cancelled run calls back."""

import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from app.outbox.models import MailState, OutboxMessage
from app.sepa.creating import create_run
from app.sepa.letters import hand_out_letters, letters, window_lines
from app.sepa.models import CollectionRun, PreNotification
from app.sepa.notices import Sent, customers_of, notices_of, send_notices, summary_of
from app.sepa.operations_runs import cancel_run, hand_in_run
from tests.sepa import making

ADDRESS = {
    "kind": "main", "street": "Hauptstraße 1", "postcode": "10115", "place": "Berlin",
    "country": "DE",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


def run_of(session: Session, *customers: dict[str, Any]) -> CollectionRun:
    """A run of one collection from each of the customers."""
    account = making.account(session)
    for given in customers:
        making.debtor(session, customer=given)
    return create_run(
        session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE
    )[0]  # fmt: skip


def send(session: Session, run: CollectionRun, **given: Any) -> Sent:
    ids = customers_of(session, run.id)
    return send_notices(session, run, ids, actor=COMMAND_LINE, **given)


def mails(session: Session) -> list[OutboxMessage]:
    session.expire_all()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_whoever_has_an_email_gets_a_mail_and_the_others_a_letter(session: Session) -> None:
    run = run_of(
        session, {"email": "ada@example.org"}, {}, {"email": "eve@example.org"}
    )  # fmt: skip
    assert send(session, run) == Sent(mails=2, letters=1)
    assert [one.recipient for one in mails(session)] == ["ada@example.org", "eve@example.org"]
    notices = session.scalars(select(PreNotification).order_by(PreNotification.id)).all()
    assert [one.channel for one in notices] == ["email", "letter", "email"]
    assert [one.message_id for one in notices] == [mails(session)[0].id, None, mails(session)[1].id]
    told = session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "collection run").order_by(AuditEntry.id)
    ).all()[-1]
    assert told.changes == {"notices_by_email": [None, 2], "notices_by_letter": [None, 1]}


def test_nobody_is_told_twice(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"}, {})
    assert send(session, run) == Sent(1, 1)
    assert send(session, run) == Sent(0, 0)
    assert send(session, run, letters=True) == Sent(0, 0)
    assert len(mails(session)) == 1


def test_all_go_by_letter_if_that_is_wished(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"}, {})
    assert send(session, run, letters=True) == Sent(0, 2)
    assert mails(session) == []


def test_an_address_that_no_mail_can_be_sent_to_becomes_a_letter(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"})
    customer = making.collections(session, run.id)[0].customer
    customer.email = "ada(at)example..org"
    session.flush()
    assert send(session, run) == Sent(0, 1)


def test_a_mail_says_what_is_collected_when_and_from_which_account(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org", "first_name": "Ada", "name": "{link}"})
    one = making.collections(session, run.id)[0]
    send(session, run)
    mail = mails(session)[0]
    assert mail.subject == "Direct debit of 12.34 EUR on 1 December 2026"
    for told in (
        "Good day Ada {link},",
        "12.34 EUR by SEPA core direct debit from your account ending in " + one.iban[-4:],
        f"Mandate reference: {one.mandate_reference}",
        f"Invoice {one.invoice.number}: 12.34 EUR",
        "Creditor: Kontor Demo GmbH",
        "Creditor identifier: DE98ZZZ09999999999",
        f"Customer number: {one.customer.number}",
    ):
        assert told in mail.body
    assert one.iban not in mail.body and one.iban[4:-4] not in mail.body


def test_who_prefers_german_is_written_to_in_german(session: Session) -> None:
    account = making.account(session)
    customer = making.payer(session, email="ada@example.org", preferred_language="de")
    making.mandate(session, customer)
    for amount in ("1000.00", "234.50"):
        making.invoice(session, customer, amount)
    run = create_run(session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE)[0]
    assert send(session, run) == Sent(1, 0)
    mail = mails(session)[0]
    assert mail.subject == "Lastschrift über 1.234,50 EUR am 01.12.2026"
    assert mail.body.count("Rechnung R-") == 2
    assert mail.body.count("Mandatsreferenz") == 1


def test_several_accounts_of_one_customer_are_told_apart(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"})
    one = making.collections(session, run.id)[0]
    other = making.mandate(session, one.customer, iban=making.iban())
    extra = making.invoice(session, one.customer, "5.00")
    copied = {n: getattr(one, n) for n in ("debtor_name", "sequence_type", "remittance_text")}
    session.add(
        type(one)(
            run_id=run.id, invoice_id=extra.id, customer_id=one.customer_id, mandate_id=other.id,
            end_to_end_id="other", amount=extra.amount, iban=other.iban,
            mandate_reference=other.reference, mandate_signed_on=other.signed_on, **copied,
        )
    )  # fmt: skip
    session.flush()
    send(session, run)
    body = mails(session)[0].body
    assert "17.34 EUR by SEPA core direct debit from your accounts" in body
    for told in (one.mandate_reference, other.reference, one.iban[-4:], other.iban[-4:]):
        assert told in body


def test_a_cancelled_run_calls_back_what_has_not_left(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"}, {"email": "eve@example.org"})
    send(session, run)
    gone, _ = mails(session)
    gone.state, gone.sent_at = MailState.SENT.value, making.NOW
    session.flush()
    cancel_run(session, run, actor=COMMAND_LINE)
    assert [one.state for one in mails(session)] == ["sent", "cancelled"]
    found = summary_of(session, run)
    assert (found.mails, found.waiting, found.cancelled) == (2, 0, 1)
    told = session.scalars(select(AuditEntry).where(AuditEntry.entity == "mail")).all()[-1]
    assert told.changes == {"state": ["waiting", "cancelled"]}
    with pytest.raises(Refused, match="void"):
        send(session, run)
    with pytest.raises(Refused, match="cancelled"):
        hand_out_letters(session, run, actor=COMMAND_LINE)


def test_what_the_bank_has_is_announced_no_more(session: Session) -> None:
    run = run_of(session, {})
    run.state = "filed"
    hand_in_run(session, run, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="is handed in"):
        send(session, run)


@pytest.mark.parametrize("role", [RoleName.OPERATIONS, RoleName.MANAGER])
def test_only_who_may_run_collections_sends_notices(session: Session, role: RoleName) -> None:
    run = run_of(session, {})
    actor = Actor("somebody", ROLE_PERMISSIONS[role] - {Permission.DIRECT_DEBIT_RUN}, Channel.PANEL)
    with pytest.raises(NotAllowed):
        send_notices(session, run, [1], actor=actor)
    with pytest.raises(NotAllowed):
        hand_out_letters(session, run, actor=actor)


def test_letters_come_as_one_pdf_with_a_page_each(session: Session) -> None:
    run = run_of(session, {"addresses": (ADDRESS,)}, {}, {"email": "ada@example.org"})
    send(session, run)
    name, count = hand_out_letters(session, run, actor=COMMAND_LINE)
    assert (name, count) == (f"{run.number}_letters.pdf", 2)
    pdf = b"".join(letters(session, run, count))
    assert pdf.startswith(b"%PDF-") and pages(pdf) == 2


def test_many_letters_come_as_several_pdfs_in_a_zip(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.sepa.letters.PER_PDF", 2)
    run = run_of(session, {}, {}, {})
    send(session, run)
    name, count = hand_out_letters(session, run, actor=COMMAND_LINE)
    assert (name, count) == (f"{run.number}_letters.zip", 3)
    file = tmp_path / name
    file.write_bytes(b"".join(letters(session, run, count)))
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert [pages(archive.read(one)) for one in archive.namelist()] == [2, 1]


def test_a_mail_that_failed_is_printed(session: Session) -> None:
    run = run_of(session, {"email": "ada@example.org"})
    send(session, run)
    with pytest.raises(Refused, match="has no letters"):
        hand_out_letters(session, run, actor=COMMAND_LINE)
    mails(session)[0].state = MailState.FAILED.value
    session.flush()
    assert summary_of(session, run).to_print == 1
    assert hand_out_letters(session, run, actor=COMMAND_LINE)[1] == 1


def test_the_window_shows_the_billing_address_with_a_foreign_country(session: Session) -> None:
    customer = {
        "title": "Dr.", "first_name": "Ada", "name": "Lovelace", "preferred_language": "de",
        "addresses": (
            ADDRESS,
            {"kind": "billing", "care_of": "Byron", "street": "Weg 5", "postcode": "1010",
             "place": "Wien", "country": "AT"},
        ),
    }  # fmt: skip
    run = run_of(session, customer, {"addresses": (ADDRESS | {"po_box": "12 34"},)})
    first, second = notices_of(session, run, customers_of(session, run.id))
    own = making.collections(session, run.id)
    lines = window_lines(first, own[0].customer.addresses, "DE")
    assert lines == ["Dr. Ada Lovelace", "c/o Byron", "Weg 5", "1010 Wien", "ÖSTERREICH"]
    assert window_lines(second, own[1].customer.addresses, "DE")[1:] == [
        "PO box 12 34", "10115 Berlin",
    ]  # fmt: skip
    assert window_lines(second, [], "DE") == [own[1].customer.display_name]


def pages(pdf: bytes) -> int:
    """How many pages a PDF says that it has."""
    told = pdf + b"".join(
        zlib.decompress(found) for found in re.findall(rb"stream\r?\n(x.+?)\nendstream", pdf, re.S)
        if found[:1] == b"x"
    )  # fmt: skip
    return max(int(n) for n in re.findall(rb"/Type\s*/Pages.*?/Count (\d+)", told, re.S))
